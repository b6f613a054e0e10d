"""From repeated calls that no rule names to the rule that replays them, by the real client."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from skillcache.cli.checks.messages_api import bash
from skillcache.commands.candidate import read
from tests.e2e.project import Place, after

SLOW_REPORT = '#!/bin/sh\necho "slow-report" >> "$E2E_LOG"\nsleep 1.3\nwc -l answer\n'
RUN = "./slow-report --private-word 2>&1"
RULE = '[[rules]]\nmatch = "Bash(./slow-report:*)"\n'


@pytest.fixture
def work(bare_place: Place) -> Place:
    """A project with a slow command that no rule names, whose person has sessions recorded."""
    bare_place.client.env |= {"SKILLCACHE_RECORD_SESSIONS": "1", "SKILLCACHE_MIN_DURATION": "1"}
    bare_place.write("slow-report", SLOW_REPORT)
    (bare_place.project / "slow-report").chmod(0o755)
    bare_place.commit()
    bare_place.skillcache("install", "--scope", "user")
    return bare_place


def await_sightings(place: Place, number: int) -> None:
    """The client waits for no recording hook: a model that answers at once has to."""
    deadline = time.monotonic() + 30
    cache = str(place.home / ".cache/skillcache")
    while len(read(cache)) < number:
        assert time.monotonic() < deadline, f"{len(read(cache))} of {number} runs were seen"
        time.sleep(0.05)


def seen(place: Place, number: int, change: Callable[[], object] = lambda: None) -> Callable[[], None]:
    """Once so many runs have been seen, `change`."""

    def wait() -> None:
        await_sightings(place, number)
        change()

    return wait


def test_a_repeated_slow_call_is_suggested_applied_and_then_replayed(work: Place) -> None:
    edit = seen(work, 3, lambda: work.write("answer", "one\ntwo\n"))
    session = work.play(RUN, RUN, RUN, after(edit, RUN), RUN, bash("echo nothing"), RUN)
    await_sightings(work, 6)
    assert work.count() == 6
    assert session.texts[0] != session.texts[3]

    (found,) = json.loads(work.skillcache("suggest", "--json"))["suggestions"]
    assert found["saved_ms"] >= 4 * 1_300
    assert {name: value for name, value in found.items() if name != "saved_ms"} == {
        "match": "Bash(./slow-report:*)",
        "inputs": 2,
        "seen": 6,
        "different_results": 0,
        "repeats": 4,
        "toml": RULE,
    }
    log = (work.home / ".cache/skillcache/observed.log").read_text()
    assert "private" not in log
    assert "answer" not in log

    said = work.skillcache("suggest", "--apply")
    config = work.home / ".config/skillcache/config.toml"
    assert config.read_text().endswith("\n\n" + RULE)
    assert said.endswith(f"\n\n1 rule was added to {config}.\n")

    replayed = work.play(RUN, f"{RUN} | tail -1")  # a session gets its rules at its start
    assert work.count() == 7, work.outcomes()
    assert replayed.texts == [session.texts[3]] * 2
    assert work.replayed() == 1
    assert work.skillcache("suggest") == "No repeated call would have been worth a rule.\n"


def test_a_call_that_differs_on_equal_inputs_is_refused_with_the_evidence(work: Place) -> None:
    work.write("slow-report", SLOW_REPORT.replace("wc -l answer", 'wc -l "$E2E_LOG"'))
    work.commit()
    work.play(RUN, RUN, RUN, RUN)
    await_sightings(work, 4)

    assert work.skillcache("suggest", "--apply").startswith("No repeated call would have been worth a rule")
    assert work.skillcache("suggest").endswith("  Bash(./slow-report:*): 3 of 3 repeats\n")


def test_with_sessions_switched_off_nothing_is_seen(work: Place) -> None:
    work.client.env["SKILLCACHE_RECORD_SESSIONS"] = "0"
    work.play(RUN)
    assert not (work.home / ".cache/skillcache/observed.log").exists()
