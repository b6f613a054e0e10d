"""The plugin: its folder put in place, and known to the client."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping

import click

from skillcache.claude.mcp_servers import config_folder
from skillcache.claude.permissions import LARGEST
from skillcache.cli import output
from skillcache.cli.setup.bundle import ID, MARKETPLACE, MODERN, OLDEST, marketplace
from skillcache.cli.setup.settings_file import USER, locate, note, original, read, restore
from skillcache.core import files
from skillcache.core.git import folders
from skillcache.core.outcomes import SkillcacheError
from skillcache.events.server import world
from skillcache.settings import require_folder

_SECONDS = 120


class NoClient(SkillcacheError):
    """Claude Code is not there, or refused what it was asked for."""


def find(environ: Mapping[str, str], project: str) -> str:
    """The client's executable: the one that runs us, else `claude` on PATH and not in `project`. Raises NoClient."""
    running = environ.get("CLAUDE_CODE_EXECPATH", "")
    path = running if os.access(running, os.X_OK) else shutil.which("claude", path=":".join(folders(environ, project)))
    if path is None:
        raise NoClient("claude is not on PATH: put it there, or take the hooks alone: skillcache install")
    return path


def version_of(path: str, environ: Mapping[str, str]) -> tuple[int, ...]:
    """Raises NoClient."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", _run([path, "--version"], environ))
    if found is None:
        raise NoClient(f"{path} does not say which version it is. Check with: skillcache doctor")
    return tuple(map(int, found.groups()))


def install_in_client(path: str, marketplace: str, environ: Mapping[str, str]) -> None:
    """For the person, in all projects. `marketplace`: the folder of one. Raises NoClient."""
    _run([path, "plugin", "marketplace", "add", marketplace], environ)
    if is_installed(environ):
        _run([path, "plugin", "update", "-y", ID], environ)
    else:
        _run([path, "plugin", "install", "-y", ID], environ)


def uninstall_from_client(path: str, environ: Mapping[str, str]) -> None:
    """Raises NoClient."""
    _run([path, "plugin", "uninstall", "-y", ID], environ)
    _run([path, "plugin", "marketplace", "remove", MARKETPLACE], environ)


def is_installed(environ: Mapping[str, str]) -> bool:
    plugins = _read(f"{config_folder(environ)}/plugins/installed_plugins.json").get("plugins")
    return isinstance(plugins, dict) and bool(plugins.get(ID))


def is_enabled(environ: Mapping[str, str]) -> bool:
    """Whether the person's settings have it on, as installing does."""
    enabled = _read(f"{config_folder(environ)}/settings.json").get("enabledPlugins")
    return isinstance(enabled, dict) and enabled.get(ID) is True


def _read(path: str) -> dict[str, object]:
    try:
        found = json.loads(files.load(path, LARGEST))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _run(command: list[str], environ: Mapping[str, str]) -> str:
    """What it prints. Raises NoClient."""
    try:
        done = subprocess.run(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as fault:
        raise NoClient(f"{command[0]} does not run: {type(fault).__name__}. Check with: skillcache doctor") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise NoClient(f"`{' '.join(command)}` failed: {said[-1]}. To have the hooks alone: skillcache install")
    return done.stdout


def install(project: str, *, dry_run: bool) -> int:
    """By the client's own commands; our entries in the person's settings make room. Raises SkillcacheError."""
    require_folder(os.environ, os.path.abspath(project))  # the client runs what lies there
    path = find(os.environ, project)
    version = version_of(path, os.environ)
    if version < OLDEST:
        raise SkillcacheError(f"{path} is {_dotted(version)}, which takes no plugin of a command: skillcache install")
    world.meet(os.path.abspath(project), os.environ)
    place = marketplace(os.environ)
    if dry_run:
        click.echo(f"{path} plugin marketplace add {place}\n{path} plugin install -y {ID}")
        return output.OK
    install_in_client(path, place, os.environ)
    click.echo(f"Claude Code has the plugin {ID}; its next session uses it.")
    click.echo(note(os.environ), nl=False)
    if version < MODERN:
        click.echo(f"This one is {_dotted(version)}: the plugin's hooks act. From {_dotted(MODERN)} its module does.")
    settings = locate(USER, ".", os.environ)
    before = read(settings)
    after = None if before is None else original(settings, before)
    if before is not None and after != before:
        restore(settings, after)
        click.echo(f"{settings} no longer has the hooks: the plugin has its own.")
    click.echo("Check with: skillcache doctor. Take out with: skillcache uninstall")
    return output.OK


def uninstall(*, dry_run: bool) -> None:
    """Nothing where it is not installed. Raises SkillcacheError."""
    if not is_installed(os.environ):
        return
    path = find(os.environ, ".")
    if dry_run:
        click.echo(f"{path} plugin uninstall -y {ID}")
        return
    uninstall_from_client(path, os.environ)
    click.echo(f"Claude Code no longer has the plugin {ID}.")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
