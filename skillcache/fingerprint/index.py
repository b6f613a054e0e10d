"""What git knows of a worktree: its index, its status, and where an object is not the file's bytes.

The listing of a worktree: git's index as `ls-files -s -v -z` prints it, edited to what is really there.

    line    := tag ' ' mode ' ' oid ' ' stage TAB path NUL          sorted by path, compared as bytes
    example := H 100644 257cc5642cb1a054f08cc83f2d943e56fd3ebe99 0<TAB>src/main.py<NUL>

An edited listing has one line of tag H and stage 0 per path, so equal content gives equal bytes, whether it is
committed, staged or neither. Fifty thousand lines are never looped over: edits find their place by bisection.

Where git's object is not the file's bytes: line endings, filters, keyword expansion, encodings.

With any of these possible, a listing carries each file's size too. For line endings and Git LFS the object and
the size together say what the bytes are; files of any other filter, `ident` or `working-tree-encoding` are read.
"""

import os

from skillcache.core import Record, field, outcomes
from skillcache.core.files import blake2b, blob_oid, load, sha1, sha256
from skillcache.core.outcomes import Bypass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


_VERSIONS = (b"\0\0\0\2", b"\0\0\0\3")

Blob = tuple[bytes, bytes]  # mode, object id


def decode(data: bytes, *, sizes: bool) -> bytes | None:
    """The listing that git would print of this index file; None when it is of a kind that only git reads.

    For a small index this is quicker than a process. Format: Documentation/gitformat-index.txt of git, versions 2 and
    3, SHA-1; a split or sparse index, another version or another hash is git's to read. `sizes`: object ids are
    followed by the size of the file, as `add_sizes` does it.
    """
    if data[:4] != b"DIRC" or data[4:8] not in _VERSIONS or sha1(data[:-20]).digest() != data[-20:]:
        return None
    lines = []
    start = 12
    for _ in range(int.from_bytes(data[8:12], "big")):
        flags = data[start + 60] << 8 | data[start + 61]
        name = start + 62
        tag = b"H"
        if flags & 0x4000:
            tag = b"S" if data[name] & 0x40 else b"H"
            name += 2
        if flags & 0x8000:
            tag = tag.lower()
        stage = flags >> 12 & 3
        end = data.index(b"\0", name)
        if flags & 0xFFF not in (end - name, 0xFFF):  # no git writes that, and it would read another name
            return None
        oid = data[start + 40 : start + 60].hex().encode()
        if sizes:
            oid += b" %d" % int.from_bytes(data[start + 36 : start + 40], "big")
        mode = data[start + 26] << 8 | data[start + 27]
        lines.append(b"%s %06o %s %d\t%s\0" % (b"M" if stage else tag, mode, oid, stage, data[name:end]))
        start += (end - start + 8) & ~7
    while start < len(data) - 20:
        if data[start : start + 4] in (b"link", b"sdir"):
            return None
        start += 8 + int.from_bytes(data[start + 4 : start + 8], "big")
    return b"".join(lines)


