"""Equal content gives equal rows, whatever git's bookkeeping says; any other content gives others."""

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from skillcache.core import outcomes
from skillcache.core.outcomes import Bypass

if TYPE_CHECKING:
    from tests.fingerprint.conftest import Project


def test_a_modified_a_staged_and_a_committed_change_are_the_same(repo: "Project") -> None:
    before = repo.rows()
    repo.write("src/main.py", "print(2)\n")
    modified = repo.rows()
    repo.git("add", "-A")
    staged = repo.rows()
    repo.commit()
    assert before != modified == staged == repo.rows()


def test_an_untracked_a_staged_and_a_committed_file_are_the_same(repo: "Project") -> None:
    before = repo.rows()
    repo.write("src/new.py", "x = 1\n")
    untracked = repo.rows()
    repo.git("add", "-N", ".")
    intended = repo.rows()
    repo.git("add", "-A")
    staged = repo.rows()
    repo.commit()
    assert before != untracked == intended == staged == repo.rows()


def test_undoing_an_edit_gives_the_first_rows_again(repo: "Project") -> None:
    before = repo.rows()
    repo.write("src/main.py", "print(2)\n")
    repo.write("src/main.py", "print(1)\n")
    assert repo.rows() == before


def test_a_clone_and_a_worktree_and_a_folder_inside_are_the_same(
    repo: "Project", clone: "Callable[[str], Project]"
) -> None:
    repo.git("worktree", "add", "-q", "../tree")
    tree, other = repo.beside("tree"), clone("clone")
    other.git("commit", "-q", "--allow-empty", "-m", "another head")
    assert repo.rows() == tree.rows() == other.rows() == repo.rows("src")
    tree.write("src/main.py", "print(2)\n")
    assert repo.rows() != tree.rows()


@pytest.mark.parametrize("how", ["delete", "rename", "executable", "link", "empty file"])
def test_every_kind_of_change_is_seen_and_survives_a_commit(repo: "Project", how: str) -> None:
    before = repo.rows()
    main = repo.top / "src/main.py"
    match how:
        case "delete":
            main.unlink()
        case "rename":
            main.rename(repo.top / "src/other.py")
        case "executable":
            main.chmod(0o755)
        case "link":
            main.unlink()
            main.symlink_to("../README.md")
        case "empty file":
            repo.write("src/empty")
    changed = repo.rows()
    repo.commit()
    assert before != changed == repo.rows()


def test_a_change_of_the_executable_bit_counts_even_where_git_is_told_to_ignore_it(repo: "Project") -> None:
    before = repo.rows()
    repo.git("config", "core.fileMode", "false")
    assert repo.rows() == before
    (repo.top / "src/main.py").chmod(0o755)
    assert repo.rows() != before


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_entries_git_is_told_not_to_look_at_are_read(repo: "Project", flag: str) -> None:
    before = repo.rows()
    repo.git("update-index", flag, "src/main.py")
    assert repo.rows() == before
    repo.write("src/main.py", "print(2)\n")
    changed = repo.rows()
    assert changed != before
    (repo.top / "src/main.py").unlink()
    assert repo.rows() not in (before, changed)


def test_a_same_size_edit_within_one_clock_tick_is_seen(repo: "Project") -> None:
    for number in range(10):
        repo.write("src/main.py", f"print({number})\n")
        repo.git("add", "-A")
        before = repo.rows()
        repo.write("src/main.py", f"print({(number + 1) % 10})\n")
        assert repo.rows() != before


