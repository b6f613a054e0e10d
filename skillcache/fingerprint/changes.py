"""What happened to files while a command ran, and whether any of them spells out where the project lies.

What was touched counts even if it is now as it was (an edit taken back, a stash): two equal fingerprints do not say
that the command saw that state all along. Git knows which files its index has other times for, whatever their content;
those and the untracked ones are asked when they last changed.

A path of the project in an output may come from a file and stay the same in another worktree, so it must not be taken
for the root. Only a recorder asks, and only for an output that names the root.
"""

import os

from skillcache.core import files
from skillcache.core.git import Git, find_root, git_folders
from skillcache.fingerprint.ignored import is_cache
from skillcache.fingerprint.own import UNREAD
from skillcache.fingerprint.worktree import is_swap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skillcache.fingerprint.capture import Fingerprint, Row


_SECOND = 1_000_000_000
_OF_CHANGE = 2  # where in a file's stamp its last change is
_MOST_BEYOND = 2_000  # files of a folder


def disturbed(
    root: str,
    rows: "tuple[Row, ...]",
    environ: "Mapping[str, str]",
    *,
    since: int,
    deadline: float,
    depends: tuple[str, ...] | None = None,
    without: tuple[str, ...] = (),
    asked: Git | None = None,
) -> bool:
    """Whether anything was touched, see `touched`."""
    known, unknown = touched(
        root, rows, environ, since=since, deadline=deadline, depends=depends, without=without, asked=asked
    )
    return known or bool(unknown)


def touched(
    root: str,
    rows: "tuple[Row, ...]",
    environ: "Mapping[str, str]",
    *,
    since: int,
    deadline: float,
    depends: tuple[str, ...] | None = None,
    without: tuple[str, ...] = (),
    asked: Git | None = None,
) -> tuple[bool, list[str]]:
    """Whether git's index or a file that git tracks or ignores was, and the other files that were.

    `rows`: of the fingerprint at the end; `depends`: globs that narrow it; `without`: globs of what does not count.

    `asked`: git as that fingerprint was read with, which need not be asked for its filters once more. Raises Bypass
    (NO_GIT, TOO_SLOW).

    `since`: the stamp, in nanoseconds, of a file made at the start. The kernel's clock for stamps goes in ticks of some
    milliseconds, so what bears the very same stamp counts as touched.
    """
    ignored = [os.fsencode(name) for label, name, _ in rows if label == "ignored"]
    if find_root(root) != root:
        return _any_captured_newer(root, ignored, since), []
    index = _changed(os.fsencode(os.path.join(git_folders(root)[0], "index")))
    if index >= since:
        return True, []  # a stash, a checkout, an add
    # Git compares whole seconds: an index written in the very second of the start cannot tell, so every file is asked.
    all_tracked = index // _SECOND >= since // _SECOND
    questions = (
        ("ls-files", "-z") if all_tracked else ("diff-files", "--name-only", "--ignore-submodules=all", "-z"),
        ("ls-files", "--others", "--exclude-standard", "-z"),
    )
    patterns = [f":(top,glob){pattern}" for pattern in depends or ()]
    patterns += [f":(top,glob,exclude){pattern}" for pattern in without]
    git = asked if asked is not None and asked.root == root else Git(root, environ, deadline)
    git.deadline = deadline
    children = [git.start(*arguments, "--", *patterns) for arguments in questions]
    tracked, untracked = (output.split(b"\0")[:-1] for output in git.gather(*children))
    if _any_newer(root, tracked, since) or _any_captured_newer(root, ignored, since):
        return True, []
    top = os.fsencode(root)
    newer = [path for path in untracked if not is_cache(path) and _changed(os.path.join(top, path)) >= since]
    return False, [os.fsdecode(path) for path in newer if not is_swap(os.path.join(top, path))]


def touched_beyond(found: "Fingerprint", since: int) -> bool:
    """Whether a file outside the project was that counts by its content, and that no run leaves there itself."""
    own = found.ignored.own if found.ignored is not None else None
    for path, entry in found.elsewhere.items():
        if entry[1] and entry[1][_OF_CHANGE] >= since and not (own is not None and own.holds(path, entry)):
            return True
    return any(_holds_newer(path, since) for path in found.beyond)


def _holds_newer(path: str, since: int) -> bool:
    """Of a folder with more in it than `_MOST_BEYOND` it is the first of them that are asked."""
    if not os.path.isdir(path):
        return max(map(_changed, (os.fsencode(path), os.fsencode(os.path.realpath(path))))) >= since
    left = _MOST_BEYOND
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not is_cache(os.fsencode(name))]
        left -= len(names)
        if left < 0:
            return False
        if any(_changed(os.fsencode(f"{folder}/{name}")) >= since for name in names):
            return True
    return False


def _any_newer(root: str, paths: list[bytes], since: int) -> bool:
    top = os.fsencode(root)
    return any(_changed(os.path.join(top, path)) >= since for path in paths)


def _any_captured_newer(root: str, paths: list[bytes], since: int) -> bool:
    """Of what was captured as a whole. A folder is newer by a file in it: one in which a cache was made is not."""
    for path in (os.path.join(os.fsencode(root), name) for name in paths):
        if _changed(path) < since:
            continue
        if not os.path.isdir(path) or os.path.islink(path):
            return True
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]
        if any(not is_cache(name) and _changed(os.path.join(path, name)) >= since for name in names):
            return True
    return False


def _changed(path: bytes) -> int:
    """Nanoseconds since the epoch; 0 for a file that is gone, of which the fingerprint speaks."""
    try:
        return os.lstat(path).st_ctime_ns
    except OSError:
        return 0


_MOST = 64 << 20  # bytes of a file
# Python's own compiled files name their sources, and are made anew wherever they are not of the place.
_ALL_BUT_COMPILED = ("--", ":/", ":(top,exclude,glob)**/__pycache__/**")
_FOUND, _NOT_FOUND = 0, 1  # what git grep ends with


def mentions_root(root: str, rows: "tuple[Row, ...]", environ: "Mapping[str, str]", *, deadline: float) -> bool:
    """`rows`: of the fingerprint; True in doubt. Raises Bypass (NO_GIT, TOO_SLOW)."""
    if find_root(root) != root:
        return True
    spelled = os.fsencode(root)
    # What the command has written itself, or has not opened, it has the path from nowhere else or not at all.
    others = tuple([f"{root}/{name}" for label, name, _ in rows if label in (UNREAD, "output")])
    for label, name, _ in rows:
        if label in ("ignored", "beside") and (
            name == "" or any(_holds(path, spelled) for path in _below(root, name) if not _is_of(path, others))
        ):
            return True
    arguments = ("grep", "--quiet", "--fixed-strings", "--untracked", "-e", root, *_ALL_BUT_COMPILED)
    git = Git(root, environ, deadline)
    child = git.start(*arguments)
    git.gather(child, fine=(_FOUND, _NOT_FOUND))
    return child.status == _FOUND


def _is_of(path: str, others: tuple[str, ...]) -> bool:
    """Whether it is one of them, or in one that is a folder."""
    return path in others or path.startswith(tuple([other for other in others if other[-1] == "/"]))


def _below(root: str, name: str) -> "Iterator[str]":
    path = os.path.join(root, name)
    if not os.path.isdir(path):
        yield path
        return
    for folder, _, names in os.walk(path):
        for inner in names:
            yield os.path.join(folder, inner)


def _holds(path: str, spelled: bytes) -> bool:
    content = files.read(path, _MOST)
    return content is None or spelled in content
