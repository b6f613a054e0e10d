"""Where git's object is not the file's bytes: line endings, filters, keyword expansion, encodings.

With any of these possible, a listing carries each file's size too. For line endings and Git LFS the object and
the size together say what the bytes are; files of any other filter, `ident` or `working-tree-encoding` are read.
"""

import os

from skillcache.digest import blob_oid, sha256
from skillcache.files import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.fingerprint.status import Content

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


def settle(listing: bytes, root: str) -> bytes:
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
