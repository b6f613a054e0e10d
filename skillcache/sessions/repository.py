"""Where a session works: the top of its worktree, its branch and its commit, read from git's files without git."""

from skillcache import files
from skillcache.worktree import find_root, own_folder, shared_folder

_CAP = 1 << 20
_PACKED_CAP = 16 << 20  # of packed-refs; a larger one leaves the commit unknown


class Place:
    """root: top of the worktree, or the folder outside git; branch: "" when detached; commit: "" when unknown."""

    __slots__ = ("branch", "commit", "root")

    def __init__(self, root: str, branch: str = "", commit: str = "") -> None:
        self.root = root
        self.branch = branch
        self.commit = commit


def locate(folder: str) -> Place:
    """Nothing here raises: a repository that cannot be read is a folder."""
    root = find_root(folder)
    if root is None:
        return Place(folder)
    try:
        return _read(root)
    except (OSError, ValueError):
        return Place(root)


def project_of(place: Place) -> str:
    """The project's identity as text that any store takes. Raises OSError for a repository that cannot be read."""
    from skillcache.project import identity  # a tool's event does not ask

    return identity(place.root).encode("utf-8", "replace").decode("utf-8")


def _read(root: str) -> Place:
    own = own_folder(root)
    if own is None:
        return Place(root)
    head = (files.read(f"{own}/HEAD", _CAP) or b"").decode("utf-8", "replace").strip()
    if not head.startswith("ref: "):
        return Place(root, "", _commit(head))
    name = head[5:].strip()
    branch = name.removeprefix("refs/heads/")
    if branch == ".invalid":  # what the reftable format leaves in this file
        return Place(root)
    shared = shared_folder(own)
    loose = files.read(f"{shared}/{name}", _CAP)
    if loose is not None:
        return Place(root, branch, _commit(loose.decode("ascii", "replace").strip()))
    packed = files.read(f"{shared}/packed-refs", _PACKED_CAP) or b""
    at = packed.find(b" " + name.encode("utf-8", "surrogateescape") + b"\n")
    begin = packed.rfind(b"\n", 0, at) + 1
    return Place(root, branch, _commit(packed[begin:at].decode("ascii", "replace")) if at > 0 else "")


def _commit(text: str) -> str:
    whole = len(text) in (40, 64) and all(c in "0123456789abcdef" for c in text)
    return text if whole else ""
