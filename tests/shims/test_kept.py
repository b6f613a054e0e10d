"""What was made for one session is given to the next, and made anew where something has changed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fidelity.bash_tool import HOOKS, BashTool


class Place:
    def __init__(self, base: Path) -> None:
        self.tools, self.project, self.home = base / "tools", base / "project", base / "home"
        for folder in (self.tools, self.project, self.home, base / "calls"):
            folder.mkdir()
        self.tool("pytest")
        self.environ = {"PATH": f"{self.tools}:/usr/bin:/bin", "HOME": str(self.home)}
        self.bash = BashTool(base / "calls")

    def tool(self, name: str, folder: Path | None = None) -> Path:
        path = (folder or self.tools) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        return path

    def find(self, name: str) -> bool:
        """Whether a new session has a shim for that name."""
        preamble = self.bash.begin("s", str(self.project), self.environ)
        ran = self.bash.run(f"command -v {name}", str(self.project), self.environ, session="s", preamble=preamble)
        return "/shims/" in ran.text or ran.text.strip() == name


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_tool_that_comes_or_goes_is_seen(place: Place) -> None:
    assert (place.find("pytest"), place.find("ruff")) == (True, False)
    ruff = place.tool("ruff")
    assert place.find("ruff")
    ruff.chmod(0o644)
    assert not place.find("ruff")

    mypy = place.tool("mypy")
    assert place.find("mypy")
    mypy.unlink()
    assert not place.find("mypy")


def test_what_the_project_holds_is_seen(place: Place) -> None:
    assert not place.find("./.venv/bin/pytest")
    place.tool("pytest", place.project / ".venv/bin")
    assert place.find("./.venv/bin/pytest")
    assert not place.find("./gradlew")
    place.tool("gradlew", place.project)
    assert place.find("./gradlew")


def test_a_rule_of_the_person_is_seen(place: Place) -> None:
    place.tool("report")
    assert not place.find("report")
    config = place.home / ".config/skillcache/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[[rules]]\nmatch = "Bash(report:*)"\n')
    assert place.find("report")


@pytest.mark.parametrize("gone", ["", "shims/*.sh", "shims/*/pytest", "shims/*/.shim"])
def test_a_cache_folder_that_was_emptied_is_filled(place: Place, gone: str) -> None:
    assert place.find("pytest")
    cache = place.home / ".cache/skillcache"
    for path in cache.glob(gone) if gone else [cache]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert place.find("pytest")


def test_a_second_session_loads_no_table_of_tools(place: Place) -> None:
    place.find("pytest")
    argv = [sys.executable, "-I", "-S", "-X", f"pycache_prefix={place.home}", "-X", "importtime"]
    done = subprocess.run(
        [*argv, str(HOOKS / "session_start.py")],
        input=f'{{"hook_event_name":"SessionStart","session_id":"t","cwd":"{place.project}"}}',
        env={
            **place.environ,
            "CLAUDE_PROJECT_DIR": str(place.project),
            "CLAUDE_ENV_FILE": os.fspath(place.home / "env"),
            "SKILLCACHE_RECORD_SESSIONS": "0",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert (place.home / "env").exists()
    assert "skillcache.commands.shims.session" in done.stderr
    assert "skillcache.rules" not in done.stderr
