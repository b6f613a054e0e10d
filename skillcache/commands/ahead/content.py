"""Whether what a run ahead reads was touched: a result of it would not be kept."""

import os
import time

from skillcache.core.git import Git, find_root, git_folders
from skillcache.core.outcomes import Bypass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SHARE = 50  # one part in so many of a processor is spent on looking
_LEAST = 0.1  # seconds between two looks
_SECONDS = 10.0  # for git's list


class Content:
    """The files of a worktree that count, as they were: what is new the run may have made itself.

    since: see `skillcache.commands.way.stamp`; depends: globs that narrow the content, None for all of it. due: when
    the next look is, by time.monotonic.
    """

    __slots__ = ("_paths", "_since", "due", "root")

    def __init__(self, cwd: str, environ: "Mapping[str, str]", depends: tuple[str, ...] | None, since: int) -> None:
        self.root = find_root(cwd) or ""
        self.due = time.monotonic()
        self._since = since
        self._paths: list[bytes] = []
        if not self.root or depends == ():
            return
        from skillcache.commands.rewritten import may_be_report

        globs = [f":(top,glob){pattern}" for pattern in depends or ()]
        git = Git(self.root, environ, time.monotonic() + _SECONDS)
        try:
            listed = [git.run("ls-files", "-z", *kind, "--", *globs).split(b"\0")[:-1] for kind in _KINDS]
            index = f"{git_folders(self.root)[0]}/index"
        except (Bypass, OSError):
            return
        top = os.fsencode(self.root)
        paths = [*listed[0], *(path for path in listed[1] if not may_be_report(os.fsdecode(path)))]
        self._paths = [path for path in (os.path.join(top, path) for path in paths) if os.path.lexists(path)]
        if os.path.exists(index):
            self._paths.append(os.fsencode(index))

    def folders(self) -> list[str]:
        """Those with files that count, the top first."""
        return [self.root, *sorted({os.fsdecode(os.path.dirname(path)) for path in self._paths} - {self.root})]

    def has_changed(self) -> bool:
        """Whether it was touched; to be asked when it is due."""
        began = time.process_time()
        changed = any(_stamp(path) >= self._since for path in self._paths)
        self.due = time.monotonic() + max(_LEAST, _SHARE * (time.process_time() - began))
        return changed


_KINDS = ((), ("--others", "--exclude-standard"))


def _stamp(path: bytes) -> float:
    try:
        return os.lstat(path).st_ctime_ns
    except OSError:
        return float("inf")
