"""Whose definition counts, as observed on the client."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skillcache.claude.mcp_servers import find_server
from skillcache.core.outcomes import UNKNOWN_SERVER, Bypass


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    git("init", "--quiet", str(folder))
    return folder


def git(*arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", *arguments],
        check=True,
        capture_output=True,
    )


def servers(**commands: str) -> dict[str, Any]:
    return {"mcpServers": {name: {"command": command} for name, command in commands.items()}}


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def command(folder: Path, environ: dict[str, str], told: tuple[str, str] = ("", ""), tool: str = "mcp__s__x") -> object:
    definition = find_server(tool, told, str(folder), environ).definition
    return definition and definition["command"]


def is_unknown(
    folder: Path, environ: dict[str, str], told: tuple[str, str] = ("", ""), tool: str = "mcp__s__x"
) -> bool:
    with pytest.raises(Bypass) as caught:
        find_server(tool, told, str(folder), environ)
    return caught.value.outcome is UNKNOWN_SERVER


@pytest.fixture
def started_with(home: dict[str, str]) -> Iterator[Any]:
    """The environment of a hook whose client was started with these arguments: another process stands for it."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> dict[str, str]:
        words = ["sh", "-c", "echo; read wait", *arguments]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        running.append(process)
        assert process.stdout
        process.stdout.readline()  # only now does the system show its arguments
        return {**home, "CLAUDE_PID": str(process.pid)}

    yield start
    for process in running:
        process.communicate()


def test_the_nearest_scope_wins(project: Path, home: dict[str, str], started_with: Any) -> None:
    own = Path(home["HOME"]) / ".claude.json"
    write(own, servers(s="of the person"))
    assert command(project, home) == command(project, home, ("s", "user")) == "of the person"

    write(project / ".mcp.json", servers(s="of the project"))
    assert command(project, home) == command(project, home, ("s", "project")) == "of the project"

    write(own, {**servers(s="of the person"), "projects": {str(project): servers(s="local")}})
    assert command(project, home) == command(project, home, ("s", "local")) == "local"

    config = write(project.parent / "config.json", servers(s="of a file"))
    inline = json.dumps(servers(s="of the command line"))
    environ = started_with("--mcp-config", str(config), inline, "--verbose")
    assert command(project, environ) == command(project, environ, ("s", "dynamic")) == "of the command line"
    assert command(project, started_with("--mcp-config", inline, "../config.json")) == "of a file"
    assert command(project, environ, ("s", "user")) == "of the person"


def test_another_configuration_folder_holds_the_person_s_servers(project: Path, home: dict[str, str]) -> None:
    write(Path(home["HOME"]) / ".claude.json", servers(s="of the home folder"))
    other = write(project.parent / "config/.claude.json", servers(s="of the other folder")).parent

    assert command(project, {**home, "CLAUDE_CONFIG_DIR": str(other)}) == "of the other folder"


def test_the_nearest_mcp_json_wins_and_those_above_count(project: Path, home: dict[str, str]) -> None:
    write(project.parent / ".mcp.json", servers(s="above the project", v="above the project"))
    write(project / ".mcp.json", servers(s="of the root", t="of the root"))
    write(project / "a/.mcp.json", servers(s="of a"))

    assert command(project / "a", home) == "of a"
    assert command(project / "a", home, tool="mcp__t__x") == "of the root"
    assert command(project / "a", home, tool="mcp__v__x") == "above the project"


def test_local_servers_are_those_of_the_main_worktree(project: Path, home: dict[str, str]) -> None:
    git("-C", str(project), "commit", "--quiet", "--allow-empty", "-m", "a step")
    linked = project.parent / "linked"
    git("-C", str(project), "worktree", "add", "--quiet", str(linked))
    (project / "sub").mkdir()
    projects = {str(project): servers(s="of the main worktree"), str(linked): servers(s="of the linked one")}
    write(Path(home["HOME"]) / ".claude.json", {"projects": projects})

    assert command(linked, home) == command(project / "sub", home) == "of the main worktree"


def test_local_servers_outside_git_are_those_of_the_folder(tmp_path: Path, home: dict[str, str]) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    write(Path(home["HOME"]) / ".claude.json", {"projects": {str(folder): servers(s="of the folder")}})

    assert command(folder, home) == "of the folder"


