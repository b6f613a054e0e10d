"""The plugin's options: settings for our hooks, and handed to the server where it alone reads them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from skillcache import claude
from skillcache.core.paths import hooks_folder
from skillcache.settings.in_force import load

URL = "redis://:word@host:6379/0"
OPTIONS = {"CLAUDE_PLUGIN_OPTION_REDIS_URL": URL, "CLAUDE_PLUGIN_OPTION_TEAM": "blue"}


def run(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", f"{hooks_folder()}/options.py", "skillcache"],
        input=b"{}",
        env=environ,
        capture_output=True,
        timeout=20,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def test_options_are_settings_of_a_hook(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    assert load({**home, **OPTIONS}, "/").store == URL
    assert load({**home, **OPTIONS}, "/").word("team") == "blue"
    assert load({**home, **OPTIONS, "REDIS_URL": "redis://other"}, "/").store == URL
    assert load({**home, **OPTIONS, "SKILLCACHE_REDIS_URL": "redis://named"}, "/").store == "redis://named"
    assert load({**home, "CLAUDE_PLUGIN_OPTION_REDIS_URL": ""}, "/").store.startswith("embedded:")


def test_the_hook_leaves_them_beside_the_servers_socket_for_the_person_alone(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": "/nonexistent", "CLAUDE_PID": str(os.getpid()), **OPTIONS}
    environ["SKILLCACHE_HOME"] = f"{tmp_path}/c" if len(str(tmp_path)) < 60 else str(tmp_path)
    run(environ)
    path = Path(f"{claude.socket_path(environ)}.options")
    assert json.loads(path.read_text()) == {"SKILLCACHE_REDIS_URL": URL, "SKILLCACHE_TEAM": "blue"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.unlink()


def test_without_options_it_leaves_nothing(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "CLAUDE_PID": str(os.getpid()), "SKILLCACHE_HOME": f"{tmp_path}/c"}
    run(environ)
    assert list(tmp_path.rglob("*.options")) == []
