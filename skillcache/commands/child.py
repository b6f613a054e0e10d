"""The command itself: its streams passed on as they come and collected, its signals, its status as a shell says it.

Without `subprocess`, `signal` and `threading`, whose imports cost a stand-in more than its interpreter's start.
"""

import errno
import os
import select
import time
from _signal import (  # type: ignore[import-not-found]
    SIG_BLOCK,
    SIG_DFL,
    SIG_IGN,
    SIG_SETMASK,
    SIGABRT,
    SIGALRM,
    SIGCHLD,
    SIGCONT,
    SIGHUP,
    SIGINT,
    SIGPIPE,
    SIGPROF,
    SIGQUIT,
    SIGSTOP,
    SIGTERM,
    SIGTSTP,
    SIGUSR1,
    SIGUSR2,
    SIGVTALRM,
    SIGWINCH,
    SIGXFSZ,
    getsignal,
    pthread_sigmask,
    set_wakeup_fd,
    signal,
)

from skillcache.commands import nesting
from skillcache.commands.invocation import SIGNALLED, Program, Unstartable, say
from skillcache.commands.streams import Input, inherited, write_whole
from skillcache.core import KW_ONLY, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType
    from typing import Self

_CHUNK = 1 << 16
_SCARCE = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)  # a process that becomes another needs none of it
_LINGERING = 0.2  # seconds of waiting for the streams to close once the command has ended
_LEFT_BEHIND = 1 << 20  # bytes: the most that a pipe holds of what the command wrote itself
_OF_JOBS = (SIGWINCH, SIGTSTP, SIGCONT)
_PASSED_ON = (SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGABRT, *_OF_JOBS)
_ENDING = (SIGTERM, SIGHUP)  # and SIGINT, which Python raises
_OF_TERMINAL = (SIGINT, SIGQUIT, SIGTSTP, SIGWINCH)
# Python ignores these, and a command would inherit that.
_IGNORED_BY_PYTHON = (SIGPIPE, SIGXFSZ)


class Stream:
    """One of the command's streams on its way to ours, `target`."""

    __slots__ = ("broken", "chunks", "source", "target")

    def __init__(self, source: int, target: int) -> None:
        self.source = source
        self.target = target
        self.chunks: list[bytes] = []
        self.broken = False  # our reader has gone, or what we write to is full

    def pass_on(self) -> int | None:
        """The bytes passed on; None at the end."""
        data = os.read(self.source, _CHUNK)
        if not data:
            return None
        self.chunks.append(data)
        try:
            write_whole(self.target, data)
        except OSError as fault:
            self.broken = True  # the command then meets a closed pipe, as it would without us
            if fault.errno != errno.EPIPE:
                say(f"cannot write: {fault.strerror}")
            return None
        return len(data)


class Unbegun(Exception):
    """The command has not begun, for lack of what only we need: a process, a descriptor, memory."""


class Ended(Record):
    """How a command ended."""

    _: KW_ONLY
    status: int  # as a shell says it
    signal: int  # what ended it, or 0
    streams: tuple[bytes, bytes] | None  # standard output and error, None where they are over the cap
    whole: bool  # whether all that was written was seen and passed on
    interrupted: bool  # whether it was sent a signal on the way
    milliseconds: int
    open: "tuple[Stream, ...]"  # streams that something it started still writes to


