"""Claude Code's own commands about plugins, and what it has on record of ours."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping

from skillcache.claude.definitions import config_folder
from skillcache.claude.permission_sources import LARGEST
from skillcache.cli.setup.bundle import ID, MARKETPLACE
from skillcache.core import files
from skillcache.core.errors import SkillcacheError
from skillcache.core.git import folders

_SECONDS = 120


class NoClient(SkillcacheError):
    """Claude Code is not there, or refused what it was asked for."""


def find(environ: Mapping[str, str], project: str) -> str:
    """The client's executable: the one that runs us, else `claude` on PATH and not in `project`. Raises NoClient."""
    running = environ.get("CLAUDE_CODE_EXECPATH", "")
    path = running if os.access(running, os.X_OK) else shutil.which("claude", path=":".join(folders(environ, project)))
    if path is None:
        raise NoClient("claude is not on PATH")
    return path


def version(path: str, environ: Mapping[str, str]) -> tuple[int, ...]:
    """Raises NoClient."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", _run([path, "--version"], environ))
    if found is None:
        raise NoClient(f"{path} does not say which version it is")
    return tuple(map(int, found.groups()))


def install(path: str, marketplace: str, environ: Mapping[str, str]) -> None:
    """For the person, in all projects. `marketplace`: the folder of one. Raises NoClient."""
    _run([path, "plugin", "marketplace", "add", marketplace], environ)
    if is_installed(environ):
        _run([path, "plugin", "update", "-y", ID], environ)
    else:
        _run([path, "plugin", "install", "-y", ID], environ)


def uninstall(path: str, environ: Mapping[str, str]) -> None:
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
        raise NoClient(f"{command[0]} does not run: {type(fault).__name__}") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise NoClient(f"`{' '.join(command)}` failed: {said[-1]}")
    return done.stdout
