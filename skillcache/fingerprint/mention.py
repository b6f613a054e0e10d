"""Whether the project's own files spell out where the project lies.

Such a path in an output may come from a file and stay the same in another worktree, so it must not be taken for the
root. Only a recorder asks, and only for an output that names the root.
"""

import os

from skillcache import files
from skillcache.git import Git
from skillcache.worktree import find_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skillcache.fingerprint import Row

_MOST = 64 << 20  # bytes of a file
# Python's own compiled files name their sources, and are made anew wherever they are not of the place.
_ALL_BUT_COMPILED = ("--", ":/", ":(top,exclude,glob)**/__pycache__/**")
_FOUND, _NOT_FOUND = 0, 1  # what git grep ends with


def mentions_root(root: str, rows: "tuple[Row, ...]", environ: "Mapping[str, str]", *, deadline: float) -> bool:
    """`rows`: of the fingerprint; True in doubt. Raises Bypass (NO_GIT, TOO_SLOW)."""
    if find_root(root) != root:
        return True
    spelled = os.fsencode(root)
    for label, name, _ in rows:
        if label == "ignored" and (name == "" or any(_holds(path, spelled) for path in _below(root, name))):
            return True
    arguments = ("grep", "--quiet", "--fixed-strings", "--untracked", "-e", root, *_ALL_BUT_COMPILED)
    git = Git(root, environ, deadline)
    child = git.start(*arguments)
    git.gather(child, fine=(_FOUND, _NOT_FOUND))
    return child.status == _FOUND


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
