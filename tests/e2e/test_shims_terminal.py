"""The client in a terminal: /clear, a window that changes its size, Esc in a run."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from skillcache.cli.checks.messages_api import Api, bash
from tests.conftest import RedisServer, until
from tests.e2e.project import Place
from tests.e2e.stubs import RAN, SAID, SLOW, processes, start, tool
from tests.e2e.terminal import TERM, Terminal

RULE = "\N{BOX DRAWINGS LIGHT HORIZONTAL}"  # above and below the prompt


@pytest.mark.parametrize("stubbed", ["newest hooks bash"], indirect=True)
def test_a_cleared_conversation_and_a_window_of_another_size_change_nothing(stubbed: Place, runtime: Path) -> None:
    place, hold = stubbed, stubbed.root / "hold"
    tool(place.root / "bin/pytest", SLOW)
    sessions = place.home / ".claude/session-env"
    with (
        Api([bash("pytest -q"), "done", bash("pytest -q"), "done", bash("pytest -v"), "done"]) as api,
        Terminal(place, api, runtime) as terminal,
    ):
        terminal.say("go")
        until(lambda: len(api.requests) == 2)
        terminal.say("/clear")
        until(lambda: len(list(sessions.iterdir())) == 2)
        terminal.say("go")
        until(lambda: len(api.requests) == 4)
        until(lambda: "skillcache: pytest -q replayed, 0." in terminal.screen())

        hold.write_text("")
        terminal.say("go on")
        until(lambda: place.count() == 2)
        terminal.resize(70, 20)
        terminal.resize(140, 50)
        until(lambda: RULE * 140 in terminal.screen())  # the client has drawn itself anew
        hold.unlink()
        until(lambda: len(api.requests) == 6)
    assert [result.text for result in api.requests[1].results()] == [SAID]
    assert [result.text for result in api.requests[3].results()] == [SAID]  # a conversation of its own
    assert api.requests[5].results()[-1].text == SAID.replace("-q", "-v")
    assert (place.count(), place.outcomes()) == (2, [*RAN, "replayed", *RAN])


@pytest.mark.parametrize("stubbed", ["newest plugin bash"], indirect=True)
def test_esc_ends_the_run_and_lets_the_one_who_waits_for_it_run(
    stubbed: Place, runtime: Path, redis_server: RedisServer
) -> None:
    place, hold = stubbed, stubbed.root / "hold"
    place.client.env["SKILLCACHE_REDIS_URL"] = redis_server.url  # which tells that somebody waits
    tool(place.root / "bin/pytest", SLOW)
    hold.write_text("")
    texts: list[str] = []
    with Api([bash("pytest -q"), "done"]) as api, Terminal(place, api, runtime) as terminal:
        terminal.say("go")
        until(lambda: place.count() == 1)
        (running,) = processes(place, "stand_in.py")

        def wait() -> None:
            texts.extend(start(place, "pytest -q", env={"TERM": TERM}).texts)

        other = threading.Thread(target=wait)
        other.start()
        until(lambda: b"blocked_clients:1" in redis_server.command("INFO", "clients"))
        terminal.press("Escape")
        until(lambda: place.count() == 2)  # by the other one
        until(lambda: running not in processes(place, "stand_in.py"))
        until(lambda: len(processes(place, "bin/pytest")) == 2)  # the stand-in and its command, of one run
        hold.unlink()
        other.join()
        until(lambda: not processes(place, "bin/pytest"))
    assert texts == [SAID]
    assert place.count() == 2
    assert place.outcomes() == ["no_entry", "interrupted", "waited_in_vain", "stored"]
