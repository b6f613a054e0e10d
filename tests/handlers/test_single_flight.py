"""A call that comes second waits for the run of the first, and never longer than it should."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from skillcache.key import digest_of
from skillcache.settings import load
from skillcache.stores import Store, open_store
from tests.conftest import RedisServer
from tests.fidelity.hooks import Ran, run_hook
from tests.handlers.conftest import HOOKS, Place

LINE = "pytest -q"


@pytest.fixture(params=["embedded", "redis"])
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    place = Place(tmp_path)
    place.environ["SKILLCACHE_WAIT"] = "60"
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        place.environ["SKILLCACHE_REDIS_URL"] = server.url
    return place


def open_its_store(place: Place) -> Store:
    return open_store(load(place.environ, str(place.root)).store, now=time.time())


class Asking:
    """A PreToolUse hook that is still at work."""

    def __init__(self, place: Place, event: Mapping[str, Any]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(HOOKS / "pre_tool_use.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"CLAUDE_PROJECT_DIR": str(place.root), **place.environ},
        )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(event).encode())
        self.process.stdin.close()
        self.process.stdin = None

    def answer(self) -> dict[str, Any]:
        out, err = self.process.communicate(timeout=60)
        assert (self.process.returncode, err) == (0, b"")
        answer: dict[str, Any] = json.loads(out) if out else {}
        return answer


def kept(place: Place, event: Mapping[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((place.cache / "pending" / event["tool_use_id"]).read_text())
    return record


def wait_until_it_waits(place: Place, event: Mapping[str, Any]) -> None:
    """Its file is there before it asks the store; nothing that follows depends on how far it has come."""
    deadline = time.monotonic() + 30
    while not (place.cache / "pending" / event["tool_use_id"]).exists():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_the_second_is_given_the_result_of_the_first(place: Place) -> None:
    first, second = place.before(LINE), place.before(LINE, session="s2")
    assert place.ask(first) == {}
    waiting = Asking(place, second)
    wait_until_it_waits(place, second)
    ran = place.run(LINE)
    place.tell(first, ran)

    answer = waiting.answer()

    command = answer["hookSpecificOutput"]["updatedInput"]["command"]
    assert place.run(command).text == ran.text
    assert "by another session" in answer["hookSpecificOutput"]["additionalContext"]
    assert place.counted().count("waited") == 1
    assert "stored" in place.counted()


def test_a_run_that_stores_nothing_lets_the_second_run(place: Place) -> None:
    first, second = place.before(LINE), place.before(LINE, session="s2")
    place.ask(first)
    waiting = Asking(place, second)
    wait_until_it_waits(place, second)
    place.tell(first, Ran(1, "1 failed", str(place.root)))

    assert waiting.answer() == {}
    place.tell(second, place.run(LINE))
    assert place.counted()[-1] == "stored"


def test_the_end_of_a_turn_gives_up_what_was_interrupted(place: Place) -> None:
    first, second = place.before(LINE), place.before(LINE, session="s2")
    place.ask(first)
    waiting = Asking(place, second)
    wait_until_it_waits(place, second)
    environ = {"CLAUDE_PROJECT_DIR": str(place.root), **place.environ}
    stop = {"hook_event_name": "Stop", "session_id": "s1", "cwd": str(place.root)}
    assert run_hook("record.py", stop, environ) == {}

    assert waiting.answer() == {}
    assert kept(place, second)["owner"].startswith("s2//")
    assert not (place.cache / "pending" / first["tool_use_id"]).exists()


def test_the_end_of_anothers_turn_gives_up_nothing(place: Place) -> None:
    first = place.before(LINE)
    place.ask(first)
    environ = {"CLAUDE_PROJECT_DIR": str(place.root), **place.environ}
    for session, agent in (("s2", ""), ("s1", "a7"), ("s1", "")):
        stop = {"hook_event_name": "SubagentStop", "session_id": session, "agent_id": agent, "cwd": str(place.root)}
        run_hook("record.py", stop, environ)
    record = kept(place, first)
    store = open_its_store(place)
    assert store.claim(digest_of(record["key"]), "somebody/else/x y", 1).holder == record["owner"]
    store.close()


def test_a_claim_whose_owner_is_gone_falls_with_its_lease(place: Place) -> None:
    first, second = place.before(LINE), place.before(LINE, session="s2")
    place.ask(first)
    record = kept(place, first)
    store = open_its_store(place)
    store.claim(digest_of(record["key"]), record["owner"], 0.2)  # the lease is almost over
    store.close()

    assert place.ask(second) == {}
    assert kept(place, second)["owner"].startswith("s2//")


def test_a_client_that_is_gone_holds_nobody(place: Place) -> None:
    with subprocess.Popen(["sleep", "60"]) as client:
        place.environ["CLAUDE_PID"] = str(client.pid)
        first, second = place.before(LINE), place.before(LINE, session="s2")
        place.ask(first)
        waiting = Asking(place, second)
        wait_until_it_waits(place, second)
        client.kill()
        client.wait(10)
        assert waiting.answer() == {}  # and not after the two minutes of the lease
    assert kept(place, second)["owner"].startswith("s2//")
    assert place.counted() == ["no_entry", "waited_in_vain"]


def test_what_changes_during_the_wait_counts(place: Place) -> None:
    first, second = place.before(LINE), place.before(LINE, session="s2")
    place.ask(first)
    waiting = Asking(place, second)
    wait_until_it_waits(place, second)
    ran = place.run(LINE)
    place.tell(first, ran)
    # Whether it looked before or after this edit, what it serves is of the content at its look.
    (place.root / "app.py").write_text("edited\n")
    answer = waiting.answer()
    if answer:
        assert place.run(answer["hookSpecificOutput"]["updatedInput"]["command"]).text == ran.text
    assert place.ask(place.before(LINE, session="s3")) == {}


def test_nobody_waits_for_another_person(place: Place) -> None:
    first, second = place.before(LINE), place.before(LINE, session="s2")
    place.ask(first)
    record = kept(place, first)
    store = open_its_store(place)
    store.release(digest_of(record["key"]), record["owner"])
    assert not store.claim(digest_of(record["key"]), "s9//toolu another-person", 600).holder
    store.close()

    assert place.ask(second) == {}
    assert kept(place, second)["owner"] == ""


def test_a_question_to_the_person_lets_others_run_and_keeps_the_call(place: Place) -> None:
    first, second = place.before(LINE), place.before(LINE, session="s2")
    place.ask(first)
    environ = {"CLAUDE_PROJECT_DIR": str(place.root), **place.environ}
    asked = {"hook_event_name": "PermissionRequest", "session_id": "s1", "cwd": str(place.root)}
    assert run_hook("record.py", asked, environ) == {}
    assert place.ask(second) == {}
    assert kept(place, second)["owner"].startswith("s2//")
    place.tell(first, place.run(LINE))
    assert place.counted()[-1] == "stored"


def test_nobody_waits_for_a_call_of_ones_own_that_was_denied(place: Place) -> None:
    place.ask(place.before(LINE))
    again = place.before(LINE)
    assert place.ask(again) == {}
    assert place.counted() == ["no_entry", "no_entry"]
    place.tell(again, place.run(LINE))
    assert place.counted()[-1] == "stored"


def test_without_waiting_both_run(place: Place) -> None:
    place.environ["SKILLCACHE_WAIT"] = "0"
    first, second = place.before(LINE), place.before(LINE, session="s2")
    assert place.ask(first) == place.ask(second) == {}
    assert kept(place, second)["owner"] == ""
    assert place.counted() == ["no_entry", "no_entry"]


def test_a_wait_is_bounded_by_the_setting_and_outlives_the_time_of_a_hook(place: Place) -> None:
    place.environ["SKILLCACHE_WAIT"] = "6"  # a hook that waits for nobody ends itself after 5 seconds
    first, second = place.before(LINE), place.before(LINE, session="s2")
    place.ask(first)
    assert place.ask(second) == {}
    assert place.counted() == ["no_entry", "waited_in_vain"]
    assert kept(place, second)["owner"] == ""
