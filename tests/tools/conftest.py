"""What the client gave its hooks and the model, as probe.py recorded it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from skillcache.claude import ToolEvent, parse_tool_event

DATA = Path(__file__).parent / "data"


class Recorded(NamedTuple):
    """event: the last of the call; model: the text that the model was given, several blocks one under the other."""

    event: ToolEvent
    model: str


def recorded(file: str, call: str) -> Recorded:
    given = json.loads((DATA / f"{file}.json").read_text(encoding="utf-8"))[call]
    model = given["model"]
    text = model if isinstance(model, str) else "\n".join(block.get("text", "") for block in model)
    return Recorded(parse_tool_event(json.dumps(given["event"]).encode()), text)


def called(tool: str, tool_input: dict[str, Any], **more: Any) -> ToolEvent:
    """A call that is about to be made, or with `response` has been."""
    name = "PostToolUse" if "response" in more else "PreToolUse"
    return ToolEvent(name, tool=tool, input=tool_input, tool_use_id="toolu_1", **{"cwd": "/work", **more})


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The environment of a person with an empty home folder."""
    (tmp_path / "home/.claude").mkdir(parents=True)
    return {"HOME": str(tmp_path / "home")}
