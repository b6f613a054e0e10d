"""The plugin by the client's own commands: installed, used, taken away; and what an older client makes of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from skillcache.cli.checks.messages_api import Api, bash
from skillcache.cli.setup.bundle import marketplace_text
from tests.conftest import RedisServer, until
from tests.e2e.plugin import Plugged, notes
from tests.e2e.project import CHECK_RULE, COUNT, MCP_RULE, PYTEST
from tests.e2e.terminal import TERM, Terminal


@pytest.fixture
def installed(plugged: Plugged) -> Plugged:
    """The plugin installed by `skillcache install --plugin`, with hooks of the settings before it."""
    return install(plugged)


def install(plugged: Plugged) -> Plugged:
    plugged.client.env["CLAUDE_CODE_EXECPATH"] = plugged.client.binary
    plugged.client.env["ANTHROPIC_BASE_URL"] = "http://127.0.0.1:9"  # with its own the client waits for a network
    plugged.skillcache("install")
    plugged.skillcache("install", "--plugin")
    return plugged


def settings(plugged: Plugged) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((plugged.home / ".claude/settings.json").read_text())
    return found


def test_it_is_installed_used_and_taken_away(installed: Plugged) -> None:
    assert settings(installed)["enabledPlugins"] == {"skillcache@skillcache": True}
    assert "hooks" not in settings(installed)
    # Again: nothing is installed twice.
    assert "Claude Code has the plugin" in installed.skillcache("install", "--plugin")

    before = set(installed.sockets())
    session = installed.play(installed.once_served(PYTEST, before), PYTEST, COUNT, COUNT, plugin=None)
    assert installed.outcomes() == ["no_entry", "stored", "replayed"] * 2
    assert len(notes(session)) == 1

    assert "no longer has the plugin" in installed.skillcache("uninstall")
    assert not any(settings(installed).values())
    session = installed.play(PYTEST, COUNT, plugin=None)
    assert installed.outcomes() == ["no_entry", "stored", "replayed"] * 2
    assert installed.count() == 4
    assert session.hooks == []


def test_a_dry_run_says_what_it_would_run(plugged: Plugged) -> None:
    plugged.client.env["CLAUDE_CODE_EXECPATH"] = plugged.client.binary
    said = plugged.skillcache("install", "--plugin", "--dry-run")
    assert "plugin marketplace add" in said
    assert "plugin install -y skillcache@skillcache" in said
    assert not (plugged.home / ".claude/plugins").exists()


def test_rules_of_a_project_are_heard_once_the_folder_is_laid_out_again(plugged: Plugged) -> None:
    plugged.configure("")
    plugged.write(".claude/skillcache.toml", CHECK_RULE + MCP_RULE)
    plugged.commit()
    plugged.play("./check", "./check", COUNT, COUNT)
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"]  # a command: a shell is given rules as it begins
    plugged.lay_out()
    plugged.play(COUNT, COUNT)
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"] * 2


def test_the_options_of_the_plugin_reach_the_server_and_the_commands_and_nobody_else(
    plugged: Plugged, redis_server: RedisServer
) -> None:
    (plugged.home / ".claude").mkdir(exist_ok=True)
    options = {"redis_url": redis_server.url, "team": "blue"}
    (plugged.home / ".claude/settings.json").write_text(
        json.dumps({"pluginConfigs": {"skillcache": {"options": options}}})
    )
    session = plugged.play(bash("sleep 0.5"), "./check", "./check", COUNT, COUNT)
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"] * 2
    assert len(notes(session)) == 1
    keys = redis_server.command("KEYS", "skill_cache:*")
    assert b"skill_cache:check:" in keys
    assert b"skill_cache:mcp__words__count_words:" in keys
    assert list((plugged.home / ".cache/skillcache").glob("*.sqlite3")) == []
    assert not any(redis_server.url in str(event) for event in session.stream)


def test_its_commands_do_what_they_say_and_with_print_what_needs_no_model_is_the_result(plugged: Plugged) -> None:
    plugged.play("./check", "./check")
    explain = plugged.play("./check", prompt="/skillcache:explain ./check --all", mode="default")
    assert "./check --all" in said(explain.requests[0].messages)
    fresh = plugged.play("./check", prompt="/skillcache:fresh ./check", mode="default")
    assert "# fresh" in said(fresh.requests[0].messages)
    stats = plugged.play("./check", prompt="/skillcache:stats", mode="default", at_once=True)
    assert stats.requests == []
    (result,) = [event["result"] for event in stats.stream if event["type"] == "result"]
    assert "Calls seen since " in result


LOCAL = (
    ("/skillcache:stats", "Calls seen since "),
    ("/skillcache:stats --since soon", "--since soon: say 30min, "),
    ("/skillcache:off", "is off until this Claude Code ends; /skillcache:on switches it on again."),
    ("/skillcache:on", "is on."),
)


def test_what_needs_no_model_is_said_without_a_turn(plugged: Plugged, runtime: Path) -> None:
    """As its person sees it: like the client's own commands, and no error."""
    plugged.play("./check", env={"TERM": TERM}, at_once=True)
    with Api([bash("./check"), "done", bash("./check"), "done"]) as api, Terminal(plugged, api, runtime) as terminal:
        for prompt, answer in LOCAL:
            terminal.say(prompt)
            until(lambda prompt=prompt, answer=answer: shown(terminal.screen(), prompt, answer))  # type: ignore[misc]
            if prompt in ("/skillcache:off", "/skillcache:on"):
                asked = len(api.requests)
                terminal.say("go")
                until(lambda asked=asked: len(api.requests) == asked + 2)  # type: ignore[misc]
        assert "hook" not in terminal.screen()
    assert len(api.requests) == 4
    assert plugged.count() == 2  # while it was off
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"]


