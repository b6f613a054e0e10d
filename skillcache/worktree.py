"""Where the parts of a git worktree lie, found without git, by the rules that git itself goes by."""

import os

from skillcache import files

_CAP = 1 << 20  # git's own, of a link


def find_root(path: str) -> str | None:
    """The nearest folder at or above `path` that holds a `.git`."""
    while True:
        if os.path.lexists(os.path.join(path, ".git")):
            return path
        parent = os.path.dirname(path)
        if parent == path:
            return None
        path = parent


def own_folder(root: str) -> str | None:
    """The folder with the index and the HEAD of the worktree at `root`; None where `.git` leads to none.

    Raises OSError for one that cannot be read.
    """
    place = os.path.join(root, ".git")
    if os.path.isdir(place):
        return place
    link = files.read(place, _CAP)
    if link is None or not link.startswith(b"gitdir: "):
        return None
    return os.path.join(root, _path(link[8:]))


def shared_folder(own: str) -> str:
    """The folder with the configuration and the references that all worktrees of a repository share, from its own.

    Raises OSError for a link to it that cannot be read.
    """
    link = files.read(os.path.join(own, "commondir"), _CAP)
    return own if link is None else os.path.normpath(os.path.join(own, _path(link)))


def _path(text: bytes) -> str:
    return os.fsdecode(text.partition(b"\0")[0].rstrip(b"\r\n"))
