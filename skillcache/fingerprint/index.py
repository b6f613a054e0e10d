"""The listing of a worktree: git's index as `ls-files -s -v -z` prints it, edited to what is really there.

    line    := tag ' ' mode ' ' oid ' ' stage TAB path NUL          sorted by path, compared as bytes
    example := H 100644 257cc5642cb1a054f08cc83f2d943e56fd3ebe99 0<TAB>src/main.py<NUL>

An edited listing has one line of tag H and stage 0 per path, so equal content gives equal bytes, whether it is
committed, staged or neither. Fifty thousand lines are never looped over: edits find their place by bisection.
"""

from skillcache.digest import blake2b, sha1

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSIONS = (b"\0\0\0\2", b"\0\0\0\3")

Entry = tuple[bytes, bytes]  # mode, object id


def decode(data: bytes, *, sizes: bool) -> bytes | None:
    """The listing that git would print of this index file; None when it is of a kind that only git reads.

    For a small index this is quicker than a process. Format: Documentation/gitformat-index.txt of git, versions 2 and
    3, SHA-1; a split or sparse index, another version or another hash is git's to read. `sizes`: object ids are
    followed by the size of the file, as `conversion.add_sizes` does it.
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


def digest_edited(listing: bytes, edits: "Mapping[bytes, Entry | None]") -> str:
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
