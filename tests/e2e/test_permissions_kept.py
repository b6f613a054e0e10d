"""Nothing that the person's rules, or another hook, would have stopped begins: whatever is recorded of it."""

from __future__ import annotations

import json
import sys
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


def test_another_hook_s_refusal_keeps_a_call_from_starting(place: Place) -> None:
    place.play("./check")
    answer = {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": "not today"}
    said = json.dumps({"hookSpecificOutput": answer})
    hook = {"type": "command", "command": sys.executable, "args": ["-c", f"print({said!r})"]}
    add(place, "local", {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [hook]}]}})
    session = place.play("./check")
    assert session.results[0].is_error
    assert "not today" in session.texts[0]
    assert place.count() == 1
    assert place.outcomes() == ["no_entry", "stored"]


def test_what_another_hook_makes_of_the_line_is_what_is_answered(place: Place) -> None:
    place.play("./check", "./check one")
    answer = {"hookEventName": "PreToolUse", "permissionDecision": "allow", "updatedInput": {"command": "./check one"}}
    hook = place.root / "hook"
    hook.write_text(f"#!/bin/sh\necho '{json.dumps({'hookSpecificOutput': answer})}'\n")
    hook.chmod(0o755)
    entry = {"matcher": "Bash", "hooks": [{"type": "command", "command": str(hook)}]}
    add(place, "local", {"hooks": {"PreToolUse": [entry]}})
    place.play("./check two")
    assert place.count() == 2, place.outcomes()
    assert place.replayed() == 1


def test_what_the_person_allowed_is_answered_in_every_mode_and_nothing_of_ours_decides(place: Place) -> None:
    add(place, "user", {"permissions": {"allow": ["Bash(pytest:*)"]}})
    fresh = place.play(PYTEST, mode="default")
    modes = ("default", "acceptEdits", "plan", "dontAsk")
    for mode in modes:
        session = place.play(PYTEST, mode=mode)
        assert session.texts == fresh.texts
        assert not any("ermission" in run.stdout for run in session.hooks)
    assert place.count() == 1
    assert place.outcomes() == ["no_entry", "stored", *["replayed"] * len(modes)]


@pytest.mark.parametrize("mode", ["default", "dontAsk"])
def test_what_nobody_allowed_is_asked_about_as_ever(place: Place, mode: str) -> None:
    place.play("./check")
    session = place.play("./check", mode=mode)
    assert session.results[0].is_error
    assert "ermission" in session.texts[0] or "approval" in session.texts[0]
    assert place.count() == 1
    assert place.outcomes() == ["no_entry", "stored"]
