"""Nothing that the person's rules, or another hook, would have stopped is answered from the cache."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import PYTEST, Place


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


def test_deny_and_ask_rules_of_every_scope_win_over_a_hit(place: Place) -> None:
    kinds = [(scope, kind) for scope in ("user", "project", "local") for kind in ("deny", "ask")]
    stopped = [f"./check {scope} {kind}" for scope, kind in kinds]
    commands = [*stopped, "./check neither", "cd sub && MODE=1 timeout 60 ../check user deny 2>&1 | tail -1"]
    place.configure('[[rules]]\nmatch = "Bash(./check:*)"\n\n[[rules]]\nmatch = "Bash(../check:*)"\n')
    place.play(*commands)
    assert place.outcomes().count("stored") == len(commands), place.outcomes()
    ran = place.count()
    for scope in ("user", "project", "local"):
        rules = {kind: [f"Bash(./check {scope} {kind}:*)"] for kind in ("deny", "ask")}
        if scope == "user":
            rules["deny"].append("Bash(../check *)")
        add(place, scope, {"permissions": {"allow": ["Bash"], **rules}})

    session = place.play(*commands, mode="default")
    assert place.count() == ran, place.outcomes()
    assert len(session.replays) == 1
    by_command = dict(zip(commands, session.results, strict=True))
    assert by_command["./check neither"][1:3] == ("all is well", False)
    for command in [*stopped, commands[-1]]:
        assert by_command[command].is_error, command
        assert "ermission" in by_command[command].text, command


def test_a_rule_against_what_a_replay_would_use_is_not_run_into(place: Place) -> None:
    place.play("./check")
    for number, kind in enumerate(("deny", "ask"), 2):
        add(place, "user", {"permissions": {kind: ["Bash(cat:*)"], "allow": ["Bash(./check:*)"]}})
        session = place.play("./check", mode="default")
        assert session.results[0][1:3] == ("all is well", False)
        assert place.count() == number, place.outcomes()


def test_another_hook_s_refusal_wins_over_a_hit(place: Place) -> None:
    place.play("./check")
    answer = {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": "not today"}
    said = json.dumps({"hookSpecificOutput": answer})
    hook = {"type": "command", "command": sys.executable, "args": ["-c", f"print({said!r})"]}
    add(place, "local", {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [hook]}]}})
    session = place.play("./check")
    assert session.results[0].is_error
    assert "not today" in session.texts[0]
    assert place.count() == 1, place.outcomes()


def test_what_the_person_allowed_is_replayed_in_every_mode(place: Place) -> None:
    add(place, "user", {"permissions": {"allow": ["Bash(pytest:*)"]}})
    fresh = place.play(PYTEST, mode="default")
    for mode in ("default", "acceptEdits", "plan", "dontAsk"):
        session = place.play(PYTEST, mode=mode)
        assert session.texts == fresh.texts
        assert len(session.replays) == 1, mode
    assert place.count() == 1, place.outcomes()


def test_what_nobody_allowed_is_asked_about_as_ever(place: Place) -> None:
    session = place.play("./check", mode="default")
    assert session.results[0].is_error
    assert "ermission" in session.texts[0] or "approval" in session.texts[0]
    assert place.count() == 0
