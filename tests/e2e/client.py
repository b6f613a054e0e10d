"""Which real Claude Code client the tests drive, by skillcache.probe.

It is the file that SKILLCACHE_TEST_CLAUDE names, else the one that `.ci/run` installs, else `claude` on PATH where it
is of the version the tests pin.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from skillcache.probe.client import TIMEOUT

VERSION = "2.1.330"
OLD_VERSION = "2.1.296"  # the newest whose mods cannot answer a call that is allowed


def find_client() -> str | None:
    """The path of the client, or None where this machine has none of the pinned version."""
    named = os.environ.get("SKILLCACHE_TEST_CLAUDE")
    if named:
        return named
    installed = tools_folder() / "node_modules/@anthropic-ai/claude-code-linux-x64/claude"
    if installed.exists():
        return str(installed)
    on_path = shutil.which("claude")
    if on_path:
        said = subprocess.run([on_path, "--version"], capture_output=True, text=True, timeout=TIMEOUT, check=False)
        if said.stdout.startswith(VERSION):
            return on_path
    return None


def find_old_client() -> str | None:
    """The path of a client of OLD_VERSION, or None."""
    path = Path(f"{tools_folder()}-old") / "node_modules/@anthropic-ai/claude-code-linux-x64/claude"
    return str(path) if path.exists() else None


def tools_folder() -> Path:
    """Where `.ci/run` installs the client."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "skillcache-test"
