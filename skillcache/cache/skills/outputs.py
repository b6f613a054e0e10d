"""The files that a skill's script writes: found by what the worktree was before, kept, and put back.

Paths and globs are relative to the root of the worktree. Nothing is written outside it, below .git, or through a link.

A file that was written counts, whatever its bytes: by its times and its inode, not by its content. So does one that git
ignores, and one beside a file or in a folder that the script was given, wherever that lies.

What is there is looked at before the run as well, rather than held against the time of its start: that would take two
clocks for one, and the names of what is gone would be missing.
"""

import os
import stat
import time

from skillcache.core import files
from skillcache.core.files import digest_parts
from skillcache.core.git import find_root
from skillcache.core.outcomes import OUTSIDE, TOO_BIG, UNCAPTURABLE, UNDECLARED, UNFIT, Bypass
from skillcache.core.paths import cache_folder
from skillcache.fingerprint import packages, worktree
from skillcache.fingerprint.contents import Budget, read
from skillcache.fingerprint.globs import concerns, find, is_plain, matches
from skillcache.fingerprint.ignored import DRAFT, is_cache, is_draft
from skillcache.stores.entry import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


MOST = 64  # files of one entry: each is some words of the line that puts them back
_GIT = ".git"
_STALE = 600  # seconds; to put a file back takes moments


def require_places(root: str, globs: "Sequence[str]") -> None:
    """Raises Bypass (OUTSIDE) where a link would lead an output elsewhere."""
    for glob in globs:
        parts = glob.split("/")
        folder = root
        for part in parts[:-1]:
            if not is_plain(part):
                break
            folder = f"{folder}/{part}"
            _require_folder(folder)


def _require_folder(folder: str) -> None:
    if os.path.islink(folder) or os.path.basename(folder) == _GIT:
        raise Bypass(OUTSIDE, f"{folder} is a link, or git's own")


def standing(root: str, globs: "Sequence[str]", *, deadline: float) -> tuple[str, ...]:
    """The outputs that are there now, and links behind which some may be.

    Raises Bypass (TOO_LARGE, TOO_SLOW, UNCAPTURABLE).
    """
    budget = Budget(deadline, "outputs")
    found = {path for glob in globs for path in find(root, glob, budget, through_links=True)}
    return tuple(sorted(path for path in found if not is_draft(os.path.basename(path))))


def collect(
    root: str, globs: "Sequence[str]", before: "Collection[str]", *, since: int, cap: int, deadline: float
) -> tuple[File, ...]:
    """The outputs that a run has written. Raises Bypass.

    `before`: those that stood there when it began; `since`: nanoseconds since the epoch, by the clock that stamps
    files; `cap`: most bytes of all together. UNDECLARED where the run did not write them anew.
    """
    now = standing(root, globs, deadline=deadline)
    if gone := [path for path in before if path not in now]:
        raise Bypass(UNDECLARED, f"{gone[0]} was removed")
    budget = Budget(deadline, "outputs")
    found: list[File] = []
    for path in now:
        full = f"{root}/{path}"
        if not path.isprintable():  # the client would not give such a name to the shell as it is
            raise Bypass(UNCAPTURABLE, f"{path!r} is an odd name")
        status = os.lstat(full)
        if not stat.S_ISREG(status.st_mode):
            raise Bypass(UNCAPTURABLE, f"{path} is no regular file")
        if status.st_ctime_ns < since:
            if path in globs:  # it is named, and the script did not write it
                raise Bypass(UNDECLARED, f"{path} was left as it was")
            continue
        cap -= status.st_size
        if cap < 0 or len(found) == MOST:
            raise Bypass(TOO_BIG, f"the outputs up to {path}")
        content = read(full, budget)
        if content is None or len(content) != status.st_size:
            raise Bypass(UNCAPTURABLE, f"{path} changes")
        found.append(File(path, _mode(status), content))
    return tuple(found)


def are_declared(kept: "Sequence[File]", globs: "Sequence[str]") -> bool:
    """Whether the skill of today would write such files: whoever writes to a shared store has no say in more."""
    return all(any(matches(glob, file.path) for glob in globs) for file in kept)


