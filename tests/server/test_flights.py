"""Sessions whose servers hold the claims to their calls: nobody waits for a call that has ended, in whatever way."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skillcache.cache.single_flight import LEASE
from tests.server.conftest import LINKS, Server

FOLLOW = {"follow": True}


@pytest.fixture
def other(server: Server) -> Iterator[Server]:
    """Of another session of the same person."""
    with tempfile.TemporaryDirectory(prefix="sc-") as runtime:
        found = Server(server.home, Path(runtime), server.project)
        found.start()
        yield found
        found.stop()


def of_another(server: Server) -> dict[str, Any]:
    return {**server.event(), "tool_use_id": "toolu_other", "session_id": "s2"}


class Waiting(threading.Thread):
    """A call that has been given a ticket, as its server waits for another's run."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.said: dict[str, Any] = server.post("/call", of_another(server))
        assert "ticket" in self.said
        self.start()

    def run(self) -> None:
        while "ticket" in self.said:
            self.said = self.server.post("/wait", {"ticket": self.said["ticket"]})

    def answer(self) -> dict[str, Any]:
        self.join(60)
        return self.said


def test_the_second_is_given_the_result_of_the_first(server: Server, other: Server) -> None:
    event = server.event()
    assert server.call(event) == FOLLOW
    waiting = Waiting(other)
    server.end(event)
    assert waiting.answer()["result"]["results"][0]["content"] == LINKS[0]["content"]
    assert server.outcomes()[:2] == ["no_entry", "stored"]
    assert server.outcomes()[2] in ("waited", "replayed")  # a busy machine looks it up late


@pytest.mark.parametrize("way", ["esc", "SIGTERM", "SIGKILL"])
def test_a_call_that_ends_without_a_result_holds_nobody(server: Server, other: Server, way: str) -> None:
    event = server.event()
    assert server.call(event) == FOLLOW
    waiting = Waiting(other)
    if way.startswith("SIG"):
        assert server.process is not None
        server.process.send_signal(getattr(signal, way))
        server.process.wait(20)
    else:
        ended = {**event, "hook_event_name": "PostToolUseFailure", "is_interrupt": True, "duration_ms": 0}
        assert server.post("/ended", ended) == {}
    assert waiting.answer() == FOLLOW
    assert server.outcomes()[-1] in ("waited_in_vain", "no_entry")  # a busy machine looks it up late


def test_a_call_that_is_left_before_it_is_answered_holds_nobody(server: Server, other: Server) -> None:
    """The mod tells of it at once, whatever has come of the call until then."""
    event = server.event()
    ended = {**event, "hook_event_name": "PostToolUseFailure", "is_interrupt": True, "duration_ms": 0}
    assert server.post("/ended", ended) == {}
    server.call(event)
    assert other.call(of_another(other)) == FOLLOW
    assert "waited_in_vain" not in server.outcomes()


@pytest.mark.long
def test_a_claim_is_held_for_as_long_as_the_call_runs(server: Server, other: Server) -> None:
    event = server.event()
    assert server.call(event) == FOLLOW
    time.sleep(1.2 * LEASE)
    waiting = Waiting(other)
    server.end(event)
    assert waiting.answer()["result"]["results"][0]["content"] == LINKS[0]["content"]


def test_an_agent_that_makes_a_call_twice_at_once_has_two_runs(server: Server) -> None:
    assert server.call(server.event()) == FOLLOW
    assert server.call(server.event()) == FOLLOW
    assert server.outcomes() == ["no_entry", "no_entry"]
