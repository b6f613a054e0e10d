from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skillcache.messages import message as seal
from skillcache.messages.inbox import Letter, Post
from skillcache.messages.inbox_sqlite import SqlitePost
from skillcache.messages.message import Message
from skillcache.messages.opening import messages_file, over
from skillcache.sessions.journal import EMBEDDED
from skillcache.stores import link_to
from skillcache.stores.connection import Limits
from skillcache.stores.contract import Target, keys_of
from skillcache.stores.signed import Key, Keys
from tests.conftest import empty_redis
from tests.stores.conftest import fake_redis

__all__ = ["fake_redis"]

NOW = 1_700_000_000.0
MS = int(NOW) * 1000
PROJECT = "example.org/widgets"
KEY = bytes(range(32))
PATIENT = Limits(connect=2, silence=5, operation=30)

Opener = Callable[..., Post]


@pytest.fixture(autouse=True)
def home_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test keeps lies in its home, whatever folder this machine keeps caches in."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)


@pytest.fixture(params=["embedded", "fakeredis", "redis", "sentinel", "cluster", "signed, redis", "signed, cluster"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of each kind; signed: of a team that has a key."""
    signed, _, kind = request.param.rpartition(", ")
    if kind == "embedded":
        return f"embedded:{tmp_path}/cache/store.sqlite3"
    if kind != "fakeredis":
        found = empty_redis(request, kind)
        if signed:
            made = Target(found)
            made.keys = Keys([Key(KEY)], cache=str(tmp_path / "cache"), environ={"USER": "somebody"})
            return made
        return found
    port = request.getfixturevalue("fake_redis")
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(b"*1\r\n$8\r\nFLUSHALL\r\n")
        assert link.recv(100) == b"+OK\r\n"
    return f"redis://127.0.0.1:{port}/0"


def open_at(target: str, now: float) -> Post:
    """A post whose clock stands."""
    if target.startswith(EMBEDDED):
        return SqlitePost(messages_file(target.removeprefix(EMBEDDED)), now=now)
    return over(link_to(target, PATIENT), keys_of(target), now=now)


@pytest.fixture
def open_here(target: str) -> Iterator[Opener]:
    """Opens the post as another process would, at another time if that is given."""
    opened: list[Post] = []

    def open_one(now: float = NOW) -> Post:
        opened.append(open_at(target, now))
        return opened[-1]

    yield open_one
    for post in opened:
        post.close()


@pytest.fixture
def post(open_here: Opener) -> Post:
    return open_here()


def agent(**fields: str) -> dict[str, str]:
    return {"type": "main", "session": "one", "project": PROJECT, "user": "somebody", "host": "box", **fields}


def message(text: str = "hello", to: str = "b", **fields: str) -> Message:
    """A sealed message from the agent `a`; its id is its text, unless another is given."""
    given = {"id": text, "kind": "text", "from": "a", "from_name": "a-1", "user": "somebody", "host": "box"}
    made = Message(
        {**given, "project": PROJECT, "to": to, "to_name": f"{to}-1", "text": text, "form": "text", **fields}
    )
    made.fields.setdefault("seal", seal.seal(made, KEY))
    return made


def letter(text: str = "hello", to: str = "b", *, ttl: int = 3_600, **fields: Any) -> Letter:
    return Letter(message(text, to, **fields), ttl=ttl)
