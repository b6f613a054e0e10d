"""Whatever becomes of the server, of its store or of its words, the call runs as it would without us."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from skillcache.probe.api import Turn, bash
from tests.conftest import RedisServer
from tests.e2e.fake_server import OF_NO_USE
from tests.e2e.plugin import SECONDS, Plugged, notes
from tests.e2e.project import CHECK_RULE, after

FAKE = Path(__file__).parent / "fake_server.py"
MODES = ("hang", "die", "mute", "held", "forever", "chatter", "other")
NOT_ASKED = ("mute", "chatter", "other")


@pytest.fixture
def hasty(plugged: Plugged) -> Plugged:
    """As others have it: for what is about time, and needs no answer."""
    plugged.is_patient = False
    plugged.lay_out()
    return plugged


def start_instead(plugged: Plugged, *command: str) -> None:
    """Have the mod start `command` for its server."""
    heard = plugged.folder / "hooks/heard.js"
    text, count = re.subn(
        r"(?m)^export const start = .*$", f"export const start = {json.dumps(command)}", heard.read_text()
    )
    assert count == 1
    heard.write_text(text)


def once_there(path: Path, turn: str) -> Turn:
    return after(lambda: wait_for(path.exists), turn)


def wait_for(condition: Callable[[], object]) -> bool:
    ends = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.01)
    return True


@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_does_not_do_its_work_is_not_missed(hasty: Plugged, mode: str) -> None:
    path = hasty.runtime / "fake"
    start_instead(hasty, sys.executable, str(FAKE), mode, str(path))
    hasty.write("status", "3\n")
    session = hasty.play(once_there(path, "./check"), "./check", "./check | cat", at_once=True)
    assert [result[1:3] for result in session.results] == [("Exit code 3\nall is well", True)] * 2 + [
        ("all is well", False)
    ]
    assert hasty.count() == 3
    assert notes(session) == []
    assert (hasty.runtime / "fake.asked").exists() is (mode not in NOT_ASKED)
    assert session.exit_code == 0
    assert session.duration < 25  # nothing waits for what is left open
    assert hasty.processes() == []


def test_answers_of_no_use_change_nothing(plugged: Plugged) -> None:
    path = plugged.runtime / "fake"
    start_instead(plugged, sys.executable, str(FAKE), "useless", str(path))
    plugged.write("status", "3\n")
    lines = [f"./check {number}" for number in range(len(OF_NO_USE))]
    session = plugged.play(once_there(path, lines[0]), *lines[1:], at_once=True)
    assert [result[1:3] for result in session.results] == [("Exit code 3\nall is well", True)] * len(lines)
    assert len((plugged.runtime / "fake.asked").read_text().splitlines()) >= len(lines)
    assert notes(session) == []
    assert session.exit_code == 0
    assert plugged.processes() == []


def test_a_program_that_is_not_there_is_not_missed(plugged: Plugged) -> None:
    start_instead(plugged, "/nonexistent/python3", "serve")
    session = plugged.play("./check", "./check", at_once=True)
    assert [result[1:3] for result in session.results] == [("all is well", False)] * 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_is_killed_or_stopped_while_a_call_waits_lets_it_run(hasty: Plugged, number: int) -> None:
    """Another session runs the same command, and this one waits for its result when the server goes."""
    servers: list[int] = []

    def strike() -> None:
        servers.extend(pid for pid in hasty.processes() if b"serve.py" in Path(f"/proc/{pid}/cmdline").read_bytes())
        for pid in servers:
            os.kill(pid, number)

    session = hasty.play("./check", after(strike, "./check"), "./check", bash("./check other"))
    assert [result[1:3] for result in session.results] == [("all is well", False)] * 4
    assert servers
    assert hasty.count() == 4
    assert session.duration < 25
    assert hasty.processes() == []


def test_a_server_that_died_is_started_again(plugged: Plugged) -> None:
    def strike() -> None:
        ends = time.monotonic() + SECONDS
        while "stored" not in plugged.outcomes() and time.monotonic() < ends:  # it is to die with nothing under way
            time.sleep(0.01)
        for pid in plugged.processes():
            if b"serve.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        time.sleep(11)  # the mod does not start it again and again

    session = plugged.play("./check", after(strike, "./check"), after(lambda: time.sleep(1), "./check"))
    assert plugged.count() == 2, plugged.outcomes()
    assert len(notes(session)) == 1


def test_without_the_store_calls_run(plugged: Plugged, redis_factory: Callable[..., RedisServer]) -> None:
    server = redis_factory()
    plugged.client.env["SKILLCACHE_REDIS_URL"] = server.url
    session = plugged.play("./check", "./check", after(server.stop, "./check"), "./check")
    assert [result[1:3] for result in session.results] == [("all is well", False)] * 4
    assert plugged.count() == 3, plugged.outcomes()
    assert plugged.outcomes()[:3] == ["no_entry", "stored", "replayed"]
    assert set(plugged.outcomes()[3:]) == {"store_unreachable"}


def test_a_store_that_hangs_holds_one_call_up_shortly(
    hasty: Plugged, redis_factory: Callable[..., RedisServer]
) -> None:
    server = redis_factory()
    hasty.client.env["SKILLCACHE_REDIS_URL"] = server.url
    stop = lambda: server.process.send_signal(signal.SIGSTOP)  # noqa: E731
    session = hasty.play("./check", after(stop, "./check"), "./check")
    server.process.send_signal(signal.SIGCONT)
    assert [result[1:3] for result in session.results] == [("all is well", False)] * 3
    assert hasty.count() == 3, hasty.outcomes()
    assert "store_timeout" in hasty.outcomes()


def test_a_fault_in_the_configuration_is_counted(plugged: Plugged) -> None:
    (plugged.home / ".config/skillcache/config.toml").write_text("min_duration = 'x'\n")
    session = plugged.play("./check")
    assert session.texts == ["all is well"]
    assert set(plugged.outcomes()) == {"bad_config"}


def test_switched_off_it_answers_nothing_until_it_is_switched_on(plugged: Plugged) -> None:
    off = f"{sys.executable} -m skillcache serve --off"
    on = f"{sys.executable} -m skillcache serve --on"
    session = plugged.play("./check", off, "./check", on, "./check")
    assert "skillcache is off" in session.texts[1]
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"]
    assert len(notes(session)) == 1


def test_an_environment_that_the_settings_change_is_not_answered_for(plugged: Plugged) -> None:
    """The client gives it to whatever it starts from then on, and the server was started before."""
    settings = plugged.home / ".claude/settings.json"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(json.dumps({"env": {"TEST_MODE": "one"}}))
    plugged.configure(f"{CHECK_RULE}env = ['TEST_MODE']\n")
    plugged.write("check", '#!/bin/sh\necho "check" >> "$E2E_RUNS"\necho "[$TEST_MODE]"\n')

    def change() -> None:
        settings.write_text(json.dumps({"env": {"TEST_MODE": "two"}}))
        time.sleep(2)

    session = plugged.play("./check", "./check", after(change, "./check"), "./check")
    assert session.texts == ["[one]", "[one]", "[two]", "[two]"]
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"]
