"""What a command reads and where its output goes: whether that can be replayed, and the input that was taken.

    terminal, /dev/null, nothing    an empty input: what a person types is no part of a recorded result
    file                            the file itself; a replay leaves its position where the run left it
    pipe                            read to its end, then given on
    anything else                   given on as it is, and the command is not cached

A pipe that is also the caller's own input was not meant for the command: a script that a shell reads from a pipe
would lose its rest. Neither is one cached that goes on beyond the cap or falls silent before its end.
"""

import errno
import fcntl
import os
import select
import stat
import time
from _thread import start_new_thread
from stat import S_ISCHR, S_ISDIR, S_ISREG

from skillcache.core.files import keyed, sha256
from skillcache.core.outcomes import TOO_LARGE, UNCAPTURABLE, Bypass
from skillcache.stores.entry import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


JOINED, APART = "joined", "apart"
_BEYOND_LINES = 10
_GET_PATH = 50  # F_GETPATH of macOS
_JOBS = ("--jobserver-auth=", "--jobserver-fds=")  # of make, for those that it starts
_FD = "/fd/"  # in the names of what a process has open, as a shell writes for `<(...)`
# The standard streams, which the key and the record hold, and devices that always say the same.
_KNOWN = frozenset(
    """/dev/stdin /dev/stdout /dev/stderr /dev/fd/0 /dev/fd/1 /dev/fd/2 /proc/self/fd/0 /proc/self/fd/1
    /proc/self/fd/2 /dev/null /dev/zero /dev/full""".split()  # noqa: SIM905 - read as a list
)


def has_others(environ: "Mapping[str, str]") -> bool:
    """Whether a line has opened more to the command than its three streams, but for what make's children take turns by.

    What it reads or writes there is in no key and in no record. Numbers of two digits are left by whoever has started
    the shell, to nobody who knows of them.
    """
    others = [fd for fd in inherited() if fd < _BEYOND_LINES]
    if not others:
        return False
    flags = environ.get("MAKEFLAGS", "")
    given = [word.partition("=")[2] for word in flags.split() if word.startswith(_JOBS)]
    of_make = {int(fd) for fds in given for fd in fds.split(",") if fd.isdecimal()}
    return not of_make.issuperset(others)


def inherited() -> list[int]:
    """The descriptors that a command gets besides its streams."""
    try:
        fds = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:  # where there is no /proc
        fds = list(range(_OURS))
    return [fd for fd in fds if fd > 2 and _is_inherited(fd)]