def test_a_server_s_name_is_found_behind_a_tool_s(project: Path, home: dict[str, str]) -> None:
    write(project / ".mcp.json", servers(**{"my server.x": "odd", "a__b": "two", "Caps-1": "caps"}))

    assert command(project, home, tool="mcp__my_server_x__who") == "odd"
    assert command(project, home, tool="mcp__a__b__who") == "two"
    assert command(project, home, tool="mcp__Caps-1__who") == "caps"
    assert is_unknown(project, home, tool="mcp__other__who")


def test_a_tool_of_one_of_two_servers_is_of_an_unknown_one_unless_the_client_says(
    project: Path, home: dict[str, str]
) -> None:
    write(project / ".mcp.json", servers(a="one", a__b="two"))

    assert is_unknown(project, home, tool="mcp__a__b__who")
    assert command(project, home, ("a__b", "project"), tool="mcp__a__b__who") == "two"


def test_variables_are_put_in_as_the_client_does(project: Path, home: dict[str, str]) -> None:
    write(project / ".mcp.json", servers(s="a-${V}-${W:-default}-${NOPE}-${V:-unused}-${}-${"))

    assert command(project, {**home, "V": "value"}) == "a-value-default-${NOPE}-value-${}-${"


def test_a_plugin_s_server_is_found_where_the_plugin_lies(
    project: Path, home: dict[str, str], started_with: Any
) -> None:
    plugin = project.parent / "cache/market/tools/1.0.0"
    write(plugin / ".claude-plugin/plugin.json", {"name": "tools"})
    write(plugin / ".mcp.json", servers(s="${CLAUDE_PLUGIN_ROOT}/server"))
    told = ("plugin:tools:s", "plugin")
    assert is_unknown(project, home, told)
    noted = Path(home["HOME"]) / ".claude/plugins/installed_plugins.json"
    write(noted, {"version": 2, "plugins": {"tools@market": [{"installPath": str(plugin)}]}})

    for more in ({}, {"CLAUDE_PLUGIN_ROOT": "/the/plugin/whose/hook/asks"}):
        found = find_server("mcp__plugin_tools_s__x", told, str(project), home | more)
        assert found.definition == {"command": "${CLAUDE_PLUGIN_ROOT}/server"}
        assert found.plugin == str(plugin)

    other = project.parent / "mine"
    write(other / ".claude-plugin/plugin.json", {"name": "tools", "mcpServers": {"s": {"command": "of the manifest"}}})
    assert command(project, started_with("--plugin-dir", str(other)), told) == "of the manifest"
    assert is_unknown(project, home, ("plugin:tools:t", "plugin"))
    assert is_unknown(project, home, ("plugin:others:s", "plugin"))


def test_a_plugin_installed_in_two_places_is_not_guessed(project: Path, home: dict[str, str]) -> None:
    places = [project.parent / name for name in ("one", "two")]
    for place in places:
        write(place / ".mcp.json", servers(s="x"))
    noted = Path(home["HOME"]) / ".claude/plugins/installed_plugins.json"
    write(noted, {"version": 2, "plugins": {"tools@m": [{"installPath": str(place)} for place in places]}})

    assert is_unknown(project, home, ("plugin:tools:s", "plugin"))


def test_a_plugin_s_options_make_its_server_unknown(project: Path, started_with: Any) -> None:
    plugin = project.parent / "mine"
    write(plugin / ".claude-plugin/plugin.json", {"name": "tools"})
    write(plugin / ".mcp.json", {"s": {"command": "x", "env": {"KEY": "${user_config.key}"}}})

    assert is_unknown(project, started_with("--plugin-dir", str(plugin)), ("plugin:tools:s", "plugin"))


@pytest.mark.parametrize("source", ["user", "project", "local", "dynamic", "sdk", "agent", "enterprise", "of tomorrow"])
def test_a_server_without_a_definition_is_unknown(project: Path, home: dict[str, str], source: str) -> None:
    assert is_unknown(project, home, ("s", source))


@pytest.mark.parametrize("text", ["{", "[]", '{"mcpServers": {"s": "x"}}', '{"mcpServers": []}'])
def test_a_file_that_cannot_be_used_leaves_the_server_unknown(project: Path, home: dict[str, str], text: str) -> None:
    (project / ".mcp.json").write_text(text)

    assert is_unknown(project, home)
    assert is_unknown(project, home, ("s", "project"))
