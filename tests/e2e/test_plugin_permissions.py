"""The client asks and refuses before the plugin is asked: what the person would not let run is not answered."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from skillcache.probe.api import ToolCall
from tests.e2e.plugin import Plugged, notes
from tests.e2e.project import after
from tests.e2e.test_permissions_kept import add

RULES = '[[rules]]\nmatch = "Bash(./check:*)"\n\n[[rules]]\nmatch = "mcp__words__count_words"\n'
COUNT = ToolCall("mcp__words__count_words", {"text": "one two three"})


KINDS = [f"{scope} {kind}" for scope in ("user", "project", "local") for kind in ("deny", "ask")]


@pytest.fixture
def recorded(plugged: Plugged) -> Plugged:
    """Results of `./check`, `./check one`, one a kind of rule, and a tool are stored; git ignores the settings."""
    plugged.write(".gitignore", "__pycache__/\n.pytest_cache/\n.claude/\n")
    plugged.commit()
    plugged.configure(RULES)
    lines = ["./check", "./check one", *[f"./check {kind}" for kind in KINDS]]
    plugged.play(*lines, COUNT, mcp_config=servers(plugged))
    assert plugged.outcomes().count("stored") == len(lines) + 1
    return plugged


def servers(plugged: Plugged) -> Path:
    path = plugged.root / "servers.json"
    command = {"command": sys.executable, "args": [str(Path(__file__).parent / "mcp_server.py")]}
    path.write_text(json.dumps({"mcpServers": {"words": command}}))
    return path


def test_a_deny_or_ask_rule_of_any_scope_stops_a_hit(recorded: Plugged) -> None:
    tool = {"user": "deny", "local": "ask"}
    for scope in ("user", "project", "local"):
        rules = {kind: [f"Bash(./check {scope} {kind}:*)"] for kind in ("deny", "ask")}
        add(recorded, scope, {"permissions": rules})
    ran = recorded.count()
    lines = [f"./check {kind}" for kind in KINDS]
    session = recorded.play("./check", *lines, mode="default", allow=["Bash"])
    assert [result.is_error for result in session.results] == [False, *[True] * len(lines)]
    assert len(notes(session)) == 1, (recorded.outcomes(), session.requests[-1].notes()[-4:])
    for scope, kind in tool.items():
        add(recorded, scope, {"permissions": {kind: [COUNT.tool]}})
        session = recorded.play(COUNT, mode="default", mcp_config=servers(recorded))
        assert [result.is_error for result in session.results] == [True]
        assert notes(session) == []
        add(recorded, scope, {"permissions": {}})
    assert recorded.count() == ran


def test_what_the_person_allows_is_answered_and_nothing_without_a_permission(recorded: Plugged) -> None:
    ran = recorded.count()
    session = recorded.play("./check", COUNT, mode="default", mcp_config=servers(recorded))
    assert [result.is_error for result in session.results] == [True, True]
    assert notes(session) == []

    allow = ["Bash(./check:*)", "mcp__words__count_words"]
    session = recorded.play("./check", COUNT, mode="default", allow=allow, mcp_config=servers(recorded))
    assert [result[1:3] for result in session.results] == [("all is well", False), ("3 words", False)]
    assert len(notes(session)) == 2
    assert recorded.count() == ran


def test_another_hooks_no_is_obeyed(recorded: Plugged) -> None:
    hook = recorded.root / "hook"
    hook.touch(0o755)
    add(recorded, "user", {"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": str(hook)}]}]}})

    def decide(decision: str) -> None:
        answer = {"hookEventName": "PreToolUse", "permissionDecision": decision, "permissionDecisionReason": "not now"}
        hook.write_text(f"#!/bin/sh\necho '{json.dumps({'hookSpecificOutput': answer})}'\n")

    ran = recorded.count()
    decide("deny")
    calls = ["./check", COUNT, after(lambda: decide("ask"), "./check"), COUNT]
    session = recorded.play(*calls, mcp_config=servers(recorded))
    assert [result.is_error for result in session.results] == [True] * len(calls)
    assert notes(session) == []
    assert recorded.count() == ran


def test_another_hooks_other_command_is_what_is_answered(recorded: Plugged) -> None:
    """A hook that rewrites the line has the last word on what runs."""
    answer = {"hookEventName": "PreToolUse", "permissionDecision": "allow", "updatedInput": {"command": "./check one"}}
    hook = recorded.root / "hook"
    hook.write_text(f"#!/bin/sh\necho '{json.dumps({'hookSpecificOutput': answer})}'\n")
    hook.chmod(0o755)
    entry = {"matcher": "Bash", "hooks": [{"type": "command", "command": str(hook)}]}
    add(recorded, "user", {"hooks": {"PreToolUse": [entry]}})
    session = recorded.play("./check")
    assert "`./check one`" in notes(session)[0]
