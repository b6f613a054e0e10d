"""Which real Claude Code client the tests drive, by skillcache.cli.checks.client.

It is the file that SKILLCACHE_TEST_CLAUDE names, else the one that `.ci/run` installs, else `claude` on PATH where it
is of the version the tests pin.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from skillcache.cli.checks.client import TIMEOUT

VERSION = "2.1.332"
# Older ones, and where beside the first `.ci/run` installs them.
EARLIER_VERSION = "2.1.330"  # what people had before: a session or two of each lane prove that it works there too
OLD_VERSION = "2.1.296"  # the newest whose mods cannot answer a call that is allowed
_FOLDERS = {VERSION: "", EARLIER_VERSION: "-330", OLD_VERSION: "-old"}
_PLACE = "node_modules/@anthropic-ai/claude-code-linux-x64/claude"


def find_client() -> str | None:
    """The path of the client, or None where this machine has none of the pinned version."""
    named = os.environ.get("SKILLCACHE_TEST_CLAUDE")
    if named:
        return named
    on_path = shutil.which("claude")
    return find_installed(VERSION) or (on_path if on_path and version_of(on_path) == VERSION else None)


def find_installed(version: str) -> str | None:
    """The path of the client of that pinned version that `.ci/run` installed, or None."""
    path = f"{tools_folder()}{_FOLDERS[version]}/{_PLACE}"
    return path if os.path.exists(path) else None


def version_of(client: str) -> str:
    """What the client at that path says, without its name."""
    said = subprocess.run([client, "--version"], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    return said.stdout.partition(" ")[0].strip()


def tools_folder() -> Path:
    """Where `.ci/run` installs the client."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "skillcache-test"
