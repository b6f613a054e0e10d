"""The files that a skill declares it writes: found after a run, kept in its entry, put back when the entry is served.

Paths and globs are relative to the root of the worktree. Nothing is written outside it, below .git, or through a link.
"""

import os
import stat
import time

from skillcache.core import files
from skillcache.core.outcomes import OUTSIDE, TOO_BIG, UNCAPTURABLE, UNDECLARED, UNFIT, Bypass
from skillcache.fingerprint.files import Budget, read
from skillcache.fingerprint.globs import find, is_plain, matches
from skillcache.fingerprint.ignored import DRAFT, is_draft
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
