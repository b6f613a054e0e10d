"""Hosts of their own on this machine, and the wires between them, which can be cut without a word or be slow.

A host is a network namespace with one address (of those that are for examples: 192.0.2.0/24), and all of its packets
go through a process that passes them on, late or not at all, as it is told. Nothing of it leaves the namespaces, and
they are gone with that process. That takes root, `ip` and /dev/net/tun.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.conftest import require_program, unavailable

_NEW_NET = 0x40000000  # CLONE_NEWNET
_SET_IFF = 0x400454CA  # TUNSETIFF
_TUN = 0x0001 | 0x1000  # IFF_TUN | IFF_NO_PI: bare packets
_ROOM = 1 << 16
_CHECKOUT = Path(__file__).parents[1]


def address_of(number: int) -> str:
    return f"192.0.2.{number + 1}"


class Wires:
    """Hosts 0 to count - 1."""

    def __init__(self, count: int) -> None:
        if os.geteuid() or not os.path.exists("/dev/net/tun"):
            unavailable("network namespaces need root and /dev/net/tun")
        require_program("ip")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.wires", str(count)],
            cwd=_CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        numbers = self._said().split()
        self._spaces = [f"/proc/{self._process.pid}/fd/{number}" for number in numbers]

    def within(self, number: int) -> tuple[str, ...]:
        """Words in front of a command, which is then one of that host."""
        return (str(shutil.which("nsenter")), f"--net={self._spaces[number]}", "--")

    def enter(self, number: int) -> None:
        """Makes this process, and the threads and processes that it starts from now on, one of that host."""
        with open(self._spaces[number], "rb") as space:
            _check(ctypes.CDLL(None, use_errno=True).setns(space.fileno(), _NEW_NET))

    def call(self, number: int, work: Callable[[], Any]) -> Any:
        """What `work` gives in a process of that host, which has 30 seconds; as JSON has it."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            try:
                self.enter(number)
                os.write(writing, json.dumps(work()).encode())
            except Exception:  # noqa: BLE001 - it is shown
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(writing)
        with open(reading, "rb") as told:
            said = told.read()
        os.waitpid(child, 0)
        return json.loads(said)

    def cut(self, number: int, other: int | None = None) -> None:
        """Nothing passes between the two any more, nor between that one and all; nobody is told."""
        self._say("cut", number, -1 if other is None else other)

    def heal(self) -> None:
        self._say("heal")

    def delay(self, number: int, seconds: float) -> None:
        """Each packet from or to that host comes so late; of no other host."""
        self._say("delay", number, seconds)

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _say(self, *words: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        assert self._said() == "done"

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def wires(count: int) -> Iterator[Wires]:
    made = Wires(count)
    try:
        yield made
    finally:
        made.close()


def _check(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _host(number: int) -> tuple[int, int]:
    """A new one, which this process is of until the next: its end of the wire, and what it is entered by."""
    _check(ctypes.CDLL(None, use_errno=True).unshare(_NEW_NET))
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, _SET_IFF, struct.pack("16sH", b"wire", _TUN))
    for words in (("addr", "add", f"{address_of(number)}/24", "dev", "wire"), ("link", "set", "wire", "up"),
                  ("link", "set", "lo", "up")):  # fmt: skip
        subprocess.run(["ip", *words], check=True)
    return end, os.open("/proc/self/ns/net", os.O_RDONLY)


class _Between:
    """The process between the hosts: until nobody says anything to it any more."""

    def __init__(self, count: int) -> None:
        made = [_host(number) for number in range(count)]
        self._count = count
        self._numbers = {end: number for number, (end, _) in enumerate(made)}
        self._ends = {socket.inet_aton(address_of(number)): end for end, number in self._numbers.items()}
        self._late: list[tuple[float, int, int, bytes]] = []  # when, in which order, to which end
        self._cut: set[frozenset[int]] = set()
        self._delay = (0, 0.0)  # of a host, and seconds
        self._turn = 0
        self._tell(*[space for _, space in made])

    def pass_on(self) -> None:
        poll = select.poll()
        for each in (0, *self._numbers):
            poll.register(each, select.POLLIN)
        said = b""
        while True:
            wait = max(self._late[0][0] - time.monotonic(), 0) * 1000 if self._late else None
            for each, _ in poll.poll(wait):
                piece = os.read(each, _ROOM)
                if each:
                    self._take(self._numbers[each], piece)
                    continue
                if not piece:
                    return
                *lines, said = (said + piece).split(b"\n")
                for line in lines:
                    self._obey(*line.split())
            self._give()

    def _take(self, number: int, packet: bytes) -> None:
        end = self._ends.get(packet[16:20])
        if packet[0] >> 4 != 4 or end is None or frozenset((number, self._numbers[end])) in self._cut:
            return
        self._turn += 1
        host, seconds = self._delay
        comes = time.monotonic() + (seconds if host in (number, self._numbers[end]) else 0)
        heapq.heappush(self._late, (comes, self._turn, end, packet))

    def _give(self) -> None:
        while self._late and self._late[0][0] <= time.monotonic():
            _, _, end, packet = heapq.heappop(self._late)
            with suppress(BlockingIOError):  # its queue is full, as any wire's may be
                os.write(end, packet)

    def _obey(self, word: bytes, *given: bytes) -> None:
        if word == b"cut":
            one, other = map(int, given)
            self._cut |= {frozenset((one, each)) for each in (range(self._count) if other < 0 else (other,))}
        elif word == b"heal":
            self._cut.clear()
        else:
            self._delay = int(given[0]), float(given[1])
        self._tell("done")

    def _tell(self, *words: object) -> None:
        sys.stdout.write(" ".join(map(str, words)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Between(int(sys.argv[1])).pass_on()
