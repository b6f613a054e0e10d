"""Reading any file, without ever waiting for it; digests; private files of ours.

What lies in a repository is a stranger's: a pipe in the place of a file would hold us up for ever, a device would act,
a terminal would become ours. So whatever is not surely ours is opened by `open_regular` and by nothing else.

Hash functions come without hashlib, whose OpenSSL binding costs a hook 4 ms. Each takes optional first bytes and
returns the usual object: `update`, `digest`, `hexdigest`.
"""

import errno
import os
import stat
import sys
import time
from _thread import get_ident

try:
    from _blake2 import blake2b as blake2b  # noqa: PLC0414 - others take it from here
except ImportError:  # another interpreter than CPython, or one built without it
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_FOLDER = 0o700
_FILE = 0o600
_DRAFT = ("new", "new-wal", "new-shm", "new-journal")  # a database that is made has files beside it
_STALE = 86_400  # seconds; nobody is at a draft for longer than moments
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_QUIET: int = getattr(os, "O_NOATIME", 0)  # Linux
_LEAST, _PIECE = 1 << 16, 1 << 20
_LARGE = 2 << 20  # from here on OpenSSL's use of the processor repays its import
_SEAL = 100  # bytes, at most


class Irregular(OSError):
    """A pipe, a socket or a device stands where a file is wanted."""


class Damaged(OSError):
    """The file is not as we have written it: a full disk, a machine that lost its power, another's hand."""


class TooLarge(OSError):
    """The file holds more than is wanted of it."""


def make_folder(path: str) -> None:
    """Make `path` and its missing parents, ours alone. Raises OSError."""
    try:
        os.mkdir(path, _FOLDER)
    except FileExistsError:
        return
    except FileNotFoundError:
        parent = path.rpartition("/")[0]
        if not parent:
            raise
        make_folder(parent)
        _make_in(path)


def _make_in(path: str) -> None:
    try:
        os.mkdir(path, _FOLDER)
    except FileExistsError:  # another process was quicker
        return


def open_regular(path: str | bytes, *, links: bool = True, quiet: bool = False) -> int:
    """A handle to read the regular file at `path` with; it never blocks. `links`: symbolic links are followed.

    quiet: the time of its last reading stays, where that is possible.

    Nothing else is opened, for to open is to act: who waits to write into a pipe would begin, and nobody read it. The
    null device counts as an empty file, for people link configuration to it. Raises FileNotFoundError,
    NotADirectoryError, IsADirectoryError, Irregular, or OSError for any other reason, such as a permission.
    """
    try:
        _require_regular(path, os.stat(path) if links else os.lstat(path))
        flags = _READ if links else _READ | os.O_NOFOLLOW
        try:
            handle = os.open(path, flags | _QUIET if quiet else flags)
        except PermissionError:  # of another's file that is not possible
            handle = os.open(path, flags)
    except ValueError:  # a name with a NUL, read from some file
        raise FileNotFoundError(errno.ENOENT, "is no name of a file", path) from None
    except OSError as fault:
        if fault.errno == errno.ENXIO:  # what a socket answers that has come meanwhile
            raise Irregular(errno.EINVAL, "is no regular file", path) from None
        raise
    try:
        _require_regular(path, os.fstat(handle))  # another may have taken its place since
    except OSError:
        os.close(handle)
        raise
    return handle


def _require_regular(path: str | bytes, status: os.stat_result) -> None:
    """A link is left to whoever opens it. Raises IsADirectoryError and Irregular."""
    mode = status.st_mode
    if stat.S_ISREG(mode) or stat.S_ISLNK(mode) or _is_null(status):
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise Irregular(errno.EINVAL, "is no regular file", path)


def _is_null(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == os.stat(os.devnull).st_rdev


def load(path: str | bytes, cap: int, *, links: bool = True) -> bytes:
    """The content of the regular file at `path`. Raises what `open_regular` does, and TooLarge past `cap` bytes."""
    try:
        handle = open_regular(path, links=links)
    except PermissionError:
        if _is_null(os.stat(path)):  # as the client's sandbox has it over settings, where no device may be opened
            return b""
        raise
    try:
        size = os.fstat(handle).st_size
        pieces: list[bytes] = []
        left = 0 if size > cap else cap + 1
        # To its end, whatever size it has said: a file of the kernel's own says 0, and one may grow meanwhile.
        while left > 0 and (piece := os.read(handle, min(left, max(size, _LEAST), _PIECE))):
            pieces.append(piece)
            left -= len(piece)
    finally:
        os.close(handle)
    if left <= 0:
        raise TooLarge(errno.EFBIG, "is too large", path)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def read(path: str | bytes, cap: int) -> bytes | None:
    """The content of a regular file of at most `cap` bytes; None when it is missing, larger or not a file.

    Raises OSError for any other reason, such as a permission.
    """
    try:
        return load(path, cap)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, Irregular, TooLarge):
        return None


def newest(path: str, most: int) -> bytes:
    """The last whole lines of a file that only grows, `most` bytes at most; b"" where there is none. Raises OSError."""
    try:
        handle = open_regular(path)
    except (FileNotFoundError, Irregular):
        return b""
    try:
        begins = max(0, os.fstat(handle).st_size - most)
        data = os.pread(handle, most, begins)
    finally:
        os.close(handle)
    return data.partition(b"\n")[2] if begins else data


def write(path: str, content: bytes) -> None:
    """Replace `path` by `content` in one step, making its folder when missing. Raises OSError."""
    draft = draft_of(path)
    handle = _create(draft)
    try:
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(handle, view) :]
        finally:
            os.close(handle)
        os.rename(draft, path)
    except OSError:
        os.unlink(draft)
        raise


