"""A real server process, and a connection that speaks to it as the mod does."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skillcache.core import counts

SCRIPT = Path(__file__).parents[2] / "hooks/serve.py"
SECONDS = 20.0
LINKS = [{"tool_use_id": "x", "content": [{"title": "all is well", "url": "https://example.org/"}]}]


def until(condition: Callable[[], object], seconds: float = SECONDS) -> bool:
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.01)
    return True


def found_for(event: dict[str, Any]) -> dict[str, Any]:
    """A search's result."""
    return {"query": event["tool_input"]["query"], "results": LINKS, "durationSeconds": 1}


class Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("skillcache", timeout=SECONDS)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self.path)


class Server:
    """`home`: of the person; `project`: a git repository."""

    def __init__(self, home: Path, runtime: Path, project: Path, **env: str) -> None:
        self.home, self.project, self.runtime = home, project, runtime
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(runtime),
            "CLAUDE_PROJECT_DIR": str(project),
            "CLAUDE_PID": str(os.getpid()),
            "SHLVL": "1",
            "SKILLCACHE_MIN_DURATION": "0",
            "SKILLCACHE_VERIFY": "0",
            "SKILLCACHE_CAPTURE_TIME": "60",
            **env,
        }
        self.number = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.path = ""

    def start(self, *options: str) -> dict[str, Any]:
        """What it says first."""
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(SCRIPT), *options],
            cwd=self.project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        hello: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.path = hello["socket"]
        return hello

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.communicate(timeout=SECONDS)

    def post(self, path: str, body: Any) -> Any:
        """The JSON of the answer."""
        connection = Connection(self.path)
        connection.request("POST", path, body if isinstance(body, bytes) else json.dumps(body))
        answer = connection.getresponse()
        found = json.loads(answer.read())
        connection.close()
        return found

    def event(self, query: str = "check", **fields: object) -> dict[str, Any]:
        self.number += 1
        event: dict[str, Any] = {
            "hook_event_name": "PreToolUse",
            "session_id": "s1",
            "cwd": str(self.project),
            "tool_name": "WebSearch",
        }
        event |= {"tool_input": {"query": query}, "tool_use_id": f"toolu_{os.getpid()}_{self.number}"}
        return {**event, "root": str(self.project), **fields}

    def call(self, event: dict[str, Any]) -> dict[str, Any]:
        said: dict[str, Any] = self.post("/call", event)
        while "ticket" in said:
            said = self.post("/wait", {"ticket": said["ticket"]})
        return said

    def first_round(self, event: dict[str, Any]) -> dict[str, Any]:
        """The answer of /call, or of the first /wait where that was a ticket."""
        said: dict[str, Any] = self.post("/call", event)
        return self.post("/wait", {"ticket": said["ticket"]}) if "ticket" in said else said

    def end(self, event: dict[str, Any], response: Any = None, duration: int = 3_000) -> None:
        told = {
            **event,
            "hook_event_name": "PostToolUse",
            "tool_response": response or found_for(event),
            "duration_ms": duration,
        }
        assert self.post("/ended", told) == {}

    def record(self, query: str = "check") -> None:
        """Have a result for `query` stored. A store that takes its time is asked again: a busy machine is no fault."""
        for _ in range(5):
            event = self.event(query)
            said = self.call(event)
            if said == {"follow": True}:
                break
        assert said == {"follow": True}, self.outcomes()
        stored = self.outcomes().count("stored")
        self.end(event)
        assert until(lambda: self.outcomes().count("stored") > stored), self.outcomes()

    def outcomes(self) -> list[str]:
        return [count.outcome.name for count in counts.read(str(self.home / ".cache/skillcache"))]

    def threads(self) -> int:
        assert self.process is not None
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A folder for sockets, whose paths must be short."""
    with tempfile.TemporaryDirectory(prefix="sc-") as folder:
        yield Path(folder)


@pytest.fixture
def cold_server(tmp_path: Path, runtime: Path) -> Iterator[Server]:
    """One that is not started yet."""
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    (home / ".config/skillcache").mkdir(parents=True)
    (home / ".config/skillcache/config.toml").write_text('[[rules]]\nmatch = "Bash(./check:*)"\n')
    (project / "check").write_text("#!/bin/sh\necho all is well\n")
    (project / "check").chmod(0o755)
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    found = Server(home, runtime, project)
    yield found
    found.stop()


@pytest.fixture
def server(cold_server: Server) -> Server:
    cold_server.start()
    return cold_server


def in_parallel(count: int, act: Callable[[int], object]) -> list[object]:
    """What `act` gives in so many threads at once."""
    given: list[object] = [None] * count

    def run(number: int) -> None:
        given[number] = act(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given
