"""Which processes hold a claim while a command runs for them: what is started within such a run waits for nobody.

Two runs of which each waits for what the other has begun would wait for ever. A variable would not do: `tox`, `sudo`
and `env -i` take it away, and the command would see it. So there is a file for each, named by its number and holding
its start, and whoever would wait looks among its own forefathers.
"""

import os

from skillcache import files
from skillcache.paths import runs_folder
from skillcache.sessions.client import describe, parent_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CAP = 1 << 16
_MOST = 10_000  # forefathers


class Mark:
    """Of this process, until `end`. One that is left behind by a killed process is of nobody."""

    def __init__(self, cache: str) -> None:
        """Raises OSError."""
        self._path = _path(cache, os.getpid())
        files.write(self._path, describe(os.getpid()).get("pid_start", "").encode())

    def end(self) -> None:
        try:
            files.remove(self._path)
        except OSError:
            return


def is_within(cache: str) -> bool:
    """Whether this process was started, however far, by one that has a mark."""
    parents = _parents()
    pid = os.getppid()
    for _ in range(_MOST):
        if pid <= 1:
            break
        try:
            kept = files.read(_path(cache, pid), _CAP)
        except OSError:
            kept = None
        if kept is not None and kept.decode("ascii", "replace") == describe(pid).get("pid_start", ""):
            return True
        pid = parents(pid)
    return False


def _parents() -> "Callable[[int], int]":
    """From a process to its parent, 0 for none."""
    if os.path.exists("/proc/self/stat"):
        return parent_of
    import subprocess  # a Mac has no other way

    said = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
    parents = {int(pid): int(parent) for pid, parent in map(str.split, said.splitlines())}
    return lambda pid: parents.get(pid, 0)


def _path(cache: str, pid: int) -> str:
    return f"{runs_folder(cache)}/{pid}"
