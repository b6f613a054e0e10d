"""What a run of a skill's script left in the worktree: files and folders, before and after it.

A file that was written counts, whatever its bytes: by its times and its inode, not by its content. So does one that git
ignores, and one beside a file or in a folder that the script was given, wherever that lies.

What is there is looked at before the run as well, rather than held against the time of its start: that would take two
clocks for one, and the names of what is gone would be missing.
"""

import os
import stat

from skillcache.core.digest import digest_parts
from skillcache.core.git import find_root
from skillcache.core.outcomes import UNCAPTURABLE, Bypass
from skillcache.core.paths import cache_folder
from skillcache.fingerprint import packages, worktree
from skillcache.fingerprint.files import Budget
from skillcache.fingerprint.globs import concerns
from skillcache.fingerprint.ignored import is_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from skillcache.fingerprint.capture import Row

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
    own = cache_folder(environ)
    walk = _Walk(found, Budget(deadline, "files of the worktree", _MOST, cache=own), own)
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


OWNER = 0o700  # the bits of a mode that another clone has alike
_MOST_FOLDERS = 50_000
_WORKTREES_BELOW = ".claude/worktrees"  # other agents' business
_PACKAGES = "node_modules"


def folders(root: str, globs: "Sequence[str]", budget: Budget) -> dict[str, str]:
    """The modes, as octal digits, of those that a glob names or may name something in; their paths end in a slash.

    Raises Bypass (TOO_LARGE, TOO_SLOW).
    """
    found: dict[str, str] = {}
    pending = [""] if globs else []
    while pending:
        for path, mode in _within(root, pending.pop(), budget):
            if any(concerns(glob, path, folder=True) for glob in globs):
                found[f"{path}/"] = f"{mode:o}"
                pending.append(f"{path}/")
    return found


def _within(root: str, folder: str, budget: Budget) -> "Iterator[tuple[str, int]]":
    try:
        with os.scandir(f"{root}/{folder}") as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:  # gone meanwhile, or closed to whoever runs
        return
    for name in names:
        path = f"{folder}{name}"
        budget.spend(0)
        if name != _GIT and not is_cache(os.fsencode(name)) and not path.endswith(_WORKTREES_BELOW):
            try:
                yield path, stat.S_IMODE(os.lstat(f"{root}/{path}").st_mode)
            except OSError:
                continue


def rows_of(
    root: str, globs: "Sequence[str]", beyond: "Sequence[str]", outputs: "Sequence[str]", *, deadline: float
) -> "list[Row]":
    """globs: of what counts, relative to the root; beyond: folders elsewhere; outputs: globs of what comes to be.

    Raises Bypass (TOO_LARGE, TOO_SLOW).
    """
    budget = Budget(deadline, "folders", _MOST_FOLDERS)
    rows = [("folders", path, _digest_of(folders(path, ("**",), budget))) for path in beyond]
    for glob in globs:
        found = {
            path: mode
            for path, mode in folders(root, (glob,), budget).items()
            if not any(concerns(one, path[:-1], folder=True) for one in outputs)
        }
        rows.append(("folders", glob, _digest_of(found)))
    return rows


def _digest_of(found: dict[str, str]) -> str:
    """Of installed packages their own digest speaks."""
    parts: list[bytes] = []
    for path, mode in sorted(found.items()):
        if _PACKAGES not in path.split("/"):
            parts += (os.fsencode(path), b"%o" % (int(mode, 8) & OWNER))
    return digest_parts(parts)
