"""The identity of a project: one name for all its clones and worktrees on every machine.

The origin's URL without what differs between clones (scheme, login, port, `.git`); without an origin, the path of the
repository that the worktrees share; outside git, the folder. The first commit would serve clones that have no origin,
but finding it walks the whole history, and this is asked on every lookup.
"""

import os

from skillcache import files
from skillcache.worktree import own_folder, shared_folder

_CAP = 1 << 20


def identity(root: str) -> str:
    """`root`: top of the worktree, absolute. Raises OSError for a repository that cannot be read."""
    shared = _shared_folder(root)
    if shared is None:
        return _place(root)
    url = _origin((files.read(f"{shared}/config", _CAP) or b"").decode("utf-8", "replace"))
    return (url and normalise(url)) or _place(shared)


def normalise(url: str) -> str:
    """`host/path` of a remote's URL, `""` when it names a folder of this machine."""
    scheme, separator, rest = url.strip().partition("://")
    if not separator:
        host, colon, path = url.strip().partition(":")
        if not colon or "/" in host:  # a path
            return ""
    elif scheme == "file":
        return ""
    else:
        host, _, path = rest.partition("/")
        host = host.rpartition("@")[2].partition(":")[0]
    host = host.rpartition("@")[2].lower()
    path = path.strip("/").removesuffix(".git").strip("/")
    return f"{host}/{path}" if host and path else ""


def _place(path: str) -> str:
    """As text that every store takes, whatever bytes the path is of."""
    return os.fsencode(os.path.realpath(path)).decode("utf-8", "backslashreplace")


def _shared_folder(root: str) -> str | None:
    """The folder with the repository's config, whichever worktree this is; None outside git."""
    own = own_folder(root)
    return None if own is None else shared_folder(own)


def _origin(config: str) -> str:
    section = ""
    for line in config.splitlines():
        text = line.strip()
        if text.startswith("["):
            section = text
        elif section == '[remote "origin"]':
            name, _, value = text.partition("=")
            if name.strip().lower() == "url":
                return value.strip().strip('"')
    return ""
