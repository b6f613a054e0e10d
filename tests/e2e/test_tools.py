"""What the model receives for repeated calls of other tools than Bash, and whether they were really made."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import redis

from skillcache.cli.checks.messages_api import ToolCall, Turn
from skillcache.stores.entry import decode, encode
from tests.conftest import RedisServer
from tests.e2e.pages import HOST, Page, Pages
from tests.e2e.project import CHECK_RULE, Place, after, agent
from tests.fidelity.hooks import run_hook

FETCH = {"url": "https://docs.python.org/3/whatsnew/3.11.html", "prompt": "What is new?"}
PAGE = {"bytes": 9_000, "code": 200, "codeText": "OK", "result": "Exception groups.", "durationMs": 900, **FETCH}
COUNT = ToolCall("mcp__words__count_words", {"text": "one two three"})
MCP_RULE = """
[[rules]]
match = "mcp__words__*"
invalidated_by = ["Bash(touch *)"]
"""
NO_ERROR = "Not an error: answered from skillcache's record. This same "


def say(text: str) -> Turn:
    """A subagent's answer; a bare text would be a command."""
    return lambda _request: text


def with_server(place: Place, rules: str = MCP_RULE) -> Path:
    """The server's definition where the project has it, and the entries for the rules."""
    place.configure(CHECK_RULE + rules)
    place.skillcache("install")
    server = {"command": sys.executable, "args": [str(Path(__file__).parent / "mcp_server.py")]}
    config = place.project / ".mcp.json"
    config.write_text(json.dumps({"mcpServers": {"words": server}}))
    return config


def record(place: Place, tool: str, tool_input: dict[str, Any], response: object) -> None:
    """What the hooks of a session would have stored of a call that this machine cannot make."""
    environ = {**place.client.environment(), "CLAUDE_PROJECT_DIR": str(place.project)}
    event = {
        "session_id": "earlier", "cwd": str(place.project), "permission_mode": "default", "tool_name": tool,
        "tool_input": tool_input, "tool_use_id": "toolu_earlier", "hook_event_name": "PreToolUse",
    }  # fmt: skip
    assert run_hook("pre_tool_use.py", event, environ) == {}
    ended = {**event, "hook_event_name": "PostToolUse", "tool_response": response, "duration_ms": 900}
    assert run_hook("post_tool_use.py", ended, environ) == {}
    assert place.outcomes()[-1] == "stored"


def test_an_mcp_tool_is_asked_once_denied_and_invalidated(place: Place, tmp_path: Path) -> None:
    config = with_server(place)
    first = place.play(COUNT, COUNT, mcp_config=config)
    assert place.count() == 1, place.outcomes()
    fresh, served = first.results
    assert (fresh.text, fresh.is_error) == ("3 words", False)
    assert served.is_error
    head, text = served.text.split("\n", 1)
    assert NO_ERROR + "mcp__words__count_words call" in head
    assert text == fresh.text

    second = place.play(COUNT, COUNT, mcp_config=config)
    assert place.count() == 2, place.outcomes()  # the model of the second session insisted
    assert second.texts[0].split("\n", 1)[1] == second.texts[1] == fresh.text

    denying = tmp_path / "deny.json"
    denying.write_text(json.dumps({"permissions": {"deny": [COUNT.tool]}}))
    denied = place.play(COUNT, mcp_config=config, settings=denying)
    assert all("3" not in result.text.split("\n")[-1:] for result in denied.results)
    assert not any(NO_ERROR in result.text for result in denied.results)
    assert place.count() == 2, place.outcomes()

    place.skillcache("invalidate", "--tool", COUNT.tool)  # counts at once
    assert place.play(COUNT, mcp_config=config).texts == [fresh.text]
    assert place.count() == 3, place.outcomes()


def test_a_failing_mcp_tool_is_never_answered_from_the_cache(place: Place) -> None:
    fail = ToolCall("mcp__words__fail", {})
    session = place.play(fail, fail, mcp_config=with_server(place))
    assert place.count() == 2
    assert [text.split("\n")[0] for text in session.texts] == ["it failed"] * 2
    assert "stored" not in place.outcomes()


def test_a_command_that_writes_puts_the_tools_results_out_of_date(place: Place) -> None:
    session = place.play(COUNT, "cd sub && touch new", COUNT, mcp_config=with_server(place))
    assert place.count() == 2, place.outcomes()
    assert place.outcomes() == ["no_entry", "stored", "outdated", "invalidated", "stored"]
    assert [result.is_error for result in session.results] == [False, False, False]


