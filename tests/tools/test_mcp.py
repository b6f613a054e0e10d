import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.claude import ToolEvent, Unusable
from skillcache.core.credentials import find
from skillcache.core.outcomes import (
    CUT,
    EMPTY,
    FAILURE,
    INTERRUPTED,
    NOT_TEXT,
    TOO_BIG,
    UNCAPTURABLE,
    UNKNOWN_SERVER,
    Bypass,
    Outcome,
)
from skillcache.tools.mcp import MCP
from tests.tools.conftest import called, recorded

CAP = 1 << 20
STDIO = {"command": "words", "args": ["--fast"]}
REMOTE = {"type": "http", "url": "https://mcp.example.org/"}
SIGNED = {**REMOTE, "headers": {"Authorization": "Bearer ${WORDS_TOKEN}"}}


def call(**arguments: Any) -> ToolEvent:
    return called("mcp__words__count", arguments, server=("words", "project"))


def gave(response: Any) -> ToolEvent:
    return called("mcp__words__count", {}, response=response)


def outcome_of(event: ToolEvent, cap: int = CAP) -> Outcome:
    with pytest.raises(Unusable) as caught:
        MCP.read(event, cap)
    return caught.value.outcome


def define(folder: Path, definition: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".mcp.json").write_text(json.dumps({"mcpServers": {"words": definition}}))


def rows(folder: Path, environ: dict[str, str], definition: dict[str, Any] | None = None) -> dict[str, tuple[str, str]]:
    if definition is not None:
        define(folder, definition)
    return {label: (name, value) for label, name, value in MCP.surroundings(call(), str(folder), environ)}


@pytest.mark.parametrize("name", ["one", "several", "spaces", "odd", "noted", "structured", "link", "resource", "long"])
def test_a_recorded_result_is_stored_and_gives_the_model_s_text(name: str) -> None:
    event, model = recorded("mcp", name)

    result = MCP.read(event, CAP)

    assert json.loads(result.output) == event.response == MCP.structured(result.output, "toolu_now")
    assert MCP.text_of(result.output) == model
    assert find.find(result.output.decode()) is None


@pytest.mark.parametrize(
    ("file", "name", "outcome"),
    [
        ("mcp", "error", FAILURE),
        ("mcp", "empty", EMPTY),
        ("mcp", "blank", EMPTY),
        ("mcp", "image", NOT_TEXT),
        ("mcp", "audio", NOT_TEXT),
        ("mcp", "blob", NOT_TEXT),
        ("mcp_limited", "long", CUT),
    ],
)
def test_what_is_no_whole_answer_is_not_stored(file: str, name: str, outcome: Outcome) -> None:
    assert outcome_of(recorded(file, name).event) is outcome


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (gave(None), EMPTY),
        (gave(""), EMPTY),
        (gave(" \n"), EMPTY),
        (gave({}), EMPTY),
        (gave({"isError": True, "content": []}), FAILURE),
        (gave([{"type": "text", "text": "a\n\n[OUTPUT TRUNCATED - exceeded 25000 token limit]"}]), CUT),
        (gave(3), NOT_TEXT),
        (gave(["text"]), NOT_TEXT),
        (gave([{"type": "text"}]), NOT_TEXT),
        (gave([{"text": "x"}]), NOT_TEXT),
        (called("mcp__words__count", {}, response="x", interrupted=True), INTERRUPTED),
    ],
)
def test_an_unusable_result_is_named(event: ToolEvent, outcome: Outcome) -> None:
    assert outcome_of(event) is outcome


def test_a_result_nested_beyond_what_can_be_written_is_not_stored() -> None:
    deep: list[object] = []
    for _ in range(5_000):
        deep = [deep]
    assert outcome_of(gave({"a": deep})) is NOT_TEXT


def test_a_result_over_the_cap_is_not_stored() -> None:
    assert outcome_of(gave("x" * 2_000), cap=1_000) is TOO_BIG


@pytest.mark.parametrize("response", [[{"type": "text", "text": "x"}, {"type": "image", "source": {}}], {"a": 1}])
def test_what_is_not_all_text_is_kept_and_not_put_into_words(response: Any) -> None:
    output = MCP.read(gave(response), CAP).output

    assert MCP.structured(output, "toolu_now") == response
    with pytest.raises(Unusable):
        MCP.text_of(output)


