"""`skillcache doctor` says which lane answers, and proves it in the client at hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import ready
from tests.e2e.client import OLD_VERSION, version_of
from tests.e2e.plugin import Plugged
from tests.e2e.project import CHECK_RULE

WELL = (
    "reached a shim, gave a repeated command its recorded bytes without running it, and obeyed a deny rule; ",
    " ms without skillcache, a miss ",
)


@pytest.fixture
def person(plugged: Plugged) -> Plugged:
    plugged.client.env["CLAUDE_CODE_EXECPATH"] = plugged.client.binary
    plugged.client.env["ANTHROPIC_BASE_URL"] = "http://127.0.0.1:9"  # with its own the client waits for a network
    return plugged


def without_sessions(person: Plugged, tmp_path: Path) -> None:
    """Have the client do all but run one, which takes the proof its time."""
    brief = tmp_path / "claude"
    brief.write_text(f'#!/bin/sh\n[ "$1" = -p ] && exit 1\nexec {person.client.binary} "$@"\n')
    brief.chmod(0o755)
    person.client.env["CLAUDE_CODE_EXECPATH"] = str(brief)


def findings(person: Plugged) -> dict[str, str]:
    """The last line about each subject."""
    _, said, complained = ready.skillcache(
        "doctor", folder=person.project, environ=person.client.environment(), seconds=120
    )
    assert complained == ""
    lines = [line.split(None, 2) for line in said.splitlines() if ":" in line]
    return {subject.rstrip(":"): f"{level} {text}" for level, subject, text in lines}


def test_without_either_lane_there_is_nothing_to_prove(person: Plugged) -> None:
    found = findings(person)
    assert found["settings"].startswith("mend no hooks in")
    assert "proof" not in found
    assert "plugin" not in found


def test_the_hooks_are_proved(person: Plugged) -> None:
    person.skillcache("install")
    proof = findings(person)["proof"]
    assert proof.startswith(f"ok Claude Code {version_of(person.client.binary)} ")
    assert all(part in proof for part in WELL)


def test_the_plugin_is_named_and_proved(person: Plugged, tmp_path: Path) -> None:
    person.skillcache("install", "--plugin")
    found = findings(person)
    version = version_of(person.client.binary)
    assert found["plugin"] == (
        f"ok its module answers calls in Claude Code {version}: a hit is an ordinary result for every tool"
    )
    assert found["proof"].startswith(f"ok Claude Code {version} ")
    assert "settings" not in found

    without_sessions(person, tmp_path)
    person.skillcache("install")
    assert findings(person)["plugin"].startswith("note the settings have the hooks as well: they stand down")


def test_what_of_the_plugin_is_out_of_date_is_named(person: Plugged, tmp_path: Path) -> None:
    without_sessions(person, tmp_path)
    person.skillcache("install", "--plugin")
    person.write(".claude/skillcache.toml", CHECK_RULE.replace("./check", "./report"))
    found = findings(person)["plugin"]
    assert found.startswith("mend the plugin does not hear what rules of this project name. Mend: skillcache install")
    person.skillcache("install", "--plugin")
    assert findings(person)["plugin"].startswith("ok its module answers")
    market = person.home / ".cache/skillcache/plugin/marketplace/.claude-plugin/marketplace.json"
    market.write_text(market.read_text().replace("python", "python9"))
    assert findings(person)["plugin"].startswith("mend the plugin is of another Python or package")


def test_in_an_older_client_the_hooks_of_the_plugin_are_named(person: Plugged, old_claude: str, tmp_path: Path) -> None:
    """That they answer there: test_plugin_install."""
    person.client.binary = old_claude
    without_sessions(person, tmp_path)
    person.skillcache("install", "--plugin")
    found = findings(person)["plugin"]
    assert found == f"ok its hooks answer calls in Claude Code {OLD_VERSION}; from 2.1.326 its module does"


def test_where_a_client_ignores_the_plugin_the_lane_that_works_is_named(person: Plugged, tmp_path: Path) -> None:
    person.skillcache("install", "--plugin")
    deaf = tmp_path / "claude"
    deaf.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path}/deaf.py "$@"\n')
    (tmp_path / "deaf.py").write_text(
        "import os, sys\n"
        "words = sys.argv[1:]\n"
        "if '--plugin-dir' in words:\n"
        "    at = words.index('--plugin-dir')\n"
        "    words[at:at + 2] = []\n"
        f"os.execv({person.client.binary!r}, ['claude', *words])\n"
    )
    deaf.chmod(0o755)
    person.client.env["CLAUDE_CODE_EXECPATH"] = str(deaf)
    proof = findings(person)["proof"]
    assert proof == (
        f"mend Claude Code {version_of(person.client.binary)} with the plugin: it gives hooks at a session's start no"
        " CLAUDE_ENV_FILE, so its Bash calls cannot be answered. Mend:"
        " skillcache uninstall, then skillcache install: the hooks work in it"
    )
