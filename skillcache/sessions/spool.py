"""Records that a store did not take: a private file of lines, delivered in order by whoever reaches the store next.

One lock, on the file itself, covers adding and delivering, so a line is delivered by one process at a time. A process
that ends between delivering and taking the lines out leaves them to be delivered again; the journal counts a record
once. A line cut short by a full disk is no record and is dropped.
"""

import os
from fcntl import LOCK_EX, LOCK_NB, flock
from time import monotonic, sleep

from skillcache import files
from skillcache.sessions import limits

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
_STEP = 0.005


class Spool:
    """An open, locked spool. `close` lets others at it."""

    __slots__ = ("_handle", "_path")

    def __init__(self, path: str, handle: int) -> None:
        self._path = path
        self._handle = handle

    def read(self) -> list[bytes]:
        """All lines, oldest first."""
        data = os.pread(self._handle, 2 * limits.SPOOL, 0)  # it never has more than half of that from us
        return [line for line in data.split(b"\n") if line]

    def add(self, line: bytes) -> bool:
        """False when the file is full."""
        size = os.fstat(self._handle).st_size
        if size + len(line) + 1 > limits.SPOOL:
            return False
        # A line that another process could not finish must not swallow this one.
        joint = b"\n" if size and os.pread(self._handle, 1, size - 1) != b"\n" else b""
        os.write(self._handle, joint + line + b"\n")
        return True

    def keep(self, lines: list[bytes]) -> None:
        """Leaves exactly `lines` in the file; the lock covers what takes its place, too."""
        if not lines:
            os.unlink(self._path)
            return
        draft = files.draft_of(self._path)
        handle = os.open(draft, _FLAGS | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            flock(handle, LOCK_EX)
            os.write(handle, b"\n".join(lines) + b"\n")
            os.rename(draft, self._path)
        except OSError:
            os.close(handle)
            os.unlink(draft)
            raise
        os.close(self._handle)
        self._handle = handle

    def close(self) -> None:
        os.close(self._handle)


def waiting(path: str, patience: float = 0.0) -> Spool | None:
    """The spool where there is one and nobody else is at it for longer than `patience`, in seconds."""
    deadline = monotonic() + patience
    while True:
        try:
            handle = os.open(path, _FLAGS)
        except FileNotFoundError:
            return None
        try:
            flock(handle, LOCK_EX | LOCK_NB)
            if _is_at(path, handle):
                return Spool(path, handle)
        except BlockingIOError:
            pass
        os.close(handle)
        if monotonic() >= deadline:
            return None
        sleep(_STEP)


def make(path: str) -> Spool:
    """The spool, made when there is none; waits for who is at it. Raises OSError."""
    while True:
        try:
            handle = os.open(path, _FLAGS | os.O_CREAT, 0o600)
        except FileNotFoundError:
            files.make_folder(path.rpartition("/")[0])
            continue
        flock(handle, LOCK_EX)
        if _is_at(path, handle):
            return Spool(path, handle)
        os.close(handle)  # it was delivered and taken away meanwhile


def _is_at(path: str, handle: int) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(handle)
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)
