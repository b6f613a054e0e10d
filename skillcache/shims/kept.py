"""What was made for a session's shells, kept for the next one of the same project while nothing it depends on changes.

    {folder}/{digest of what it depends on}.made = lines: the preamble's path, then every file that must be executable

Loading the tables of all tools to find out which are there costs a session's start more than all else it does. A file
that becomes executable is seen once something else in its folder changes.
"""

import os
import sys

from skillcache import files
from skillcache.digest import digest_parts
from skillcache.paths import hooks_folder, package_folder, shims_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_CAP = 1 << 20
# Of our own: where the tables and the text of shims lie.
_SOURCES = ("shims", "policy", "policy/tools")


class Kept:
    """folders: in which programs are looked for; parts: whatever else the text is made of."""

    __slots__ = ("_path",)

    def __init__(self, cache: str, folders: "Iterable[str]", parts: "Iterable[str]") -> None:
        package = package_folder()
        ours = [f"{package}/{place}/{name}" for place in _SOURCES for name in sorted(_names(f"{package}/{place}"))]
        told = [_stamp(path) for path in (*folders, *ours, f"{hooks_folder()}/stand_in.py")]
        made = digest_parts([os.fsencode(part) for part in (sys.executable, hooks_folder(), *parts, *told)])
        self._path = f"{shims_folder(cache)}/{made[:16]}.made"

    def find(self) -> str | None:
        """The preamble's path, where all is as it was. Raises OSError."""
        lines = os.fsdecode(files.read(self._path, _CAP) or b"").split("\n")
        if len(lines) < 2 or not all(os.access(path, os.X_OK) for path in lines[1:]):
            return None
        try:
            for path in (lines[0], self._path):  # what is in use is not swept
                os.utime(path)
        except FileNotFoundError:
            return None
        return lines[0]

    def keep(self, preamble: str, executables: "Iterable[str]") -> None:
        """Raises OSError."""
        files.write(self._path, os.fsencode("\n".join((preamble, *executables))))


def _names(folder: str) -> list[str]:
    return [name for name in os.listdir(folder) if name.endswith(".py")]


def _stamp(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return f"{path} -"
    return f"{path} {status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}"