class _Guard:
    """A process that ends the command when this one is killed, which no handler sees.

    It is told the command's number, and then that it has ended; where that never comes, it is for it to end it.
    """

    __slots__ = ("_writing",)

    def __init__(self) -> None:
        """Before the command begins, so that no time is lost then."""
        self._writing = -1
        reading, writing = os.pipe()
        actions = [
            (os.POSIX_SPAWN_DUP2, reading, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
            # Held by anybody else, a pipe of theirs would never end.
            *((os.POSIX_SPAWN_CLOSE, fd) for fd in inherited()),
        ]
        try:
            # In a group of its own: what is sent to ours does not end it.
            os.posix_spawn(_SHELL, [_SHELL, "-c", _GUARDING], {}, file_actions=actions, setpgroup=0)
            self._writing = writing
        except OSError:
            os.close(writing)
        finally:
            os.close(reading)

    def watch(self, pid: int) -> None:
        self._tell(pid)

    def end(self) -> None:
        self._tell(0)
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1

    def _tell(self, number: int) -> None:
        try:
            if self._writing >= 0:
                os.write(self._writing, b"%d\n" % number)
        except OSError:  # it was killed
            return


_SHELL = "/bin/sh"
_GUARDING = 'read -r pid && { read -r ended || kill -9 "$pid"; }'


class _Signals:
    """While the command runs: what we are sent goes to it, and its end wakes the one who polls `fd`."""

    __slots__ = ("_at_terminal", "_old", "_old_wake", "_wake", "fd", "pid", "seen")

    def __init__(self) -> None:
        self.pid = 0
        self.seen: list[int] = []
        self.fd, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self.fd, False)
        self._at_terminal = _is_in_foreground()

    def __enter__(self) -> "Self":
        self._old_wake = set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        # One that is ignored here, as under nohup, stays so for the command, too.
        taken = [number for number in _PASSED_ON if getsignal(number) != SIG_IGN]
        self._old = {number: signal(number, self._handle) for number in taken}
        # Stays: a thread that feeds the command may be told of an end at any time, and Python tells on standard error
        # of a signal that has no handler any more.
        signal(SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        # Of one that comes between two steps Python would tell on standard error: it has no handler for it then.
        before = pthread_sigmask(SIG_BLOCK, self._old)
        for number, handler in self._old.items():
            # The command has ended: who ends it now finds nothing to end, and what is left to do is ours alone.
            signal(number, nesting.give_up if number in _ENDING and handler == SIG_DFL else handler)
        pthread_sigmask(SIG_SETMASK, before)
        set_wakeup_fd(self._old_wake)
        os.close(self.fd)
        os.close(self._wake)

    def attend(self, pid: int) -> None:
        self.pid = pid
        for number in self.seen:
            self._send(number)

    def drain(self) -> None:
        try:
            while os.read(self.fd, _CHUNK):
                pass
        except BlockingIOError:
            return

    def _handle(self, number: int, _frame: "FrameType | None") -> None:
        self.seen.append(number)
        self._send(number)
        if number == SIGTSTP:  # whoever waits for us is to see the command stop
            os.kill(os.getpid(), SIGSTOP)

    def _send(self, number: int) -> None:
        # The terminal has sent its own to the command as well: a second one would cut its end short.
        if self.pid and not (number in _OF_TERMINAL and self._at_terminal):
            try:
                os.kill(self.pid, number)
            except OSError:  # it runs as somebody else
                return


# For whoever has to see to the command's end after a fault of ours: the one that is running, with its streams, and
# the status of the one that has ended.
running: "list[tuple[int, tuple[Stream, ...], _Guard]]" = []
ended: list[int] = []
# Whom to tell the number of a command's process before that has done anything. It then leads a session of its own.
begun: "list[Callable[[int], object]]" = []


def run(program: Program, given: Input, cap: int, *, joined: bool = False) -> Ended:
    """`cap`: most bytes of both streams together that are kept; joined: standard error is standard output's own file.

    Raises Unstartable, and Unbegun.
    """
    with _Signals() as signals:
        began = time.monotonic()
        guard = None
        try:
            guard = _Guard()
            pid, streams = _start(program, given, joined=joined)
        except BaseException as fault:
            if guard is not None:
                guard.end()
            if isinstance(fault, OSError | MemoryError):
                raise Unbegun from fault
            raise
        for tell in begun:
            tell(pid)
        guard.watch(pid)
        running.append((pid, streams, guard))
        signals.attend(pid)
        kept, still_open, status = _pass_on(pid, streams, signals, cap)
        if status is None:
            status = _wait(pid)
        guard.end()
        running.clear()
        ended.append(SIGNALLED - status if status < 0 else status)
        signals.pid = 0
        milliseconds = int((time.monotonic() - began) * 1000)
    number = -min(status, 0)
    output, error = (b"".join(stream.chunks) for stream in (*streams, Stream(-1, 2))[:2])
    return Ended(
        status=ended[-1],
        signal=number,
        streams=(output, error) if kept else None,
        whole=not still_open and not any(stream.broken for stream in streams),
        interrupted=bool(signals.seen),
        milliseconds=milliseconds,
        open=tuple(still_open),
    )


def see_to_the_end() -> int | None:
    """After a fault of ours: pass on what is left of the command that is running; its status, None for no command."""
    if not running:
        return ended[-1] if ended else None
    (pid, streams, guard) = running[0]
    for stream in streams:  # one after the other: nothing here may fail again
        try:
            while stream.pass_on() is not None:
                stream.chunks.clear()
        except OSError:
            continue
    status = _wait(pid)
    guard.end()
    return SIGNALLED - status if status < 0 else status


def end_as(ended: Ended) -> int:
    """The status to end with; does not return where a signal ended the command: it ends this process as well.

    A shell stops its script for a command that died of ^C, and goes on after one that ended with 130; and it says of
    one that was killed what killed it.
    """
    if ended.signal:
        try:
            import resource  # hardly ever

            resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        except (ImportError, OSError, ValueError):  # the command has left its own
            pass
        if ended.signal != 9:
            signal(ended.signal, SIG_DFL)
        os.kill(os.getpid(), ended.signal)
    return ended.status


def leave_open(streams: tuple[Stream, ...]) -> None:
    """Something that the command left behind still writes: a process of its own goes on passing that on."""
    if not streams or os.fork():
        return
    poll = select.poll()
    reading = {stream.source: stream for stream in streams}
    for source in reading:
        poll.register(source, select.POLLIN)
    while reading:
        for source, _ in poll.poll():
            stream = reading[source]
            stream.chunks.clear()
            if stream.pass_on() is None:
                poll.unregister(source)
                os.close(source)
                del reading[source]
    os._exit(0)


def _start(program: Program, given: Input, *, joined: bool) -> tuple[int, tuple[Stream, ...]]:
    opened: list[int] = []
    try:
        opened += os.pipe()
        opened += (-1, opened[1]) if joined else os.pipe()
        source = given.feed()
    except BaseException:
        for fd in {*opened} - {-1}:
            os.close(fd)
        raise
    reading, output, reading_error, error = opened
    try:
        try:
            pid = _spawn(program, source, output, error)
        except OSError as fault:
            if fault.errno in _SCARCE:
                raise
            if fault.errno != errno.ENOEXEC:
                raise Unstartable(program.words[0], fault) from None
            pid = _spawn(program.for_shell(), source, output, error)
    finally:
        for fd in {source, output, error}:
            os.close(fd)
    streams = (Stream(reading, 1),) if joined else (Stream(reading, 1), Stream(reading_error, 2))
    return pid, streams


def _spawn(program: Program, source: int, output: int, error: int) -> int:
    # Descriptors that were left to us, such as those of make's job server, are left to the command.
    actions = [
        (os.POSIX_SPAWN_DUP2, source, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, error, 2),
    ]
    return os.posix_spawn(
        program.path,
        program.words,
        program.environ,
        file_actions=actions,
        setsid=bool(begun),
        setsigdef=_IGNORED_BY_PYTHON,
    )


def _pass_on(
    pid: int, streams: "Sequence[Stream]", signals: _Signals, cap: int
) -> tuple[bool, list[Stream], int | None]:
    """Whether all was kept, the streams still open a moment after the command's end, and its status if it has ended."""
    poll = select.poll()
    reading = {stream.source: stream for stream in streams}
    for fd in (*reading, signals.fd):
        poll.register(fd, select.POLLIN)
    size, after_end, patience = 0, 0, _LINGERING
    status: int | None = None
    while reading and patience > 0 and after_end < _LEFT_BEHIND:
        if status is None:
            status = _ended(pid)
        began = time.monotonic()
        ready = poll.poll(patience * 1000 if status is not None else None)
        if status is not None:
            patience -= time.monotonic() - began
        for fd, _ in ready:
            if fd == signals.fd:
                signals.drain()
                continue
            passed = reading[fd].pass_on()
            size += passed or 0
            after_end += (passed or 0) if status is not None else 0
            if size > cap:
                for stream in streams:
                    stream.chunks.clear()
            if passed is None:
                poll.unregister(fd)
                os.close(fd)
                del reading[fd]
    return size <= cap, list(reading.values()), status


def _ended(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _is_in_foreground() -> bool:
    """Whether a terminal sends us its ^C, and so the command, which is of the same process group."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
