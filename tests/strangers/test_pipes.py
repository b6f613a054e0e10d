"""What is no file stands where a file is wanted, by git or by us: no session waits for it more than once."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from skillcache.cache.history import Breaker
from skillcache.core import files
from skillcache.core.outcomes import SLOW_PLACE, TOO_SLOW, Bypass

if TYPE_CHECKING:
    from tests.strangers.world import Stranger

# Where a pipe stands, and what the call is then counted as.
AT_ONCE = {
    ".git": "no_git",
    ".git/HEAD": "no_git",
    ".git/config": "no_git",
    ".git/index": "no_git",
    ".claude/skillcache.toml": "bad_config",
    ".claude/settings.json": "",  # it might say where the person's own settings lie: nothing is done at all
    "pyproject.toml": "uncapturable",
    "package.json": "uncapturable",
    ".venv/pyvenv.cfg": "uncapturable",
    ".python-version": "no_entry",  # no shim reads it here
}


def put_a_pipe(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        path.rename(f"{path}.was")
    else:
        path.unlink(missing_ok=True)
    os.mkfifo(path)


@pytest.mark.table
@pytest.mark.parametrize("place", AT_ONCE)
def test_a_pipe_in_the_place_of_a_file_that_we_read(stranger: Stranger, place: str) -> None:
    stranger.write("a.txt", "1\n")
    stranger.commit()
    stranger.begin_a_session()
    put_a_pipe(stranger.root / place)

    # A hook that waited would be ended by its own watchdog, the command never.
    stranger.call()
    stranger.begin_a_session("s2")
    stranger.call("s2")
    stranger.skillcache("explain", "--", "pytest -q")

    expected = AT_ONCE[place]
    served = {"stored", "replayed"} if expected == "no_entry" else set()
    assert set(stranger.counted()) == {expected, *served} - {""}


# Git would wait for these without end.
BY_GIT = (".git/commondir", ".gitignore", "sub/.gitignore", ".git/info/exclude", ".git/included", ".git/excludes")


@pytest.mark.table
@pytest.mark.parametrize("place", BY_GIT)
def test_a_pipe_that_git_waits_for_is_waited_for_once(stranger: Stranger, place: str) -> None:
    stranger.environ["SKILLCACHE_CAPTURE_TIME"] = "0.5"
    stranger.environ["SKILLCACHE_RECORD_SESSIONS"] = "0"
    stranger.write("a.txt", "1\n")
    stranger.write("sub/b.txt", "1\n")
    stranger.commit()
    stranger.configure("[core]\n\texcludesFile = .git/excludes\n[include]\n\tpath = included\n")
    put_a_pipe(stranger.root / place)
    for _ in range(3):
        stranger.call()

    assert stranger.counted() == ["too_slow", "slow_place", "slow_place"]


def test_a_place_is_slow_for_one_session_and_for_whoever_waits_no_longer(stranger: Stranger) -> None:
    root, environ = str(stranger.root), stranger.environ
    Breaker(root, "s1", environ, 0.0).blame(TimeoutError())

    with pytest.raises(Bypass) as caught:
        Breaker(root, "s1", environ, 0.0).require_quick()
    assert caught.value.outcome is SLOW_PLACE
    Breaker(root, "s1", environ, 0.5).require_quick()
    Breaker(root, "s2", environ, 0.0).require_quick()
    Breaker(f"{root}/sub", "s1", environ, 0.0).require_quick()


def test_what_was_not_slow_is_not_blamed(stranger: Stranger) -> None:
    breaker = Breaker(str(stranger.root), "s1", stranger.environ, 60.0)
    breaker.blame(Bypass(TOO_SLOW, "the index keeps changing"))
    breaker.require_quick()


@pytest.mark.parametrize("kind", ["pipe", "socket", "terminal", "device"])
def test_whatever_is_no_file_is_never_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "what"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    else:
        path.symlink_to({"terminal": "/dev/ptmx", "device": "/dev/zero"}[kind])
    with pytest.raises(files.Irregular):
        files.load(str(path), 10)
    assert files.read(str(path), 10) is None


def test_a_file_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert files.load(str(path), 10) == b"0123456789"
    assert files.load("/proc/self/stat", 1 << 16) != b""
    assert files.load(os.devnull, 0) == b""
    with pytest.raises(files.TooLarge):
        files.load(str(path), 9)
    with pytest.raises(IsADirectoryError):
        files.load(str(tmp_path), 9)
    with pytest.raises(FileNotFoundError):
        files.load("a\0b", 9)
