"""The plugin folder: whole, named by its content, and made for this Python, client and configuration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skillcache.cli.setup.bundle import client_version, python_line
from skillcache.cli.setup.entries import started_by
from skillcache.cli.setup.settings_file import present_interpreter
from skillcache.core.paths import hooks_folder
from tests import ready

MODERN = {"AI_AGENT": "claude-code_2-1-330_harness"}
OLD = {"AI_AGENT": "claude-code_2-1-296_harness"}
LOOKUPS = ("pre_tool_use.py", "post_tool_use.py", "post_tool_use_failure.py", "invalidate.py")


def lay_out(home: Path, agent: dict[str, str] = MODERN) -> Path:
    environ = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **agent}
    status, said, complained = ready.skillcache("plugin-path", folder=home, environ=environ)
    (line,) = said.splitlines()
    assert (status, complained) == (0, "")
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


def test_what_somebody_has_taken_out_of_the_folder_is_there_again(tmp_path: Path) -> None:
    """Who tidies caches takes files by their age."""
    folder = lay_out(tmp_path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "hooks/hooks.json").unlink()
    (folder / "commands/on.md").write_text("else")
    assert lay_out(tmp_path) == folder
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_many_that_begin_at_one_moment_have_one_whole_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "skillcache", "plugin-path"]
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], **MODERN}
    running = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    printed = {each.communicate(timeout=60)[0] for each in running}
    (line,) = printed
    folder = Path(line.strip())
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    (folder / "hooks/hooks.json").unlink()
    assert lay_out(tmp_path) == folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A stranger's, with programs that leave a mark."""
    root = tmp_path / "it's a project"
    (root / ".git").mkdir(parents=True)
    (root / "sub").mkdir()
    for folder in ("bin", ".venv/bin"):
        (root / folder).mkdir(parents=True)
        for name in ("python3", "python3.12", "uv", "mkdir", "sed"):
            (root / folder / name).write_text(f"#!/bin/sh\n: >'{tmp_path}/mark'\necho {root}/bin/python3\n")
            (root / folder / name).chmod(0o755)
    (root / ".venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    (tmp_path / "link").symlink_to(root / "bin")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/python3").write_text(
        f'#!/bin/sh\nexec "{getattr(sys, "_base_executable", sys.executable)}" "$@"\n'
    )
    (tmp_path / "own/python3").chmod(0o755)
    return root


def from_checkout(home: Path, cwd: Path | str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", f"{hooks_folder()}/plugin_path.sh"],
        env={"HOME": str(home / "home"), **environ},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.table
@pytest.mark.parametrize("first", ["{project}/bin", "{project}/.venv/bin/", "{home}/link", ".", "bin", ".venv/bin", ""])
@pytest.mark.parametrize(("cwd", "named"), [("{project}", ""), ("{project}/sub", ""), ("/", "{project}")])
def test_no_python_of_a_project_is_started(tmp_path: Path, project: Path, first: str, cwd: str, named: str) -> None:
    first, cwd, named = (text.format(project=project, home=tmp_path) for text in (first, cwd, named))
    more = {"CLAUDE_PROJECT_DIR": named} if named else {}
    done = from_checkout(tmp_path, cwd, PATH=f"{first}:{tmp_path}/own:/usr/bin:/bin", **more)
    assert done.stderr == ""
    assert (Path(done.stdout.strip()) / "hooks/register.js").exists()
    # Where it alone has one, there is none.
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("mkdir", "cat", "mv"):
        (tools / name).symlink_to(f"/bin/{name}")
    done = from_checkout(tmp_path, cwd, PATH=f"{tools}:{first}", **more)
    assert done.stderr == ""
    assert done.stdout.strip() == f"{tmp_path}/home/.cache/skillcache/plugin/no-python"
    assert not (tmp_path / "mark").exists()


def test_a_virtual_environment_comes_after_all_else(tmp_path: Path, project: Path) -> None:
    """Nobody says here where the person works."""
    done = from_checkout(tmp_path, "/", PATH=f"{project}/.venv/bin:{tmp_path}/own:/usr/bin:/bin")
    assert (Path(done.stdout.strip()) / "hooks/register.js").exists()
    assert not (tmp_path / "mark").exists()


def test_a_project_chooses_no_folder_for_the_plugin(tmp_path: Path, project: Path) -> None:
    named = f"{project}/cache"
    (project / ".claude").mkdir()
    (project / ".claude/settings.json").write_text(json.dumps({"env": {"SKILLCACHE_HOME": named}}))
    done = from_checkout(tmp_path, project, PATH=f"{tmp_path}/own:/usr/bin:/bin", SKILLCACHE_HOME=named)
    assert (done.stdout, done.returncode) == ("", 1)
    assert "settings.json sets SKILLCACHE_HOME" in done.stderr
    (tmp_path / "own/python3").unlink()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("mkdir", "cat", "mv"):
        (tools / name).symlink_to(f"/bin/{name}")
    done = from_checkout(tmp_path, project, PATH=str(tools), SKILLCACHE_HOME=named)
    assert done.stdout.strip() == f"{tmp_path}/home/.cache/skillcache/plugin/no-python"
    assert not (project / "cache").exists()


def test_the_command_line_takes_no_module_of_a_projects_sources(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for name in ("click", "json", "skillcache", "sitecustomize"):
        (tmp_path / f"src/{name}.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w').close()\n")
    done = subprocess.run(
        ["sh", "-c", f"{python_line()} plugin-path"],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "src"), **MODERN},
        cwd=tmp_path / "src",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (Path(done.stdout.strip()) / "hooks/register.js").exists()
    assert not (tmp_path / "mark").exists()


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
