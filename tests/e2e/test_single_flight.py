"""Two sessions of the real client at once: one run for both, and nobody stuck behind one that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from skillcache.probe.api import Api, bash
from skillcache.probe.client import Session
from tests.conftest import RedisServer
from tests.e2e.project import Place

# Runs until there is a file `go`; the file is not in the project, so that it is no input.
SLOW = """\
#!/bin/sh
echo "check $*" >> "$E2E_RUNS"
while [ ! -e "$E2E_GO" ]; do sleep 0.05; done
cat "$(dirname "$0")/answer"
"""


@pytest.fixture(params=["embedded", "redis"])
def slow_place(place: Place, request: pytest.FixtureRequest) -> Place:
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        place.client.env["SKILLCACHE_REDIS_URL"] = server.url
    place.client.env["E2E_GO"] = str(place.root / "go")
    place.write("check", SLOW)
    place.commit()
    return place


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Playing(threading.Thread):
    """A session that is still under way."""

    def __init__(self, place: Place, *turns: str) -> None:
        super().__init__(daemon=True)
        self.place, self.turns = place, turns
        self.session: Session | None = None
        self.start()

    def run(self) -> None:
        self.session = self.place.play(*self.turns)

    def end(self) -> Session:
        self.join(90)
        assert self.session is not None
        return self.session


def pending(place: Place) -> list[Path]:
    return list((place.home / ".cache/skillcache/pending").glob("toolu_*"))


def test_the_second_session_waits_for_the_first_and_is_given_its_result(slow_place: Place) -> None:
    first = Playing(slow_place, "./check")
    until(lambda: slow_place.count() == 1)
    second = Playing(slow_place, "./check")
    until(lambda: len(pending(slow_place)) == 2)
    (slow_place.root / "go").touch()

    ran, waited = first.end(), second.end()

    assert slow_place.count() == 1, slow_place.outcomes()
    assert waited.texts == ran.texts == ["all is well"]
    assert len(waited.replays) == 1
    assert sorted(slow_place.outcomes()) == ["no_entry", "stored", "waited"]


def test_the_second_session_runs_when_the_first_was_killed(slow_place: Place) -> None:
    with Api([bash("./check")]) as api:
        killed = subprocess.Popen(
            [slow_place.client.binary, "-p", "go", "--dangerously-skip-permissions"],
            cwd=slow_place.project,
            env={**slow_place.client.environment(), "ANTHROPIC_BASE_URL": api.url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(lambda: slow_place.count() == 1)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait(10)
        (slow_place.root / "go").touch()

        session = slow_place.play("./check")

    assert session.texts == ["all is well"]
    assert slow_place.count() == 2
    assert slow_place.outcomes()[-2:] == ["waited_in_vain", "stored"]