def test_an_edit_that_keeps_size_and_time_is_seen(repo: "Project") -> None:
    before = repo.rows()
    main = repo.top / "src/main.py"
    kept = main.stat()
    main.write_text("print(2)\n")
    os.utime(main, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert repo.rows() != before


def test_files_in_conflict_are_read_from_the_worktree(repo: "Project") -> None:
    repo.git("switch", "-q", "-c", "other")
    repo.write("src/main.py", "print('other')\n")
    repo.commit()
    repo.git("switch", "-q", "main")
    repo.write("src/main.py", "print('main')\n")
    repo.commit()
    subprocess.run(["git", "merge", "-q", "other"], cwd=repo.top, env=repo.environ, capture_output=True, check=False)
    assert "UU src/main.py" in repo.git("status", "--porcelain")
    conflict = repo.rows()
    repo.write("src/main.py", "print('both')\n")
    resolved = repo.rows()
    repo.commit()
    assert conflict != resolved == repo.rows()


@pytest.mark.parametrize("once", [True, False])
def test_an_index_written_during_the_capture_is_read_again_once(repo: "Project", *, once: bool) -> None:
    # The person's git is one that somebody works beside.
    repeat = "" if once else "rm -f .git/touched; "
    meddle = "touch .git/touched; touch -d @$(date +%s%N | cut -c5-13) .git/index"
    look = f"case \"$*\" in *' status '*) cd '{repo.top}'\n{repeat}[ -e .git/touched ] || {{ {meddle}; }};; esac"
    script = f"#!/bin/sh\n{look}\n"
    beside = repo.write("../bin/git", f'{script}exec {shutil.which("git")} "$@"\n', mode=0o755)
    environ = {"PATH": f"{beside.resolve().parent}:{repo.environ['PATH']}"}
    if once:
        assert repo.rows(environ=environ)
    else:
        with pytest.raises(Bypass) as caught:
            repo.rows(environ=environ)
        assert caught.value.outcome is outcomes.TOO_SLOW


def test_a_repository_without_commits(folder: "Project") -> None:
    folder.git("init", "-q")
    folder.write("a.py", "1\n")
    untracked = folder.rows()
    folder.git("add", "-A")
    staged = folder.rows()
    folder.commit()
    assert untracked == staged == folder.rows()


def test_a_repository_of_sha256(folder: "Project") -> None:
    folder.git("init", "-q", "--object-format=sha256")
    folder.write("a.py", "1\n")
    folder.commit()
    before = folder.rows()
    folder.write("a.py", "2\n")
    changed = folder.rows()
    folder.commit()
    assert before != changed == folder.rows()


def test_names_with_line_ends_quotes_and_bytes_that_are_no_text(repo: "Project") -> None:
    for name in (b"new\nline", b"quo\"te'", b"t\tab", b"caf\xe9", b"\xff\xfe", b" space "):
        with open(os.path.join(os.fsencode(repo.top), name), "wb") as file:
            file.write(name)
    untracked = repo.rows()
    repo.commit()
    assert repo.rows() == untracked
    with open(os.path.join(os.fsencode(repo.top), b"caf\xe9"), "wb") as file:
        file.write(b"other")
    assert repo.rows() != untracked


def test_capturing_writes_nothing_into_the_repository(repo: "Project") -> None:
    repo.write("src/main.py", "print(1)\n")  # a stale entry that `git status` would like to refresh
    repo.write("new.py")

    def state() -> dict[str, int]:
        return {str(path): path.lstat().st_mtime_ns for path in (repo.top / ".git").rglob("*")}

    before = state()
    repo.rows()
    assert state() == before


@pytest.mark.parametrize("content", ["", "gitdir: /nowhere\n", "nonsense"])
def test_a_broken_repository_is_a_bypass(repo: "Project", content: str) -> None:
    inner = repo.top / "inner"
    inner.mkdir()
    (inner / ".git").write_text(content)
    with pytest.raises(Bypass) as caught:
        repo.rows("inner")
    assert caught.value.outcome is outcomes.NO_GIT


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_repository_of_somebody_else_is_a_bypass(repo: "Project") -> None:
    for path in (repo.top, repo.top / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(Bypass) as caught:
        repo.rows()
    assert caught.value.outcome is outcomes.NO_GIT
    trusted = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    assert repo.rows(environ=trusted)


def test_names_that_are_no_text_can_be_encoded(repo: "Project") -> None:
    repo.write(".gitignore", "*.env\n")
    for name in (b"\xff.env", b"\xfe.env"):
        with open(os.path.join(os.fsencode(repo.top), name), "wb"):
            pass
    found = repo.capture()
    assert repr(found.rows).encode()
    assert len([row for row in found.rows if row[0] == "ignored"]) == 2


def test_git_variables_of_the_environment_do_not_mislead(repo: "Project") -> None:
    """They count, as a command may ask git, but it is this repository that is looked at."""
    before = repo.rows()
    misleading = {"GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere", "GIT_WORK_TREE": "/"}
    rows = repo.rows(environ=misleading)
    assert {row for row in rows if row[0] != "env"} == {row for row in before if row[0] != "env"}
    assert {name for label, name, _ in set(rows) - set(before) if label == "env"} == set(misleading)
