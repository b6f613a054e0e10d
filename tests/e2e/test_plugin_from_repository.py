"""The plugin from the repository alone: no pip, the client's own two commands, whatever Python there is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skillcache.cli.checks import Place
from skillcache.cli.checks.proof import check_lanes
from tests.e2e.plugin import Plugged, notes
from tests.e2e.project import COUNT

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a clone of the repository holds for the plugin."""
    made = tmp_path / "check out"
    for part in (".claude-plugin", "hooks", "skillcache"):
        shutil.copytree(REPOSITORY / part, made / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", made)
    return made


def ask(plugged: Plugged, *words: str) -> str:
    environ = {**plugged.client.environment(), "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    done = subprocess.run(
        [plugged.client.binary, "plugin", *words],
        env=environ,
        cwd=plugged.home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(plugged: Plugged, checkout: Path) -> Path:
    """As the client has it then."""
    ask(plugged, "marketplace", "add", str(checkout))
    ask(plugged, "install", "-y", "skillcache@skillcache")
    (listed,) = json.loads((plugged.home / ".claude/plugins/installed_plugins.json").read_text())["plugins"][
        "skillcache@skillcache"
    ]
    return Path(listed["installPath"])


def test_two_commands_of_the_client_are_enough(plugged: Plugged, checkout: Path) -> None:
    folder = install(plugged, checkout)
    assert f"{checkout}/hooks/session_start.py" in (folder / "hooks/hooks.json").read_text()
    before = set(plugged.sockets())
    session = plugged.play(plugged.once_served("./check", before), "./check", COUNT, COUNT, plugin=None)
    assert session.texts == [*["all is well"] * 2, *["3 words"] * 2]
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"] * 2
    assert len(notes(session)) == 1

    # An installed package knows that it is not the one that acts.
    plugged.client.env["CLAUDE_CODE_EXECPATH"] = plugged.client.binary
    found = check_lanes(Place(plugged.client.environment(), str(plugged.project), time.time()))
    texts = [finding.text for finding in found]
    told = f"it is the plugin of the repository at {checkout}, which acts in place of this package's"
    assert told in texts, texts

    # Of an update the next session has the new files, wherever the client keeps its own.
    text = checkout / "skillcache/cli/setup/plugin_files/README.md"
    text.write_text(text.read_text() + "\nNew.\n")
    ask(plugged, "update", "-y", "skillcache@skillcache")
    assert install(plugged, checkout) != folder


def test_without_a_python_a_session_starts_with_one_line_that_says_so(plugged: Plugged, checkout: Path) -> None:
    found = plugged.home / "bin"
    found.mkdir()
    for name in ("sh", "bash", "env", "grep", "sed", "head", "mkdir", "cat", "mv", "git", "ls", "uname"):
        path = shutil.which(name)
        assert path is not None
        (found / name).symlink_to(path)
    (found / "python3").write_text("#!/bin/sh\necho Python 3.9; exit 1\n")
    (found / "python3").chmod(0o755)
    plugged.client.env["PATH"] = str(found)
    folder = install(plugged, checkout)
    assert sorted(path.name for path in folder.rglob("*.json")) == ["hooks.json", "plugin.json"]
    session = plugged.play("./check", "./check", plugin=None, mcp_config=None)
    said = [json.loads(run.stdout) for run in session.hooks if run.event == "SessionStart"]
    assert said == [
        {
            "systemMessage": "skillcache does nothing here: it needs Python 3.11 or later, and found none. Install one"
            " (for example: uv python install 3.12), then start Claude Code twice."
        }
    ]
    assert plugged.count() == 2


def test_the_command_line_says_how_to_get_what_it_needs(checkout: Path, tmp_path: Path) -> None:
    def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-P",
                "-S",
                str(checkout / "hooks/command.py"),
                *words,
            ],
            env={"HOME": str(tmp_path), "PATH": os.defpath, **environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    done = run("stats")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "skillcache: this command needs the Python package click; hooks and shims do without. To have it:\n"
        f"    uv tool install {str(checkout)!r}    (or: pipx install {str(checkout)!r})\n"
    )
    # What a person must always be able to do.
    done = run("serve", "--off", CLAUDE_PID=str(os.getpid()))
    assert done.stdout == "skillcache is off until this Claude Code ends; /skillcache:on switches it on again.\n"
    assert run("serve", "--on", CLAUDE_PID=str(os.getpid())).stdout == "skillcache is on.\n"
    done = run("serve", "--off")
    assert done.stderr == "skillcache: this is for commands that Claude Code runs, such as /skillcache:off\n"

    # One on PATH that leads here again is asked once.
    tool = tmp_path / "again/skillcache"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec {sys.executable} -P -S "{checkout}/hooks/command.py" "$@"\n')
    tool.chmod(0o755)
    done = run("stats", PATH=f"{tool.parent}:{os.defpath}")
    assert done.stderr.startswith("skillcache: this command needs the Python package click")

    # One that is installed takes over.
    tool = tmp_path / "tool/skillcache"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\necho "installed: $*"\n')
    tool.chmod(0o755)
    assert run("stats", "--json", PATH=f"{tool.parent}:{os.defpath}").stdout == "installed: stats --json\n"
