"""What the hooks of sessions import: nothing that costs a start dear, and little where there is nothing to record."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from skillcache.core.paths import hooks_folder
from tests.test_borders import COLD, FORBIDDEN, imported_by, is_in


def told(name: str, folder: Path, **fields: Any) -> dict[str, object]:
    return {"session_id": "one", "cwd": str(folder), "hook_event_name": name, **fields}


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("UserPromptSubmit", {"prompt": "make the parser faster"}),
        ("PostToolUse", {"tool_name": "Bash", "tool_input": {"command": "pytest -q"}, "tool_response": {}}),
        ("PostToolUse", {"tool_name": "Edit", "tool_input": {"file_path": "/x/a.py"}, "tool_response": {}}),
        ("Stop", {"last_assistant_message": "half done"}),
        ("SessionEnd", {"reason": "other"}),
    ],
)
def test_a_recording_hook_imports_nothing_dear(name: str, fields: dict[str, Any], tmp_path: Path) -> None:
    imported = imported_by(f"{hooks_folder()}/record.py", event=told(name, tmp_path, **fields), home=tmp_path)
    assert "skillcache.sessions.delivery" in imported
    assert imported & FORBIDDEN == set()
    assert [
        each for each in imported if is_in(each.removeprefix("skillcache."), (*COLD, "core.credentials.find"))
    ] == []
    assert not any(each.startswith("skillcache.sessions.brief.compose") for each in imported)


def test_the_start_of_a_session_imports_nothing_dear(tmp_path_factory: pytest.TempPathFactory) -> None:
    tmp_path = tmp_path_factory.mktemp("p")  # a long name would be looked into for a credential
    project = tmp_path / "project"
    project.mkdir()
    git = ("git", "-C", str(project), "-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    subprocess.run([*git, "checkout", "-q", "-b", "feature/a-branch-with-quite-a-long-name"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    record = f"{hooks_folder()}/record.py"
    imported_by(record, event=told("UserPromptSubmit", project, prompt="x"), home=tmp_path)

    script = f"{hooks_folder()}/session_start.py"
    imported = imported_by(script, event={**told("SessionStart", project), "session_id": "two"}, home=tmp_path)

    assert "skillcache.sessions.brief.sections" in imported
    assert imported & FORBIDDEN == set()
    assert [each for each in imported if is_in(each.removeprefix("skillcache."), COLD)] == []