def _is_inherited(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:  # the one that the folder was read by
        return False


def _is_ours(fd: int) -> bool:
    try:
        return not os.get_inheritable(fd)
    except OSError:  # none that is open
        return False


def require_files(words: "tuple[str, ...]", cwd: str, environ: "Mapping[str, str]") -> None:
    """Raises Bypass (UNCAPTURABLE) for a command that is told of a pipe, a socket, a device or a descriptor.

    What comes from there is in no key, and it can be read once: `<(...)` in a line, or `VARIABLE=<(...)` before it.
    """
    for text in (*words, *environ.values()):
        if _FD in text and _names_descriptor(text):
            raise Bypass(UNCAPTURABLE, f"{text} names a descriptor")
    for word in words[1:]:
        for name in (word, word.partition("=")[2]):
            path = f"{cwd}/{name}" if name[:1] != "/" else name
            if name and path not in _KNOWN and _is_special(path):
                raise Bypass(UNCAPTURABLE, f"{name} is a pipe, a socket or a device")


def _names_descriptor(text: str) -> bool:
    """Whether another than a standard stream is named by the number under which it is open."""
    before, found, after = text.partition(_FD)
    while found:
        number = after[: len(after) - len(after.lstrip("0123456789"))]
        is_own = before.endswith(("/dev", "/proc/self", "/proc/thread-self"))
        if number and (int(number[:9]) > 2 if is_own else "/proc/" in before):
            return True
        before, found, after = after.partition(_FD)
    return False


def _is_special(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not S_ISREG(mode) and not S_ISDIR(mode)


def writes_into(folder: str) -> bool:
    """Whether one of the two is a file in `folder`: what reads all that is there knows its own output by it."""
    for fd in (1, 2):
        try:
            if S_ISREG(os.fstat(fd).st_mode) and _path_of(fd).startswith(f"{folder.rstrip('/')}/"):
                return True
        except OSError:
            continue
    return False


def _path_of(fd: int) -> str:
    """Raises OSError."""
    if os.path.exists("/proc/self/fd"):
        return os.readlink(f"/proc/self/fd/{fd}")
    return os.fsdecode(fcntl.fcntl(fd, _GET_PATH, bytes(1024)).rstrip(b"\0"))  # a Mac


def relation() -> str | None:
    """JOINED where both are one file, so that what is written keeps its order; APART where they are two.

    None for what nobody's result is recorded from or given to: streams that are closed, devices such as /dev/full, or
    two places in one file, as of `>file 2>file`, which write over each other.
    """
    try:
        os.fstat(0)
        output, error = os.fstat(1), os.fstat(2)
        # A shell that was started without one of them has put what it reads itself in that place.
        if any(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY for fd in (1, 2)):
            return None
        if any(S_ISCHR(stream.st_mode) and stream.st_rdev != os.stat(os.devnull).st_rdev for stream in (output, error)):
            return APART if os.isatty(1) or os.isatty(2) else None
    except OSError:
        return None
    if not os.path.samestat(output, error) or os.isatty(1):
        return APART
    if not S_ISREG(output.st_mode):
        return JOINED
    flags = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (1, 2)]
    if all(flag & os.O_APPEND for flag in flags):
        return JOINED
    # What is said of a place in a file is shared by its copies, and this bit means nothing to a file.
    fcntl.fcntl(1, fcntl.F_SETFL, flags[0] ^ os.O_NONBLOCK)
    is_shared = fcntl.fcntl(2, fcntl.F_GETFL) != flags[1]
    fcntl.fcntl(1, fcntl.F_SETFL, flags[0])
    return JOINED if is_shared else None


_OURS = 256  # descriptors among which ours are
_SILENCE = 1.0  # seconds
_PATIENCE = 2.0  # seconds in all: what is written slowly is for the command to read as it comes
_CHUNK = 1 << 16
_STANDARD_INPUT = 0


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
        return os.dup(_STANDARD_INPUT)

    def give_back(self) -> None:
        """Have what was taken be read again from the standard input, by what this process becomes. Raises OSError."""

    def position(self) -> int | None:
        """How far the file has been read, for one."""
        return None

    def move(self, position: int) -> None:
        """Go on to where a run left it."""


class Empty(Input):
    def feed(self) -> int:
        return os.open(os.devnull, os.O_RDONLY)


class FileInput(Input):
    """Read at its position without moving it."""

    def __init__(self, cap: int) -> None:
        super().__init__()
        self._cap = cap
        self._start = os.lseek(_STANDARD_INPUT, 0, os.SEEK_CUR)

    def rows(self) -> tuple[Row, ...]:
        if os.fstat(_STANDARD_INPUT).st_size > self._cap:
            raise Bypass(TOO_LARGE, "standard input")
        state = sha256()
        at = 0
        while data := os.pread(_STANDARD_INPUT, _CHUNK, at):
            state.update(data)
            at += len(data)
        return (("stdin", "file", f"{keyed(state.hexdigest())} from {self._start}"),)

    def position(self) -> int | None:
        return os.lseek(_STANDARD_INPUT, 0, os.SEEK_CUR)

    def move(self, position: int) -> None:
        os.lseek(_STANDARD_INPUT, position, os.SEEK_SET)


class Data(Input):
    """What a pipe held; with `refused` set, the rest is still to come from it."""

    taken = True

    def __init__(self, chunks: list[bytes]) -> None:
        super().__init__()
        self._chunks = chunks

    def rows(self) -> tuple[Row, ...]:
        state = sha256()
        for chunk in self._chunks:
            state.update(chunk)
        return (("stdin", "pipe", f"{keyed(state.hexdigest())} of {sum(map(len, self._chunks))}"),)

    def feed(self) -> int:
        reading, writing = os.pipe()
        try:
            start_new_thread(self._write, (writing,))
        except RuntimeError:  # there is no room for one
            for fd in (reading, writing):
                os.close(fd)
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
        return reading

    def give_back(self) -> None:
        for fd in range(3, _OURS):  # there may be no room for two more, and ours are of no use from here on
            if _is_ours(fd):
                os.close(fd)
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        while self._chunks:
            try:
                written = os.write(writing, self._chunks[0])
            except BlockingIOError:
                break
            self._chunks[:1] = [self._chunks[0][written:]] if written < len(self._chunks[0]) else []
        os.set_blocking(writing, True)
        if self._chunks or self.refused:
            first = os.fork()
            if not first:
                if not os.fork():  # of nobody for whom the command would wait
                    for fd in (1, 2, reading):
                        os.close(fd)
                    self._write(writing)
                os._exit(0)
            os.waitpid(first, 0)
        os.dup2(reading, _STANDARD_INPUT)
        for fd in (reading, writing):
            os.close(fd)

    def _write(self, fd: int) -> None:
        try:
            for chunk in self._chunks:
                write_whole(fd, chunk)
            while self.refused and (data := os.read(_STANDARD_INPUT, _CHUNK)):
                write_whole(fd, data)
        except OSError:  # the command reads no more
            pass
        finally:
            os.close(fd)


taken: "list[Data]" = []  # for whoever has to give it back after a fault of ours


def take(cap: int) -> Input:
    """The standard input of this process; of a pipe at most `cap` bytes are kept."""
    try:
        status = os.fstat(_STANDARD_INPUT)
    except OSError:  # closed
        return Empty()
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return FileInput(cap)
    if stat.S_ISFIFO(mode):
        return _read(cap, status)
    if stat.S_ISCHR(mode) and (os.isatty(_STANDARD_INPUT) or os.path.samestat(status, os.stat(os.devnull))):
        return Empty()
    return Input(Bypass(UNCAPTURABLE, "standard input is a socket or a device"))


def _read(cap: int, status: os.stat_result) -> Input:
    poll = select.poll()
    poll.register(_STANDARD_INPUT, select.POLLIN)
    ready = dict(poll.poll(0)).get(_STANDARD_INPUT, 0)
    if not (ready & select.POLLHUP and not ready & select.POLLIN) and _is_of_caller(status):
        return Input(Bypass(UNCAPTURABLE, "standard input is the caller's own: connect /dev/null or a pipe"))
    from skillcache.commands.nesting import TimeUp  # few commands read from a pipe

    chunks: list[bytes] = []
    given = Data(chunks)
    taken.append(given)
    size, until = 0, time.monotonic() + _PATIENCE
    try:
        while size <= cap:
            if time.monotonic() > until or not poll.poll(_SILENCE * 1000):
                given.refused = Bypass(UNCAPTURABLE, "standard input goes on")
                return given
            data = os.read(_STANDARD_INPUT, _CHUNK)
            if not data:
                return given
            chunks.append(data)
            size += len(data)
        given.refused = Bypass(TOO_LARGE, "standard input")
    except (OSError, MemoryError, TimeUp):  # what was read is the command's all the same
        given.refused = Bypass(UNCAPTURABLE, "standard input could not be read to its end")
    return given


def _is_of_caller(status: os.stat_result) -> bool:
    """True where the system cannot tell, as on a Mac: a shell that reads its script there would lose the rest."""
    theirs = f"/proc/{os.getppid()}/fd"
    try:
        return os.path.samestat(status, os.stat(f"{theirs}/0"))
    except OSError:
        return not os.access(theirs, os.X_OK)


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
