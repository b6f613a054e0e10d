"""Branch and commit as git says them, read without git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from skillcache.core import processes
from skillcache.core.git import locate


def git(folder: Path, *words: str) -> str:
    config = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *config, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "sub").mkdir(parents=True)
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
    return folder


def said(folder: Path) -> tuple[str, str, str]:
    place = locate(str(folder))
    return place.root, place.branch, place.commit


def test_the_root_the_branch_and_the_commit_are_found_from_below(project: Path) -> None:
    assert said(project / "sub") == (str(project), "main", git(project, "rev-parse", "HEAD"))


def test_refs_may_be_packed(project: Path) -> None:
    git(project, "branch", "feature/deep")
    git(project, "checkout", "--quiet", "feature/deep")
    git(project, "pack-refs", "--all")
    assert said(project) == (str(project), "feature/deep", git(project, "rev-parse", "HEAD"))


def test_a_detached_head_has_no_branch(project: Path) -> None:
    git(project, "checkout", "--quiet", "--detach")
    assert said(project) == (str(project), "", git(project, "rev-parse", "HEAD"))


def test_a_worktree_has_its_own_branch(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(project, "worktree", "add", "--quiet", "-b", "side", str(other))
    assert said(other) == (str(other), "side", git(project, "rev-parse", "HEAD"))


def test_a_repository_without_a_commit_has_a_branch(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert said(tmp_path) == (str(tmp_path), "main", "")


@pytest.mark.parametrize("head", [b"", b"\xff\xfe", b"ref: refs/heads/.invalid\n", b"ref: ../../etc\n", b"nonsense"])
def test_a_damaged_repository_is_a_folder(tmp_path: Path, head: bytes) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_bytes(head)
    root, _, commit = said(tmp_path)
    assert (root, commit) == (str(tmp_path), "")


def test_outside_git_the_folder_is_the_root(tmp_path: Path) -> None:
    assert said(tmp_path) == (str(tmp_path), "", "")


def test_a_process_is_told_from_another_with_its_number() -> None:
    mine = processes.describe(os.getpid())
    assert processes.is_alive(mine, processes.here()) is True
    assert processes.is_alive({**mine, "pid_start": "1"}, processes.here()) is False
    assert processes.is_alive(mine, "elsewhere") is None
    assert processes.is_alive({}, processes.here()) is None


def test_a_killed_process_is_known_to_be_gone() -> None:
    process = subprocess.Popen(["sleep", "60"])
    known = processes.describe(process.pid)
    process.kill()
    process.wait()
    assert processes.is_alive(known, processes.here()) is False
