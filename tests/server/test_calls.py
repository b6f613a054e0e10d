"""The threads of a call, held at the moments that only a busy machine knows."""

from __future__ import annotations

import json
import threading
import time
from typing import Any, cast

import pytest

from skillcache.events.server import calls
from skillcache.events.server.calls import FOLLOW, Calls
from tests.server.conftest import SECONDS, until

CALL = {
    "hook_event_name": "PreToolUse",
    "session_id": "s1",
    "cwd": "/",
    "tool_name": "WebSearch",
    "tool_input": {"query": "check"},
    "tool_use_id": "toolu_1",
}


class Alone:
    """The session and the endings of a server to which nothing else happens."""

    def is_on(self) -> bool:
        return True

    def enter(self, event: object, _root: str) -> object:
        return event

    def world(self, *_given: object) -> object:
        return None

    def await_same(self, *_given: object) -> None:
        pass

    def outdated(self, _seconds: float) -> bool:
        return True


def test_an_answer_that_comes_as_the_wait_for_it_ends_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002
            """Time is up as the answer comes, and its thread sees that it is still waited for."""
            super().wait(SECONDS)
            time.sleep(0.05)
            return False

    dropped: list[str] = []
    monkeypatch.setattr(calls, "Event", Late)
    monkeypatch.setattr(calls, "_COLLECT", 0.5)
    monkeypatch.setattr(Calls, "_answer", lambda _self, ticket, *_given: setattr(ticket, "answer", FOLLOW))
    monkeypatch.setattr(Calls, "_drop", lambda _self, ticket, *_given: dropped.append(ticket.id))
    alone = cast("Any", Alone())
    before = threading.active_count()

    said = Calls(alone, alone, alone).begin(json.dumps(CALL).encode())

    assert said == FOLLOW
    assert until(lambda: threading.active_count() == before)
    assert dropped == []
