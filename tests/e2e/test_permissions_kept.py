"""Nothing that the person's rules, or another hook, would have stopped is answered from the cache."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import PYTEST, Place


def settings_file(place: Place, scope: str) -> Path:
    return {
        "user": place.home / ".claude/settings.json",
        "project": place.project / ".claude/settings.json",
        "local": place.project / ".claude/settings.local.json",
    }[scope]


def add(path: Path, more: dict[str, Any]) -> None:
    """Write `more` into a settings file beside what is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**known, **more}))


@pytest.fixture
def recorded(place: Place) -> Place:
    """Settings files are in place before the run, so that what they hold is no change of the worktree."""
    for scope in ("project", "local"):
        add(settings_file(place, scope), {})
    place.write(".gitignore", "__pycache__/\n.pytest_cache/\n.claude/\n")
    place.commit()
    place.play(PYTEST)
    assert place.count() == 1
    return place


@pytest.mark.parametrize("scope", ["user", "project", "local"])
@pytest.mark.parametrize(
    ("kind", "pattern", "command"),
    [
        ("deny", "Bash(pytest:*)", PYTEST),
        ("ask", "Bash(pytest *)", PYTEST),
    ],
    ids=["deny", "ask"],
)
def test_a_rule_of_the_person_wins_over_a_hit(
    recorded: Place, scope: str, kind: str, pattern: str, command: str
) -> None:
    add(settings_file(recorded, scope), {"permissions": {kind: [pattern], "allow": ["Bash"]}})
    session = recorded.play(command, mode="default")
    assert recorded.count() == 1
    assert session.results[0].is_error
    assert "ermission" in session.texts[0]
    assert session.replays == []


@pytest.mark.parametrize("kind", ["deny", "ask"])
def test_a_rule_that_names_what_a_replay_would_use_is_not_run_into(recorded: Place, kind: str) -> None:
    add(settings_file(recorded, "user"), {"permissions": {kind: ["Bash(cat:*)"], "allow": ["Bash(pytest:*)"]}})
    session = recorded.play(PYTEST, mode="default")
    assert not session.results[0].is_error
    assert recorded.count() == 2


def test_a_part_of_a_line_that_a_rule_denies_stops_the_line(place: Place) -> None:
    line = f"cd sub && MODE=1 timeout 60 {PYTEST} 2>&1 | tail -1"
    place.play(line)
    add(settings_file(place, "user"), {"permissions": {"deny": ["Bash(pytest:*)"], "allow": ["Bash"]}})
    session = place.play(line, mode="default")
    assert session.results[0].is_error
    assert place.count() == 1


def test_another_hook_s_refusal_wins_over_a_hit(recorded: Place) -> None:
    refusal = json.dumps(
        {
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": "deny",
                "permissionDecisionReason": "not today",
            }
        }
    )
    hook = {"type": "command", "command": sys.executable, "args": ["-c", f"print('''{refusal}''')"]}
    add(
        settings_file(recorded, "local"),
        {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [hook]}]}},
    )
    session = recorded.play(PYTEST)
    assert session.results[0].is_error
    assert "not today" in session.texts[0]
    assert recorded.count() == 1


@pytest.mark.parametrize("mode", ["default", "acceptEdits", "dontAsk"])
def test_what_the_person_allowed_is_replayed_in_every_mode(recorded: Place, mode: str) -> None:
    add(settings_file(recorded, "user"), {"permissions": {"allow": ["Bash(pytest:*)"]}})
    session = recorded.play(PYTEST, mode=mode)
    assert recorded.count() == 1
    assert len(session.replays) == 1
    assert not session.results[0].is_error
