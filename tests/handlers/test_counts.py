"""What `skillcache stats` says of calls that went through real hooks: each number is what its words say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.handlers.conftest import Place

LINE = "pytest -q"


def stats(place: Place, *options: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "skillcache", "stats", *options],
        env={**place.environ, "TZ": "UTC"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout


def numbers(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stats(place, "--json"))
    return found


def runs(place: Place) -> dict[str, int]:
    return {row["name"]: row["run_ms"] for row in numbers(place)["outcomes"]}


def test_a_launch_in_the_background_says_nothing_of_how_long_the_command_takes(place: Place) -> None:
    place.environ["SKILLCACHE_MIN_DURATION"] = "1"
    launched = place.before(LINE)
    launched["tool_input"] = {**launched["tool_input"], "run_in_background": True}
    moved = place.before(LINE)
    for event, said in ((launched, {"backgroundTaskId": "b1"}), (moved, {"backgroundTaskId": "b2"})):
        assert place.ask(event) == {}
        response = {"stdout": "", "stderr": "", "interrupted": False, **said}
        after = {**event, "hook_event_name": "PostToolUse", "tool_response": response, "duration_ms": 20}
        assert place.give("post_tool_use.py", json.dumps(after).encode()) == (0, b"", b"")
    assert place.ask(place.before(LINE)) == {}
    assert place.counted() == ["background", "no_entry", "moved_to_background", "no_entry"]  # and not too fast
    assert runs(place) == {"background": 0, "no_entry": 0, "moved_to_background": 0}


def test_a_call_that_was_not_looked_up_has_no_run(place: Place) -> None:
    place.call(LINE, duration=2_000)
    assert place.ask(place.before(f"{LINE} > out.txt")) == {}
    place.environ["SKILLCACHE_MIN_DURATION"] = "3"
    assert place.ask(place.before(LINE)) == {}
    assert place.counted() == ["no_entry", "stored", "shell_writes", "too_fast"]
    assert runs(place) == {"no_entry": 0, "shell_writes": 0, "too_fast": 0, "stored": 2_000}
    (row,) = [line for line in stats(place).splitlines() if "too_fast:" in line]
    assert row.split()[:2] == ["1", "-"]


def test_a_hit_that_another_hook_undid_is_none(place: Place) -> None:
    place.call(LINE)
    served = place.before(LINE)
    assert place.ask(served) != {}
    assert (numbers(place)["hits"], numbers(place)["saved_ms"]) == (1, 2_000)
    other = {**served, "tool_input": {**served["tool_input"], "command": f"nice {LINE}"}}
    place.tell(other, place.run(LINE))
    found = numbers(place)
    assert (found["hits"], found["misses"], found["lookups"], found["saved_ms"]) == (0, 2, 2, 0)
    assert place.counted() == ["no_entry", "stored", "undone"]
    assert runs(place)["undone"] == 0


def test_a_hit_whose_replay_ran_is_one(place: Place) -> None:
    """The client starts the hooks for the end of the replay where their entries match it."""
    place.call(LINE)
    served = place.before(LINE)
    command = place.ask(served)["hookSpecificOutput"]["updatedInput"]["command"]
    place.tell({**served, "tool_input": {"command": command}}, place.run(command), duration=5)
    assert place.counted() == ["no_entry", "stored", "replayed"]
    assert numbers(place)["saved_ms"] == 2_000


@pytest.fixture
def client(place: Place) -> Iterator[dict[str, str]]:
    """The environment that a client is started with, whose process the hooks are told of."""
    given: dict[str, str] = {}
    started: list[subprocess.Popen[bytes]] = []

    class Client(dict[str, str]):
        def __setitem__(self, name: str, value: str) -> None:
            super().__setitem__(name, value)
            started.append(subprocess.Popen(["sleep", "600"], env={**os.environ, **self}))
            place.environ["CLAUDE_PID"] = str(started[-1].pid)

    given = Client()
    given["A"] = "client"
    yield given
    for process in started:
        process.kill()
        process.wait(10)


def test_the_size_of_the_hooks_terminal_is_no_input(place: Place, client: dict[str, str]) -> None:
    """A command does not get it: it has what the client was started with."""
    place.environ |= {"COLUMNS": "150", "LINES": "40"}
    assert not place.call(LINE)[1]
    place.environ |= {"COLUMNS": "80", "LINES": "24"}  # the window was resized
    assert place.call(LINE)[1]
    client["COLUMNS"] = "99"  # and this is passed on to commands
    assert not place.call(LINE)[1]
    place.environ["COLUMNS"] = "150"
    assert place.call(LINE)[1]
    client["COLUMNS"] = "98"
    assert not place.call(LINE)[1]
