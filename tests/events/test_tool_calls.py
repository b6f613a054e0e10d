"""Calls of tools besides Bash through the real hook processes: stored at their end, served by a refusal."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import redis

from skillcache.settings.in_force import load
from skillcache.stores import open_store
from skillcache.stores.entry import decode, encode
from tests.events.conftest import Place
from tests.fidelity.hooks import run_hook
from tests.sessions.test_repository import git

PAGE = "Python 3.11 adds exception groups.\n\n- and `tomllib`"
FETCH = {"url": "https://docs.python.org/3/whatsnew/3.11.html", "prompt": "What is new?"}
SEARCH = {"query": "python exception groups"}
WORDS = {"text": "one two", "deep": {"b": 1, "a": [True, None]}}
SERVER = {"mcp_server": {"name": "words", "source": "project"}}
AGENT = {"description": "review", "prompt": "Review app.py", "subagent_type": "reviewer", "run_in_background": False}


def fetched(text: str = PAGE, code: int = 200) -> dict[str, Any]:
    words = {200: "OK", 404: "Not Found"}.get(code, "Other")
    url = FETCH["url"]
    return {"bytes": 9_000, "code": code, "codeText": words, "result": text, "durationMs": 900, "url": url}


def answered(text: str = "No findings.") -> dict[str, Any]:
    content = [{"type": "text", "text": text}]
    return {"status": "completed", "agentId": "a1", "content": content, "totalTokens": 9, "totalDurationMs": 5_000}


class Tools:
    """A place whose person has allowed all the tools below."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.number = 0

    def before(self, tool: str, tool_input: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        self.number += 1
        return {
            "hook_event_name": "PreToolUse", "session_id": "s1", "cwd": str(self.place.root),
            "permission_mode": "default", "tool_name": tool, "tool_input": dict(tool_input),
            "tool_use_id": f"toolu_t{self.number}", **fields,
        }  # fmt: skip

    def ask(self, event: Mapping[str, Any], *, shift: float = 0) -> str | None:
        """The reason of the refusal; None when the tool runs."""
        answer = self.place.ask(event, shift=shift)
        if not answer:
            return None
        output = answer["hookSpecificOutput"]
        assert (output["hookEventName"], output["permissionDecision"]) == ("PreToolUse", "deny")
        assert set(output) == {"hookEventName", "permissionDecision", "permissionDecisionReason"}
        return str(output["permissionDecisionReason"])

    def tell(self, event: Mapping[str, Any], response: object, *, shift: float = 0) -> None:
        ended = {**event, "hook_event_name": "PostToolUse", "tool_response": response, "duration_ms": 900}
        assert self.hook("post_tool_use.py", ended, shift=shift) == {}

    def hook(self, script: str, event: Mapping[str, Any], *, shift: float = 0) -> dict[str, Any]:
        environ = {"CLAUDE_PROJECT_DIR": str(self.place.root), **self.place.environ}
        return run_hook(script, event, environ, shift=shift)

    def call(
        self, tool: str, tool_input: Mapping[str, Any], response: object, *, shift: float = 0, **fields: Any
    ) -> str | None:
        event = self.before(tool, tool_input, **fields)
        served = self.ask(event, shift=shift)
        if served is None:
            self.tell(event, response, shift=shift)
        return served


@pytest.fixture
def tools(place: Place) -> Tools:
    return Tools(place)


class TestWeb:
    def test_a_repeat_is_refused_with_the_result_of_the_first(self, tools: Tools) -> None:
        assert tools.call("WebFetch", FETCH, fetched()) is None
        served = tools.call("WebFetch", FETCH, fetched("never asked for"), session_id="s2", shift=180)
        assert served is not None
        first, result = served.split("\n", 1)
        assert result == PAGE
        assert first == (
            "Not an error: answered from skillcache's record. This same WebFetch call was made 3 minutes ago on this"
            " machine, by another session, and this is its result. To have it made afresh, repeat the same call within"
            " 60 seconds. The result follows."
        )
        assert tools.place.counted() == ["no_entry", "stored", "replayed"]

    def test_the_model_insists_by_asking_again_within_a_minute(self, tools: Tools) -> None:
        tools.call("WebFetch", FETCH, fetched("old"))
        assert tools.call("WebFetch", FETCH, fetched()) is not None
        assert tools.call("WebFetch", FETCH, fetched("new"), shift=50) is None
        served = tools.call("WebFetch", FETCH, fetched(), shift=51)
        assert served is not None
        assert served.endswith("\nnew")
        assert tools.place.counted() == ["no_entry", "stored", "replayed", "insisted", "stored", "replayed"]

    def test_a_rule_that_is_refused_more_often_than_taken_rests_and_says_so(self, tools: Tools) -> None:
        """Of four answers two were taken: half. Then of five, of six and of seven: more are refused."""
        told = []
        at = 0
        for takes in (True, True, False, False, False):
            at += 100
            page = {**FETCH, "prompt": f"At {at}?"}
            tools.call("WebFetch", page, fetched(), shift=at)
            assert tools.call("WebFetch", page, fetched(), shift=at) is not None
            if not takes:
                event = tools.before("WebFetch", page)
                told.append(tools.hook("pre_tool_use.py", event, shift=at + 1))
                tools.tell(event, fetched(), shift=at + 1)
        said = "skillcache: what WebFetch gave was refused more often than taken; it rests here for a week"
        assert told == [{}, {}, {"systemMessage": said}]
        assert tools.call("WebFetch", FETCH, fetched(), shift=at + 2) is None
        assert tools.call("WebFetch", FETCH, fetched(), shift=at + 3) is None
        assert tools.place.counted()[-2:] == ["quarantined", "quarantined"]
        assert tools.call("WebFetch", FETCH, fetched(), shift=at + 8 * 86_400) is None
        assert tools.call("WebFetch", FETCH, fetched(), shift=at + 8 * 86_400) is not None

    def test_what_is_stored_is_past_where_the_model_insists_and_gets_nothing(self, tools: Tools) -> None:
        tools.call("WebFetch", FETCH, fetched())
        assert tools.call("WebFetch", FETCH, fetched()) is not None
        assert tools.call("WebFetch", FETCH, fetched("Not found", 404)) is None
        assert tools.call("WebFetch", FETCH, fetched(), shift=90) is None
        assert tools.place.counted() == [
            "no_entry",
            "stored",
            "replayed",
            "insisted",
            "bad_status",
            "no_entry",
            "stored",
        ]

    def test_an_interrupted_call_says_nothing_of_what_is_stored(self, tools: Tools) -> None:
        tools.call("WebFetch", FETCH, fetched())
        tools.call("WebFetch", FETCH, fetched())
        event = tools.before("WebFetch", FETCH)
        assert tools.ask(event) is None
        tools.tell({**event, "is_interrupt": True}, None)
        assert tools.call("WebFetch", FETCH, fetched(), shift=90) is not None

    def test_another_session_or_a_later_minute_does_not_insist(self, tools: Tools) -> None:
        tools.call("WebFetch", FETCH, fetched())
        assert tools.call("WebFetch", FETCH, fetched()) is not None
        assert tools.call("WebFetch", FETCH, fetched(), session_id="s2") is not None
        assert tools.call("WebFetch", FETCH, fetched(), shift=120) is not None

    def test_the_same_page_in_another_spelling_is_the_same_call(self, tools: Tools) -> None:
        tools.call("WebFetch", FETCH, fetched())
        other = {**FETCH, "url": "HTTPS://Docs.Python.org:443/3/./whatsnew/3.11.html"}
        assert tools.call("WebFetch", other, fetched()) is not None

    @pytest.mark.parametrize("change", [{"prompt": "How?"}, {"offset": 100}, {"url": FETCH["url"] + "?v=2"}])
    def test_another_question_is_another_call(self, tools: Tools, change: dict[str, Any]) -> None:
        tools.call("WebFetch", FETCH, fetched())
        assert tools.call("WebFetch", {**FETCH, **change}, fetched()) is None

    @pytest.mark.table
    @pytest.mark.parametrize(
        ("response", "outcome"),
        [
            (fetched(code=404), "bad_status"),
            (fetched(code=301), "bad_status"),
            (fetched(code=206), "cut"),
            (fetched(""), "empty"),
            ({"result": PAGE}, "not_text"),
            ("just text", "not_text"),
            (fetched("password = hunter2-is-long-9"), "secret"),
        ],
    )
    def test_what_is_no_whole_good_answer_is_not_stored(self, tools: Tools, response: object, outcome: str) -> None:
        assert tools.call("WebFetch", FETCH, response) is None
        assert tools.call("WebFetch", FETCH, response) is None
        assert tools.place.counted() == ["no_entry", outcome] * 2

    @pytest.mark.parametrize(
        "url",
        [
            "https://ada:s3cret@example.com/",
            "https://example.com/ghp_" + "a8Kd03LqZx7VnTr5Yw2Mb9Pc6Hf4Gs1Ju0Re",
            "https://example.com/?access_token=a8f5f167f44f4964e6c998dee827110c",
            "https://bucket.example.com/x?X-Amz-Signature=a8f5f167f44f4964e6c998dee827110ca8f5f167f44f4964e6c998de",
        ],
    )
    def test_an_address_that_carries_a_credential_is_not_stored(self, tools: Tools, url: str) -> None:
        event = tools.before("WebFetch", {**FETCH, "url": url})
        assert tools.ask(event) is None
        kept = b"".join(path.read_bytes() for path in tools.place.cache.rglob("*") if path.is_file())
        assert url.encode() not in kept
        tools.tell(event, fetched())
        assert tools.call("WebFetch", {**FETCH, "url": url}, fetched()) is None
        assert tools.place.counted() == ["secret"] * 2

    @pytest.mark.table
    @pytest.mark.parametrize("before", ["", "The keys are:\n", "\t", "\u00e9"])
    def test_a_page_that_shows_a_credential_is_not_stored(self, tools: Tools, before: str) -> None:
        tools.call("WebFetch", FETCH, fetched(f"{before}AKIA" + "Z7Q2XW5K3JH6RT4M"))

        assert tools.call("WebFetch", FETCH, fetched()) is None
        assert "secret" in tools.place.counted()

    def test_it_is_kept_for_an_hour_and_a_search_for_a_quarter(self, tools: Tools) -> None:
        link = {"title": "What is new", "url": "https://docs.python.org/3/whatsnew/3.11.html"}
        found = {
            "query": SEARCH["query"],
            "results": [{"tool_use_id": "srvtoolu_1", "content": [link]}],
            "durationSeconds": 1,
        }
        tools.call("WebFetch", FETCH, fetched())
        tools.call("WebSearch", SEARCH, found)
        assert tools.ask(tools.before("WebFetch", FETCH), shift=3_500) is not None
        assert tools.ask(tools.before("WebFetch", FETCH), shift=3_700) is None
        assert tools.ask(tools.before("WebSearch", SEARCH), shift=800) is not None
        assert tools.ask(tools.before("WebSearch", SEARCH), shift=1_000) is None

    def test_a_rule_gives_a_domain_its_own_time(self, tools: Tools) -> None:
        tools.place.settings('[[rules]]\nmatch = "WebFetch(domain:docs.python.org)"\nttl = 86400\n')
        tools.call("WebFetch", FETCH, fetched())
        assert tools.ask(tools.before("WebFetch", FETCH), shift=80_000) is not None

    def test_a_rule_switches_a_domain_off(self, tools: Tools) -> None:
        tools.place.settings('[[rules]]\nmatch = "WebFetch(domain:docs.python.org)"\nenabled = false\n')
        tools.call("WebFetch", FETCH, fetched())
        assert tools.call("WebFetch", FETCH, fetched()) is None
        assert tools.place.counted() == []

    def test_serving_can_be_switched_off(self, tools: Tools) -> None:
        tools.call("WebFetch", FETCH, fetched())
        tools.place.environ["SKILLCACHE_SERVE_WEB"] = "off"
        assert tools.call("WebFetch", FETCH, fetched()) is None
        assert tools.place.counted() == ["no_entry", "stored", "serving_off"]

    @pytest.mark.parametrize("kind", ["deny", "ask"])
    def test_a_persons_own_rule_stops_it(self, tools: Tools, kind: str) -> None:
        tools.call("WebFetch", FETCH, fetched())
        tools.place.claude_settings(permissions={kind: ["WebFetch(domain:docs.python.org)"]})
        assert tools.call("WebFetch", FETCH, fetched()) is None
        assert tools.place.counted()[-1] == f"{kind}_rule"

    def test_what_was_recorded_in_another_project_needs_an_allow_rule(self, tools: Tools) -> None:
        tools.call("WebFetch", FETCH, fetched())
        tools.place.git("remote", "add", "origin", "https://example.com/team/other")
        assert tools.ask(tools.before("WebFetch", FETCH)) is None
        assert tools.place.counted()[-1] == "undecided"
        tools.place.claude_settings(permissions={"allow": ["WebFetch(domain:docs.python.org)"]})
        assert tools.ask(tools.before("WebFetch", FETCH)) is not None

    def test_an_edit_changes_nothing_for_the_web(self, tools: Tools) -> None:
        tools.call("WebFetch", FETCH, fetched())
        (tools.place.root / "app.py").write_text("edited\n")
        assert tools.call("WebFetch", FETCH, fetched()) is not None


class TestMcp:
    @pytest.fixture(autouse=True)
    def _server(self, place: Place) -> None:
        place.settings('[[rules]]\nmatch = "mcp__words__*"\nttl = 600\n')
        self.define(place, {"command": "python3", "args": ["server.py"]})

    @staticmethod
    def define(place: Place, server: dict[str, Any]) -> None:
        (place.root / ".mcp.json").write_text(json.dumps({"mcpServers": {"words": server}}))

    def call(self, tools: Tools, response: object = "2 words", tool_input: object = None, **fields: Any) -> str | None:
        given = tool_input if isinstance(tool_input, dict) else WORDS
        return tools.call("mcp__words__count", given, response, **{**SERVER, **fields})

    def test_a_repeat_is_served(self, tools: Tools) -> None:
        assert self.call(tools, [{"type": "text", "text": "2 words"}]) is None
        served = self.call(tools)
        assert served is not None
        assert served.split("\n", 1)[1] == "2 words"

    def test_the_order_of_arguments_is_of_no_account(self, tools: Tools) -> None:
        self.call(tools)
        turned = {"deep": {"a": [True, None], "b": 1.0}, "text": "one two"}
        assert self.call(tools, tool_input=turned) is not None
        assert self.call(tools, tool_input={**turned, "text": "one  two"}) is None

    @pytest.mark.table
    @pytest.mark.parametrize("name", ["plain", "caf\u00e9", 'a "b" \\c'])
    def test_a_result_that_names_its_place_is_served_there_alone(self, tools: Tools, name: str) -> None:
        first, other = tools.place.root, tools.place.base / name
        git(first, "worktree", "add", "--quiet", "--detach", str(other))
        for text, served in ((f"in {other}/app.py", False), ("in app.py", True)):
            tools.place.root = other
            self.define(tools.place, {"command": "words"})
            self.call(tools, text, {"text": text})
            assert self.call(tools, text, {"text": text}) is not None
            tools.place.root = first
            self.define(tools.place, {"command": "words"})
            assert (self.call(tools, text, {"text": text}, session_id="s2") is not None) is served

    def test_a_call_beside_that_moves_the_shell_is_of_no_account(self, tools: Tools) -> None:
        event = tools.before("mcp__words__count", WORDS, **SERVER)
        tools.ask(event)
        tools.tell({**event, "cwd": str(tools.place.root / "sub")}, "2 words")
        assert self.call(tools) is not None
        assert tools.place.counted() == ["no_entry", "stored", "replayed"]

    @pytest.mark.parametrize(
        "given",
        [{"password": "hun" + "ter2-9f"}, {"a": [{"text": "one\nghp_" + "a8Kd03LqZx7VnTr5Yw2Mb9Pc6Hf4Gs1Ju0Re"}]}],
    )
    def test_arguments_that_hold_a_credential_are_not_stored(self, tools: Tools, given: dict[str, Any]) -> None:
        assert tools.ask(tools.before("mcp__words__count", given, **SERVER)) is None
        kept = b"".join(path.read_bytes() for path in tools.place.cache.rglob("pending/*"))
        assert (b"ter2" in kept, b"ghp_" in kept) == (False, False)
        self.call(tools, tool_input=given)
        assert self.call(tools, tool_input=given) is None
        assert tools.place.counted() == ["secret"] * 3

    def test_no_rule_no_cache(self, tools: Tools) -> None:
        tools.place.settings("")
        self.call(tools)
        assert self.call(tools) is None
        assert tools.place.counted() == []

    def test_another_definition_is_another_server(self, tools: Tools) -> None:
        self.call(tools)
        self.define(tools.place, {"command": "python3", "args": ["server.py", "--production"]})
        assert self.call(tools) is None

    def test_a_server_that_is_not_found_is_not_cached(self, tools: Tools) -> None:
        (tools.place.root / ".mcp.json").unlink()
        assert self.call(tools) is None
        assert tools.place.counted() == ["unknown_server"]

    def test_a_failure_is_not_stored(self, tools: Tools) -> None:
        event = tools.before("mcp__words__count", WORDS, **SERVER)
        assert tools.ask(event) is None
        tools.hook("post_tool_use_failure.py", {**event, "hook_event_name": "PostToolUseFailure", "error": "no"})
        assert tools.place.counted() == ["no_entry", "failure"]
        assert self.call(tools) is None

    def test_a_call_that_writes_puts_it_out_of_date(self, tools: Tools) -> None:
        tools.place.settings(
            '[[rules]]\nmatch = "mcp__words__count"\ninvalidated_by = ["mcp__words__add_*", "Bash(gh pr *)"]\n'
        )
        for tool, given in (("mcp__words__add_word", {}), ("Bash", {"command": "cd sub && gh pr create --fill"})):
            self.call(tools)
            assert self.call(tools) is not None
            writer = {**tools.before(tool, given), "hook_event_name": "PostToolUse", "tool_response": "done"}
            assert tools.hook("invalidate.py", writer) == {}
            assert tools.place.counted()[-1] == "outdated"
            assert self.call(tools, shift=120) is None
            assert tools.place.counted()[-2:] == ["invalidated", "stored"]

    def test_where_the_store_is_not_told_of_a_write_nothing_is_served_while_it_is_kept(
        self, tools: Tools, redis_server: Any
    ) -> None:
        tools.place.environ["SKILLCACHE_REDIS_URL"] = redis_server.url
        tools.place.settings('[[rules]]\nmatch = "mcp__words__*"\ninvalidated_by = ["mcp__words__add_*"]\n')
        self.call(tools)
        tools.place.environ["SKILLCACHE_REDIS_URL"] = "redis://127.0.0.1:1/0"
        writer = {**tools.before("mcp__words__add_x", {}), "hook_event_name": "PostToolUse", "tool_response": "done"}
        assert tools.hook("invalidate.py", writer) == {}
        tools.place.environ["SKILLCACHE_REDIS_URL"] = redis_server.url

        assert tools.place.counted()[-1] == "store_unreachable"
        assert self.call(tools, shift=3_500) is None
        assert tools.place.counted()[-1] == "quarantined"
        assert self.call(tools, shift=3_700) is None
        assert tools.place.counted()[-2:] == ["expired", "stored"]

    @pytest.mark.parametrize(
        ("given", "response"),
        [({"run_in_background": True}, {"backgroundTaskId": "b1"}), ({}, {"stdout": "", "backgroundTaskId": "b1"})],
    )
    def test_a_call_that_writes_on_in_the_background_lets_the_rule_rest(
        self, tools: Tools, given: dict[str, Any], response: dict[str, Any]
    ) -> None:
        tools.place.settings('[[rules]]\nmatch = "mcp__words__*"\ninvalidated_by = ["Bash(gh pr *)"]\n')
        line = tools.before("Bash", {"command": "gh pr create", **given})
        tools.hook("invalidate.py", {**line, "hook_event_name": "PostToolUse", "tool_response": response})
        self.call(tools)
        assert self.call(tools) is None
        assert tools.place.counted() == ["outdated", "quarantined", "quarantined"]
        assert self.call(tools, shift=700) is None
        assert tools.place.counted()[-1] == "stored"

    def test_rules_of_one_name_are_invalidated_once(self, tools: Tools) -> None:
        rule = '[[rules]]\nmatch = "{}"\nname = "words"\ninvalidated_by = ["mcp__words__add_*", "mcp__words__*"]\n'
        tools.place.settings(rule.format("mcp__words__count") + rule.format("mcp__words__size"))
        writer = {**tools.before("mcp__words__add_x", {}), "hook_event_name": "PostToolUse", "tool_response": "done"}
        tools.hook("invalidate.py", writer)
        assert tools.place.counted() == ["outdated"]

    def test_a_call_that_writes_while_another_reads_keeps_that_result_out(self, tools: Tools) -> None:
        tools.place.settings('[[rules]]\nmatch = "mcp__words__count"\ninvalidated_by = ["mcp__words__add_*"]\n')
        event = tools.before("mcp__words__count", WORDS, **SERVER)
        tools.ask(event)
        writer = {**tools.before("mcp__words__add_x", {}), "hook_event_name": "PostToolUse", "tool_response": "done"}
        tools.hook("invalidate.py", writer)
        tools.tell(event, "2 words")
        assert tools.place.counted() == ["no_entry", "outdated", "superseded"]

    def test_a_call_that_only_resembles_a_writer_invalidates_nothing(self, tools: Tools) -> None:
        tools.place.settings('[[rules]]\nmatch = "mcp__words__count"\ninvalidated_by = ["Bash(gh pr *)"]\n')
        self.call(tools)
        reader = {**tools.before("Bash", {"command": "gh issue list"}), "hook_event_name": "PostToolUse"}
        tools.hook("invalidate.py", reader)
        assert self.call(tools) is not None

    def test_a_narrowing_captures_content(self, tools: Tools) -> None:
        tools.place.settings('[[rules]]\nmatch = "mcp__words__count"\ndepends = ["sub/**"]\n')
        self.call(tools)
        (tools.place.root / "app.py").write_text("edited\n")
        assert self.call(tools) is not None
        (tools.place.root / "sub/mod.py").write_text("edited\n")
        assert self.call(tools) is None


class TestAgents:
    @pytest.fixture(autouse=True)
    def _rule(self, place: Place) -> None:
        place.settings('[[rules]]\nmatch = "Agent(reviewer)"\n')

    def test_the_answer_to_the_same_task_on_the_same_content_is_served(self, tools: Tools) -> None:
        assert tools.call("Agent", AGENT, answered()) is None
        again = {**AGENT, "description": "another name for it"}
        served = tools.call("Agent", again, answered("other"), session_id="s2")
        assert served is not None
        assert served.endswith("\n  No findings.")  # within the frame in which the client hands it back

    def test_an_edit_asks_again(self, tools: Tools) -> None:
        tools.call("Agent", AGENT, answered())
        (tools.place.root / "app.py").write_text("edited\n")
        assert tools.call("Agent", AGENT, answered()) is None

    @pytest.mark.parametrize("change", [{"prompt": "Review sub"}, {"subagent_type": "writer"}, {"model": "opus"}])
    def test_another_task_is_another_call(self, tools: Tools, change: dict[str, Any]) -> None:
        tools.call("Agent", AGENT, answered())
        assert tools.call("Agent", {**AGENT, **change}, answered()) is None

    def test_an_agent_that_wrote_is_not_stored(self, tools: Tools) -> None:
        event = tools.before("Agent", AGENT)
        tools.ask(event)
        (tools.place.root / "app.py").write_text("written by the agent\n")
        tools.tell(event, answered())
        assert tools.place.counted() == ["no_entry", "changed_inputs"]

    def test_an_agent_in_a_worktree_of_its_own_is_not_looked_up(self, tools: Tools) -> None:
        assert tools.call("Agent", {**AGENT, "isolation": "worktree"}, answered()) is None
        assert tools.place.counted() == ["isolated"]

    def test_the_answer_of_one_in_the_background_comes_with_its_end(self, tools: Tools) -> None:
        aside = {**AGENT, "run_in_background": True}
        event = tools.before("Agent", aside)
        assert tools.ask(event) is None
        tools.tell(event, {"status": "async_launched", "agentId": "a7", "description": "review", "prompt": "…"})
        assert tools.place.counted() == ["no_entry", "launched"]
        stop = {
            "hook_event_name": "SubagentStop", "session_id": "s1", "cwd": str(tools.place.root), "agent_id": "a7",
            "agent_type": "reviewer", "stop_hook_active": False, "last_assistant_message": "Two findings.",
        }  # fmt: skip
        assert tools.hook("subagent_stop.py", {**stop, "agent_id": "a8"}) == {}
        assert tools.hook("subagent_stop.py", stop) == {}
        assert tools.place.counted() == ["no_entry", "launched", "stored"]
        served = tools.call("Agent", AGENT, answered())
        assert served is not None
        assert served.endswith("\n  Two findings.")

    STOP = staticmethod(
        lambda tools, text, **fields: {
            "hook_event_name": "SubagentStop", "session_id": "s1", "cwd": str(tools.place.root), "agent_id": "a7",
            "agent_type": "reviewer", "stop_hook_active": False, "last_assistant_message": text, **fields,
        }
    )  # fmt: skip

    def launch(self, tools: Tools) -> dict[str, Any]:
        event = tools.before("Agent", {**AGENT, "run_in_background": True})
        assert tools.ask(event) is None
        return event

    LAUNCHED = MappingProxyType({"status": "async_launched", "agentId": "a7", "description": "review", "prompt": "…"})

    def test_an_agent_that_stops_before_its_launch_is_told_of_is_stored_all_the_same(self, tools: Tools) -> None:
        event = self.launch(tools)
        tools.hook("subagent_stop.py", self.STOP(tools, "Quick."))
        tools.tell(event, dict(self.LAUNCHED))
        assert tools.place.counted() == ["no_entry", "launched", "stored"]
        served = tools.call("Agent", AGENT, answered())
        assert served is not None
        assert served.endswith("\n  Quick.")

    def test_what_counts_is_what_an_agent_said_that_was_kept_from_stopping(self, tools: Tools) -> None:
        tools.tell(self.launch(tools), dict(self.LAUNCHED))
        tools.hook("subagent_stop.py", self.STOP(tools, "First."))
        tools.hook("subagent_stop.py", self.STOP(tools, "Second.", stop_hook_active=True))
        tools.hook("subagent_stop.py", self.STOP(tools, "To somebody else."))
        served = tools.call("Agent", AGENT, answered())
        assert served is not None
        assert served.endswith("\n  Second.")

    def test_no_rule_no_cache(self, tools: Tools) -> None:
        other = {**AGENT, "subagent_type": "writer"}
        tools.call("Agent", other, answered())
        assert tools.call("Agent", other, answered()) is None


class TestTeams:
    RULE = '[[rules]]\nmatch = "Bash(pytest:*)"\nshare = "team"\n'

    @pytest.fixture
    def shared(self, place: Place, redis_server: Any) -> Place:
        place.environ |= {"SKILLCACHE_REDIS_URL": redis_server.url, "SKILLCACHE_TEAM": "acme"}
        place.settings(self.RULE)
        tool = place.base / "bin/pytest"  # fails where a file that nothing depends on says so
        tool.write_text('#!/bin/sh\necho tested\n! grep -qs fail "$OBSERVER_COUNTER"\n')
        return place

    def keys(self, place: Place) -> list[str]:
        with redis.Redis.from_url(place.environ["SKILLCACHE_REDIS_URL"], decode_responses=True) as client:
            found = [*client.keys("skill_cache:*"), *client.keys("team:cache:*")]
        return sorted(key.rpartition(":")[0] for key in found)

    def test_a_shared_result_is_kept_for_oneself_and_for_the_team(self, shared: Place) -> None:
        shared.call("pytest -q")
        assert self.keys(shared) == ["skill_cache:pytest", "team:cache:acme:pytest"]
        assert shared.call("pytest -q")[1]

    def test_what_no_rule_shares_stays_with_the_person(self, shared: Place) -> None:
        shared.call("ruff check .")
        assert self.keys(shared) == ["skill_cache:ruff"]

    def test_a_person_who_only_reads_gives_nothing(self, shared: Place) -> None:
        shared.environ["SKILLCACHE_TEAM_MODE"] = "read"
        shared.call("pytest -q")
        assert self.keys(shared) == ["skill_cache:pytest"]
        assert shared.call("pytest -q")[1]

    def test_a_teammates_result_is_served(self, shared: Place) -> None:
        shared.environ["SKILLCACHE_TEAM_MODE"] = "write"
        shared.call("pytest -q")
        self.disown(shared)
        shared.environ["SKILLCACHE_TEAM_MODE"] = "read"
        assert shared.call("pytest -q")[1]

    def disown(self, place: Place, output: bytes = b"") -> None:
        """What is stored for the person goes, and the team's is somebody else's."""
        with redis.Redis.from_url(place.environ["SKILLCACHE_REDIS_URL"]) as client:
            for key in list(client.scan_iter("skill_cache:*")):
                client.delete(key)
            for key in list(client.scan_iter("team:cache:*")):
                entry = decode(client.get(key) or b"", details=True)
                entry.writer = {"user": "grace", "uid": "4711", "host": "ci-7", "machine": "m", "session": "x"}
                entry.output = output or entry.output
                client.set(key, encode(entry))

    def test_a_project_file_cannot_name_the_team(self, place: Place) -> None:
        path = place.root / ".claude/skillcache.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text('team = "evil"\n')
        settings = load(place.environ, str(place.root))
        assert settings.word("team") == ""
        assert settings.warnings == [f"{path}: team is ignored: a project's file may not set it"]

    def test_a_failure_takes_the_teams_result_back(self, shared: Place) -> None:
        shared.call("pytest -q")
        self.fail(shared)
        shared.call("pytest -q # fresh")
        assert not [key for key in self.keys(shared) if key.startswith("team:")]

    def test_a_failure_of_who_only_reads_lets_the_rule_rest(self, shared: Place) -> None:
        shared.call("pytest -q")
        shared.environ["SKILLCACHE_TEAM_MODE"] = "read"
        self.fail(shared)
        shared.call("pytest -q # fresh")
        assert "team:cache:acme:pytest" in self.keys(shared)
        shared.call("pytest -q")
        assert shared.counted()[-1] == "quarantined"

    @pytest.mark.parametrize("mode", ["write", "read"])
    @pytest.mark.parametrize("same", [True, False])
    def test_a_teammates_result_is_verified_as_one_s_own(self, shared: Place, mode: str, same: bool) -> None:
        shared.call("pytest -q")
        self.disown(shared, b"" if same else b"another text\n")
        shared.environ |= {"SKILLCACHE_TEAM_MODE": mode, "SKILLCACHE_VERIFY": "1"}
        assert shared.call("pytest -q")[1] is False
        assert shared.counted()[-2:] == ["verify", "confirmed" if same else "refuted"]
        assert self.keys(shared) == ([] if mode == "write" and not same else ["team:cache:acme:pytest"])

    def fail(self, place: Place) -> None:
        """From now on the tool fails, with nothing that is captured being another."""
        Path(place.environ["OBSERVER_COUNTER"]).write_text("fail")

    def test_the_generation_of_the_team_invalidates_only_its_own(self, shared: Place) -> None:
        shared.call("pytest -q")
        store = open_store(shared.environ["SKILLCACHE_REDIS_URL"], now=time.time())
        store.invalidate("@team:acme")
        store.close()
        assert shared.call("pytest -q")[1]  # one's own
        self.disown(shared)
        assert shared.call("pytest -q")[1] is False
        assert "invalidated" in shared.counted()
