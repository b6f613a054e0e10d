"""With the plugin a hit is an ordinary result, for every tool: the model and the person get what a run gives."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from skillcache.probe.api import Request, ToolCall, Turn, bash
from tests.conftest import RedisServer
from tests.e2e.pages import HOST, Page, Pages
from tests.e2e.plugin import Plugged, notes
from tests.e2e.project import CHECK_RULE, PYTEST, Place, after, agent
from tests.e2e.test_replays import OUTPUTS, without_path
from tests.e2e.test_skills import LINE, add_skill

MCP_RULE = '[[rules]]\nmatch = "mcp__words__count_words"\n'
AGENT_RULE = '[[rules]]\nmatch = "Agent"\n'
COUNT = ToolCall("mcp__words__count_words", {"text": "one two three"})
LINKS = [{"type": "web_search_result", "title": "A title", "url": "https://a.example/1", "encrypted_content": "x"}]


@pytest.fixture
def servers(tmp_path: Path) -> Path:
    path = tmp_path / "servers.json"
    command = {"command": sys.executable, "args": [str(Path(__file__).parent / "mcp_server.py")]}
    path.write_text(json.dumps({"mcpServers": {"words": command}}))
    return path


def test_a_repeated_command_is_answered_in_the_same_session_and_in_the_next(plugged: Plugged) -> None:
    first = plugged.play(PYTEST, PYTEST)
    fresh, answered = first.results
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"]
    assert answered[1:] == (fresh.text, False, fresh.structured)

    second = plugged.play(PYTEST)
    assert plugged.count() == 1, plugged.outcomes()
    assert second.results[0][1:] == fresh[1:]
    assert ["in this session" in note for note in notes(first)] == [True]
    assert ["another session" in note for note in notes(second)] == [True]
    assert {run.event for run in [*first.hooks, *second.hooks]} <= {"SessionStart", "Stop", "SessionEnd"}


def test_any_output_is_given_byte_for_byte(plugged: Plugged) -> None:
    turns: list[Turn] = []
    for output in OUTPUTS.values():
        turns += [after(partial(plugged.write, "answer", output), "./check"), bash("./check")]
    session = plugged.play(*turns)
    assert plugged.count() == len(OUTPUTS) == len(notes(session)), plugged.outcomes()
    for name, fresh, answered in zip(OUTPUTS, session.results[::2], session.results[1::2], strict=True):
        assert (name, without_path(answered.text), answered.is_error) == (name, without_path(fresh.text), False)
        kept = [result.structured.pop("persistedOutputPath", None) for result in (fresh, answered)]
        assert answered.structured == fresh.structured
        if len(OUTPUTS[name]) > 30_000:
            assert kept[0] != kept[1]
            assert f"saved to: {kept[1]}\n" in answered.text
            assert Path(kept[1]).read_bytes() == Path(kept[0]).read_bytes() == OUTPUTS[name]
        else:
            assert kept == [None, None]


def test_a_failing_command_is_answered_as_it_failed(plugged: Plugged) -> None:
    plugged.configure(f"{CHECK_RULE}failures = true\n")
    for status, text in ((3, "one thing is wrong\n"), (1, ""), (139, "\n\n  é\x1b[31mred\r\n")):
        plugged.write("status", f"{status}\n")
        plugged.write("answer", text)
        (fresh,) = plugged.play("./check").results
        (answered,) = plugged.play("./check").results
        assert answered[1:] == fresh[1:]
        assert answered.is_error
    assert plugged.count() == 3, plugged.outcomes()


def test_a_search_without_matches_is_answered_as_none(plugged: Plugged) -> None:
    session = plugged.play("./check | grep nothing_like_it", "./check | grep nothing_like_it")
    assert plugged.count() == 1, plugged.outcomes()
    assert session.results[1][1:] == session.results[0][1:]
    assert session.results[1].structured["returnCodeInterpretation"] == "No matches found"


def test_a_line_that_moves_the_shell_runs(plugged: Plugged) -> None:
    session = plugged.play(f"cd sub && {PYTEST}", "pwd", f"cd {plugged.project}", f"cd sub && {PYTEST}", "pwd")
    assert session.texts[0] == session.texts[3]
    assert session.texts[1] == session.texts[4] == str(plugged.project / "sub")
    assert plugged.count() == 2
    assert "unfit" in plugged.outcomes()


def test_a_tool_of_an_mcp_server_is_answered(plugged: Plugged, servers: Path) -> None:
    plugged.configure(MCP_RULE)
    first = plugged.play(COUNT, COUNT, mcp_config=servers)
    second = plugged.play(COUNT, mcp_config=servers)
    assert plugged.count() == 1, plugged.outcomes()
    fresh = first.results[0]
    assert (fresh.text, fresh.is_error) == ("3 words", False)
    assert [result[1:] for result in (first.results[1], second.results[0])] == [fresh[1:], fresh[1:]]
    assert len(notes(first)) == 1


def test_a_page_is_answered_without_being_fetched(plugged: Plugged, tmp_path: Path) -> None:
    (plugged.home / ".claude").mkdir(exist_ok=True)
    (plugged.home / ".claude/settings.json").write_text('{"skipWebFetchPreflight": true}')
    fetch = ToolCall("WebFetch", {"url": f"https://{HOST}/a", "prompt": "what is it?"})
    with Pages(tmp_path / "pages", {"/a": Page("<h1>A title</h1><p>A page</p>")}) as pages:
        first = plugged.play(fetch, env=pages.environment, side=_read)
        asked = list(pages.requests)
        second = plugged.play(fetch, env=pages.environment, side=_read)
        assert pages.requests == asked
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"]
    assert first.results[0].text == "It is a page - “quoted”."
    assert second.results[0][1:] == first.results[0][1:]


def test_a_search_is_answered_as_that_of_the_present_call(plugged: Plugged) -> None:
    search = ToolCall("WebSearch", {"query": "plain"})
    session = plugged.play(search, search, side=_search)
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"]
    fresh, answered = session.results
    assert "https://a.example/1" in fresh.text
    assert answered[1:3] == fresh[1:3]
    ids = [{part.pop("tool_use_id") for part in _parts(result.structured)} for result in (fresh, answered)]
    assert ids[1] == {answered.id}
    assert answered.structured == fresh.structured


def _parts(structured: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (part for part in structured["results"] if isinstance(part, dict))


def _read(_body: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": "It is a page - “quoted”."}]


def _search(body: dict[str, Any]) -> list[dict[str, Any]]:
    if "web_search" not in json.dumps(body.get("tools")):
        return _read(body)
    asked = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "plain"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": LINKS}
    return [asked, found, {"type": "text", "text": "Here is what I found."}]


def _report(_request: Request) -> Turn:
    return "All is well."


def test_an_agent_is_answered_without_being_started(plugged: Plugged) -> None:
    plugged.configure(AGENT_RULE)
    task = agent("report on the project")
    session = plugged.play(task, task, agents={"report on the project": [_report] * 3})
    assert len(session.api.of("report on the project")) == 1
    fresh, answered = session.results
    assert answered.text.partition("\nagentId: ")[0] == fresh.text.partition("\nagentId: ")[0]
    assert not answered.is_error
    assert answered.structured["content"] == fresh.structured["content"]


def test_what_an_agent_in_the_background_answered_is_the_next_ones_result(plugged: Plugged) -> None:
    plugged.configure(AGENT_RULE)
    script = {"report on the project": [_report] * 3}
    behind = ToolCall("Agent", {**agent("report on the project").input, "run_in_background": True})
    launched = plugged.play(behind, bash("sleep 2"), agents=script)
    assert "launched" in launched.texts[0]
    assert plugged.outcomes() == ["no_entry", "launched", "stored"]
    session = plugged.play(agent("report on the project"), agents=script)
    assert "All is well." in session.texts[0]
    assert not session.results[0].is_error
    assert session.api.of("report on the project") == []


def test_a_subagent_shares_what_the_main_agent_ran(plugged: Plugged) -> None:
    session = plugged.play("./check", agent("check it for me"), agents={"check it for me": ["./check"]})
    inner = session.api.of("check it for me")[-1]
    assert [result.text for result in inner.results()] == [session.texts[0]]
    assert plugged.count() == 1, plugged.outcomes()


def test_an_agent_in_a_worktree_of_its_own_shares_what_the_main_agent_ran(plugged: Plugged) -> None:
    """Of the same content: in another folder, with another branch."""
    apart = ToolCall("Agent", {**agent("check it apart").input, "isolation": "worktree"})
    script = ["pwd", "./check", "echo more >> answer", "./check"]
    session = plugged.play("./check", apart, agents={"check it apart": script})
    folder, same, _, other = (result.text for result in session.api.of("check it apart")[-1].results())
    assert folder != str(plugged.project)
    assert same == session.texts[0] == "all is well"
    assert other == "all is well\nmore"
    assert plugged.count() == 2, plugged.outcomes()


def test_parallel_calls_of_one_message_are_each_answered(plugged: Plugged) -> None:
    batch = ["./check one", "./check two", f"{PYTEST} sub", "./check three"]
    session = plugged.play(batch, batch)
    assert session.texts[:4] == session.texts[4:]
    assert plugged.count() == 4, plugged.outcomes()
    assert len(notes(session)) == 4


def test_the_files_of_a_skills_script_are_put_back(plugged: Plugged) -> None:
    add_skill(plugged, plugged.home / ".claude/skills/report")
    report, table = plugged.project / "report.txt", plugged.project / "out/table.csv"

    def remove() -> None:
        report.unlink()
        table.unlink()

    session = plugged.play(LINE, after(remove, LINE), after(lambda: report.write_text("edited"), LINE))
    assert plugged.outcomes() == ["no_entry", "stored", "replayed", "unfit", "stored"]
    assert session.texts[1] == session.texts[0] == "wrote a report on 4 characters"
    assert table.read_text() == "A,B\n"
    assert (report.read_text(), report.stat().st_mode & 0o777) == ("it's a report on a,b\n", 0o640)
    assert "What it wrote was put back" in notes(session)[0]


def test_a_wish_for_a_fresh_run_is_granted_and_refreshes_the_entry(plugged: Plugged) -> None:
    session = plugged.play("./check", "./check # fresh", "./check")
    assert plugged.outcomes() == ["no_entry", "stored", "fresh", "stored", "replayed"]
    assert len(set(session.texts)) == 1


def test_other_calls_are_not_asked_about(plugged: Plugged) -> None:
    session = plugged.play("ls", "git status --short", "find . -type f -name x", "git checkout --quiet .")
    assert not any(result.is_error for result in session.results)
    assert plugged.outcomes() == []
    assert not (plugged.home / ".cache/skillcache/pending").exists()


@pytest.mark.parametrize("first", ["plugin", "hooks"])
def test_both_lanes_give_the_same_answers(
    plugged: Plugged, place: Place, first: str, redis_server: RedisServer
) -> None:
    """`plugged` and `place` lie in different folders: what one stores, the other is given."""
    one, other = (plugged, place) if first == "plugin" else (place, plugged)
    for each in (one, other):
        each.client.env["SKILLCACHE_REDIS_URL"] = redis_server.url
    (fresh,) = one.play("./check").results
    (answered,) = other.play("./check").results
    assert answered[1:] == fresh[1:]
    assert (one.count(), other.count()) == (1, 0), (one.outcomes(), other.outcomes())


def test_with_the_hooks_installed_as_well_the_plugin_alone_acts(plugged: Plugged) -> None:
    plugged.skillcache("install")
    session = plugged.play(PYTEST, PYTEST, "./check", "./check")
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"] * 2
    assert len(notes(session)) == 2
    assert session.replays == []
    assert [run.stdout for run in session.hooks if run.event == "PreToolUse" and run.stdout] == []


def test_a_conversation_that_is_resumed_is_served(plugged: Plugged) -> None:
    first = plugged.play("./check")
    second = plugged.play("./check", resume=first.id)
    assert second.id == first.id
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"]
    assert second.texts[-1].startswith(first.texts[0])
