"""Events are read without trust."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.claude import BadEvent, ToolEvent, parse_tool_event

GOOD: dict[str, object] = {
    "hook_event_name": "PostToolUse",
    "session_id": "s1",
    "agent_id": "a1",
    "agent_type": "Explore",
    "cwd": "/w",
    "permission_mode": "default",
    "tool_name": "Bash",
    "tool_input": {"command": "pytest"},
    "tool_use_id": "toolu_1",
    "tool_response": {"stdout": "x"},
    "duration_ms": 1200.7,
    "of_a_later_version": [1],
}


def parse(**changes: object) -> ToolEvent:
    return parse_tool_event(json.dumps({**GOOD, **changes}).encode())


def test_reads_the_documented_fields() -> None:
    event = parse()
    assert (event.name, event.tool, event.tool_use_id, event.cwd) == ("PostToolUse", "Bash", "toolu_1", "/w")
    assert (event.session_id, event.agent_id, event.agent_type) == ("s1", "a1", "Explore")
    assert event.permission_mode == "default"
    assert (event.input, event.response, event.duration) == ({"command": "pytest"}, {"stdout": "x"}, 1200)


def test_optional_fields_may_be_missing() -> None:
    fields = {name: GOOD[name] for name in ("hook_event_name", "cwd", "tool_name", "tool_input", "tool_use_id")}
    event = parse_tool_event(json.dumps(fields).encode())
    assert (event.session_id, event.agent_id, event.duration, event.error) == ("", "", None, "")
    assert event.interrupted is False


@pytest.mark.parametrize("value", ["1200", -1, None, 1e12, [1]])
def test_a_duration_of_another_form_is_unknown(value: object) -> None:
    assert parse(duration_ms=value).duration is None


@pytest.mark.parametrize("name", ["hook_event_name", "cwd", "tool_name", "tool_input", "tool_use_id"])
@pytest.mark.parametrize("value", [None, 1, [], True, "a\0b"])
def test_a_needed_field_of_another_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(BadEvent):
        parse(**{name: value})


def test_a_relative_directory_is_refused() -> None:
    with pytest.raises(BadEvent, match="absolute"):
        parse(cwd="here")


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.dictionaries(st.text(), st.integers()).map(lambda d: json.dumps(d).encode())
)
def test_nothing_but_bad_event_comes_of_other_bytes(data: bytes) -> None:
    with pytest.raises(BadEvent):
        parse_tool_event(data)
