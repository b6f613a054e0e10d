"""What `git status` says of a worktree, and all that is gathered of it."""

from skillcache import outcome
from skillcache.errors import Bypass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.fingerprint.index import Entry

ARGUMENTS = (
    "status",
    "--porcelain=v2",
    "--branch",
    "--no-ahead-behind",
    "-z",
    "--no-renames",
    "--untracked-files=all",
    "--ignored=matching",
    "--ignore-submodules=all",
)
_SHORT_HEAD = 60  # longer than a record of SHA-1, shorter than one of SHA-256


class Content:
    """What a worktree holds.

    digest: of everything git would track here; head: commit or ""; edits: what differs from the index
    (path -> (mode, object id) or None); staged: what only differs from the head; ignored: as git lists it,
    folders with a trailing slash; links: every symbolic link.
    """

    __slots__ = ("digest", "edits", "head", "ignored", "links", "long", "staged", "untracked")

    def __init__(self) -> None:
        self.digest = ""
        self.head = ""
        self.long = False
        self.edits: dict[bytes, Entry | None] = {}
        self.staged: dict[bytes, Entry | None] = {}
        self.ignored: list[bytes] = []
        self.untracked: list[bytes] = []
        self.links: list[bytes] = []


def read(output: bytes, found: Content) -> set[bytes]:
    """The paths whose files must be read; the rest of what git says goes into `found`."""
    dirty: set[bytes] = set()
    for record in output.split(b"\0"):
        kind = record[:2]
        if kind == b"? ":
            found.untracked.append(record[2:])
        elif kind == b"! ":
            found.ignored.append(record[2:])
        elif kind == b"1 ":
            _read_change(record, found, dirty)
        elif kind == b"u ":
            dirty.add(record.split(b" ", 10)[10])
        elif record.startswith(b"# branch.oid "):
            found.long = len(record) > _SHORT_HEAD
            found.head = "" if record.endswith(b")") else record[13:].decode()
        elif record and kind != b"# ":
            raise Bypass(outcome.NO_GIT, "git status said something unknown")
    return dirty


def _read_change(record: bytes, found: Content, dirty: set[bytes]) -> None:
    _, change, _, _, mode, _, _, oid, path = record.split(b" ", 8)
    if change[1:] == b"D":
        found.edits[path] = None  # not to be looked up: a folder on the way may be a link now
    elif change[1:] != b".":
        dirty.add(path)
    elif change[:1] == b"D":
        found.staged[path] = None
    else:
        found.staged[path] = (mode, oid)
