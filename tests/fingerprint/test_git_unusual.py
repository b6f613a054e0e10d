"""Worktrees that are not plain: submodules, nested repositories, links, attributes, sparse and shallow checkouts."""

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from skillcache.core import outcomes
from skillcache.core.outcomes import Bypass

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fingerprint.conftest import Project


_LFS = """#!/bin/sh
cat > "$0.content"
echo version https://git-lfs.github.com/spec/v1
echo oid sha256:$(sha256sum < "$0.content" | cut -d' ' -f1)
echo size $(wc -c < "$0.content")
"""


@pytest.fixture
def library(repo: "Project") -> "Project":
    other = repo.beside("library")
    other.git("init", "-q")
    other.write("lib.py", "1\n")
    other.commit()
    return other


class TestSubmodules:
    @pytest.fixture
    def outer(self, repo: "Project", library: "Project") -> "Project":
        repo.git("submodule", "--quiet", "add", str(library.top), "lib")
        repo.commit()
        return repo

    def test_an_edit_inside_is_seen_and_its_commit_changes_nothing(self, outer: "Project") -> None:
        before = outer.rows()
        outer.write("lib/lib.py", "2\n")
        edited = outer.rows()
        outer.git("commit", "-qam", "inner", cwd=outer.top / "lib")
        assert before != edited == outer.rows()
        outer.commit()
        assert outer.rows() == edited

    def test_a_new_file_inside_is_seen(self, outer: "Project") -> None:
        before = outer.rows()
        outer.write("lib/new.py")
        assert outer.rows() != before

    def test_one_that_is_not_initialised_is_another_content(self, outer: "Project") -> None:
        before = outer.rows()
        outer.git("submodule", "--quiet", "deinit", "-f", "lib")
        empty = outer.rows()
        assert empty != before
        outer.write("lib/stray.py")
        with pytest.raises(Bypass) as caught:
            outer.rows()
        assert caught.value.outcome is outcomes.UNCAPTURABLE

    def test_one_replaced_by_a_file_or_a_link(self, outer: "Project") -> None:
        (outer.top / "lib").rename(outer.top.parent / "moved")
        (outer.top.parent / "moved/.git").unlink()
        rows = {outer.rows()}
        outer.write("lib", "1")
        rows.add(outer.rows())
        outer.write("lib", "2")
        rows.add(outer.rows())
        (outer.top / "lib").unlink()
        (outer.top / "lib").symlink_to("src")
        rows.add(outer.rows())
        (outer.top / "lib").unlink()
        (outer.top / "lib").symlink_to("../moved")
        linked = outer.rows()
        (outer.top / "../moved/lib.py").write_text("2\n")
        assert len({*rows, linked, outer.rows()}) == 6

    def test_a_setting_that_hides_changes_inside_is_not_followed(self, outer: "Project") -> None:
        outer.git("config", "submodule.lib.ignore", "all")
        before = outer.rows()
        outer.write("lib/lib.py", "2\n")
        assert outer.rows() != before

    def test_ignored_files_inside_are_captured(self, outer: "Project") -> None:
        outer.write("lib/.gitignore", ".env\n")
        outer.write("lib/.env", "A=1\n")
        before = outer.rows()
        outer.write("lib/.env", "A=2\n")
        assert outer.rows() != before


def test_an_unknown_repository_inside_is_captured(repo: "Project") -> None:
    inner = repo.top / "inner"
    inner.mkdir()
    repo.git("init", "-q", cwd=inner)
    repo.write("inner/a.py", "1\n")
    before = repo.rows()
    repo.git("add", "-A", cwd=inner)
    repo.git("commit", "-qm", "inner", cwd=inner)
    assert repo.rows() == before
    repo.write("inner/a.py", "2\n")
    assert repo.rows() != before


