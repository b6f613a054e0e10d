"""The ends of turns, agents and sessions, and a question to the person, give up what their unfinished runs hold."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flight.conftest import Scene

AGENT = {"description": "review", "prompt": "Review app.py", "subagent_type": "reviewer", "run_in_background": True}
LAUNCHED = {"status": "async_launched", "agentId": "a9", "description": "review", "prompt": "Review app.py"}
# Whose runs are released by which event, and whether their ends are forgotten.
EVENTS = [
    ("Stop", "", {"main"}, True),
    ("SubagentStop", "a1", {"first agent"}, True),
    ("SubagentStop", "a3", set(), True),
    ("SessionEnd", "", {"main", "first agent", "second agent", "in the background"}, True),
    ("PermissionRequest", "", {"main"}, False),
    ("PermissionRequest", "a2", {"second agent"}, False),
]


def launch(scene: Scene, tool_use_id: str = "toolu_agent", **fields: object) -> dict[str, Any]:
    """The call of an agent that works in the background, until it has been launched; its event."""
    scene.settings('[[rules]]\nmatch = "Agent(reviewer)"\n')
    event = {
        "hook_event_name": "PreToolUse", "session_id": "s1", "cwd": str(scene.root), "permission_mode": "default",
        "tool_name": "Agent", "tool_input": AGENT, "tool_use_id": tool_use_id, **fields,
    }  # fmt: skip
    assert scene.ask(event) == {}
    return event


def is_launched(scene: Scene, event: dict[str, Any], **fields: object) -> None:
    after = {**event, "hook_event_name": "PostToolUse", "tool_response": {**LAUNCHED, **fields}, "duration_ms": 10}
    assert scene.hook("post_tool_use.py", after).answer() == {}


@pytest.mark.parametrize(("name", "agent", "released", "forgotten"), EVENTS)
def test_each_gives_up_its_own(
    scene: Scene, name: str, agent: str, released: set[str], *, forgotten: bool
) -> None:  # fmt: skip
    background = launch(scene)
    calls = {
        "main": scene.first("pytest -k main"),
        "first agent": scene.first("pytest -k one", agent_id="a1"),
        "second agent": scene.first("pytest -k two", agent_id="a2"),
        "another session": scene.first("pytest -k other", session="s2"),
    }
    names = {who: scene.name(event) for who, event in calls.items()}
    names["in the background"] = scene.name(background)
    is_launched(scene, background)

    scene.say(name, session="s1", agent=agent)

    assert {who for who, digest in names.items() if not scene.holder(digest)} == released
    gone = {who for who, event in calls.items() if not (scene.cache / "pending" / event["tool_use_id"]).exists()}
    assert gone == (released & calls.keys() if forgotten else set())


def test_a_call_whose_claim_was_given_up_for_a_question_is_stored_at_its_end(scene: Scene) -> None:
    first = scene.first()
    hook, second = scene.waiting()
    scene.say("PermissionRequest", session="s1")
    assert hook.answer() == {}
    scene.tell(first, scene.run("pytest -q"))
    assert scene.counted()[-1] == "stored"
    assert scene.holder(scene.name(second)).startswith("s2//")  # the end of the first was not that of the second
    scene.tell(second, scene.run("pytest -q"))


def test_an_agent_in_the_background_holds_its_claim_until_it_has_answered(scene: Scene) -> None:
    event = launch(scene)
    name = scene.name(event)
    is_launched(scene, event)
    assert scene.holder(name).startswith("s1//")
    scene.say("Stop", session="s1")
    scene.say("SubagentStop", session="s1", agent="a8")
    assert scene.holder(name).startswith("s1//")
    waiting = scene.begin_to_wait({**event, "session_id": "s2", "tool_use_id": "toolu_second"})
    end: dict[str, Any] = {"agent": "a9", "last_assistant_message": "Two findings.", "agent_type": "reviewer"}
    scene.say("SubagentStop", session="s1", **end)
    assert not waiting.is_done
    scene.say("SubagentStop", session="s1", script="subagent_stop.py", **end)
    reason = waiting.answer()["hookSpecificOutput"]["permissionDecisionReason"]
    assert reason.endswith("\n  Two findings.")
    assert scene.holder(name) == ""
    assert sorted(scene.counted()) == ["launched", "no_entry", "stored", "waited"]


def test_an_agent_in_the_background_that_says_nothing_lets_others_run(scene: Scene) -> None:
    event = launch(scene)
    is_launched(scene, event)
    waiting = scene.begin_to_wait({**event, "session_id": "s2", "tool_use_id": "toolu_second"})
    scene.say("SubagentStop", session="s1", agent="a9", script="subagent_stop.py", last_assistant_message="")
    assert waiting.answer() == {}
    assert scene.counted() in (
        ["no_entry", "launched", "empty", "waited_in_vain"],
        ["no_entry", "launched", "empty", "no_entry"],
    )


def test_an_agent_of_which_the_client_tells_no_name_holds_nobody(scene: Scene) -> None:
    event = launch(scene)
    name = scene.name(event)
    is_launched(scene, event, agentId=None)
    assert scene.holder(name) == ""


def test_a_batch_of_one_agent_does_not_wait_for_itself(scene: Scene) -> None:
    scene.first(agent_id="a1")
    other = scene.before("pytest -q", session="s1", agent_id="a1")
    assert scene.ask(other) == {}
    assert scene.counted() == ["no_entry", "no_entry"]
    assert scene.owner(other) == ""


def test_agents_of_one_session_wait_for_each_other(scene: Scene) -> None:
    first = scene.first(agent_id="a1")
    waiting = [scene.waiting(session="s1", agent_id=agent)[0] for agent in ("", "a2")]
    ran = scene.run("pytest -q")
    scene.tell(first, ran)
    assert [scene.serve(hook.answer()) for hook in waiting] == [ran, ran]
