"""Processes: children of ours, the client's behind a session, who holds a claim, and the person they run for.

Children are started without subprocess, whose import costs a hook 7 ms. A child gets no input, its standard error is
thrown away, its standard output is collected; it leads a process group of its own, so that a deadline ends what it
started too. `gather` leaves no zombie behind, whatever happens.

A process is known by its number and its start, within one boot of one machine and one space of process numbers;
elsewhere nothing can be said of it. So a running session is told from a killed one, and a claim whose holder is gone.

    holder = name " " boot " " number " " start    "- - -" for the last three where they are not known
"""

import os
import select
import time

from skillcache.core import files
from skillcache.core.files import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_SIGKILL, _SIGPIPE = 9, 13  # the signal module costs an enum import
_CHUNK = 1 << 20
_MOST = 512 << 20  # bytes of one child's output; a listing of a million files is 100 MB


_MOMENT = 0.2  # seconds
_alive: set[int] = set()


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
    _alive.add(pid)
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
        _alive.discard(pid)
        child.status = os.waitstatus_to_exitcode(status)
        os.close(child.fd)
    return pid != 0


def end_all() -> None:
    """Whatever still runs, of a process that is about to become another."""
    for pid in _alive:
        try:
            os.killpg(pid, _SIGKILL)
        except OSError:
            continue
    until = time.monotonic() + _MOMENT
    for pid in _alive:
        try:
            while not os.waitpid(pid, os.WNOHANG)[0] and time.monotonic() < until:
                time.sleep(0.001)
        except OSError:
            continue


def quote(text: str) -> str:
    """As one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


_CAP = 1 << 16


def here() -> str:
    """A name for this boot and this space of process numbers, "" where the system does not tell."""
    which = boot()
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    return digest(b"skillcache boot\0" + which + space.encode())[:16] if which else ""


def boot() -> bytes:
    """What the kernel calls this boot, with a line's end; nothing where the system does not tell."""
    try:
        return files.read("/proc/sys/kernel/random/boot_id", _CAP) or b""
    except OSError:
        return b""


def described(environ: "Mapping[str, str]") -> dict[str, str]:
    """What `is_alive` asks for, of the client whose hook we are: its shell is our parent, not the client itself."""
    pid = number_of(environ.get("CLAUDE_PID", ""))
    return describe(pid) if pid else {}


def number_of(text: str) -> int:
    """Of the process that a text names, 0 for none."""
    return int(text) if text.isdecimal() and len(text) <= 10 else 0


def describe(pid: int) -> dict[str, str]:
    """What `is_alive` asks for: fields of a session's state."""
    start = _start(pid)
    return {"boot": here(), "pid": str(pid), "pid_start": start} if start else {}


def is_alive(state: dict[str, str], here_: str) -> bool | None:
    """None where it cannot be told from here."""
    pid = state.get("pid", "")
    if not here_ or state.get("boot") != here_ or not pid.isdecimal() or len(pid) > 10:
        return None
    return _start(int(pid)) == state.get("pid_start")


def parent_of(pid: int) -> int:
    """0 where there is none, or the system does not tell."""
    fields = _status(pid)
    return int(fields[1]) if fields else 0


def began(pid: int) -> float:
    """When the process started, unix seconds by the clock as it is set now; 0 where nobody says."""
    ticks = _start(pid)
    try:
        up = float((files.read("/proc/uptime", _CAP) or b"").split(b" ")[0])
        return time.time() - up + int(ticks) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


def _start(pid: int) -> str:
    """When the process started, in ticks since the boot; "" when there is none, or none that still runs."""
    fields = _status(pid)
    return fields[19].decode("ascii", "replace") if fields else ""


def _status(pid: int) -> list[bytes]:
    """From the state on; empty where there is no process that still runs."""
    try:
        text = files.read(f"/proc/{pid}/stat", _CAP) or b""
    except OSError:
        return []
    fields = text.rpartition(b")")[2].split()  # the name before it may hold anything
    return [] if len(fields) < 20 or fields[0] in (b"Z", b"X") else fields


_FIELDS = ("boot", "pid", "pid_start")
_UNKNOWN = "-"
_known: dict[int, str] = {}  # what is said of this process, which may have been forked


def holder_of(name: str) -> str:
    """The holder that this process is; `name` must be another for each claim."""
    pid = os.getpid()
    if pid not in _known:
        found = describe(pid)
        _known.clear()
        _known[pid] = " ".join([found.get(field) or _UNKNOWN for field in _FIELDS])
    return f"{name} {_known[pid]}"


def holder_name(holder: str) -> str:
    return holder.rsplit(" ", len(_FIELDS))[0]


def holder_is_gone(holder: str) -> bool:
    """Whether it surely runs no more."""
    fields = holder.rsplit(" ", len(_FIELDS))[1:]
    if len(fields) != len(_FIELDS):
        return False
    return is_alive(dict(zip(_FIELDS, fields, strict=True)), here()) is False


_ACCOUNTS = "/etc/passwd"
_LARGEST_ACCOUNTS = 1 << 20


def user_name(environ: "Mapping[str, str]") -> str:
    """As the environment has it, which containers and services leave out; else the account's name or number."""
    return environ.get("USER") or environ.get("LOGNAME") or _of_account(os.getuid())


def _of_account(uid: int) -> str:
    # Not by the pwd module, which may ask a server for it: a hook has no time for that.
    number = str(uid).encode()
    try:
        accounts = files.read(_ACCOUNTS, _LARGEST_ACCOUNTS) or b""
    except OSError:
        accounts = b""
    for line in accounts.splitlines():
        name, *fields = line.split(b":")
        if fields[1:2] == [number]:
            return name.decode("utf-8", "replace")
    return f"uid-{uid}"