class TestLinks:
    def test_a_link_within_counts_by_its_target_text(self, repo: "Project") -> None:
        (repo.top / "link").symlink_to("src")
        first = repo.rows()
        repo.commit()
        assert repo.rows() == first
        (repo.top / "link").unlink()
        (repo.top / "link").symlink_to("tests")
        assert repo.rows() != first

    @pytest.mark.parametrize("tracked", [True, False])
    def test_what_a_link_leads_to_outside_is_captured(self, repo: "Project", *, tracked: bool) -> None:
        other = repo.beside("other")
        other.write("data/file.txt", "1\n")
        (repo.top / "to_file").symlink_to(other.top / "data/file.txt")
        (repo.top / "to_folder").symlink_to(other.top / "data")
        if tracked:
            repo.commit()
        before = repo.rows()
        other.write("data/file.txt", "2\n")
        changed = repo.rows()
        assert changed != before
        other.write("data/more.txt")
        assert repo.rows() not in (before, changed)

    def test_an_ignored_link_out_of_the_project_counts_by_content(self, repo: "Project") -> None:
        other = repo.beside("other")
        other.write("file", "1")
        repo.write(".gitignore", "local/\n")
        repo.write("local/keep")
        (repo.top / "local/link").symlink_to(other.top)
        before = repo.rows()
        other.write("file", "2")
        assert repo.rows() != before

    def test_a_link_to_nothing_and_a_link_to_itself(self, repo: "Project") -> None:
        (repo.top / "nowhere").symlink_to("/no/such/place")
        (repo.top / "loop").symlink_to("loop")
        assert repo.rows() == repo.rows()

    def test_a_link_to_everything_is_a_bypass(self, repo: "Project") -> None:
        (repo.top / "all").symlink_to("/")
        with pytest.raises(Bypass) as caught:
            repo.rows()
        assert caught.value.outcome is outcomes.TOO_LARGE

    def test_a_folder_that_became_a_link(self, repo: "Project") -> None:
        before = repo.rows()
        (repo.top / "src").rename(repo.top / "code")
        (repo.top / "src").symlink_to("code")
        changed = repo.rows()
        repo.commit()
        assert before != changed == repo.rows()


class TestConversion:
    def test_line_ends_that_git_converts_are_seen(self, repo: "Project") -> None:
        repo.write(".gitattributes", "* text=auto\n")
        repo.commit()
        before = repo.rows()
        repo.write("README.md", "hello\r\n")
        changed = repo.rows()
        assert changed != before
        repo.git("add", "-A")
        repo.git("commit", "-q", "--allow-empty", "-m", "normalised")
        assert repo.rows() != before
        repo.write("README.md", "hello\n")
        assert repo.rows() == before

    def test_attributes_below_the_top_count_too(self, repo: "Project") -> None:
        repo.write("src/.gitattributes", "* text=auto\n")
        repo.commit()
        before = repo.rows()
        repo.write("src/main.py", "print(1)\r\n")
        repo.git("add", "-A")
        assert repo.rows() != before

    def test_autocrlf(self, repo: "Project") -> None:
        repo.git("config", "core.autocrlf", "input")
        before = repo.rows()
        repo.write("src/main.py", "print(1)\r\n")
        repo.git("add", "-A")
        repo.git("commit", "-q", "--allow-empty", "-m", "normalised")
        assert repo.rows() != before

    def test_equal_content_is_equal_with_attributes(self, repo: "Project", clone: "Callable[[str], Project]") -> None:
        repo.write(".gitattributes", "* text=auto\n*.png binary\n")
        repo.commit()
        before = repo.rows()
        assert clone("clone").rows() == before
        repo.write("src/new.py", "1\n")
        untracked = repo.rows()
        repo.commit()
        assert before != untracked == repo.rows()

    def test_a_filter_that_hides_a_change_of_the_same_size(self, repo: "Project") -> None:
        repo.git("config", "filter.strip.clean", "sed s/[0-9]/0/g")
        repo.write(".gitattributes", "*.nb filter=strip\n")
        repo.write("book.nb", "count 1\n")
        repo.commit()
        before = repo.rows()
        repo.write("book.nb", "count 2\n")
        repo.git("add", "-A")
        assert "book.nb" not in repo.git("status", "--porcelain")
        assert repo.rows() != before

    def test_a_file_of_git_lfs_is_the_same_whether_git_trusts_its_time(self, repo: "Project") -> None:
        tool = repo.write("../bin/git-lfs", _LFS, mode=0o755).resolve()
        repo.environ["PATH"] = f"{tool.parent}:{repo.environ['PATH']}"
        repo.git("config", "filter.lfs.clean", "git-lfs clean -- %f")
        repo.write(".gitattributes", "*.bin filter=lfs -text\n")
        repo.write("a.bin", "content 1\n")
        repo.commit()
        os.utime(repo.top / ".git/index", (2_000_000_000, 2_000_000_000))
        trusted = repo.rows()
        os.utime(repo.top / "a.bin", (1, 1))
        assert repo.rows() == trusted
        os.utime(repo.write("a.bin", "content 2\n"), (1, 1))
        assert repo.rows() != trusted

    @pytest.mark.parametrize("name", ["lfs", "lfsx"])
    def test_a_filter_that_only_sounds_like_git_lfs_hides_nothing(self, repo: "Project", name: str) -> None:
        repo.git("config", f"filter.{name}.clean", "sed s/[0-9]/0/g")
        repo.write(".gitattributes", f"*.nb filter={name}\n")
        repo.write("book.nb", "count 1\n")
        repo.commit()
        before = repo.rows()
        repo.write("book.nb", "count 2\n")
        repo.git("add", "-A")
        assert repo.rows() != before

    def test_attributes_that_are_gone_from_the_worktree_still_count(self, repo: "Project") -> None:
        repo.git("config", "filter.strip.clean", "sed s/[0-9]/0/g")
        repo.write(".gitattributes", "*.nb filter=strip\n")
        repo.write("book.nb", "count 1\n")
        repo.commit()
        (repo.top / ".gitattributes").unlink()
        before = repo.rows()
        repo.write("book.nb", "count 2\n")
        repo.git("add", "book.nb")
        assert repo.rows() != before

    def test_keyword_expansion(self, repo: "Project") -> None:
        repo.write(".gitattributes", "*.c ident\n")
        repo.write("a.c", "/* $Id$ */\n")
        repo.commit()
        before = repo.rows()
        repo.write("a.c", "/* $Id: something $ */\n")
        assert repo.rows() != before


