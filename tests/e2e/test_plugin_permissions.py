"""The client asks and refuses before the plugin is asked: what the person would not let run is not answered."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from skillcache.probe.api import ToolCall
from tests.e2e.plugin import Plugged, notes
from tests.e2e.test_permissions_kept import add

RULES = '[[rules]]\nmatch = "Bash(./check:*)"\n\n[[rules]]\nmatch = "mcp__words__count_words"\n'
COUNT = ToolCall("mcp__words__count_words", {"text": "one two three"})


@pytest.fixture
def recorded(plugged: Plugged) -> Plugged:
    """Results of `./check`, `./check one` and a tool are stored; git ignores the project's settings."""
    plugged.write(".gitignore", "__pycache__/\n.pytest_cache/\n.claude/\n")
    plugged.commit()
    plugged.configure(RULES)
    plugged.play("./check", "./check one", COUNT, mcp_config=servers(plugged))
    assert plugged.outcomes().count("stored") == 3
    return plugged


def servers(plugged: Plugged) -> Path:
    path = plugged.root / "servers.json"
    command = {"command": sys.executable, "args": [str(Path(__file__).parent / "mcp_server.py")]}
    path.write_text(json.dumps({"mcpServers": {"words": command}}))
    return path


@pytest.mark.parametrize("scope", ["user", "project", "local"])
@pytest.mark.parametrize("kind", ["deny", "ask"])
def test_a_deny_or_ask_rule_stops_a_hit(recorded: Plugged, scope: str, kind: str) -> None:
    stopped = ["Bash(./check one:*)", "mcp__words__count_words"]
    add(recorded, scope, {"permissions": {kind: stopped}})
    ran = recorded.count()
    session = recorded.play(
        "./check", "./check one", COUNT, mode="default", allow=["Bash"], mcp_config=servers(recorded)
    )
    assert [result.is_error for result in session.results] == [False, True, True]
    assert len(notes(session)) == 1, (recorded.outcomes(), session.requests[-1].notes()[-4:])
    assert recorded.count() == ran


def test_without_a_permission_nothing_is_answered(recorded: Plugged) -> None:
    ran = recorded.count()
    session = recorded.play("./check", COUNT, mode="default", mcp_config=servers(recorded))
    assert [result.is_error for result in session.results] == [True, True]
    assert notes(session) == []
    assert recorded.count() == ran


def test_what_the_person_allows_is_answered(recorded: Plugged) -> None:
    ran = recorded.count()
    allow = ["Bash(./check:*)", "mcp__words__count_words"]
    session = recorded.play("./check", COUNT, mode="default", allow=allow, mcp_config=servers(recorded))
    assert [result[1:3] for result in session.results] == [("all is well", False), ("3 words", False)]
    assert len(notes(session)) == 2
    assert recorded.count() == ran


@pytest.mark.parametrize("decision", ["deny", "ask"])
def test_another_hooks_no_is_obeyed(recorded: Plugged, decision: str) -> None:
    answer = {"hookEventName": "PreToolUse", "permissionDecision": decision, "permissionDecisionReason": "not today"}
    hook = recorded.root / "hook"
    hook.write_text(f"#!/bin/sh\necho '{json.dumps({'hookSpecificOutput': answer})}'\n")
    hook.chmod(0o755)
    add(recorded, "user", {"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": str(hook)}]}]}})
    ran = recorded.count()
    session = recorded.play("./check", COUNT, mcp_config=servers(recorded))
    assert [result.is_error for result in session.results] == [True, True]
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