def separate(listing: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Take out what git marks as other than an ordinary entry.

    Gives the listing of ordinary lines and the (tag, path) of the others: assume-unchanged (lower case),
    skip-worktree (S), unmerged (M).
    """
    lines = listing.count(b"\0")
    ordinary = listing.count(b"\0H ") + listing.startswith(b"H ")
    if lines == ordinary:
        return listing, []
    kept, others = [], []
    for line in listing.split(b"\0")[:-1]:
        if line.startswith(b"H "):
            kept.append(line)
        else:
            others.append((line[:1], line[line.index(b"\t") + 1 :]))
    kept.append(b"")
    return b"\0".join(kept), others


def paths(listing: bytes, mode: bytes) -> list[bytes]:
    """The paths of all ordinary lines of this mode; meant for the rare ones, links and submodules."""
    marker = b"\0H " + mode + b" "
    found: list[bytes] = []
    start = 0 if listing.startswith(marker[1:]) else listing.find(marker) + 1 or len(listing)
    while start < len(listing):
        end = listing.index(b"\0", start)
        found.append(listing[listing.index(b"\t", start) + 1 : end])
        start = listing.find(marker, end) + 1 or len(listing)
    return found


def locate(listing: bytes, path: bytes) -> tuple[int, int]:
    """Where the line of `path` starts and ends; where it would go (twice the same place) when there is none."""
    low, high = 0, len(listing)
    while low < high:
        start = listing.rfind(b"\0", low, (low + high) // 2) + 1 or low
        end = listing.index(b"\0", start)
        here = listing[listing.index(b"\t", start) + 1 : end]
        if here == path:
            return start, end + 1
        if here < path:
            low = end + 1
        else:
            high = start
    return low, low


def oid_of(listing: bytes, path: bytes) -> bytes:
    """The object id in the line of `path`; b"" when there is none."""
    start, end = locate(listing, path)
    return listing[start:end].split(b" ", 3)[2] if end > start else b""


def digest_edited(listing: bytes, edits: "Mapping[bytes, Blob | None]") -> str:
    """Digest of the listing with each path of `edits` replaced, added, or (None) left out."""
    state = blake2b(digest_size=32)
    view = memoryview(listing)
    position = 0
    for path in sorted(edits):
        start, end = locate(listing, path)
        entry = edits[path]
        state.update(view[position:start])
        if entry is not None:
            state.update(b"H %s %s 0\t%s\0" % (*entry, path))
        position = end
    state.update(view[position:])
    return state.hexdigest()


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


class Content(Record):
    """What a worktree holds."""

    digest: str = ""  # of everything git would track here
    head: str = ""  # commit or ""
    long: bool = False
    # what differs from the index (path -> (mode, object id) or None)
    edits: dict[bytes, Blob | None] = field(default_factory=dict)
    staged: dict[bytes, Blob | None] = field(default_factory=dict)  # what only differs from the head
    ignored: list[bytes] = field(default_factory=list)  # as git lists it, folders with a trailing slash
    untracked: list[bytes] = field(default_factory=list)
    links: list[bytes] = field(default_factory=list)  # every symbolic link


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
            raise Bypass(outcomes.NO_GIT, "git status said something unknown")
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


_EMPTY = (
    b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    b"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)
_CAP = 1 << 20  # of a file with attributes; a larger one may give any
_SYSTEM = ("/etc/gitattributes", "/usr/local/etc/gitattributes", "/opt/homebrew/etc/gitattributes")
_AUTOCRLF, _FILE = b"core.autocrlf", b"core.attributesfile"
_LFS = b"filter=lfs"
_READ = ("filter", "ident", "working-tree-encoding")


def likely(root: str, shared: str, settings: "Mapping[bytes, bytes]", environ: "Mapping[str, str]") -> bool:
    """Whether attributes at the top or the person's configuration may convert files.

    `shared`: the folder that all worktrees share; `settings`: of git, see `git.Git`.
    """
    if _AUTOCRLF in settings or _FILE in settings or any(map(os.path.exists, _of_person(environ))):
        return True
    return os.path.exists(os.path.join(root, ".gitattributes")) or os.path.exists(_of_repository(shared))


def named(found: "Content") -> bool:
    """Whether a file that is not in the index gives attributes."""
    return any(path.endswith(b".gitattributes") for path in (*found.untracked, *found.ignored))


def add_sizes(printed: bytes) -> bytes:
    """Turn what `ls-files -s -v -z --debug` prints into a listing whose object ids are followed by file sizes."""
    line, *pieces = printed.split(b"\0")
    sized = []
    for piece in pieces:
        # Five lines of what the index knows of the file, then the next entry; a path may hold line ends.
        known = piece.split(b"\n", 5)
        size = known[4].split(b"\t", 1)[0].rsplit(b" ", 1)[1]
        head, path = line.split(b"\t", 1)
        named, stage = head.rsplit(b" ", 1)
        sized.append(b"%s %s %s\t%s\0" % (named, size, stage, path))
        line = known[5]
    return b"".join(sized)


def fill_sizes(listing: bytes, root: str) -> bytes:
    """Ask the files themselves for sizes the index leaves at 0, as git does for entries it does not trust."""
    if b" 0 0\t" not in listing:
        return listing
    lines = []
    for line in listing.split(b"\0")[:-1]:
        head, path = line.split(b"\t", 1)
        tag, mode, oid, size, stage = head.split(b" ")
        if size == b"0" and oid not in _EMPTY:
            try:  # noqa: SIM105 - contextlib is too dear here
                size = b"%d" % os.lstat(os.path.join(os.fsencode(root), path)).st_size
            except OSError:
                pass
        lines.append(b"%s %s %s %s %s\t%s\0" % (tag, mode, oid, size, stage, path))
    return b"".join(lines)


def attributes(
    root: str,
    shared: str,
    listing: bytes,
    found: "Content",
    settings: "Mapping[bytes, bytes]",
    environ: "Mapping[str, str]",
) -> tuple[list[str], bool]:
    """The attributes in use for which a file's bytes must be read, and whether Git LFS is in use.

    All of them where a source cannot be read.
    """
    if _FILE in settings:
        return list(_READ), False
    sources = [path for path in (*found.untracked, *found.ignored) if path.endswith(b".gitattributes")]
    start = 0
    while end := listing.find(b".gitattributes\0", start) + 1:
        end += 13
        sources.append(listing[listing.rindex(b"\t", 0, end) + 1 : end])
        start = end
    own = filter(os.path.exists, (_of_repository(shared), *_of_person(environ)))
    words: set[bytes] = set()
    try:
        for path in sources:
            words.update(load(os.path.join(os.fsencode(root), path), _CAP, links=False).split())
        for given in own:
            words.update(load(given, _CAP).split())
    except OSError:  # git takes what the index holds in the place of a file that is gone or is a link
        return list(_READ), False
    lfs = _LFS in words and _is_lfs(settings)
    if lfs:
        words.remove(_LFS)
    text = b" ".join(words).lower()
    return [name for name in _READ if name.encode() in text], lfs


def lfs_oid(data: bytes, *, long: bool) -> bytes:
    """The object id of what Git LFS has git store in the place of a file with these bytes."""
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n"
    return blob_oid(pointer % (sha256(data).hexdigest().encode(), len(data)), long=long)


def _is_lfs(settings: "Mapping[bytes, bytes]") -> bool:
    """Whether the filter named lfs is Git LFS, or is none on this machine."""
    given = [settings.get(b"filter.lfs." + key, b"") for key in (b"clean", b"process")]
    return all(value.startswith(b"git-lfs ") or not value for value in given)


def _of_repository(shared: str) -> str:
    return os.path.join(shared, "info", "attributes")


def _of_person(environ: "Mapping[str, str]") -> tuple[str, ...]:
    settings = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", "/"), ".config")
    return os.path.join(settings, "git", "attributes"), *_SYSTEM