class TestCheckouts:
    def test_a_sparse_checkout_holds_less(self, repo: "Project", clone: "Callable[[str], Project]") -> None:
        other = clone("sparse")
        other.git("sparse-checkout", "set", "src")
        assert not (other.top / "tests").exists()
        assert other.rows() != repo.rows()
        full = other.rows()
        other.write("tests/test_main.py", "def test(): pass\n")
        assert other.rows() == repo.rows()
        other.write("tests/test_main.py", "changed\n")
        assert other.rows() not in (full, repo.rows())

    def test_a_sparse_index(self, repo: "Project", clone: "Callable[[str], Project]") -> None:
        other = clone("sparse")
        other.git("sparse-checkout", "set", "--cone", "--sparse-index", "src")
        before = other.rows()
        other.write("src/main.py", "print(2)\n")
        assert before != other.rows()
        other.git("sparse-checkout", "disable")
        repo.write("src/main.py", "print(2)\n")
        assert other.rows() == repo.rows()

    def test_a_shallow_clone_is_the_same_content(self, repo: "Project") -> None:
        repo.write("src/main.py", "print(2)\n")
        repo.commit()
        other = repo.beside("shallow")
        repo.git("clone", "-q", "--depth=1", f"file://{repo.top}", str(other.top))
        assert other.rows() == repo.rows()

    @pytest.mark.parametrize("version", ["2", "3", "4"])
    def test_every_version_of_the_index(self, repo: "Project", version: str) -> None:
        before = repo.rows()
        repo.git("update-index", "--index-version", version)
        assert repo.rows() == before

    def test_a_split_index(self, repo: "Project") -> None:
        before = repo.rows()
        repo.git("update-index", "--split-index")
        repo.write("src/new.py")
        repo.git("add", "-A")
        assert repo.rows() != before
        repo.git("rm", "-qf", "src/new.py")
        assert repo.rows() == before

    def test_a_file_system_monitor_is_not_believed(self, repo: "Project") -> None:
        hook = repo.write("../monitor", "#!/bin/sh\ntouch ran\nprintf 'token\\0'\n", mode=0o755)
        before = repo.rows()
        repo.git("config", "core.fsmonitor", str(hook))
        repo.git("status")
        (repo.top / "ran").unlink()
        repo.write("src/main.py", "print(2)\n")
        assert repo.rows() != before
        assert not (repo.top / "ran").exists()

    def test_a_bare_repository_is_a_bypass(self, folder: "Project") -> None:
        folder.git("init", "-q", "--bare", ".")
        (folder.top / ".git").mkdir()
        with pytest.raises(Bypass) as caught:
            folder.rows()
        assert caught.value.outcome is outcomes.NO_GIT


