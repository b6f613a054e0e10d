"""One result for all: subagents, calls in the background and at once, sessions that go on, other sessions."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest

from skillcache.cli.checks.messages_api import Request, Turn, bash
from tests.conftest import until
from tests.e2e.project import Place, after, agent
from tests.e2e.stubs import RAN, SAID, SLOW, Step, clients_files, play, processes, sentences, start, tool

TASK = "have a look at the tests"


@pytest.mark.parametrize("stubbed", ["earlier plugin bash"], indirect=True)
def test_every_agent_and_session_has_the_same_result(stubbed: Place) -> None:
    place = stubbed
    script: dict[str, list[Turn]] = {TASK: ["pytest -q", "pytest -q 2>&1 | tail -1"]}
    first = start(place, "pytest -q", agent(TASK), agents=script)
    inner = first.api.of(TASK)[-1].results()
    assert first.texts[0] == SAID
    assert [(result.text, result.is_error) for result in inner] == [(SAID, False), ("all is well", False)]
    assert (place.count(), place.outcomes()) == (1, [*RAN, "replayed", "replayed"])
    assert sentences(first) == 1

    (line,) = clients_files(place, first)
    assert line.count("\n") == 1
    resumed = start(place, "pytest -q", resume=first.id)
    assert resumed.id == first.id
    assert resumed.texts[-1].split("\n\n<system-reminder>")[0] == SAID  # the client's own, after a resume
    assert (place.count(), place.outcomes()[4:]) == (1, ["replayed"])
    assert clients_files(place, resumed) == [line]
    assert sentences(resumed) == 1

    other = play(place, Step("pytest -q", SAID))
    assert other.id != first.id


def test_a_call_in_the_background_has_what_others_have(stubbed: Place) -> None:
    place = stubbed
    background = bash("pytest -q", run_in_background=True)
    written: list[str] = []

    def once_written(then: Turn) -> Turn:
        def turn(request: Request) -> Turn:
            named = re.search(r"/\S+\.output", request.results()[-1].text)
            assert named, request.results()[-1].text
            file = Path(named.group())
            until(lambda: "all is well\n" in file.read_text() and not processes(place, "stand_in.py"))
            written.append(file.read_text().partition("\n[exited")[0])  # the client says so in the same file
            return then

        return turn

    session = place.play(background, once_written(bash("pytest -q")), background, once_written("done"))
    assert written == [f"{SAID}\n"] * 2
    assert session.texts[1] == SAID
    assert (place.count(), place.outcomes()) == (1, [*RAN, "replayed", "replayed"])


@pytest.mark.parametrize("stubbed", ["newest hooks zsh"], indirect=True)
def test_agents_side_by_side_have_one_run(stubbed: Place) -> None:
    place, hold = stubbed, stubbed.root / "hold"
    tool(place.root / "bin/pytest", SLOW)
    one_message: Any = ["pytest -q"] * 3
    assert place.play(one_message).texts == [SAID] * 3  # the client has them run one after the other
    assert (place.count(), place.outcomes()) == (1, [*RAN, "replayed", "replayed"])

    def let_go() -> None:
        until(lambda: len(processes(place, "stand_in.py")) == 3)
        hold.unlink()

    place.write("answer", "all is different\n")
    hold.write_text("")
    helper = threading.Thread(target=let_go)
    tasks = [f"{TASK} {number}" for number in range(3)]
    session = place.play(
        after(helper.start, [agent(task) for task in tasks]), agents={task: ["pytest -q"] for task in tasks}
    )
    helper.join()
    texts = [result.text for task in tasks for result in session.api.of(task)[-1].results()]
    assert texts == [SAID.replace("well", "different")] * 3
    assert place.count() == 2
    # On a busy machine one looks when the result is there.
    outcomes = place.outcomes()[4:]
    given = [outcome for outcome in outcomes if outcome not in RAN]
    assert (len(outcomes), len(given), set(given) <= {"waited", "replayed"}) == (4, 2, True)
