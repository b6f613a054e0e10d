"""What a batch of calls says of the subagents that it started."""

from __future__ import annotations

import json
from typing import Any

import pytest

from skillcache.claude import parse_session_event
from skillcache.messages.agents import tasks


def batch(response: Any, given: Any = None) -> list[tuple[str, str]]:
    call = {"tool_name": "Agent", "tool_input": given or {"description": "look"}, "tool_response": response}
    event = {"hook_event_name": "PostToolBatch", "session_id": "s", "cwd": "/", "tool_calls": [call]}
    return tasks(parse_session_event(json.dumps(event).encode()))


def test_a_started_agent_is_known_with_its_task() -> None:
    assert batch([{"type": "text", "text": "Async agent launched.\nagentId: a1 (internal ID)"}]) == [("a1", "look")]


@pytest.mark.parametrize(
    "response",
    [None, "agentId: a1", [], [None], [{}], [{"text": "no id"}], [{"text": "agentId: "}], [{"text": "agentId: \n"}]],
)
def test_no_agent_is_none(response: Any) -> None:
    assert batch(response) == []


@pytest.mark.parametrize("word", ["x" * 5_000, "a\u202e1", "\ud800"])
def test_what_cannot_be_an_id_is_none(word: str) -> None:
    assert batch([{"text": f"agentId: {word} (internal ID)"}]) == []
