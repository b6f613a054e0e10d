"""Places that were too slow to look at: asked once in a session, whatever it is that holds them up.

A pipe that git waits for, a share that went away, a worktree of millions of files: each would cost every call of a
session the whole time that a look may take.
"""

import os
import time

from skillcache.core import files
from skillcache.core.digest import digest
from skillcache.core.errors import Bypass
from skillcache.core.outcomes import SLOW_PLACE, TOO_SLOW
from skillcache.core.paths import cache_folder, slow_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_CAP = 32


class Place:
    """One place in one session, looked at for at most `seconds`.

    session: the client's; outside of one it is that of the terminal.
    """

    __slots__ = ("_began", "_path", "_seconds", "root")

    def __init__(self, root: str, session: str, environ: "Mapping[str, str]", seconds: float) -> None:
        self.root = root
        name = f"{session or os.getsid(0)}\0{root}".encode("utf-8", "surrogatepass")
        self._path = f"{slow_folder(cache_folder(environ))}/{digest(name)}"
        self._seconds = seconds
        self._began = time.monotonic()

    def require_quick(self) -> None:
        """Raises Bypass (SLOW_PLACE) where a look of as many seconds was too short: it would be again."""
        try:
            waited = float(files.load(self._path, _CAP))
        except (OSError, ValueError):  # nearly always there is none
            return
        if waited >= self._seconds:
            raise Bypass(SLOW_PLACE, self.root)

    def blame(self, fault: Exception) -> None:
        """Remember the place where it was too slow. What cannot be written down costs the next look its time again."""
        too_slow = isinstance(fault, TimeoutError) or (isinstance(fault, Bypass) and fault.outcome is TOO_SLOW)
        if too_slow and time.monotonic() - self._began >= self._seconds:
            try:
                files.write(self._path, repr(self._seconds).encode())
            except OSError:
                return
