"""What a command is given to read, as part of its key.

    terminal, /dev/null, nothing    an empty input: what a person types is no part of a recorded result
    file                            the file itself; a replay leaves its position where the run left it
    pipe                            read to its end, then given on
    anything else                   given on as it is, and the command is not cached

A pipe that is also the caller's own input was not meant for the command: a script that a shell reads from a pipe
would lose its rest. Neither is one cached that goes on beyond the cap or falls silent before its end.
"""

import os
import select
import stat
import sys
import time
from _thread import start_new_thread

from skillcache.core.digest import sha256
from skillcache.core.errors import Bypass
from skillcache.core.outcomes import TOO_LARGE, UNCAPTURABLE
from skillcache.stores.entry import Row

_SILENCE = 1.0  # seconds
_PATIENCE = 2.0  # seconds in all: what is written slowly is for the command to read as it comes
_CHUNK = 1 << 16
_FD = 0


class Input:
    """refused: why a result of it is not cached, or None; taken: whether something was read from it already."""

    taken = False

    def __init__(self, refused: Bypass | None = None) -> None:
        self.refused = refused

    def rows(self) -> tuple[Row, ...]:
        """What it holds, as rows of the key. Raises Bypass."""
        return (("stdin", "", "empty"),)

    def feed(self) -> int:
        """A descriptor of the command's own, to be closed once it has begun."""
        return os.dup(_FD)

    def position(self) -> int | None:
        """How far the file has been read, for one."""
        return None

    def move(self, position: int) -> None:
        """Go on to where a run left it."""


class Empty(Input):
    def feed(self) -> int:
        return os.open(os.devnull, os.O_RDONLY)


class File(Input):
    """Read at its position without moving it."""

    def __init__(self, cap: int) -> None:
        super().__init__()
        self._cap = cap
        self._start = os.lseek(_FD, 0, os.SEEK_CUR)

    def rows(self) -> tuple[Row, ...]:
        if os.fstat(_FD).st_size > self._cap:
            raise Bypass(TOO_LARGE, "standard input")
        state = sha256()
        at = 0
        while data := os.pread(_FD, _CHUNK, at):
            state.update(data)
            at += len(data)
        return (("stdin", "file", f"{state.hexdigest()} from {self._start}"),)

    def position(self) -> int | None:
        return os.lseek(_FD, 0, os.SEEK_CUR)

    def move(self, position: int) -> None:
        os.lseek(_FD, position, os.SEEK_SET)


class Data(Input):
    """What a pipe held; with `refused` set, the rest is still to come from it."""

    taken = True

    def __init__(self, data: bytes, refused: Bypass | None = None) -> None:
        super().__init__(refused)
        self._data = data

    def rows(self) -> tuple[Row, ...]:
        return (("stdin", "pipe", f"{sha256(self._data).hexdigest()} of {len(self._data)}"),)

    def feed(self) -> int:
        reading, writing = os.pipe()
        start_new_thread(self._write, (writing,))
        return reading

    def _write(self, fd: int) -> None:
        try:
            data = self._data
            while data:
                write_whole(fd, data)
                data = os.read(_FD, _CHUNK) if self.refused else b""
        except OSError:  # the command reads no more
            pass
        finally:
            os.close(fd)


def take(cap: int) -> Input:
    """The standard input of this process; of a pipe at most `cap` bytes are kept."""
    try:
        status = os.fstat(_FD)
    except OSError:  # closed
        return Empty()
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return File(cap)
    if stat.S_ISFIFO(mode):
        return _read(cap, status)
    if stat.S_ISCHR(mode) and (os.isatty(_FD) or os.path.samestat(status, os.stat(os.devnull))):
        return Empty()
    return Input(Bypass(UNCAPTURABLE, "standard input is a socket or a device"))


def _read(cap: int, status: os.stat_result) -> Input:
    poll = select.poll()
    poll.register(_FD, select.POLLIN)
    ready = dict(poll.poll(0)).get(_FD, 0)
    if ready & select.POLLHUP and not ready & select.POLLIN:
        return Data(b"")
    if _is_of_caller(status):
        return Input(Bypass(UNCAPTURABLE, "standard input is the caller's own: connect /dev/null or a pipe"))
    chunks: list[bytes] = []
    size, until = 0, time.monotonic() + _PATIENCE
    while size <= cap:
        if time.monotonic() > until or not poll.poll(_SILENCE * 1000):
            return Data(b"".join(chunks), Bypass(UNCAPTURABLE, "standard input goes on"))
        data = os.read(_FD, _CHUNK)
        if not data:
            return Data(b"".join(chunks))
        chunks.append(data)
        size += len(data)
    return Data(b"".join(chunks), Bypass(TOO_LARGE, "standard input"))


def _is_of_caller(status: os.stat_result) -> bool:
    """Where the system can tell."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return os.path.samestat(status, os.stat(f"/proc/{os.getppid()}/fd/0"))
    except OSError:
        return False


def write_whole(fd: int, data: bytes) -> None:
    """Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[write_some(fd, view) :]


def write_some(fd: int, data: memoryview) -> int:
    """Bytes written. Raises OSError. A descriptor that does not block, as others may have set it, is waited for."""
    while True:
        try:
            return os.write(fd, data)
        except BlockingIOError:
            poll = select.poll()
            poll.register(fd, select.POLLOUT)
            poll.poll()
