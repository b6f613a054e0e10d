"""The command itself: its streams passed on as they come and collected, its signals, its status as a shell says it."""

import errno
import os
import select
import signal
import subprocess
import time
from types import FrameType
from typing import NamedTuple, Self

from skillcache.running.process import SIGNALLED, Unstartable, find, say
from skillcache.running.standard_input import Input, write_whole

_CHUNK = 1 << 16
_LINGERING = 0.2  # seconds of waiting for the streams to close once the command has ended
_LEFT_BEHIND = 1 << 20  # bytes: the most that a pipe holds of what the command wrote itself
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
_OF_TERMINAL = (signal.SIGINT, signal.SIGQUIT)


class Stream:
    """One of the command's streams on its way to ours, `target`."""

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


class Ended(NamedTuple):
    """How a command ended.

    status: as a shell says it; signal: what ended it, or 0; streams: standard output and error, None where they are
    over the cap; whole: whether all that was written was seen and passed on; interrupted: whether it was sent a signal
    on the way; open: streams that something it started still writes to.
    """

    status: int
    signal: int
    streams: tuple[bytes, bytes] | None
    whole: bool
    interrupted: bool
    milliseconds: int
    open: tuple[Stream, ...]


class _Signals:
    """While the command runs: what we are sent goes to it, and its end wakes the one who polls `fd`."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None
        self.seen: list[int] = []
        self.fd, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self.fd, False)
        self._at_terminal = _is_in_foreground()

    def __enter__(self) -> Self:
        self._old_wake = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        # One that is ignored here, as under nohup, stays so for the command, too.
        taken = [number for number in _PASSED_ON if signal.getsignal(number) is not signal.SIG_IGN]
        self._old = {number: signal.signal(number, self._handle) for number in taken}
        self._old[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_wake)
        os.close(self.fd)
        os.close(self._wake)

    def attend(self, child: "subprocess.Popen[bytes]") -> None:
        self.child = child
        for number in self.seen:
            self._send(number)

    def drain(self) -> None:
        try:
            while os.read(self.fd, _CHUNK):
                pass
        except BlockingIOError:
            return

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.seen.append(number)
        self._send(number)

    def _send(self, number: int) -> None:
        # The terminal has sent its own to the command as well: a second one would cut its end short.
        if self.child is not None and not (number in _OF_TERMINAL and self._at_terminal):
            try:
                self.child.send_signal(number)
            except OSError:  # it runs as somebody else
                return


def run(words: tuple[str, ...], given: Input, cap: int) -> Ended:
    """`cap`: most bytes of both streams together that are kept. Raises Unstartable."""
    with _Signals() as signals:
        began = time.monotonic()
        child, streams = _start(words, given)
        signals.attend(child)
        kept, still_open = _pass_on(child, streams, signals, cap)
        status = child.wait()
        milliseconds = int((time.monotonic() - began) * 1000)
    number = -min(status, 0)
    output, error = (b"".join(stream.chunks) for stream in streams)
    return Ended(
        status=SIGNALLED + number if number else status,
        signal=number,
        streams=(output, error) if kept else None,
        whole=not still_open and not any(stream.broken for stream in streams),
        interrupted=bool(signals.seen),
        milliseconds=milliseconds,
        open=tuple(still_open),
    )


def end_as(ended: Ended) -> int:
    """The status to end with; does not return where the signal that ended the command was meant for us as well."""
    if ended.interrupted and ended.signal in _PASSED_ON:
        # A shell stops its script for a command that died of ^C, and goes on after one that ended with 130.
        signal.signal(ended.signal, signal.SIG_DFL)
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


def _start(words: tuple[str, ...], given: Input) -> "tuple[subprocess.Popen[bytes], tuple[Stream, Stream]]":
    (reading, output), (reading_error, error) = os.pipe(), os.pipe()
    source = given.feed()
    try:
        try:
            child = _spawn(words, source, output, error)
        except OSError as fault:
            if fault.errno != errno.ENOEXEC:
                raise Unstartable(words[0], fault) from None
            # A script without a first line: a shell runs it itself.
            child = _spawn(("/bin/sh", find(words[0]), *words[1:]), source, output, error)
    finally:
        for fd in (source, output, error):
            os.close(fd)
    return child, (Stream(reading, 1), Stream(reading_error, 2))


def _spawn(words: tuple[str, ...], source: int, output: int, error: int) -> "subprocess.Popen[bytes]":
    # Descriptors that were left to us, such as those of make's job server, are left to the command.
    return subprocess.Popen(words, stdin=source, stdout=output, stderr=error, close_fds=False)


def _pass_on(
    child: "subprocess.Popen[bytes]", streams: tuple[Stream, ...], signals: _Signals, cap: int
) -> tuple[bool, list[Stream]]:
    """Whether all was kept, and the streams that are still open a moment after the command's end."""
    poll = select.poll()
    reading = {stream.source: stream for stream in streams}
    for fd in (*reading, signals.fd):
        poll.register(fd, select.POLLIN)
    size, after_end, patience = 0, 0, _LINGERING
    while reading and patience > 0 and after_end < _LEFT_BEHIND:
        ended = child.poll() is not None
        began = time.monotonic()
        ready = poll.poll(patience * 1000 if ended else None)
        if ended:
            patience -= time.monotonic() - began
        for fd, _ in ready:
            if fd == signals.fd:
                signals.drain()
                continue
            passed = reading[fd].pass_on()
            size += passed or 0
            after_end += (passed or 0) if ended else 0
            if size > cap:
                for stream in streams:
                    stream.chunks.clear()
            if passed is None:
                poll.unregister(fd)
                os.close(fd)
                del reading[fd]
    return size <= cap, list(reading.values())


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
