"""Messages in the real client: they reach the model of the agent they are for, while it works."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from skillcache.cli.checks.client import Session
from skillcache.cli.checks.messages_api import Request, Turn, blocks_of
from skillcache.cli.setup.entries import MARK
from skillcache.core.paths import hooks_folder
from skillcache.messages import message as limits
from tests.e2e.project import Place, after, agent

EVENTS = ("SessionStart", "SubagentStart", "UserPromptSubmit", "PostToolBatch", "Stop", "SubagentStop", "SessionEnd")
TASK = "check the project for me"


@pytest.fixture
def work(bare_place: Place) -> Place:
    bare_place.client.env |= {"SKILLCACHE_MESSAGES_DELIVER": "1", "USER": "somebody"}
    start = {"type": "command", "command": sys.executable, "timeout": 10}
    handler = {**start, "args": ["-I", "-S", f"{hooks_folder()}/deliver.py", MARK]}
    settings: dict[str, Any] = {"hooks": {event: [{"hooks": [handler]}] for event in EVENTS}}
    path = bare_place.home / ".claude/settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(settings))
    return bare_place


def play(place: Place, *turns: Turn | list[str], **options: Any) -> Session:
    session = place.play(*turns, **options)
    assert {(run.stderr, run.exit_code, run.outcome) for run in session.hooks} == {("", 0, "success")}
    return session


def said(text: str) -> Turn:
    """What the model says, not a call."""
    return lambda _request: text


def outside(place: Place, to: str, text: str) -> Any:
    return lambda: place.skillcache("send", "--to", to, text)


def told(request: Request) -> list[str]:
    """The lines of others in what the newest messages of a request tell."""
    texts = [block.get("text", "") for message in request.messages for block in blocks_of(message)]
    return [line[2:] for text in texts for line in text.split("\n") if line.startswith("> ")]


def test_a_subagent_at_work_is_told_with_its_next_request_and_nobody_else_is(work: Place) -> None:
    session = play(
        work,
        agent(TASK),
        said("done"),
        agents={TASK: [after(outside(work, "general-purpose-1", "the lexer has moved"), "echo one"), said("I see")]},
    )

    first, second = session.api.of(TASK)
    assert told(first) == []
    assert told(second) == ["the lexer has moved"]
    assert "know you as general-purpose-1." in json.dumps(first.body)
    assert [told(request) for request in session.requests] == [[], []]


def test_an_agent_that_would_stop_goes_on_to_read(work: Place) -> None:
    def last_words(_request: Request) -> Turn:
        outside(work, "somebody-1", "one more thing")()
        return "done"

    def inner(_request: Request) -> Turn:
        outside(work, "general-purpose-1", "and the tests?")()
        return "checked"

    session = play(work, agent(TASK), last_words, said("read"), agents={TASK: [inner, said("tests, too")]})

    assert [told(request) for request in session.api.of(TASK)] == [[], ["and the tests?"]]
    assert [told(request) for request in session.requests] == [[], [], ["one more thing"]]


def test_who_is_written_to_each_time_that_it_would_stop_stops_all_the_same(work: Place) -> None:
    def asked_again(_request: Request) -> Turn:
        outside(work, "somebody-1", "and now?")()
        return "done"

    # It does something each time: the client counts only how often in a row nothing was done.
    turns: list[Turn] = ["echo one", asked_again] * 12
    session = play(work, *turns)

    assert told(session.requests[-1]) == ["and now?"] * limits.KEPT
    assert [run.stdout for run in session.hooks if run.event == "Stop"][-1] == ""


def test_a_message_to_a_finished_agent_comes_back(work: Place) -> None:
    session = play(
        work,
        agent(TASK),
        "skillcache send --to general-purpose-1 hello",
        said("done"),
        agents={TASK: [said("checked")]},
    )

    (_, sent) = session.results
    assert sent.is_error
    assert "general-purpose-1 has ended: the message was not delivered." in sent.text


def test_a_message_that_nobody_reads_comes_back_to_the_agent_that_sent_it(work: Place) -> None:
    work.skillcache("inbox")  # the person is known from now on, and reads no more
    session = play(work, "skillcache send --ttl 1 --to somebody 'are you there?'", "sleep 1.2", said("done"))

    assert [told(request) for request in session.requests] == [[], [], ["are you there?"]]
    assert "comes back undelivered: somebody did not read it in time" in json.dumps(session.requests[-1].body)


@pytest.mark.parametrize("store", ["embedded", "redis"])
def test_two_sessions_write_to_each_other(work: Place, store: str, request: pytest.FixtureRequest) -> None:
    if store == "redis":
        work.client.env["SKILLCACHE_REDIS_URL"] = request.getfixturevalue("redis_server").url
    inner: list[Session] = []

    def beside(_request: Request) -> Turn:
        inner.append(play(work, "skillcache send --to somebody-1 'is the parser yours?'", said("asked")))
        return "done"

    session = play(work, "echo one", beside, said("it is"))

    assert inner[0].texts == [text for text in inner[0].texts if text.startswith("Sent to somebody-1 as ")]
    assert [told(request) for request in session.requests] == [[], [], ["is the parser yours?"]]
    assert " from somebody-2 (somebody@" in json.dumps(session.requests[-1].body)


def test_a_session_without_messages_hears_nothing(work: Place) -> None:
    session = play(work, agent(TASK), "echo one", said("done"), agents={TASK: ["echo two", said("checked")]})

    assert {run.event for run in session.hooks} >= {"PostToolBatch", "Stop", "UserPromptSubmit"}
    assert [run.event for run in session.hooks if run.stdout and run.event != "SubagentStart"] == []
    assert all(told(request) == [] for request in session.api.requests)
    agents = json.loads(work.skillcache("agents", "--all", "--json"))
    assert sorted((each["name"], bool(each.get("ended"))) for each in agents) == [
        ("general-purpose-1", True),
        ("somebody-1", True),
    ]


def test_a_task_in_the_background_is_known_by_its_description(work: Place, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    call = agent(TASK)
    background = type(call)(call.tool, {**call.input, "run_in_background": True})
    play(
        work,
        background,
        f"sleep 0.5; skillcache agents --json > {seen}",
        said("done"),
        agents={TASK: ["sleep 2", said("checked")]},
    )
    found = {each["name"]: each.get("task") for each in json.loads(seen.read_text())}
    assert found == {"somebody-1": "go", "general-purpose-1": "a task"}
