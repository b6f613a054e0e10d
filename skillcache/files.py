"""Private files: folders 0700, files 0600, replaced whole or not at all."""

import os
from _thread import get_ident

_FOLDER = 0o700
_FILE = 0o600


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


def read(path: str, cap: int) -> bytes | None:
    """The content of a regular file of at most `cap` bytes; None when it is missing, larger or not a file.

    Raises OSError for any other reason, such as a permission.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        size = os.fstat(handle).st_size
        if size > cap:
            return None
        pieces: list[bytes] = []
        left = cap + 1
        while left > 0:
            piece = os.read(handle, min(left, 1 << 20))
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            left -= len(piece)
        return None
    except IsADirectoryError:
        return None
    finally:
        os.close(handle)


def write(path: str, content: bytes) -> None:
    """Replace `path` by `content` in one step, making its folder when missing. Raises OSError."""
    temporary = f"{path}.{os.getpid()}.{get_ident()}"
    handle = _create(temporary)
    try:
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(handle, view) :]
        finally:
            os.close(handle)
        os.rename(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


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
