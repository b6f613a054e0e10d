"""The real parts that the end-to-end tests need: each is skipped by name where it is missing, and required in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.client import VERSION, find_client
from tests.e2e.project import Place


def _missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI requires it")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def claude() -> str:
    found = find_client()
    if found is None:
        _missing(f"Claude Code {VERSION}")
    assert found is not None
    return found


@pytest.fixture
def place(tmp_path: Path, claude: str) -> Place:
    """A project with skillcache installed for its person."""
    made = Place(tmp_path, claude)
    made.skillcache("install", "--scope", "user")
    return made


class Redis:
    """A redis-server of its own, on a free port of loopback."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self._process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self._socket), "--save", "", "--dir", str(folder)],
            stdout=subprocess.DEVNULL,
        )
        self.url = f"unix://{self._socket}"
        deadline = time.monotonic() + 10
        while not self._socket.exists():
            assert time.monotonic() < deadline, "redis-server did not start"
            time.sleep(0.01)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        _missing("redis-server")
    server = Redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()
