"""What a file is, for the fingerprint: its mode and the digest of its bytes, read under a budget.

Nothing that is not a regular file, a symbolic link or a directory is ever opened: a pipe would block, a device act.
"""

import os
import stat
import time

from skillcache.core import KW_ONLY, Record, field, outcomes
from skillcache.core.digest import blake2b, blob_oid, digest
from skillcache.core.files import load, open_regular
from skillcache.core.outcomes import Bypass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MAX_FILES = 20_000
MAX_BYTES = 64 << 20
SYMLINK = b"120000"
GITLINK = b"160000"
_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class Budget(Record):
    """How much may still be read; `spend` raises TOO_LARGE past the cap and TOO_SLOW past the deadline."""

    deadline: float
    what: str
    files: int = MAX_FILES
    bytes: int = MAX_BYTES
    _: KW_ONLY
    cache: str = ""  # folder of ours, where what was read is remembered; '' for nowhere
    seen: dict[str, object] = field(default_factory=dict)  # of this capture: path -> what was found there

    def of(self, what: str, most: int = MAX_FILES) -> "Budget":
        """One more of the same capture, for something else."""
        return Budget(self.deadline, what, most, cache=self.cache, seen=self.seen)

    def spend(self, size: int) -> None:
        self.files -= 1
        self.bytes -= size
        if self.files < 0:
            raise Bypass(outcomes.TOO_LARGE, f"too many {self.what}")
        if self.bytes < 0:
            raise Bypass(outcomes.TOO_LARGE, f"{self.what} hold too many bytes")
        if self.files % 64 == 0 and time.monotonic() > self.deadline:
            raise Bypass(outcomes.TOO_SLOW, f"reading {self.what}")


def read(path: str | bytes, budget: Budget, *, links: bool = False, quiet: bool = False) -> bytes | None:
    """The bytes of the regular file at `path`; None when there is none. The last two: see `open_regular`.

    UNCAPTURABLE for what cannot be read, such as a pipe.
    """
    try:
        fd = open_regular(path, links=links, quiet=quiet)
    except _ABSENT:
        return None
    except OSError as error:
        raise _uncapturable(path, error) from None
    try:
        size = os.fstat(fd).st_size
        budget.spend(size)
        chunks: list[bytes] = []
        while chunk := os.read(fd, (size if not chunks else 0) + 65536):
            chunks.append(chunk)
            if len(chunks) > 1:
                budget.spend(len(chunk))
    except OSError as error:
        raise _uncapturable(path, error) from None
    finally:
        os.close(fd)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def small(path: str, cap: int) -> bytes | None:
    """The bytes of a file that is never large, through links; None when there is none. UNCAPTURABLE like `read`."""
    try:
        return load(path, cap)
    except _ABSENT:
        return None
    except OSError as error:
        raise _uncapturable(path, error) from None


def _uncapturable(path: str | bytes, error: OSError) -> Bypass:
    return Bypass(outcomes.UNCAPTURABLE, f"{os.fsdecode(path)}: {error.strerror}")


def follow(path: str, budget: Budget) -> bytes | None:
    """Like `read`, through symbolic links."""
    return read(path, budget, links=True)


def blob(path: bytes, budget: Budget, *, long: bool, quiet: bool = False) -> tuple[bytes, bytes, int] | None:
    """What git would record of `path`: mode, object id of the raw bytes, size; None when nothing is there.

    Sockets, pipes and devices have a mode and no content; a directory is nothing, as it is to git.
    """
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            budget.spend(0)
            target = os.readlink(path)
            return SYMLINK, blob_oid(target, long=long), len(target)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _uncapturable(path, error) from None
    if stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISREG(status.st_mode):
        return b"%06o" % stat.S_IFMT(status.st_mode), b"0" * (64 if long else 40), 0
    data = read(path, budget, quiet=quiet)
    if data is None:
        return None
    mode = b"100755" if status.st_mode & stat.S_IXUSR else b"100644"
    return mode, blob_oid(data, long=long), len(data)


_mask: list[int] = []


def mask() -> int:
    """Of the permissions that new files do not have."""
    if not _mask:
        _mask.append(os.umask(0o22))
        os.umask(_mask[0])
    return _mask[0]


def unusual_mode(status: os.stat_result) -> str:
    """The permissions of a file that has others than a new one would; '' for the usual ones."""
    bits = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return ""
    usual = (0o777 if bits & stat.S_IXUSR else 0o666) & ~mask()
    return "" if bits == usual else f"{bits:04o} "


def tree(top: str, budget: Budget, skip: "Callable[[str, bool], bool]") -> str:
    """Digest of everything below the directory `top`: names, executable bits, contents, link targets.

    `skip(path relative to top, is a directory)` leaves entries out. Links that lead out of `top` are the caller's.
    """
    state = blake2b(digest_size=16)
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(os.path.join(top, folder)) as entries:
                found = sorted(entries, key=_name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise Bypass(outcomes.UNCAPTURABLE, f"{os.path.join(top, folder)}: {error.strerror}") from None
        for entry in found:
            path = f"{folder}/{entry.name}" if folder else entry.name
            directory = entry.is_dir(follow_symlinks=False)
            if skip(path, directory):
                continue
            if directory:
                budget.spend(0)
                pending.append(path)
                continue
            name = os.fsencode(path)
            is_what = blob(os.fsencode(entry.path), budget, long=False)
            if is_what is not None:
                state.update(b"%s %s %d:%s" % (is_what[0], is_what[1], len(name), name))
    return state.hexdigest()


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def content(path: str, budget: Budget) -> str:
    """Digest of the bytes of the regular file at `path`, through links; "absent" when there is none."""
    data = follow(path, budget)
    return "absent" if data is None else digest(data)