def test_a_page_is_fetched_once(place: Place, tmp_path: Path) -> None:
    fetch = ToolCall("WebFetch", {"url": f"https://{HOST}/news", "prompt": "What is new?"})
    options = tmp_path / "options.json"
    options.write_text('{"skipWebFetchPreflight": true}')
    with Pages(tmp_path / "pages", {"/news": Page("<p>Exception groups</p>")}) as pages:
        session = place.play(fetch, fetch, settings=options, env=pages.environment)
    fresh, served = session.results
    assert not fresh.is_error
    assert NO_ERROR + "WebFetch call" in served.text
    assert served.text.split("\n", 1)[1] == fresh.text
    assert place.outcomes() == ["no_entry", "stored", "replayed"]


def test_a_page_that_was_fetched_before_is_given_without_the_network(place: Place) -> None:
    record(place, "WebFetch", FETCH, PAGE)
    session = place.play(ToolCall("WebFetch", FETCH))
    (served,) = session.results
    head, text = served.text.split("\n", 1)
    assert NO_ERROR + "WebFetch call" in head
    assert "on this machine, by another session" in head
    assert text == PAGE["result"]
    assert place.outcomes()[-1] == "replayed"


def test_a_search_that_was_made_before_is_given_without_the_network(place: Place) -> None:
    query = {"query": "python exception groups"}
    link = {"title": "What is new", "url": FETCH["url"]}
    results = [{"tool_use_id": "srvtoolu_1", "content": [link]}]
    record(place, "WebSearch", query, {**query, "results": results, "durationSeconds": 1})
    session = place.play(ToolCall("WebSearch", query))
    (served,) = session.results
    assert NO_ERROR + "WebSearch call" in served.text
    assert f'{{"title":"What is new","url":"{FETCH["url"]}"}}' in served.text


def test_an_agents_answer_is_given_again_while_nothing_has_changed(place: Place) -> None:
    place.configure(CHECK_RULE + '[[rules]]\nmatch = "Agent(general-purpose)"\n')
    place.skillcache("install")
    task = "review the project for me"
    session = place.play(
        agent(task),
        agent(task),
        after(lambda: place.write("answer", "edited\n"), [agent(task)]),
        agents={task: [say("two findings"), say("three findings")]},
    )
    assert len(session.api.of(task)) == 2, place.outcomes()
    first, served, again = session.texts
    assert "two findings" in first
    assert served.startswith("PreToolUse:Agent hook error: " + NO_ERROR)
    assert served.endswith("two findings")
    assert "hook error" not in again
    assert place.outcomes() == ["no_entry", "stored", "replayed", "no_entry", "stored"]


def test_the_answer_of_an_agent_in_the_background_is_given_to_the_next(place: Place) -> None:
    place.configure(CHECK_RULE + '[[rules]]\nmatch = "Agent"\n')
    place.skillcache("install")
    task = "look around in the background"
    aside = ToolCall("Agent", {**agent(task).input, "run_in_background": True})
    place.play(aside, "sleep 2", agents={task: [say("all quiet")]})
    assert place.outcomes()[:3] == ["no_entry", "launched", "stored"], place.outcomes()
    later = place.play(agent(task), agents={task: [say("never asked")]})
    assert later.texts[0].endswith("all quiet")
    assert later.api.of(task) == []


def test_a_teammates_result_is_given_under_ones_own_allow_rule(place: Place, redis_server: RedisServer) -> None:
    place.configure('[[rules]]\nmatch = "Bash(./check:*)"\nshare = "team"\n')
    place.client.env |= {"SKILLCACHE_REDIS_URL": redis_server.url, "SKILLCACHE_TEAM": "acme"}
    place.play("./check")
    with redis.Redis.from_url(redis_server.url) as client:  # now it is somebody else's, on another machine
        for key in list(client.scan_iter("skill_cache:*")):
            client.delete(key)
        for key in list(client.scan_iter("team:cache:acme:*")):
            entry = decode(client.get(key) or b"", details=True)
            entry.writer = {"user": "grace", "uid": "4711", "host": "ci-7", "machine": "m", "session": "x"}
            client.set(key, encode(entry))
    place.client.env["SKILLCACHE_TEAM_MODE"] = "read"
    allowing = place.home / "allow.json"  # above the project it would be an input
    allowing.write_text(json.dumps({"permissions": {"allow": ["Bash(./check:*)"]}}))
    session = place.play("./check", settings=allowing, mode="default")
    assert session.texts == ["all is well"]
    assert place.count() == 1, place.outcomes()
    assert place.outcomes()[-1] == "replayed"
