"""Whether the environment that the server was started with is still the client's own.

Observed: the client reads `env` of a settings file again as soon as the file changes, and gives it to whatever it
starts from then on. A server that lives on would take old values for those that a command runs with.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from skillcache.claude.definitions import config_folder
from skillcache.claude.permission_sources import LARGEST, MANAGED, client_arguments, roots_of, values_of
from skillcache.core import files, json
from skillcache.core.processes import describe

_READS = 0.05  # seconds that the client surely takes from its start to reading them; a start is known to 0.01
GRACE = 10.0  # seconds within which the client has surely taken up a change


class Environment:
    """until: when the server is to end, on the clock of time.time; None while its environment is the client's."""

    def __init__(self, environ: Mapping[str, str], now: float) -> None:
        self._environ = environ
        self._places = _places(environ)
        self._stamps = self._look()
        self._values = self._read()
        self.until: float | None = None
        changed = max((stamp[0] / 1e9 for stamp in self._stamps if stamp is not None), default=0.0)
        if changed > _start_of_client(environ) + _READS and now - changed < GRACE:
            self.until = changed + GRACE

    def is_current(self, now: float) -> bool:
        if self.until is None:
            stamps = self._look()
            if stamps != self._stamps:
                self._stamps = stamps
                if self._read() != self._values:
                    self.until = now + GRACE
        return self.until is None

    def _look(self) -> list[tuple[int, int, int] | None]:
        stamps: list[tuple[int, int, int] | None] = []
        for place in self._places:
            try:
                status = os.stat(place)
                stamps.append((status.st_mtime_ns, status.st_size, status.st_ino))
            except OSError:
                stamps.append(None)
        return stamps

    def _read(self) -> list[object]:
        return [_env_of(place) for place in self._places]


def _env_of(path: str) -> object:
    try:
        settings = json.loads(files.read(path, LARGEST) or b"{}")
    except (OSError, ValueError):
        return None
    return settings.get("env") if isinstance(settings, dict) else None


def _places(environ: Mapping[str, str]) -> list[str]:
    """Every file that the client takes settings from."""
    project = environ.get("CLAUDE_PROJECT_DIR") or os.getcwd()
    config = config_folder(environ)
    places = [f"{MANAGED}/managed-settings.json", f"{config}/remote-settings.json", f"{config}/settings.json"]
    for folder in roots_of(project, project):
        places += [f"{folder}/.claude/settings.json", f"{folder}/.claude/settings.local.json"]
    given = values_of(client_arguments(environ), ("--settings",))
    return [*places, *(os.path.join(project, path) for path in given if not path.lstrip().startswith("{"))]


def _start_of_client(environ: Mapping[str, str]) -> float:
    """Unix seconds; 0 where the system does not tell."""
    pid = environ.get("CLAUDE_PID", "")
    ticks = describe(int(pid)).get("pid_start", "") if pid.isdecimal() else ""
    if not ticks:
        return 0.0
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.time() - since_boot + int(ticks) / os.sysconf("SC_CLK_TCK")
