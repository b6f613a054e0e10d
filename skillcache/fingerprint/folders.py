"""What git does not know of a worktree: folders without a file in them, and permissions.

A folder is looked into once: what is in it is remembered by its stamp, which every name that comes or goes changes.
One that holds nothing else than caches is left over from a branch, and does not count.

    file := form LF lines of  path NUL stamp NUL `f` if it holds files NUL names of folders in it, parted by `/`
"""

import os
import time

from skillcache.core import files, outcomes
from skillcache.core.digest import digest
from skillcache.core.outcomes import Bypass
from skillcache.core.paths import cache_folder, home_folder, mentions_folder
from skillcache.fingerprint.files import mask, unusual_mode
from skillcache.fingerprint.ignored import is_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skillcache.fingerprint.index import Content

_FORM = "1"
_CAP = 16 << 20
_MOST = 20_000  # folders; where there are more, none counts
_FEW = 1_000  # files: of so many every mode is looked at, of more where a text of the project speaks of such things
_LINE = 400  # bytes, generously
_RACY = 2_000_000_000  # nanoseconds: a folder that was changed so shortly before may change again with the same stamp
_APART = frozenset(["node_modules", "site-packages", ".claude"])

Known = tuple[str, bool, tuple[str, ...]]  # stamp, whether it holds files, folders in it


def capture(root: str, environ: "Mapping[str, str]", deadline: float) -> list[tuple[str, str]]:
    """(path, what of it) of each folder that is empty or has unusual permissions. Raises Bypass (TOO_SLOW)."""
    has_cache = home_folder(environ) or environ.get("SKILLCACHE_HOME")
    file = f"{mentions_folder(cache_folder(environ))}/{digest(os.fsencode(root))}.folders" if has_cache else ""
    known = _load(file)
    now: dict[str, Known] = {}
    modes: dict[str, str] = {}
    pending = [""]
    is_new = False
    begun = time.time_ns()
    while pending:
        path = pending.pop()
        full = f"{root}/{path}" if path else root
        try:
            status = os.lstat(full)
        except OSError:
            continue
        stamp = f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"
        held = known.get(path)
        if held is None or held[0] != stamp:
            held = _look(full, stamp if begun - status.st_mtime_ns > _RACY else "")
            is_new = True
        now[path] = held
        if path and status.st_mode & 0o777 != 0o777 & ~mask():
            modes[path] = f"{status.st_mode & 0o7777:04o}"
        pending += [f"{path}/{name}" if path else name for name in held[2]]
        if len(now) > _MOST:
            return []
        if len(now) % 256 == 0 and time.monotonic() > deadline:
            raise Bypass(outcomes.TOO_SLOW, "reading folders")
    if is_new and file:
        _save(file, now)
    return [*((path, "empty") for path in _empty(now)), *modes.items()]


def within(rows: "Iterable[tuple[str, str]]", ignored: "Iterable[bytes]") -> list[tuple[str, str]]:
    """Those of `rows` that lie in nothing that git ignores, which is captured for itself."""
    tops = tuple(os.fsdecode(path) for path in ignored if path.endswith(b"/"))
    return [row for row in rows if not f"{row[0]}/".startswith(tops)] if tops else list(rows)


def modes(root: str, listing: bytes, found: "Content", *, wanted: bool) -> list[tuple[str, str]]:
    """(path, permissions) of files that git tracks or would, where they are unusual."""
    paths = [path for path, entry in found.edits.items() if entry]
    if wanted or (len(listing) < _FEW * _LINE and listing.count(b"\0") <= _FEW):
        paths += [line[line.find(b"\t") + 1 :] for line in listing.split(b"\0") if line]
    top = os.fsencode(root) + b"/"
    rows = {}
    for path in paths:
        try:
            mode = unusual_mode(os.lstat(top + path))
        except OSError:
            continue
        if mode:
            rows[os.fsdecode(path)] = mode.strip()
    return list(rows.items())


def _look(path: str, stamp: str) -> Known:
    holds = False
    inside = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False) or _is_apart(entry):
                    holds = True
                else:
                    inside.append(entry.name)
    except OSError:
        holds = True
    return stamp, holds, tuple(inside)


def _is_apart(entry: "os.DirEntry[str]") -> bool:
    """Whether a folder is a cache, installed packages or another repository, whose folders are not the project's."""
    if entry.name in _APART or "\n" in entry.name or is_cache(os.fsencode(entry.name)):
        return True
    return os.path.lexists(f"{entry.path}/pyvenv.cfg") or os.path.lexists(f"{entry.path}/.git")


def _empty(known: "Mapping[str, Known]") -> list[str]:
    full: set[str] = {""}
    for path, (_, holds, _) in known.items():
        folder = path if holds else ""
        while folder not in full:
            full.add(folder)
            folder = folder.rpartition("/")[0]
    return sorted(known.keys() - full)


def _load(file: str) -> dict[str, Known]:
    try:
        text = files.unsealed(file, _CAP).decode("utf-8", "surrogateescape") if file else ""
    except OSError:
        return {}
    form, *lines = text.split("\n")
    found: dict[str, Known] = {}
    for line in lines if form == _FORM else ():
        path, stamp, holds, inside = line.split("\0")
        found[path] = stamp, holds == "f", tuple(inside.split("/")) if inside else ()
    return found


def _save(file: str, known: "Mapping[str, Known]") -> None:
    lines = ["\0".join((path, stamp, "f" * holds, "/".join(inside))) for path, (stamp, holds, inside) in known.items()]
    try:
        files.seal(file, "\n".join([_FORM, *lines]).encode("utf-8", "surrogateescape"))
    except OSError:  # what is not remembered is looked at again
        return
