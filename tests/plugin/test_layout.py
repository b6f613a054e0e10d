"""The plugin folder: whole, named by its content, and made for this Python, client and configuration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skillcache.cli.setup.bundle import client_version
from skillcache.cli.setup.entries import started_by
from skillcache.cli.setup.settings_file import present_interpreter

MODERN = {"AI_AGENT": "claude-code_2-1-330_harness"}
OLD = {"AI_AGENT": "claude-code_2-1-296_harness"}
LOOKUPS = ("pre_tool_use.py", "post_tool_use.py", "post_tool_use_failure.py", "invalidate.py")


def lay_out(home: Path, agent: dict[str, str] = MODERN) -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "skillcache", "plugin-path"],
        env={"HOME": str(home), "PATH": os.environ["PATH"], **agent},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    (line,) = done.stdout.splitlines()
    assert done.stderr == ""
    return Path(line)


def hooks(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "hooks/hooks.json").read_text())
    return found


def scripts(folder: Path) -> set[str]:
    return {
        os.path.basename(started_by(handler).script)  # type: ignore[union-attr]
        for groups in hooks(folder)["hooks"].values()
        for group in groups
        for handler in group["hooks"]
    }


def test_it_prints_the_absolute_path_of_a_plugin(tmp_path: Path) -> None:
    folder = lay_out(tmp_path)
    assert folder.is_absolute()
    assert json.loads((folder / ".claude-plugin/plugin.json").read_text())["name"] == "skillcache"
    assert {path.name for path in (folder / "commands").iterdir()} == {
        "stats.md", "explain.md", "fresh.md", "off.md", "on.md",
    }  # fmt: skip
    assert (folder / "skills/redis-cache/SKILL.md").exists()
    assert "{{" not in "".join(path.read_text() for path in folder.rglob("*.md"))


def test_the_same_configuration_gives_the_same_folder_and_another_one_another(tmp_path: Path) -> None:
    first = lay_out(tmp_path)
    assert lay_out(tmp_path) == first
    config = tmp_path / ".config/skillcache/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[[rules]]\nmatch = "mcp__github"\n')
    second = lay_out(tmp_path)
    assert second != first
    assert "mcp__github__" in (second / "hooks/heard.js").read_text()
    assert first.exists()  # a client may be copying it


def test_a_folder_that_nobody_has_asked_for_in_a_day_is_removed(tmp_path: Path) -> None:
    old = lay_out(tmp_path, OLD)
    os.utime(old, (1_700_000_000, 1_700_000_000))
    lay_out(tmp_path)
    assert not old.exists()


def test_a_client_with_mods_gets_the_module_and_no_hooks_that_answer_calls(tmp_path: Path) -> None:
    folder = lay_out(tmp_path)
    assert hooks(folder)["modules"] == ["./register.js"]
    assert scripts(folder) & set(LOOKUPS) == set()
    assert {"record.py", "session_start.py", "options.py"} <= scripts(folder)


@pytest.mark.parametrize("agent", [MODERN, OLD])
@pytest.mark.parametrize("sessions", ["true", "false"])
def test_the_start_of_a_session_sees_to_its_commands_whatever_is_recorded(
    tmp_path: Path, agent: dict[str, str], sessions: str
) -> None:
    config = tmp_path / ".config/skillcache/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"record.sessions = {sessions}\n")
    folder = lay_out(tmp_path, agent)
    file, project = tmp_path / "env.sh", tmp_path / "project"
    project.mkdir()
    tool = tmp_path / "bin/pytest"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    environ = {"HOME": str(tmp_path), "PATH": f"{tool.parent}:{os.environ['PATH']}", "CLAUDE_ENV_FILE": str(file)}
    event = {"hook_event_name": "SessionStart", "session_id": "one", "cwd": str(project), "source": "startup"}
    written = []
    for _ in range(2):
        for handler in (each for group in hooks(folder)["hooks"]["SessionStart"] for each in group["hooks"]):
            done = subprocess.run(
                ["sh", "-c", handler["command"]],
                input=json.dumps(event).encode(),
                env={**environ, "CLAUDE_PROJECT_DIR": str(project)},
                capture_output=True,
                timeout=60,
                check=True,
            )
            assert done.stderr == b""
        written.append(file.read_text())
    assert written[0] == written[1]
    assert written[0].count("\n") == 1
    found = subprocess.run(
        ["bash", "-c", f"{written[0]}type -P pytest"], env=environ, capture_output=True, text=True, check=True
    )
    assert "/shims/" in found.stdout
    assert "record.py" in scripts(folder)  # which tells the person, at a turn's end


def test_an_older_client_gets_the_hooks_and_no_module(tmp_path: Path) -> None:
    folder = lay_out(tmp_path, OLD)
    assert "modules" not in hooks(folder)
    assert {"pre_tool_use.py", "post_tool_use.py", "post_tool_use_failure.py"} <= scripts(folder)
    assert not (folder / "hooks/register.js").exists()


def test_every_hook_is_started_by_this_python(tmp_path: Path) -> None:
    for agent in (MODERN, OLD):
        for groups in hooks(lay_out(tmp_path, agent))["hooks"].values():
            for handler in (handler for group in groups for handler in group["hooks"]):
                started = started_by(handler)
                assert started is not None
                assert started.interpreter == present_interpreter()
                assert os.path.isfile(started.script)


def test_the_folder_is_private(tmp_path: Path) -> None:
    folder = lay_out(tmp_path)
    assert all(path.stat().st_mode & 0o077 == 0 for path in [folder, *folder.rglob("*")])


@pytest.mark.parametrize(
    ("agent", "version"),
    [
        ("claude-code_2-1-330_harness", (2, 1, 330)),
        ("claude-code_2-1-296_agent", (2, 1, 296)),
        ("claude-code_10-0-1", (10, 0, 1)),
        ("", ()),
        ("something else", ()),
        ("claude-code_x-1-2_agent", ()),
    ],
)
def test_the_client_says_which_version_it_is(agent: str, version: tuple[int, ...]) -> None:
    assert client_version(agent) == version