def shown(screen: str, prompt: str, answer: str) -> bool:
    """Whether the answer stands below the prompt, in the client's manner."""
    corner = "\N{DENTISTRY SYMBOL LIGHT VERTICAL AND BOTTOM RIGHT}"
    return re.search(rf"{re.escape(prompt)}\s+{corner}\s+skillcache: {re.escape(answer)}", screen) is not None


def said(messages: list[dict[str, Any]]) -> str:
    return json.dumps(messages)


def test_an_older_client_has_the_hooks_of_the_plugin_and_no_module(plugged: Plugged, old_claude: str) -> None:
    plugged.client.binary = old_claude
    install(plugged)
    session = plugged.play("./check", "./check", COUNT, COUNT, plugin=None)
    assert plugged.outcomes() == ["no_entry", "stored", "replayed"] * 2
    assert session.texts[0] == session.texts[1] == "all is well"
    assert "Not an error" in session.texts[3]
    assert plugged.sockets() == []
    plugged.skillcache("uninstall")
    assert not any(settings(plugged).values())


def test_an_older_client_leaves_the_module_of_a_newer_one_alone(plugged: Plugged, old_claude: str) -> None:
    """Both may share a home folder; the plugin folder is then laid out anew for whichever asked last.

    And for what a newer one's module says by itself, with a prompt of ours, its model is asked.
    """
    plugged.client.binary = old_claude
    session = plugged.play("./check", "./check", COUNT, COUNT, at_once=True)
    assert session.texts == [*["all is well"] * 2, *["3 words"] * 2]
    assert plugged.count() == 3  # its SessionStart sees to commands all the same
    stats = plugged.play("./check", prompt="/skillcache:stats", mode="default", at_once=True)
    assert "Calls seen since " in said(stats.requests[0].messages)


def test_the_folder_is_valid_to_the_client(plugged: Plugged, claude: str) -> None:
    done = validate(plugged, claude, plugged.folder)
    assert done["success"] is True, done
    market = Path(plugged.home / ".cache/skillcache/plugin/marketplace")
    plugged.client.env["CLAUDE_CODE_EXECPATH"] = claude
    plugged.skillcache("install", "--plugin", "--dry-run")
    assert validate(plugged, claude, market)["success"] is True


def test_the_marketplace_of_the_checkout_is_valid_and_the_same_but_for_its_command(
    plugged: Plugged, claude: str
) -> None:
    path = Path(__file__).parents[2] / ".claude-plugin/marketplace.json"
    assert validate(plugged, claude, path)["success"] is True
    known, made = json.loads(path.read_text()), json.loads(marketplace_text())
    assert known["plugins"][0]["source"].pop("command").endswith('/hooks/plugin_path.sh"')
    assert made["plugins"][0]["source"].pop("command").endswith("/hooks/command.py plugin-path")
    assert known == made


def validate(plugged: Plugged, claude: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [claude, "plugin", "validate", str(folder), "--strict", "--json"],
        env=plugged.client.environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_module_passes_its_own_tests(plugged: Plugged, claude: str) -> None:
    """Those of tests/plugin/register.test.ts, run by the client against its own engine."""
    page = '\n[[rules]]\nmatch = "WebFetch(domain:x.example)"\ninvalidated_by = ["mcp__db__write"]\n'
    table = '\n[[rules]]\nmatch = "mcp__db__read"\ninvalidated_by = ["Bash(alembic upgrade *)"]\n'
    plugged.is_patient = False
    plugged.configure(CHECK_RULE + page + table)
    tests = Path(__file__).parent.parent / "plugin/register.test.ts"
    shutil.copy(tests, plugged.folder / "hooks/register.test.ts")
    done = subprocess.run(
        [claude, "plugin", "test", str(plugged.folder)],
        env=plugged.client.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
