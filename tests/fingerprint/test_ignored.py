"""Files that git ignores and commands read: captured, unless they are caches."""

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from skillcache.core import outcomes
from skillcache.core.outcomes import Bypass

if TYPE_CHECKING:
    from tests.fingerprint.conftest import Project


@pytest.mark.table
@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "config/local.toml",
        "dist/bundle.js",
        "generated/deep/api.py",
        "native.so",
        "test.sqlite3",
        ".claude.json",
        "src/without_source.pyc",
        "web/.next/types/link.d.ts",
        ".next/dev/types/routes.d.ts",
        ".terraform/modules/modules.json",
        ".vscode/cspell.json",
    ],
)
def test_an_ignored_file_counts(repo: "Project", path: str) -> None:
    repo.write(
        ".gitignore", ".env\nlocal.toml\ndist/\ngenerated\n*.so\n*.sqlite3\n.claude.json\n*.pyc\n.next\n.[tv]*/\n"
    )
    before = repo.rows()
    repo.write(path, "1")
    first = repo.rows()
    repo.write(path, "2")
    assert len({before, first, repo.rows()}) == 3


@pytest.mark.table
@pytest.mark.parametrize(
    "path",
    [
        "src/__pycache__/main.cpython-312.pyc",
        ".pytest_cache/README.md",
        ".mypy_cache/3.12/x.json",
        ".ruff_cache/0.5/y",
        ".hypothesis/unicode_data/z",
        ".eslintcache",
        ".claude/settings.local.json",
        "deep/below/.DS_Store",
        ".next/server/app.js",
        ".next/dev/server/types/app.js",
    ],
)
@pytest.mark.parametrize("collapsed", [True, False])
def test_a_cache_does_not_count(repo: "Project", path: str, *, collapsed: bool) -> None:
    repo.write(
        ".gitignore", f"/{path.partition('/')[0]}\n" if collapsed else f"/{path.replace('_cache', '_cach?', 1)}\n"
    )
    repo.write("deep/below/.keep" if path.startswith("deep") else ".keep")
    repo.commit()
    before = repo.rows()
    repo.write(path, "1")
    assert repo.rows() == before


def test_a_run_of_real_tests_leaves_the_rows_as_they_were(repo: "Project") -> None:
    before = repo.rows()
    subprocess.run([sys.executable, "-m", "pytest", "-q"], cwd=repo.top, env=repo.environ, check=True)
    assert (repo.top / ".pytest_cache").is_dir()
    assert repo.rows() == before


def test_bytecode_that_nobody_told_git_to_ignore_does_not_count(repo: "Project") -> None:
    before = repo.rows()
    repo.write("src/__pycache__/main.cpython-312.pyc", "1")
    repo.write(".pytest_cache/README.md", "1")
    assert repo.rows() == before


@pytest.mark.parametrize(
    ("build", "tool", "counts"),
    [("Cargo.toml", "cargo", False), ("Cargo.toml", "make", True), ("a.txt", "cargo", True)],
)
def test_a_build_folder_is_its_own_tool_s(repo: "Project", build: str, tool: str, *, counts: bool) -> None:
    repo.write(build)
    executable = str(repo.beside("bin").write(tool, "#!/bin/sh\n", mode=0o755))
    repo.write(".gitignore", "target/\n")
    repo.environ["PATH"] = "/usr/bin:/bin"
    before = repo.rows(executables=((executable, str(repo.top)),))
    repo.write("target/debug/out", "1")
    assert (repo.rows(executables=((executable, str(repo.top)),)) != before) is counts


def test_what_the_line_names_is_never_skipped(repo: "Project") -> None:
    repo.write(".gitignore", "*.log\ncoverage/\n")
    repo.write("run.log", "1")
    repo.write("coverage/lcov.info", "1")
    for path in ("run.log", "coverage", "coverage/lcov.info"):
        reads = (str(repo.top / path),)
        before = repo.rows(reads=reads)
        repo.write("run.log", f"2 {path}")
        repo.write("coverage/lcov.info", f"2 {path}")
        assert repo.rows(reads=reads) != before


def test_a_named_file_outside_the_project_counts(repo: "Project") -> None:
    outside = repo.beside("elsewhere").write("data.txt", "1")
    reads = (str(outside), str(repo.top / "src/main.py"), str(repo.top / "missing"))
    before = repo.rows(reads=reads)
    outside.write_text("2")
    changed = repo.rows(reads=reads)
    outside.unlink()
    assert len({before, changed, repo.rows(reads=reads)}) == 3


