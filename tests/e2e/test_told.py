"""What sessions and agents are told of the present content, and what their person sees, on the real client."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from skillcache.cli.checks.messages_api import Api, Request, ToolCall, Turn, bash, blocks_of
from tests.conftest import until
from tests.e2e.plugin import Plugged
from tests.e2e.project import Place, after, agent
from tests.e2e.stubs import settle, start, tool
from tests.e2e.stubs import told as shown
from tests.e2e.terminal import Terminal

FIRST, SECOND = "have a look", "have another look"


def holds(request: Request) -> set[str]:
    """The commands that the model was last told to hold."""
    lines = re.findall(r"^On the present content: ([^\n]*)", "\n".join(request.notes()), re.MULTILINE)
    return set(re.findall(r"`([^`]+)`", lines[-1].partition(" Not run since")[0])) if lines else set()


@pytest.fixture
def told(stubbed: Place) -> Place:
    tool(stubbed.root / "bin/ruff", '#!/bin/sh\necho ruff >>"$E2E_LOG"\necho all well\n')
    return stubbed


def tell_agents(place: Place) -> None:
    """A session that runs both checks, with an agent before and one after an edit; and the one after it."""

    def edit() -> None:
        place.write("answer", "all is different\n")

    script: dict[str, list[Turn]] = {FIRST: [bash("pytest -q 2>&1 | tail -1"), "done"], SECOND: ["done"]}
    first = start(place, "pytest -q", "ruff check", agent(FIRST), after(edit, "true"), agent(SECOND), agents=script)
    assert holds(first.requests[0]) == set()
    assert holds(first.api.of(FIRST)[0]) == {"pytest -q", "ruff check"}
    assert place.count() == 2  # the agent's was given
    assert holds(first.api.of(SECOND)[0]) == set()

    edited = start(place, "ruff check")
    assert holds(edited.requests[0]) == set()
    assert place.count() == 3


@pytest.mark.parametrize("stubbed", ["earlier hooks bash"], indirect=True)
def test_what_is_told_in_another_lane_shell_or_client_is_given(told: Place) -> None:
    tell_agents(told)
    since = start(told, "ruff check", "pytest -q")
    assert holds(since.requests[0]) == {"ruff check"}
    assert told.count() == 4


@pytest.mark.parametrize("stubbed", ["newest hooks bash"], indirect=True)
def test_what_is_told_holds_at_that_moment_and_is_given(told: Place) -> None:
    place = told
    tell_agents(place)
    since = start(place, "ruff check", "pytest -q")
    assert holds(since.requests[0]) == {"ruff check"}
    assert "Not run since answer changed: `pytest -q`." in "\n".join(since.requests[0].notes())
    assert place.count() == 4
    place.write("answer", "all is well\n")
    back = start(place, "pytest -q", "ruff check")
    assert holds(back.requests[0]) == {"pytest -q", "ruff check"}
    resumed = start(place, "pytest -q", resume=back.id)
    assert holds(resumed.requests[-1]) == {"pytest -q", "ruff check"}
    assert place.count() == 4

    other = start(place, "pytest -q", env={"APP_MODE": "fast"})
    assert holds(other.requests[0]) == set()
    assert place.count() == 5
    tool(place.root / "bin/pytest", '#!/bin/sh\necho pytest >>"$E2E_LOG"\necho anew\n')
    upgraded = start(place, "ruff check", "pytest -q")
    assert holds(upgraded.requests[0]) == set()  # the Makefile speaks of pytest: all that runs here depends on it
    assert place.count() == 7

    (line,) = shown(back)
    assert re.fullmatch(r"skillcache: pytest -q, ruff check replayed, 0\.\d s saved", line)
    (line,) = shown(since)
    assert re.fullmatch(r"skillcache: ruff check replayed, .* s saved \(this session: 1 of 2 checks .*\)", line)


@pytest.mark.parametrize("stubbed", ["newest hooks bash"], indirect=True)
def test_an_agent_in_a_worktree_of_its_own_is_told_of_that(stubbed: Place) -> None:
    place = stubbed
    calls = [agent(FIRST), agent(SECOND)]
    for call in calls:
        call.input["isolation"] = "worktree"
    place.write("new.py", "x = 1\n")  # in the main worktree alone
    script: dict[str, list[Turn]] = {FIRST: [bash("pytest -q"), "done"], SECOND: [bash("pytest -q"), "done"]}
    session = start(place, bash("pytest -q"), *calls, "done", agents=script)
    assert holds(session.api.of(FIRST)[0]) == set()
    assert holds(session.api.of(SECOND)[0]) == {"pytest -q"}
    assert place.count() == 2


@pytest.mark.parametrize("stubbed", ["newest plugin bash"], indirect=True)
def test_what_is_told_after_a_compaction_and_a_clear_holds_at_that_moment_and_is_given(told: Place) -> None:
    """Of one process whose conversation is compacted and cleared, and that changes the content in between."""
    place = told
    place.client.env["SKILLCACHE_RECORD_SESSIONS"] = "1"
    edit = ToolCall("Write", {"file_path": str(place.project / "new.py"), "content": "x = 1\n"})
    first: list[tuple[str, list[Turn]]] = [
        ("go", [bash("pytest -q"), bash("ruff check"), "done"]),
        ("/compact", []),
        ("go on", [bash("pytest -q"), edit, "done"]),
        ("/clear", []),
        ("go", [bash("rm new.py"), "done"]),
        ("/clear", []),
        ("go", [bash("ruff check"), edit, "done"]),
    ]
    second: list[tuple[str, list[Turn]]] = [
        ("go", [bash("rm new.py"), edit, "done"]),
        ("/compact", []),
        ("go", ["done"]),
    ]
    if isinstance(place, Plugged):
        place.lay_out()
        options = {"plugin": place.folder}
    else:
        place.skillcache("install")
        options = {}
    began, _, compacted, _, cleared, _, back = talk(place, first, **options)
    again, _, edited = talk(place, second, **options)

    both = {"pytest -q", "ruff check"}
    assert [holds(each) for each in (began, compacted, cleared, back)] == [set(), both, set(), both]
    assert [holds(each) for each in (again, edited)] == [set(), set()]
    assert place.count() == 2  # what was said to hold, was given
    for each in (compacted, edited):
        assert "What this session has on record" in said(each)
    assert re.search("- passed [^\n]*: pytest -q", said(compacted))
    assert "new.py" not in said(compacted)
    assert re.search("Files edited[^:]*:\n- new.py", said(edited))
    for each in (cleared, back):
        assert "ended by /clear" in said(each)
        assert "What this session has on record" not in said(each)


class Compacting(Api):
    """Whatever asks for a summary, and however often, gets one: no turn of the conversation."""

    def answer(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        texts = [block.get("text", "") for block in blocks_of(body["messages"][-1])]
        if any("Respond with TEXT ONLY" in text for text in texts):
            return [{"type": "text", "text": "a summary"}]
        return super().answer(body)


def said(request: Request) -> str:
    """What the model was told since the conversation began, or was compacted."""
    return "\n".join(request.notes())


def talk(place: Place, steps: list[tuple[str, list[Turn]]], **options: Any) -> list[Request]:
    """The first request that each message brings, that of the one before where it brings none."""
    firsts = []
    with Compacting([turn for _, turns in steps for turn in turns]) as api:
        client = place.client.start(place.project, api, options=["--input-format", "stream-json"], talk=True, **options)
        assert client.stdin is not None
        asked = 0
        for text, turns in steps:
            message = {"type": "user", "message": {"role": "user", "content": text}}
            client.stdin.write(json.dumps(message).encode() + b"\n")
            client.stdin.flush()
            firsts.append(asked)
            asked += len(turns)
            until(lambda asked=asked: len(api.of()) >= asked)  # type: ignore[misc]
        client.stdin.close()
        client.stdin = None
        client.communicate(timeout=60)
        return [api.of()[min(at, len(api.of()) - 1)] for at in firsts]


@pytest.mark.parametrize("stubbed", ["newest hooks bash"], indirect=True)
def test_the_status_line_stands_below_ones_own(stubbed: Place, runtime: Path) -> None:
    place = stubbed
    settle(place, statusLine={"type": "command", "command": "jq -r '\"mine: \" + .model.display_name'"})
    place.skillcache("install", "--statusline")
    with Api([bash("pytest -q"), bash("pytest -q"), "done"]) as api, Terminal(place, api, runtime) as terminal:
        terminal.say("go")
        until(lambda: len(api.requests) == 3)
        until(lambda: "skillcache: 1 of 2 checks replayed, 0." in terminal.screen())
        lines = [line.strip() for line in terminal.screen().splitlines()]
        at = next(number for number, line in enumerate(lines) if line.startswith("skillcache: 1 of 2"))
        assert lines[at - 1].startswith("mine: ")
    place.skillcache("uninstall")
    known = json.loads((place.home / ".claude/settings.json").read_text())
    assert known["statusLine"]["command"].startswith("jq -r")