def mark(path: str, now: float) -> None:
    """Leave an empty file there whose time is `now`, in unix seconds: the file system's clock lags. Raises OSError."""
    write(path, b"")
    os.utime(path, (now, now))


def seal(path: str, content: bytes) -> None:
    """Replace `path` by `content`, which `unsealed` gives back whole or not at all. Raises OSError."""
    sealed = b"%s\n%s" % (digest(content).encode(), content)
    try:
        write(path, sealed)
    except IsADirectoryError:  # where a file of ours belongs
        os.rmdir(path)
        write(path, sealed)


def unsealed(path: str, cap: int) -> bytes:
    """What `seal` has written there. Raises what `load` does, and Damaged for anything else, such as half of it."""
    begin, _, content = load(path, cap + _SEAL).partition(b"\n")
    if begin != digest(content).encode():
        raise Damaged(errno.EINVAL, "is not as it was written", path)
    return content


def draft_of(path: str) -> str:
    """The name under which this thread makes what is to be at `path`, beside it."""
    return f"{path}.{os.getpid()}.{get_ident()}.{_DRAFT[0]}"


def small(folder: str, *words: str) -> str:
    """The path of the small file that is kept of these words in a folder of ours, whatever they hold."""
    return f"{folder}/{digest(chr(0).join(words).encode('utf-8', 'surrogatepass'))}"


def use(path: str) -> None:
    """What is in use is not swept out. Raises OSError."""
    if os.stat(path).st_mtime < time.time() - _STALE:
        os.utime(path)


def sweep(folder: str, now: float, stale: float = _STALE) -> None:
    """Remove files of `folder` older than `stale` seconds. A folder that is gone is swept."""
    try:
        with os.scandir(folder) as found:
            for item in found:
                if item.stat(follow_symlinks=False).st_mtime < now - stale:
                    remove(item.path)
    except OSError:
        return


def sweep_drafts(folder: str, now: float, *, inside: bool = True) -> None:
    """Remove the drafts that killed processes have left in a folder of ours and, if `inside`, in the folders in it."""
    try:
        with os.scandir(folder) as found:
            for item in found:
                if inside and item.is_dir(follow_symlinks=False):
                    sweep_drafts(item.path, now, inside=False)
                elif _is_draft(item.name) and item.stat(follow_symlinks=False).st_mtime < now - _STALE:
                    remove(item.path)
    except OSError:
        return


def _is_draft(name: str) -> bool:
    parts = name.rsplit(".", 3)
    return len(parts) == 4 and parts[1].isdecimal() and parts[2].isdecimal() and parts[3] in _DRAFT


def append(path: str, line: bytes) -> None:
    """Add one line; whole lines of several processes never mix (O_APPEND, one write). Raises OSError."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK  # nobody reads a pipe in its place
    try:
        handle = os.open(path, flags, _FILE)
    except FileNotFoundError:
        make_folder(path.rpartition("/")[0])
        handle = os.open(path, flags, _FILE)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)


def create(path: str) -> None:
    """Make an empty file, which must not be there. Raises FileExistsError and any other OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        handle = os.open(path, flags, _FILE)
    except FileNotFoundError:
        make_folder(path.rpartition("/")[0])
        handle = os.open(path, flags, _FILE)
    os.close(handle)


def remove(path: str) -> bool:
    """Remove `path`; False when it was not there. Raises OSError."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def _create(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags, _FILE)
    except FileNotFoundError:
        make_folder(path.rpartition("/")[0])
        return os.open(path, flags, _FILE)


def signs(words: "Iterable[bytes]") -> "list[bytes]":
    """Of words of somebody's text: what is kept of one tells whether another is the same, and not what it is."""
    from binascii import crc32

    return [b"%08x" % crc32(word) for word in words]


def sha1(data: bytes = b"") -> "Any":
    try:
        from _sha1 import sha1 as new  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import sha1 as new
    return new(data)  # noqa: S324 - git's own names


def sha256(data: bytes = b"") -> "Any":
    try:
        # Asked by version: a failed import costs a hook as much as three that succeed.
        if sys.version_info >= (3, 12):
            from _sha2 import sha256 as new  # type: ignore[import-not-found,unused-ignore]
        else:
            from _sha256 import sha256 as new  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        from hashlib import sha256 as new
    return new(data)


def digest(data: bytes) -> str:
    """The 32 hexadecimal characters this package names content by: BLAKE2b of 16 bytes."""
    return blake2b(data, digest_size=16).hexdigest()


def digest_parts(parts: "Iterable[bytes]") -> str:
    """One digest of many parts; every part's length goes in, so that no two lists of parts agree."""
    state = blake2b(digest_size=16)
    for part in parts:
        state.update(b"%d:" % len(part))
        state.update(part)
    return state.hexdigest()


_values = [b""]  # of this process: one person has one team
_PLAIN = 20  # characters of a value that is a word, not a digest


def key_values(secret: bytes) -> None:
    """From now on `keyed` is keyed with this, b"" for nothing."""
    _values[0] = secret


def keyed(value: str) -> str:
    """A digest as it may stand where others read it: keyed, so that nobody without the team's key tries values."""
    if not _values[0] or len(value) < _PLAIN:
        return value
    return blake2b(value.encode("utf-8", "surrogateescape"), digest_size=16, key=_values[0]).hexdigest()


def blob_oid(data: bytes, *, long: bool = False) -> bytes:
    """The object id git gives this content, in hexadecimal; `long` for a repository of SHA-256."""
    head = b"blob %d\0" % len(data)
    if len(data) >= _LARGE:
        import hashlib

        return hashlib.new("sha256" if long else "sha1", head + data, usedforsecurity=False).hexdigest().encode()
    state = (sha256 if long else sha1)(head)
    state.update(data)
    name: str = state.hexdigest()
    return name.encode()