def test_an_ignored_repository_counts_by_its_content(repo: "Project") -> None:
    repo.write(".gitignore", ".claude/\n")
    repo.commit()
    repo.git("worktree", "add", "-q", ".claude/worktrees/one")
    before = repo.rows()
    repo.write(".claude/worktrees/one/src/main.py", "print(2)\n")
    changed = repo.rows()
    repo.git("commit", "-qam", "there", cwd=repo.top / ".claude/worktrees/one")
    repo.write(".claude/settings.local.json", "{}")
    assert before != changed == repo.rows()


def test_an_ignored_folder_that_only_looks_like_a_repository_counts_by_its_files(repo: "Project") -> None:
    repo.write(".gitignore", "fixtures/\n")
    repo.write("fixtures/fake/.git", "nonsense")
    repo.write("fixtures/fake/a", "1")
    before = repo.rows()
    repo.write("fixtures/fake/a", "2")
    assert repo.rows() != before


def test_many_ignored_files_are_one_row(repo: "Project") -> None:
    repo.write(".gitignore", "*.gen\n")
    for number in range(150):
        repo.write(f"{number}.gen", "1")
    before = repo.rows()
    assert [row[1] for row in before if row[0] == "ignored"] == [""]
    repo.write("77.gen", "2")
    assert repo.rows() != before


def test_of_too_many_ignored_files_the_stamps_count(repo: "Project") -> None:
    repo.write(".gitignore", "data/\n.env\n")
    repo.write(".env", "1")
    for number in range(2100):
        repo.write(f"data/{number}", "1")
    before = repo.rows()
    assert repo.rows() == before
    (repo.top / "data/7").write_text("2")
    changed = repo.rows()
    assert changed != before
    repo.write(".env", "2")
    assert repo.rows() != changed


def test_files_that_only_the_person_ignores_count(repo: "Project") -> None:
    repo.write(".git/info/exclude", "mine.txt\n")
    repo.write("../home/.config/git/ignore", "also.txt\n")
    before = repo.rows()
    repo.write("mine.txt", "1")
    one = repo.rows()
    repo.write("also.txt", "1")
    assert len({before, one, repo.rows()}) == 3


class TestNarrowed:
    def test_only_what_the_globs_name_counts(self, repo: "Project") -> None:
        repo.write(".gitignore", "build/\nsrc/gen.py\n")
        repo.commit()
        before = repo.rows(depends=("src/**",))
        repo.write("tests/test_main.py", "changed\n")
        repo.write("new.txt")
        repo.write("build/out")
        assert repo.rows(depends=("src/**",)) == before
        repo.write("src/deep/er/new.py", "1\n")
        untracked = repo.rows(depends=("src/**",))
        repo.commit()
        assert before != untracked == repo.rows(depends=("src/**",))
        repo.write("src/gen.py", "1\n")
        assert repo.rows(depends=("src/**",)) != untracked

    def test_what_the_line_names_counts_outside_the_globs_too(self, repo: "Project") -> None:
        for path in ("tests/test_main.py", "tests", "."):
            reads = (os.path.normpath(repo.top / path),)
            before = repo.rows(depends=("src/**",), reads=reads)
            repo.write("tests/test_main.py", f"changed {path}\n")
            assert repo.rows(depends=("src/**",), reads=reads) != before

    def test_packages_and_variables_still_count(self, repo: "Project") -> None:
        repo.write(".gitignore", ".venv\n")
        repo.write(".venv/pyvenv.cfg")
        before = repo.rows(depends=("src/**",))
        repo.write(".venv/lib/python3.12/site-packages/one-1.0.dist-info/METADATA")
        more = repo.rows(depends=("src/**",))
        assert len({before, more, repo.rows(depends=("src/**",), environ={"CI": "1"})}) == 3

    def test_no_globs_at_all_leave_the_content_out(self, repo: "Project") -> None:
        before = repo.rows(depends=())
        repo.write("src/main.py", "print(2)\n")
        assert repo.rows(depends=()) == before


class TestWithoutGit:
    def test_the_content_counts_and_caches_do_not(self, folder: "Project") -> None:
        folder.write("pyproject.toml")
        folder.write("src/a.py", "1\n")
        before = folder.rows("src")
        assert folder.capture("src").root == str(folder.top)
        folder.write("src/__pycache__/a.pyc")
        assert folder.rows() == before
        folder.write("src/a.py", "2\n")
        changed = folder.rows()
        (folder.top / "src/a.py").chmod(0o755)
        assert len({before, changed, folder.rows()}) == 3

    def test_home_is_no_project(self, folder: "Project") -> None:
        with pytest.raises(Bypass) as caught:
            folder.rows("../home")
        assert caught.value.outcome is outcomes.UNCAPTURABLE
