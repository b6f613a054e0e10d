from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skillcache.claude import SessionEvent
from skillcache.core.git import Place
from skillcache.sessions.brief.compose import ASKED, Brief, Reader, compose
from skillcache.sessions.delivery import open_journal
from skillcache.sessions.journal import Journal, Question, SessionRecord, encode
from skillcache.sessions.story import Scene, tell
from skillcache.sessions.text import CLOSE, OPEN
from tests.conftest import empty_redis
from tests.stores.conftest import fake_redis

__all__ = ["fake_redis"]

NOW = 1_700_000_000.0
MS = int(NOW) * 1000
TTL = 3_600
PROJECT = "example.org/widgets"
ROOT = "/home/somebody/widgets"
HOUR = 3_600_000  # ms
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def event(name: str, session: str = "one", *, agent: str = "", **fields: Any) -> SessionEvent:
    more = {"agent_id": agent, "agent_type": "general-purpose"} if agent else {}
    return SessionEvent(name, session, ROOT, {**more, **fields})


def start(session: str = "one", source: str = "startup", **fields: Any) -> SessionEvent:
    return event("SessionStart", session, source=source, **fields)


def prompt(text: str, session: str = "one", **fields: Any) -> SessionEvent:
    return event("UserPromptSubmit", session, prompt=text, **fields)


def edit(path: str, session: str = "one", **more: Any) -> SessionEvent:
    return tool("Edit", {"file_path": f"{ROOT}/{path}"}, session=session, **more)


def bash(command: str, session: str = "one", *, status: int = 0, said: str = "", **more: Any) -> SessionEvent:
    given = {"command": command}
    if status:
        error = f"Exit code {status}\n{said}"
        return event("PostToolUseFailure", session, tool_name="Bash", tool_input=given, error=error, **more)
    return tool("Bash", given, {"stdout": said}, session=session, **more)


def tool(name: str, given: dict[str, Any], response: Any = None, *, session: str = "one", **more: Any) -> SessionEvent:
    return event("PostToolUse", session, tool_name=name, tool_input=given, tool_response=response, **more)


def todo(*tasks: tuple[str, str], session: str = "one", **more: Any) -> SessionEvent:
    todos = [{"content": text, "status": status, "activeForm": text} for status, text in tasks]
    return tool("TodoWrite", {"todos": todos}, session=session, **more)


def reply(text: str, session: str = "one") -> SessionEvent:
    return event("Stop", session, last_assistant_message=text)


def end(session: str = "one", reason: str = "other") -> SessionEvent:
    return event("SessionEnd", session, reason=reason)


class Teller:
    """Gives each event an id and a moment, one second after the one before."""

    def __init__(self, at: int = MS, *, branch: str = "main", commit: str = COMMIT, project: str = PROJECT) -> None:
        self.at = at
        self.branch = branch
        self.commit = commit
        self.project = project
        self.prompts = True
        self.process: dict[str, str] = {}
        self._count = 0

    def record(self, told: SessionEvent) -> SessionRecord:
        self.at += 1000
        self._count += 1
        scene = Scene(
            f"{self.branch}-{self._count}-{self.at}",
            self.at,
            root=ROOT,
            place=Place(ROOT, self.branch, self.commit),
            project=self.project if told.name in ("SessionStart", "UserPromptSubmit") else "",
            person={"user": "somebody", "host": "box"},
            process=self.process,
            prompts=self.prompts,
        )
        found = tell(told, scene)
        assert found is not None
        return found

    def lines(self, *events: SessionEvent) -> list[bytes]:
        return [encode(self.record(told)) for told in events]


@pytest.fixture
def teller() -> Teller:
    return Teller()


@pytest.fixture(params=["embedded", "fakeredis", "redis", "cluster"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of each kind."""
    if request.param == "embedded":
        return f"embedded:{tmp_path}/cache/store.sqlite3"
    if request.param in ("redis", "cluster"):
        return empty_redis(request, request.param)
    port = request.getfixturevalue("fake_redis")
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(b"*1\r\n$8\r\nFLUSHALL\r\n")
        assert link.recv(100) == b"+OK\r\n"
    return f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def open_here(target: str) -> Iterator[Callable[..., Journal]]:
    """Opens the journal as another process would, at another time if that is given."""
    opened: list[Journal] = []

    def open_one(now: float = NOW) -> Journal:
        opened.append(open_journal(target, now=now, patient=True))
        return opened[-1]

    yield open_one
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(open_here: Callable[..., Journal]) -> Journal:
    return open_here()


class Project:
    """A journal, and what a session that starts an hour after the last event would read."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.teller = Teller()
        self.root = ROOT
        self.later = HOUR

    def tell(self, *events: SessionEvent, teller: Teller | None = None) -> None:
        self.journal.tell((teller or self.teller).lines(*events), ttl=TTL)

    def brief(
        self, source: str = "startup", own: str = "new", *, branch: str = "main", size: int = 4_000, since: int = 0
    ) -> Brief | None:
        now = self.teller.at + self.later
        question = Question(PROJECT, branch=branch, own=own, edited=ASKED, now=now)
        history = self.journal.tell((), question, ttl=TTL)
        assert history is not None
        reader = Reader(own, self.root, branch, "box", now, {"PATH": "/usr/bin:/bin"})
        return compose(source, history, reader, size, since=since)

    def lines(self, source: str = "startup", own: str = "new", **more: object) -> list[str]:
        """What stands inside the fence."""
        brief = self.brief(source, own, **more)  # type: ignore[arg-type]
        assert brief is not None
        lines = brief.text.split("\n")
        assert lines.count(OPEN) == lines.count(CLOSE) == 1
        return lines[lines.index(OPEN) + 1 : lines.index(CLOSE)]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(open_journal(f"embedded:{tmp_path}/store.sqlite3", now=NOW))
