"""Globs of files, as a skill declares them: they name what git's `:(glob)` names.

*    any run of characters but /      ?   one of them
**   as a whole part: any folders, or all that lies below
A glob without any of these names a file, or a folder with all below it.
"""

import os

from skillcache.core.outcomes import UNCAPTURABLE, Bypass
from skillcache.fingerprint.contents import Budget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_ODD = frozenset("[]{}\\")
_GIT = ".git"


def fault_of(glob: str) -> str:
    """Why the text is no glob that we surely read as its writer meant it, or ''."""
    parts = glob.split("/")
    if not glob or not glob.isprintable() or glob[0] in ":!-" or glob != glob.strip():
        return "is no path"
    if not _ODD.isdisjoint(glob):
        return "may hold only *, ? and **"
    if any(part in ("..", ".") or ("**" in part and part != "**") for part in parts) or "" in parts[1:]:
        return "holds a part that is no name"
    return ""


def is_plain(glob: str) -> bool:
    """Whether it names one path."""
    return "*" not in glob and "?" not in glob


def matches(glob: str, path: str) -> bool:
    """Whether the glob names the file at `path`, or a folder that it lies in. Both relative to the same folder."""
    if is_plain(glob):
        return path == glob or path.startswith(glob + "/")
    return _fit(glob.split("/"), path.split("/"))


def _fit(parts: list[str], names: list[str]) -> bool:
    """For each number of parts, at how many names they can end: a table, so that no glob takes for ever."""
    reached = {0}
    for at, part in enumerate(parts):
        if part == "**":
            # The last stands for something at least; one before another part may stand for nothing.
            least = min(reached) + (at == len(parts) - 1)
            reached = set(range(least, len(names) + 1))
        else:
            reached = {end + 1 for end in reached if end < len(names) and _names(part, names[end])}
        if not reached:
            return False
    return len(names) in reached


def _names(part: str, name: str) -> bool:
    """Leftmost finds suffice for `*`; `?` makes a piece match by places."""
    first, *rest = part.split("*")
    if not rest:
        return _same(part, name)
    *middle, last = rest
    end = len(name) - len(last)
    if end < len(first) or not _same(first, name[: len(first)]) or not _same(last, name[end:]):
        return False
    at = len(first)
    for piece in middle:
        while at + len(piece) <= end and not _same(piece, name[at : at + len(piece)]):
            at += 1
        at += len(piece)
        if at > end:
            return False
    return True


def _same(piece: str, text: str) -> bool:
    return len(piece) == len(text) and all(one in ("?", other) for one, other in zip(piece, text, strict=True))


def find(top: str, glob: str, budget: Budget, *, through_links: bool = False) -> "Iterator[str]":
    """Paths, relative to `top`, of all there is that the glob names and that is no folder; nothing of git's own.

    A link to a folder is not followed but given, when it is named or, `through_links`, when what is named may lie
    behind it. Raises Bypass (TOO_LARGE, TOO_SLOW, UNCAPTURABLE).
    """
    parts = glob.split("/")
    start = _plain_start(parts)
    full = os.path.join(top, start)
    if start and (os.path.islink(full) or not os.path.isdir(full)):
        if start == glob and os.path.lexists(full):
            budget.spend(0)
            yield start
        elif through_links and os.path.isdir(full):
            yield start
        return
    pending = [start]
    while pending:
        folder = pending.pop()
        for entry in _entries(os.path.join(top, folder)):
            path = f"{folder}/{entry.name}" if folder else entry.name
            budget.spend(0)
            if entry.name == _GIT:
                continue
            if entry.is_dir(follow_symlinks=False):
                if _may_hold(glob, parts, path):
                    pending.append(path)
            elif matches(glob, path) or (through_links and os.path.isdir(entry.path) and _may_hold(glob, parts, path)):
                yield path


def _plain_start(parts: list[str]) -> str:
    """The folder, or the file, below which all lies that the glob names."""
    at = 0
    while at < len(parts) and is_plain(parts[at]):
        at += 1
    return "/".join(parts[:at])


def concerns(glob: str, path: str, *, folder: bool) -> bool:
    """Whether the glob names what is at `path` or, for a folder, may name something below it."""
    if matches(glob, path):
        return True
    return folder and (glob.startswith(f"{path}/") if is_plain(glob) else _may_hold(glob, glob.split("/"), path))


def _may_hold(glob: str, parts: list[str], folder: str) -> bool:
    """Whether the glob may name something below the folder, which lies where all that it names lies."""
    if is_plain(glob):
        return True
    names = folder.split("/")
    for part, name in zip(parts, names, strict=False):
        if part == "**":
            return True
        if not _names(part, name):
            return False
    return len(names) < len(parts)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=_name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise Bypass(UNCAPTURABLE, f"{folder}: {error.strerror}") from None


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name
