"""A project has one identity in all its clones and worktrees."""

import os
import subprocess
from pathlib import Path

import pytest

from skillcache.core.git import identity, normalise


def git(folder: Path, *arguments: str) -> None:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    login = ["-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run(["git", *login, *arguments], cwd=folder, check=True, capture_output=True, env=environ)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "one"
    root.mkdir()
    git(root, "init", "-q")
    git(root, "commit", "-q", "--allow-empty", "-m", "first")
    return root


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/team/thing.git", "example.com/team/thing"),
        ("https://user:token@Example.com:8443/team/thing/", "example.com/team/thing"),
        ("ssh://git@example.com:22/team/thing.git", "example.com/team/thing"),
        ("git@example.com:team/thing.git", "example.com/team/thing"),
        ("example.com:thing", "example.com/thing"),
        ("/srv/git/thing.git", ""),
        ("../thing", ""),
        ("file:///srv/git/thing", ""),
        ("", ""),
    ],
)
def test_urls_of_one_repository_are_one(url: str, expected: str) -> None:
    assert normalise(url) == expected


def test_the_origin_names_a_project_in_every_worktree(repository: Path, tmp_path: Path) -> None:
    git(repository, "remote", "add", "upstream", "https://example.com/other/thing")
    git(repository, "remote", "add", "origin", "git@example.com:team/thing.git")
    git(repository, "worktree", "add", "-q", str(tmp_path / "two"))
    assert identity(str(repository)) == identity(str(tmp_path / "two")) == "example.com/team/thing"


def test_without_an_origin_the_shared_repository_names_it(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "two"))
    assert identity(str(repository)) == identity(str(tmp_path / "two")) == str(repository / ".git")


def test_outside_git_the_folder_names_it(tmp_path: Path) -> None:
    assert identity(str(tmp_path)) == str(tmp_path)


def test_a_folder_whose_name_is_no_text_has_a_name_that_every_store_takes(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/p\xff"
    os.mkdir(folder)

    assert identity(os.fsdecode(folder)) == f"{tmp_path}/p\\xff"