class TestStrangeFiles:
    def test_pipes_and_sockets_are_never_opened(self, repo: "Project", monkeypatch: pytest.MonkeyPatch) -> None:
        os.mkfifo(repo.top / "pipe")
        repo.write(".gitignore", "ignored/\n")
        (repo.top / "ignored").mkdir()
        os.mkfifo(repo.top / "ignored/pipe")
        monkeypatch.chdir(repo.top)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket")
            assert repo.rows() == repo.rows()

    def test_a_tracked_file_replaced_by_a_pipe(self, repo: "Project") -> None:
        before = repo.rows()
        (repo.top / "src/main.py").unlink()
        os.mkfifo(repo.top / "src/main.py")
        assert repo.rows() != before

    def test_a_tracked_file_replaced_by_a_folder(self, repo: "Project") -> None:
        (repo.top / "src/main.py").unlink()
        repo.write("src/main.py/inner.py", "1\n")
        changed = repo.rows()
        repo.commit()
        assert repo.rows() == changed

    def test_deep_trees_and_empty_folders(self, repo: "Project") -> None:
        before = repo.rows()
        deep = "/".join(["d"] * 200)
        (repo.top / deep).mkdir(parents=True)
        empty = repo.rows()
        assert empty != before
        repo.write(f"{deep}/file")
        assert repo.rows() not in (before, empty)

    def test_too_many_new_bytes_are_a_bypass(self, repo: "Project") -> None:
        with (repo.top / "huge.bin").open("wb") as file:
            file.truncate(65 << 20)
        with pytest.raises(Bypass) as caught:
            repo.rows()
        assert caught.value.outcome is outcomes.TOO_LARGE

    @pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
    def test_a_file_that_cannot_be_read_is_a_bypass(self, repo: "Project") -> None:
        repo.write("locked.txt", mode=0)
        with pytest.raises(Bypass) as caught:
            repo.rows()
        assert caught.value.outcome is outcomes.UNCAPTURABLE

    def test_a_deadline_that_has_passed_is_a_bypass(self, repo: "Project") -> None:
        from skillcache.fingerprint.capture import Request, capture

        with pytest.raises(Bypass) as caught:
            capture(Request(str(repo.top), repo.environ, 0.0))
        assert caught.value.outcome is outcomes.TOO_SLOW


def test_a_link_on_the_way_to_the_project_changes_nothing(repo: "Project", tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(repo.top)
    other = repo.beside("alias")
    assert other.rows() == repo.rows()
    assert other.capture("src").root == str(repo.top)


@pytest.mark.table
@pytest.mark.parametrize(
    "section",
    [
        '[filter "X.y"]\n\tclean = {}\n\trequired = true\n',
        '[Filter "X.y"] process = {}\n',
        "[include]\n\tpath = ../more\n",
    ],
)
@pytest.mark.parametrize("place", [".", "inner"])
def test_no_filter_of_a_repository_s_own_is_run(repo: "Project", section: str, place: str) -> None:
    command = f"touch {repo.top.parent}/run; cat"
    where = repo.top / place
    repo.write(f"{place}/.gitattributes", "*.txt filter=X.y\n")
    repo.write(f"{place}/a.txt", "1\n")
    repo.git("init", "-q", cwd=where)
    repo.git("add", "-A", cwd=where)
    repo.write(f"{place}/more", f'[filter "X.y"]\n\tclean = {command}\n')
    with (where / ".git/config").open("a") as file:
        file.write(section.format(command))
    before = repo.rows()
    repo.write(f"{place}/a.txt", "2\n")
    assert repo.rows() != before
    repo.write(f"{place}/a.txt", "1\n")
    assert repo.rows() == before
    assert not (repo.top.parent / "run").exists()
