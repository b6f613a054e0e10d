"""Files by which a program says that it is at work, left behind by one that was killed: the next would not begin.

Only what surely nobody holds is taken away: one that was not there when the run began, that is about as long as a
process number, which names no process that lives, and which nobody has open. Locks that the system keeps (flock, of
SQLite and of cargo) end with their process.
"""

import os
import time
from stat import S_ISLNK, S_ISREG

from skillcache.core import files
from skillcache.core.git import git_folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST = 5_000  # folders
_SECONDS = 0.05  # for a look at all of them: somebody waits
_OF_A_NUMBER = (".pid", ".lck")  # these are locks where they hold one, and so are links
_LONGEST = 128  # bytes; the lists of versions that package managers call locks are longer


class Locks:
    """folders: in which they may be, those looked at first coming first; since: see `skillcache.commands.way.stamp`."""

    __slots__ = ("_before", "_folders", "_since")

    def __init__(self, root: str, folders: "Iterable[str]", since: int) -> None:
        self._folders = list(dict.fromkeys(folders))[:_MOST]
        if root:
            self._folders[1:1] = [git_folders(root)[0]]
        self._since = since
        self._before = {path for folder in self._folders for path in _named(folder)}

    def remove_new(self) -> None:
        """What cannot be removed stays."""
        ends = time.monotonic() + _SECONDS
        found = []
        for folder in self._folders:
            if time.monotonic() > ends:
                break
            found += [path for path in _named(folder) if path not in self._before and self._is_of_nobody(path)]
        if not found:
            return
        held = _open_files()
        for path in found:
            try:
                if os.path.islink(path) or os.path.realpath(path) not in held:
                    os.unlink(path)
            except OSError:
                continue

    def _is_of_nobody(self, path: str) -> bool:
        try:
            status = os.lstat(path)
            is_link = S_ISLNK(status.st_mode)
            if not (is_link or S_ISREG(status.st_mode)) or status.st_uid != os.geteuid() or status.st_size > _LONGEST:
                return False
            text = os.readlink(path) if is_link else (files.read(path, _LONGEST) or b"").decode("ascii", "replace")
        except OSError:
            return False
        words = "".join(c if c.isdecimal() else " " for c in text).split()
        numbers = [int(word) for word in words if len(word) < 11]
        is_told = bool(numbers) or not (is_link or path.endswith(_OF_A_NUMBER))
        return is_told and status.st_ctime_ns >= self._since and not any(map(_lives, numbers))


def _named(folder: str) -> "list[str]":
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [f"{folder}/{name}" for name in names if _is_name(name)]


def _is_name(name: str) -> bool:
    _, found, after = name.partition("lock")
    if name.endswith(_OF_A_NUMBER):
        return True
    return bool(found) and (name.endswith(".lock") or name.startswith(".lock") or "pid" in after)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return pid > 1


def _open_files() -> set[str]:
    """By whatever process we may look at."""
    found = set()
    for pid in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if not pid.isdecimal():
            continue
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                found.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except OSError:
            continue
    return found