def test_texts_that_the_client_would_not_show_whole_are_not_given() -> None:
    halves = [{"type": "text", "text": "x" * 25_000}, {"type": "text", "text": "y" * 25_000}]
    longer = [*halves, {"type": "text", "text": "z"}]

    assert len(MCP.text_of(MCP.read(gave(halves), CAP).output)) == 50_001
    with pytest.raises(Unusable):
        MCP.text_of(MCP.read(gave(longer), CAP).output)


def test_arguments_are_told_apart_by_what_they_say_alone() -> None:
    assert (
        MCP.describe(call(a=1, b=[{"y": 2.0, "x": None}])).rows
        == MCP.describe(call(b=[{"x": None, "y": 2}], a=1.0)).rows
    )
    assert MCP.describe(call(a=1)).rows == (("tool", "", "mcp__words__count"), ("arguments", "", '{"a":1}'))
    different = [call(), call(a=1), call(a="1"), call(a=True), call(a=[1]), call(a=None), call(b=1), call(a=1.5)]
    assert len({MCP.describe(event).rows for event in different}) == len(different)


def test_arguments_without_a_canonical_form_are_not_looked_up() -> None:
    with pytest.raises(Bypass) as caught:
        MCP.describe(call(text="\ud800"))
    assert caught.value.outcome is UNCAPTURABLE


def test_a_local_server_is_one_of_its_definition_and_project(tmp_path: Path, home: dict[str, str]) -> None:
    first = rows(tmp_path / "project", home, STDIO)

    assert set(first) == {"server", "project"}
    assert rows(tmp_path / "project", home, {**STDIO, "args": ["--slow"]}) != first
    assert rows(tmp_path / "project", home, STDIO) == first
    assert rows(tmp_path / "other", home, STDIO)["server"] == first["server"]
    assert rows(tmp_path / "other", home, STDIO)["project"] != first["project"]


def test_what_a_local_server_s_command_line_names_is_part_of_it(tmp_path: Path, home: dict[str, str]) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "server.py").write_text("one")
    first = rows(project, home, {"command": "python3", "args": ["server.py"]})
    (project / "server.py").write_text("other")

    assert rows(project, home) != first
    assert rows(project, home)["server"] == first["server"]


def test_a_large_file_of_a_server_is_known_by_its_size_and_time(tmp_path: Path, home: dict[str, str]) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "server").write_bytes(bytes(2 << 20))
    first = rows(project, home, {"command": "./server"})
    (project / "server").write_bytes(bytes((2 << 20) + 1))

    assert "bytes of" in first["server file"][1]
    assert rows(project, home) != first


def test_a_variable_s_value_matters_and_is_not_shown(tmp_path: Path, home: dict[str, str]) -> None:
    one = rows(tmp_path, {**home, "WORDS_TOKEN": "a-value-of-mine"}, SIGNED)
    other = rows(tmp_path, {**home, "WORDS_TOKEN": "another"})

    assert one != other
    assert set(one) == {"server"}
    assert "a-value-of-mine" not in str(one)


@pytest.mark.parametrize("definition", [REMOTE, {**REMOTE, "headers": {}}, {**SIGNED, "headersHelper": "./token"}])
def test_a_server_that_the_client_logs_in_to_is_one_of_the_person(
    tmp_path: Path, home: dict[str, str], definition: dict[str, Any]
) -> None:
    assert set(rows(tmp_path, home, definition)) == {"server", "person"}


def test_a_server_of_the_account_is_one_of_the_person(home: dict[str, str]) -> None:
    event = called("mcp__claude_ai_Notes__find", {}, server=("claude.ai Notes", "claudeai"))

    found = MCP.surroundings(event, "/work", home)

    assert found[0] == ("server", "claude.ai Notes", "claudeai")
    assert [row[0] for row in found] == ["server", "person"]


@pytest.mark.parametrize("definition", [{}, {"type": "sdk"}, {"command": "x", "env": {"A": "\ud800"}}])
def test_a_server_that_cannot_be_told_is_not_looked_up(
    tmp_path: Path, home: dict[str, str], definition: dict[str, Any]
) -> None:
    with pytest.raises(Bypass) as caught:
        rows(tmp_path, home, definition)
    assert caught.value.outcome is UNKNOWN_SERVER


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_response_is_read_back_or_refused(response: Any) -> None:
    try:
        output = MCP.read(gave(response), CAP).output
    except Unusable:
        return
    assert MCP.structured(output, "toolu_now") == response
