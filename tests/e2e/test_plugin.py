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

    resumed = plugged.play(PYTEST, resume=first.id)
    assert resumed.id == first.id
    assert plugged.count() == 1, plugged.outcomes()
    assert resumed.texts[-1].startswith(fresh.text)


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

    def failing(number: int) -> Turn:
        status, text = ((3, "one thing is wrong\n"), (1, ""), (139, "\n\n  é\x1b[31mred\r\n"))[number]

        def fail() -> None:
            plugged.write("status", f"{status}\n")
            plugged.write("answer", text)

        return after(fail, "./check")

    fresh, answered = (plugged.play(bash("true"), *map(failing, range(3))) for _ in range(2))
    assert [result[1:] for result in answered.results] == [result[1:] for result in fresh.results]
    assert [result.is_error for result in answered.results] == [False, True, True, True]
    assert plugged.count() == 3, plugged.outcomes()


def test_lines_are_answered_or_run_as_their_form_demands(plugged: Plugged) -> None:
    """One session; each form follows the one before."""
    others = ["ls", "git status --short", "find . -type f -name x", "git checkout --quiet ."]
    pipe = ["./check | grep nothing_like_it"] * 2
    fresh = ["./check", "./check # fresh", "./check"]
    batch = ["./check one", "./check two", f"{PYTEST} sub", "./check three"]
    moving = [f"cd sub && {PYTEST}", "pwd", f"cd {plugged.project}", f"cd sub && {PYTEST}", "pwd"]
    pending = plugged.home / ".cache/skillcache/pending"
    seen: list[bool] = []
    first, *rest = pipe
    look = after(lambda: seen.append(pending.exists()), first)
    session = plugged.play(*others, look, *rest, *fresh, batch, batch, *moving)
    results = iter(session.results)

    assert not any(next(results).is_error for _ in others)
    assert seen == [False]  # nobody asked about those
    ran, answered = next(results), next(results)
    assert answered[1:] == ran[1:]
    assert answered.structured["returnCodeInterpretation"] == "No matches found"
    assert len({next(results).text for _ in fresh}) == 1
    ones, others_ = ([next(results).text for _ in batch] for _ in range(2))
    assert ones == others_
    there, where, _, again, where_again = (next(results).text for _ in moving)
    assert there == again
    assert where == where_again == str(plugged.project / "sub")
    assert plugged.outcomes()[:8] == [
        *("no_entry", "stored", "replayed"),
        *("no_entry", "stored", "fresh", "stored", "replayed"),
    ]
    assert plugged.outcomes().count("replayed") == len(notes(session)) == 2 + len(batch)
    assert "unfit" in plugged.outcomes()  # what would move the shell runs
    assert plugged.count() == 1 + 2 + len(batch) + 2


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


def test_subagents_share_what_the_main_agent_ran(plugged: Plugged) -> None:
    """One beside it, and one in a worktree of its own: of the same content, in another folder, with another branch."""
    apart = ToolCall("Agent", {**agent("check it apart").input, "isolation": "worktree"})
    script = ["pwd", "./check", "echo more >> answer", "./check"]
    scripts = {"check it for me": ["./check"], "check it apart": script}
    session = plugged.play("./check", agent("check it for me"), apart, agents=scripts)
    inner = session.api.of("check it for me")[-1]
    assert [result.text for result in inner.results()] == [session.texts[0]]
    folder, same, _, other = (result.text for result in session.api.of("check it apart")[-1].results())
    assert folder != str(plugged.project)
    assert same == session.texts[0] == "all is well"
    assert other == "all is well\nmore"
    assert plugged.count() == 2, plugged.outcomes()


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


def test_both_lanes_give_the_same_answers(plugged: Plugged, place: Place, redis_server: RedisServer) -> None:
    """`plugged` and `place` lie in different folders: what one stores, the other is given."""
    for each in (plugged, place):
        each.client.env["SKILLCACHE_REDIS_URL"] = redis_server.url
    (of_plugin,) = plugged.play("./check one").results
    given, of_hooks = place.play("./check one", "./check two").results
    (answered,) = plugged.play("./check two").results
    assert given[1:] == of_plugin[1:]
    assert answered[1:] == of_hooks[1:]
    assert (plugged.count(), place.count()) == (1, 1), (plugged.outcomes(), place.outcomes())


def test_with_the_hooks_installed_as_well_the_plugin_alone_acts(plugged: Plugged) -> None:
    plugged.skillcache("install")
    session = plugged.play(PYTEST, PYTEST, "./check", "./check")
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"] * 2
    assert len(notes(session)) == 2
    assert session.replays == []
    assert [run.stdout for run in session.hooks if run.event == "PreToolUse" and run.stdout] == []
