"""Child processes without subprocess, whose import costs a hook 7 ms.

A child gets no input, its standard error is thrown away, its standard output is collected; it leads a process
group of its own, so that a deadline ends what it started too. `gather` leaves no zombie behind, whatever happens.
"""

import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SIGKILL, _SIGPIPE = 9, 13  # the signal module costs an enum import
_CHUNK = 1 << 20
_MOST = 512 << 20  # bytes of one child's output; a listing of a million files is 100 MB


class TooMuch(Exception):
    """A child printed more than anybody could use."""


class Child:
    """A started process: `output` and `status` (exit code, negative for a signal) are there after `gather`."""

    __slots__ = ("chunks", "fd", "pid", "room", "status")

    def __init__(self, pid: int, fd: int) -> None:
        self.pid = pid
        self.fd = fd
        self.chunks: list[bytes] = []
        self.room = _MOST
        self.status: int | None = None

    @property
    def output(self) -> bytes:
        return self.chunks[0] if len(self.chunks) == 1 else b"".join(self.chunks)


def start(path: str, argv: list[str], environ: "Mapping[str, str]") -> Child:
    """Start the executable at `path`; OSError when it cannot be."""
    reading, writing = os.pipe()
    try:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, writing, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        # Python ignores SIGPIPE, and a child would inherit that.
        pid = os.posix_spawn(path, argv, environ, file_actions=actions, setpgroup=0, setsigdef=[_SIGPIPE])
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return Child(pid, reading)


def gather(children: "Sequence[Child]", deadline: float) -> None:
    """Read every child to its end.

    Past `deadline` (time.monotonic) TimeoutError, for an output beyond all measure TooMuch, with all of them killed.
    """
    reading = {child.fd: child for child in children}
    poll = select.poll()
    for fd in reading:
        poll.register(fd, select.POLLIN)
    try:
        while reading:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            for fd, _ in poll.poll(left * 1000):
                chunk = os.read(fd, _CHUNK)
                if chunk:
                    _take(reading[fd], chunk)
                else:
                    poll.unregister(fd)
                    del reading[fd]
        for child in children:
            # Its output is closed, so it is about to end; one that lives on regardless meets the deadline.
            while not _reap(child, os.WNOHANG):
                if time.monotonic() >= deadline:
                    raise TimeoutError
                _await(child, deadline)
    finally:
        end(children)


def _await(child: Child, deadline: float) -> None:
    """Until it has ended, or for a moment where the system does not tell."""
    poll = select.poll()
    try:
        fd = os.pidfd_open(child.pid)
    except (AttributeError, OSError):  # of Linux alone, from 5.3 on
        poll.poll(1)
        return
    try:
        poll.register(fd, select.POLLIN)
        poll.poll(max(0, deadline - time.monotonic()) * 1000)
    finally:
        os.close(fd)


def _take(child: Child, chunk: bytes) -> None:
    child.chunks.append(chunk)
    child.room -= len(chunk)
    if child.room < 0:
        raise TooMuch


def end(children: "Sequence[Child]") -> None:
    """Kill and reap what still runs of `children` and close their pipes."""
    for child in children:
        if child.status is None:
            try:  # noqa: SIM105 - contextlib is too dear here
                os.killpg(child.pid, _SIGKILL)
            except OSError:  # it ended on its own
                pass
            _reap(child, 0)


def _reap(child: Child, options: int) -> bool:
    pid, status = os.waitpid(child.pid, options)
    if pid:
        child.status = os.waitstatus_to_exitcode(status)
        os.close(child.fd)
    return pid != 0


def quote(text: str) -> str:
    """As one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"
