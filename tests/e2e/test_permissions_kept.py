"""Nothing that the person's rules, or another hook, would have stopped begins: whatever is recorded of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import PYTEST, Place

SCOPES = ("user", "project", "local")


@pytest.fixture
def place(place: Place) -> Place:
    """The same with settings that git ignores, so that a change of rules is no change of the worktree."""
    place.write(".gitignore", "__pycache__/\n.pytest_cache/\n.claude/\n")
    place.commit()
    return place


def add(place: Place, scope: str, more: dict[str, Any]) -> None:
    """Put `more` into the settings of one scope, beside what is there."""
    path: Path = {
        "user": place.home / ".claude/settings.json",
        "project": place.project / ".claude/settings.json",
        "local": place.project / ".claude/settings.local.json",
    }[scope]
    path.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**known, **more}))


def test_deny_and_ask_rules_of_every_scope_keep_a_call_from_starting(place: Place) -> None:
    kinds = [(scope, kind) for scope in SCOPES for kind in ("deny", "ask")]
    stopped = [f"./check {scope} {kind}" for scope, kind in kinds]
    within = "cd sub && MODE=1 timeout 60 pytest -qq 2>&1 | tail -1"
    place.play(*stopped, "./check neither", PYTEST, within)
    assert place.outcomes().count("stored") == len(stopped) + 3, place.outcomes()
    for scope in SCOPES:
        rules = {kind: [f"Bash(./check {scope} {kind}:*)"] for kind in ("deny", "ask")}
        if scope == "user":
            rules["deny"].append("Bash(pytest:*)")
        add(place, scope, {"permissions": {"allow": ["Bash"], **rules}})
    ran, outcomes = place.count(), place.outcomes()

    session = place.play(*stopped, PYTEST, within, *["./check neither"] * 2, mode="default")

    # Of the one that nothing stops; it runs once more, for the project's settings are a file that a check may read.
    assert place.count() == ran + 1
    assert place.outcomes() == [*outcomes, "no_entry", "stored", "replayed"]
    *refused, ran_again, served = session.results
    assert ran_again[1:3] == served[1:3] == ("all is well", False)
    assert all(result.is_error and "ermission" in result.text for result in refused)


def test_another_hook_s_refusal_keeps_a_call_from_starting_and_what_it_makes_of_the_line_is_answered(
    place: Place,
) -> None:
    place.play("./check", "./check one")
    event = {"hookEventName": "PreToolUse"}
    refused = {**event, "permissionDecision": "deny", "permissionDecisionReason": "not today"}
    changed = {**event, "permissionDecision": "allow", "updatedInput": {"command": "./check one"}}
    said = [f"echo '{json.dumps({'hookSpecificOutput': each})}'" for each in (changed, refused)]
    hook = place.root / "hook"
    hook.write_text(f"#!/bin/sh\nif grep -q 'check two'; then {said[0]}; else {said[1]}; fi\n")
    hook.chmod(0o755)
    entry = {"matcher": "Bash", "hooks": [{"type": "command", "command": str(hook)}]}
    add(place, "local", {"hooks": {"PreToolUse": [entry]}})

    session = place.play("./check", "./check two")

    assert session.results[0].is_error
    assert "not today" in session.texts[0]
    assert place.count() == 2
    assert place.outcomes() == [*["no_entry", "stored"] * 2, "replayed"]


def test_in_every_mode_what_the_person_allowed_is_answered_what_nobody_allowed_is_asked_about_and_we_decide_nothing(
    place: Place,
) -> None:
    fresh = place.play(PYTEST, "./check")
    add(place, "user", {"permissions": {"allow": ["Bash(pytest:*)"]}})
    modes = ("default", "acceptEdits", "plan", "dontAsk")
    for mode in modes:
        session = place.play(PYTEST, "./check", mode=mode)
        answered, asked = session.results
        assert (answered.text, answered.is_error) == (fresh.texts[0], False)
        assert asked.is_error
        assert "ermission" in asked.text or "approval" in asked.text
        assert not any("ermission" in run.stdout for run in session.hooks)
    assert place.count() == 2
    assert place.outcomes() == [*["no_entry", "stored"] * 2, *["replayed"] * len(modes)]
