"""Where git's object is not the file's bytes: line endings, filters, keyword expansion, encodings.

With any of these possible, a listing carries each file's size too. For line endings and Git LFS the object and
the size together say what the bytes are; files of any other filter, `ident` or `working-tree-encoding` are read.
"""

import os

from skillcache import outcome
from skillcache.errors import Bypass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.fingerprint.status import Content

_EMPTY = (
    b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    b"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)
_SYSTEM = ["/etc/gitconfig", "/usr/local/etc/gitconfig", "/opt/homebrew/etc/gitconfig"]
_MOST_INCLUDED = 20
_READ = ("filter", "ident", "working-tree-encoding")


def likely(root: str, folder: str, environ: "Mapping[str, str]") -> bool:
    """Whether attributes at the top or the person's configuration may convert files."""
    if any(_exists(path) for path in (os.path.join(root, ".gitattributes"), *_own_attributes(folder, environ))):
        return True
    text = _configuration(folder, environ)
    return b"autocrlf" in text or b"attributesfile" in text or b"[include" in text


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


def attributes(root: str, folder: str, listing: bytes, found: "Content", environ: "Mapping[str, str]") -> list[str]:
    """The attributes in use for which a file's bytes must be read."""
    sources = [path for path in (*found.untracked, *found.ignored) if path.endswith(b".gitattributes")]
    start = 0
    while end := listing.find(b".gitattributes\0", start) + 1:
        end += 13
        sources.append(listing[listing.rindex(b"\t", 0, end) + 1 : end])
        start = end
    text = b"\n".join(_text(os.path.join(os.fsencode(root), path)) for path in sources)
    text += b"\n".join(_text(os.fsencode(path)) for path in _own_attributes(folder, environ))
    if b"attributesfile" in (settings := _configuration(folder, environ)) or b"[include" in settings:
        return list(_READ)
    text = text.lower().replace(b"filter=lfs", b"")
    return [name for name in _READ if name.encode() in text]


def without_filters(folder: str) -> list[str]:
    """Options that keep git from running the filters that the repository's own configuration names.

    `status` would run them, and a repository that came in an archive has one of anybody's making. Files with a filter
    are read as they are, so nothing is lost.
    """
    names: set[bytes] = set()
    pending = [os.path.join(shared_folder(folder), "config"), os.path.join(folder, "config.worktree")]
    for at in range(_MOST_INCLUDED):
        if at == len(pending):
            break
        for line in _text(os.fsencode(pending[at])).replace(b"]", b"]\n").splitlines():
            word, _, rest = line.strip().partition(b'"')
            word = word.strip().lower()
            if word.startswith(b"[filter."):
                names.add(word[8:].strip(b" ]\t"))
            elif word.startswith(b"[filter"):
                names.add(rest.rpartition(b'"')[0].replace(b"\\", b""))
            elif word.startswith(b"path"):  # of an include, whatever it hangs on
                path = os.fsdecode(line.partition(b"=")[2].strip().strip(b'"'))
                pending.append(os.path.join(os.path.dirname(pending[at]), os.path.expanduser(path)))
    options = []
    for name in sorted(names):
        driver = os.fsdecode(name)
        if "=" in driver or "\n" in driver:
            raise Bypass(outcome.UNCAPTURABLE, f"a filter named {driver!r}")
        for key in ("clean=", "process=", "required=false"):
            options += ["-c", f"filter.{driver}.{key}"]
    return options


def _own_attributes(folder: str, environ: "Mapping[str, str]") -> list[str]:
    return [
        os.path.join(shared_folder(folder), "info", "attributes"),
        os.path.join(_config_home(environ), "git", "attributes"),
        "/etc/gitattributes",
    ]


def _configuration(folder: str, environ: "Mapping[str, str]") -> bytes:
    """All of git's configuration files as one lower-case text."""
    paths = [os.path.join(shared_folder(folder), "config"), os.path.join(folder, "config.worktree")]
    if "GIT_CONFIG_GLOBAL" in environ:
        paths.append(environ["GIT_CONFIG_GLOBAL"])
    else:
        paths += [
            os.path.join(environ.get("HOME", "/"), ".gitconfig"),
            os.path.join(_config_home(environ), "git", "config"),
        ]
    paths += [environ["GIT_CONFIG_SYSTEM"]] if "GIT_CONFIG_SYSTEM" in environ else _SYSTEM
    given = [value for name, value in environ.items() if name.startswith("GIT_CONFIG_KEY_")]
    return b"\n".join([*map(_text, map(os.fsencode, paths)), *map(os.fsencode, given)]).lower()


def _config_home(environ: "Mapping[str, str]") -> str:
    return environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", "/"), ".config")


def shared_folder(folder: str) -> str:
    """The folder that all worktrees of a repository share."""
    text = _text(os.fsencode(os.path.join(folder, "commondir")))
    return os.path.normpath(os.path.join(folder, os.fsdecode(text.rstrip(b"\n")))) if text else folder


def _text(path: bytes) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(fd, 1 << 20)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _exists(path: str) -> bool:
    return os.path.exists(path)
