"""The client asks and refuses before the plugin is asked: what the person would not let run is not answered."""

from __future__ import annotations

import json

import pytest

from skillcache.cli.checks.messages_api import Turn
from tests.e2e.plugin import Plugged, notes
from tests.e2e.project import COUNT, after
from tests.e2e.test_permissions_kept import SCOPES, add

CHECKS: list[Turn | list[str]] = [f"./check {scope}" for scope in SCOPES]


@pytest.fixture
def recorded(plugged: Plugged) -> Plugged:
    """Results of some commands and of a tool are stored; git ignores the settings."""
    plugged.write(".gitignore", "__pycache__/\n.pytest_cache/\n.claude/\n")
    plugged.commit()
    plugged.play("./check", *CHECKS, COUNT)
    assert plugged.outcomes() == ["no_entry", "stored"] * 5
    return plugged


def test_a_deny_or_ask_rule_of_any_scope_stops_a_hit(recorded: Plugged) -> None:
    calls = [*CHECKS, COUNT]
    for kind, of_tool in (("deny", "local"), ("ask", "project")):
        for scope in SCOPES:
            rules = [f"Bash(./check {scope}:*)", *([COUNT.tool] if scope == of_tool else [])]
            add(recorded, scope, {"permissions": {kind: rules}})
        session = recorded.play(*calls, mode="default", allow=["Bash", COUNT.tool])
        assert [result.is_error for result in session.results] == [True] * len(calls), kind
        assert notes(session) == []
    assert recorded.outcomes() == ["no_entry", "stored"] * 5
    assert recorded.count() == 5


def test_what_the_person_allows_is_answered_unless_another_hook_says_no_and_nothing_without_a_permission(
    recorded: Plugged,
) -> None:
    ran = recorded.count()
    session = recorded.play("./check", COUNT, mode="default")
    assert [result.is_error for result in session.results] == [True, True]
    assert notes(session) == []

    allow = ["Bash(./check:*)", "mcp__words__count_words"]
    session = recorded.play("./check", COUNT, mode="default", allow=allow)
    assert [result[1:3] for result in session.results] == [("all is well", False), ("3 words", False)]
    assert len(notes(session)) == 1
    assert recorded.replayed() == 2
    assert recorded.count() == ran

    hook = recorded.root / "hook"
    hook.touch(0o755)
    add(recorded, "user", {"hooks": {"PreToolUse": [{"hooks": [{"type": "command", "command": str(hook)}]}]}})

    def decide(decision: str) -> None:
        answer = {"hookEventName": "PreToolUse", "permissionDecision": decision, "permissionDecisionReason": "not now"}
        hook.write_text(f"#!/bin/sh\necho '{json.dumps({'hookSpecificOutput': answer})}'\n")

    decide("deny")
    calls = ["./check", COUNT, after(lambda: decide("ask"), "./check"), COUNT]
    session = recorded.play(*calls)
    assert [result.is_error for result in session.results] == [True] * len(calls)
    assert notes(session) == []
    assert recorded.count() == ran