def are_alike(recorded: "Sequence[File]", present: "Sequence[File]", level: "Callable[[str], str]") -> bool:
    """Whether two runs left the same files: texts by what `level` makes of them, others by their names alone.

    What is no text often holds the time when it was made.
    """
    if [(file.path, file.mode) for file in recorded] != [(file.path, file.mode) for file in present]:
        return False
    for one, other in zip(recorded, present, strict=True):
        try:
            texts = [one.content.decode("utf-8"), other.content.decode("utf-8")]
        except UnicodeDecodeError:
            continue
        if level(texts[0]) != level(texts[1]):
            return False
    return True


def edited(kept: "Sequence[File]", root: str) -> str:
    """The first of the files that stands there in another way than the run left it, "" for none.

    It may be somebody's work, or what the script would read and go on from: a run may write over it, a replay may not.
    """
    for file in kept:
        target = f"{root}/{file.path}"
        try:
            status = os.lstat(target)
            if stat.S_ISREG(status.st_mode) and (
                _mode(status) != file.mode or files.read(target, len(file.content)) != file.content
            ):
                return file.path
        except (FileNotFoundError, NotADirectoryError):
            continue
    return ""


def restore(kept: "Sequence[File]", directory: str, root: str) -> None:
    """Write the files below `directory`, each whole or not at all, for whoever has no shell do it.

    Raises Bypass (OUTSIDE, UNCAPTURABLE, or UNFIT for a file that was edited) before anything is written, and OSError.
    """
    places = [(file, _target(file, directory)) for file in kept]
    if other := edited(kept, directory):
        raise Bypass(UNFIT, f"{other} was edited since")
    for _, target in places:
        if not f"{os.path.realpath(os.path.dirname(target))}/".startswith(os.path.realpath(root) + "/"):
            raise Bypass(OUTSIDE, target)
    for folder in {os.path.dirname(target) for _, target in places}:
        _sweep(folder)
    for file, target in places:
        if os.path.lexists(target):
            os.utime(target)
            continue
        folder = os.path.dirname(target)
        os.makedirs(folder, exist_ok=True)
        new = _temporary(folder)
        try:
            files.write(new, file.content)
            os.chmod(new, file.mode)
            os.rename(new, target)
        except OSError:
            files.remove(new)
            raise


def _target(file: File, root: str) -> str:
    """Where the file goes. Raises Bypass where that is no place for it."""
    *folders, name = file.path.split("/")
    if _GIT in (*folders, name) or ".." in folders or not name:
        raise Bypass(OUTSIDE, file.path)
    folder = root
    for part in folders:
        folder = f"{folder}/{part}"
        _require_folder(folder)
        if os.path.lexists(folder) and not os.path.isdir(folder):
            raise Bypass(UNCAPTURABLE, f"{folder} is no folder")
    target = f"{folder}/{name}"
    if os.path.islink(target) or (os.path.lexists(target) and not os.path.isfile(target)):
        raise Bypass(UNCAPTURABLE, f"{target} is no regular file")
    return target


def _mode(status: os.stat_result) -> int:
    return stat.S_IMODE(status.st_mode) & 0o777


def _temporary(folder: str) -> str:
    """A name that no other has: two sessions may put back the same file at once."""
    return f"{folder}/{DRAFT}{os.urandom(8).hex()}"


def _sweep(folder: str) -> None:
    """Remove what killed processes have left of files that they were putting back."""
    try:
        names = [name for name in os.listdir(folder) if is_draft(name)]
        for path in (f"{folder}/{name}" for name in names):
            if os.lstat(path).st_mtime < time.time() - _STALE:
                files.remove(path)
    except OSError:  # the folder is not there yet, or another was quicker
        return


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from skillcache.fingerprint.capture import Row

    Stamps = dict[str, tuple[object, ...]]

_MOST = 500_000  # files looked at
_GIT_FOLDER = ".git"
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
                if entry.name == _GIT_FOLDER or path == self.own or path.endswith(_WORKTREES):
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
        if name != _GIT_FOLDER and not is_cache(os.fsencode(name)) and not path.endswith(_WORKTREES_BELOW):
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
