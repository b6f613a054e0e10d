"""What a script could have written, before a run and after it: together they say what it did write.

A file that was written counts, whatever its bytes: by its times and its inode, not by its content. So does one that git
ignores, and one beside a file or in a folder that the script was given, wherever that lies.

What is there is looked at before the run as well, rather than held against the time of its start: that would take two
clocks for one, and the names of what is gone would be missing.
"""

import os

from skillcache.core.errors import Bypass
from skillcache.core.git import find_root
from skillcache.core.outcomes import UNCAPTURABLE
from skillcache.core.paths import cache_folder
from skillcache.fingerprint import packages, worktree
from skillcache.fingerprint.files import Budget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Stamps = dict[str, tuple[object, ...]]

_MOST = 500_000  # files looked at
_GIT = ".git"
# Worktrees in there are other agents' business.
_WORKTREES = "/.claude/worktrees"
_STAMP = 4  # what is known of a file
_SECOND = 1_000_000_000
_NO_FOLDERS = frozenset("/ /tmp /var/tmp".split())  # noqa: SIM905 - everybody writes there


def trace(
    root: str, more: "Iterable[str]", outputs: tuple[str, ...], environ: "Mapping[str, str]", *, deadline: float
) -> "Stamps":
    """What is to be told of each path, git's own state under ''.

    root: of the worktree; more: real paths beyond it, folders with all in them and files with what lies beside them;
    outputs: globs relative to the root, which git's state leaves out. Raises Bypass (NO_GIT, TOO_LARGE, TOO_SLOW,
    UNCAPTURABLE).
    """
    found: Stamps = {}
    walk = _Walk(found, Budget(deadline, "files of the worktree", _MOST), cache_folder(environ))
    walk.whole(root)
    for path in more:
        if os.path.isdir(path):
            walk.whole(path)
        else:
            walk.beside(path)
    state, index = _state(root, outputs, environ, deadline)
    found[""] = (state,)
    for folder in walk.installed:
        if b"\t%s/" % os.fsencode(folder.removeprefix(f"{root}/")) in index:  # it is committed, and so its files count
            walk.whole(folder, committed=True)
    return found


def _state(root: str, outputs: tuple[str, ...], environ: "Mapping[str, str]", deadline: float) -> tuple[str, bytes]:
    """What git itself tells, and its index. The content is what the walk sees: to ask git would be a walk more."""
    if find_root(root) != root:
        return "", b""
    reading = worktree.Reading(root, None, environ, Budget(deadline, "files of the worktree"), without=outputs)
    try:
        reading.begin()
        index = reading.list_only()
        return reading.state(), index
    finally:
        reading.abandon()


def written(before: "Stamps", after: "Stamps", at: int) -> "Iterator[str]":
    """The paths that are not as they were, or may not be: new, gone or written. `at`: ns, when `before` began."""
    for path, stamp in after.items():
        if before.get(path) != stamp or _is_coarse(stamp, at):
            yield path
    for path in before:
        if path not in after:
            yield path


def _is_coarse(stamp: "tuple[object, ...]", at: int) -> bool:
    """Whether a file system that keeps whole seconds would show a file that was written once more in the same way."""
    changed = stamp[2] if len(stamp) == _STAMP else None
    return isinstance(changed, int) and not changed % _SECOND and changed > at - 2 * _SECOND


class _Walk:
    def __init__(self, found: "Stamps", budget: Budget, own: str) -> None:
        self.found = found
        self.budget = budget
        self.own = os.path.realpath(own)  # of ours, where this very call is written down
        self.installed: list[str] = []  # folders of packages

    def whole(self, top: str, *, committed: bool = False) -> None:
        """Everything below; of packages what is installed, unless they are `committed`."""
        pending = [top]
        while pending:
            folder = pending.pop()
            for entry in _entries(folder):
                path = entry.path
                if entry.name == _GIT or path == self.own or path.endswith(_WORKTREES):
                    continue
                self.budget.spend(0)
                if not entry.is_dir(follow_symlinks=False):
                    self._file(entry)
                    continue
                self._folder(path)
                if committed or not self._packages(path, top):
                    pending.append(path)

    def beside(self, path: str) -> None:
        folder = os.path.dirname(path)
        if folder in _NO_FOLDERS:
            return
        for entry in _entries(folder):
            # What begins with a dot in a home folder is written by everybody all the time.
            if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                self.budget.spend(0)
                self._file(entry)

    def _file(self, entry: os.DirEntry[str]) -> None:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:  # gone meanwhile
            return
        self.found[entry.path] = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)

    def _folder(self, path: str) -> None:
        """Its times change with every file in it."""
        try:
            status = os.lstat(path)
        except OSError:
            return
        self.found[path] = (status.st_ino, status.st_mode)

    def _packages(self, path: str, top: str) -> bool:
        """Whether it is a folder of installed packages, of which manifests and names count."""
        if not path.endswith("/node_modules") and not os.path.lexists(f"{path}/pyvenv.cfg"):
            return False
        self.installed.append(path)
        installed = packages.of_folder(path, top, self.budget)
        names = sorted(entry.name for entry in _entries(path))
        self.found[path] = (installed.digest if installed is not None else "", *names)
        return True


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    except OSError as fault:
        raise Bypass(UNCAPTURABLE, f"{folder}: {fault.strerror}") from None
