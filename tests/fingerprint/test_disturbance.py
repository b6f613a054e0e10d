"""What was changed and changed back is noticed, and what was left alone is not."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from skillcache.fingerprint.changes import disturbed

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
IGNORED = (("ignored", ".env", "0f"),)


def git(root: Path, *arguments: str) -> None:
    login = ["-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run(["git", *login, *arguments], cwd=root, env=ENVIRON, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name in ("a.py", "sub/b.py"):
        (tmp_path / name).write_text("one\n")
    (tmp_path / ".gitignore").write_text(".env\n")
    (tmp_path / ".env").write_text("X=1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "untracked.py").write_text("one\n")
    return tmp_path


def age(root: Path, seconds: int) -> None:
    """Let git's index be that much older than it is, and its record of the files with it."""
    past = time.time() - seconds
    for path in root.rglob("*"):
        if ".git" not in path.parts:
            os.utime(path, (past, past))
    git(root, "update-index", "--refresh", "-q")


def stamp(root: Path) -> int:
    """The file system's own time."""
    path = root / ".git/stamp"
    path.unlink(missing_ok=True)
    path.touch()
    return path.stat().st_ctime_ns


def later_stamp(root: Path) -> int:
    """A stamp that everything so far is older than."""
    first = stamp(root)
    while (now := stamp(root)) == first:
        pass
    return now


def is_disturbed(root: Path, since: int) -> bool:
    return disturbed(str(root), IGNORED, ENVIRON, since=since, deadline=time.monotonic() + 10)


def test_nothing_done_is_no_disturbance(root: Path) -> None:
    assert not is_disturbed(root, later_stamp(root))


def take_back(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content.swapcase())
    path.write_bytes(content)


def stash_and_pop(root: Path) -> None:
    git(root, "stash")
    git(root, "stash", "pop")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: take_back(root / "a.py"),
        lambda root: take_back(root / "sub/b.py"),
        lambda root: take_back(root / "untracked.py"),
        lambda root: take_back(root / ".env"),
        stash_and_pop,
        lambda root: git(root, "add", "untracked.py"),
    ],
)
@pytest.mark.parametrize("old", [True, False])
def test_an_edit_taken_back_is_one(root: Path, change: Callable[[Path], object], old: bool) -> None:
    if old:
        age(root, 5)
    (root / "a.py").write_text("work\n")
    since = stamp(root)
    change(root)
    assert is_disturbed(root, since)


def test_a_cache_written_by_the_command_is_none(root: Path) -> None:
    since = later_stamp(root)
    (root / "__pycache__").mkdir()
    (root / "__pycache__/a.cpython-311.pyc").write_bytes(b"x")
    assert not is_disturbed(root, since)


def test_outside_git_what_was_captured_is_asked(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("X=1\n")
    assert not is_disturbed(tmp_path, path.stat().st_ctime_ns + 1)
    assert is_disturbed(tmp_path, path.stat().st_ctime_ns)
