"""Whatever becomes of the server, of its store or of its words, the call runs as it would without us."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from skillcache.cli.checks.messages_api import ToolCall, Turn
from tests.conftest import RedisServer
from tests.e2e.fake_server import OF_NO_USE
from tests.e2e.plugin import SECONDS, Plugged, notes
from tests.e2e.project import COUNT, after, pass_a_minute

FAKE = Path(__file__).parent / "fake_server.py"
MODES = ("hang", "die", "mute", "follows", "forever", "chatter", "other")
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


def count(text: str) -> ToolCall:
    return ToolCall(COUNT.tool, {"text": text})


def once_there(path: Path, turn: Turn) -> Turn:
    return after(lambda: wait_for(path.exists), turn)


def wait_for(condition: Callable[[], object]) -> bool:
    ends = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.01)
    return True


def listens(path: Path) -> bool:
    """A killed server leaves its socket behind."""
    with socket.socket(socket.AF_UNIX) as link:
        return link.connect_ex(str(path)) == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_does_not_do_its_work_is_not_missed(hasty: Plugged, mode: str) -> None:
    path = hasty.runtime / "fake"
    start_instead(hasty, sys.executable, str(FAKE), mode, str(path))
    session = hasty.play(once_there(path, COUNT), COUNT, "./check", "./check", COUNT, at_once=True)
    assert [result[1:3] for result in session.results] == [
        *[("3 words", False)] * 2,
        *[("all is well", False)] * 2,  # no server has a part in what commands are answered with
        ("3 words", False),
    ]
    assert hasty.count() == 4
    assert notes(session) == []
    assert (hasty.runtime / "fake.asked").exists() is (mode not in NOT_ASKED)
    assert session.exit_code == 0
    assert session.duration < 25  # nothing waits for what is left open
    assert hasty.processes() == []


def test_answers_of_no_use_change_nothing(plugged: Plugged) -> None:
    path = plugged.runtime / "fake"
    start_instead(plugged, sys.executable, str(FAKE), "useless", str(path))
    calls = [count(f"number {number}") for number in range(len(OF_NO_USE))]
    session = plugged.play(once_there(path, calls[0]), *calls[1:], at_once=True)
    assert [result[1:3] for result in session.results] == [("2 words", False)] * len(calls)
    assert len((plugged.runtime / "fake.asked").read_text().splitlines()) >= len(calls)
    assert notes(session) == []
    assert session.exit_code == 0
    assert plugged.processes() == []


def test_a_program_that_is_not_there_is_not_missed(plugged: Plugged) -> None:
    start_instead(plugged, "/nonexistent/python3", "serve")
    session = plugged.play(COUNT, COUNT, at_once=True)
    assert [result[1:3] for result in session.results] == [("3 words", False)] * 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_is_killed_or_stopped_while_a_call_waits_lets_it_run(hasty: Plugged, number: int) -> None:
    """Another session runs the same command, and this one waits for its result when the server goes."""
    servers: list[int] = []

    def strike() -> None:
        servers.extend(hasty.processes("serve.py"))
        for pid in servers:
            os.kill(pid, number)

    session = hasty.play(COUNT, after(strike, COUNT), COUNT, count("and three others"))
    assert [result[1:3] for result in session.results] == [("3 words", False)] * 4
    assert servers
    assert hasty.count() == 4
    assert session.duration < 25
    assert hasty.processes() == []


def test_a_server_that_died_is_started_again(plugged: Plugged) -> None:
    plugged.rests_briefly = True
    plugged.lay_out()

    def strike() -> None:
        ends = time.monotonic() + SECONDS
        while "stored" not in plugged.outcomes() and time.monotonic() < ends:  # it is to die with nothing under way
            time.sleep(0.01)
        for pid in plugged.processes("serve.py"):
            os.kill(pid, signal.SIGKILL)
        time.sleep(1)  # the mod does not start it again and again

    def wait() -> None:
        began = time.monotonic()
        wait_for(lambda: any(listens(plugged.runtime / "skillcache" / name) for name in plugged.sockets()))
        time.sleep(0.1 + (time.monotonic() - began) / 2)  # as `Plugged.once_served` does

    session = plugged.play(COUNT, after(strike, COUNT), after(wait, COUNT))
    assert plugged.count() == 2, plugged.outcomes()
    assert len(notes(session)) == 1


def test_without_the_store_calls_run_but_for_what_is_known_of_it(
    plugged: Plugged, redis_factory: Callable[..., RedisServer]
) -> None:
    server = redis_factory()
    plugged.client.env["SKILLCACHE_REDIS_URL"] = server.url
    session = plugged.play(COUNT, COUNT, after(server.stop, COUNT), after(partial(pass_a_minute, plugged.home), COUNT))
    assert [result[1:3] for result in session.results] == [("3 words", False)] * 4
    assert plugged.count() == 2, plugged.outcomes()
    assert plugged.outcomes()[:4] == ["no_entry", "stored", "replayed", "replayed"]
    assert set(plugged.outcomes()[4:]) == {"store_unreachable"}


def test_a_store_that_hangs_holds_one_call_up_shortly(
    hasty: Plugged, redis_factory: Callable[..., RedisServer]
) -> None:
    server = redis_factory()
    hasty.client.env["SKILLCACHE_REDIS_URL"] = server.url
    stop = lambda: server.process.send_signal(signal.SIGSTOP)  # noqa: E731
    session = hasty.play(COUNT, after(stop, COUNT), COUNT)
    server.process.send_signal(signal.SIGCONT)
    assert [result[1:3] for result in session.results] == [("3 words", False)] * 3
    assert hasty.count() == 3, hasty.outcomes()
    assert "store_timeout" in hasty.outcomes()


def test_a_fault_in_the_configuration_is_counted(plugged: Plugged) -> None:
    (plugged.home / ".config/skillcache/config.toml").write_text("min_duration = 'x'\n")
    session = plugged.play("./check", COUNT)
    assert session.texts == ["all is well", "3 words"]
    assert set(plugged.outcomes()) == {"bad_config"}


def test_switched_off_it_answers_nothing_until_it_is_switched_on(plugged: Plugged) -> None:
    off = f"{sys.executable} -m skillcache serve --off"
    on = f"{sys.executable} -m skillcache serve --on"
    both: list[Turn | list[str]] = [COUNT, "./check"]
    session = plugged.play(*both, off, *both, on, *both)
    assert "skillcache is off" in session.texts[2]
    assert plugged.outcomes() == [*["no_entry", "stored"] * 2, "replayed", "replayed"]
    assert plugged.count() == 4
    assert len(notes(session)) == 1


def test_an_environment_that_the_settings_change_is_another_one_for_commands_and_calls(plugged: Plugged) -> None:
    """The client gives it to whatever it starts from then on, and the server was started before."""
    settings = plugged.home / ".claude/settings.json"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(json.dumps({"env": {"TEST_MODE": "one"}}))
    plugged.write("check", '#!/bin/sh\necho "check" >> "$E2E_LOG"\necho "[$TEST_MODE]"\n')

    def change() -> None:
        settings.write_text(json.dumps({"env": {"TEST_MODE": "two"}}))
        time.sleep(2)

    both: list[Turn | list[str]] = ["./check", COUNT]
    session = plugged.play(*both, *both, after(change, "./check"), COUNT, *both)
    assert session.texts[::2] == ["[one]", "[one]", "[two]", "[two]"]
    assert plugged.outcomes() == [*["no_entry", "stored"] * 2, "replayed", "replayed", "no_entry", "stored", "replayed"]
    assert len(notes(session)) == 1
