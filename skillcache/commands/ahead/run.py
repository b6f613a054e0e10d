"""One run ahead, as its keeper knows it."""

import os
import time

from skillcache.core import json, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.commands.ahead.content import Content
    from skillcache.commands.ahead.judging import Chosen
    from skillcache.commands.ahead.locks import Locks

_CHUNK = 1 << 16


class Run:
    """One run. first: the number of its first process.

    As it has told, 0, '' and None until then: way, command: numbers of processes; digest: of what the command depends
    on; owner: of its claim; what: it came to, as in `policy.Run`, '' where there was nothing to do.
    """

    __slots__ = (
        "_text", "began", "chosen", "command", "content", "digest", "ends", "fd", "first", "handles", "is_usual",
        "joiners", "locks", "owner", "way", "what",
    )  # fmt: skip

    def __init__(self, chosen: "Chosen", content: "Content", locks: "Locks", number: int, fd: int) -> None:
        self.chosen = chosen
        self.content = content
        self.locks = locks
        self.first = number
        self.fd = fd
        self.way = self.command = 0
        self.digest = self.owner = ""
        self.what: str | None = None
        self.began = time.monotonic()
        self.ends = self.began + chosen.seconds
        self.joiners: list[tuple[int, str]] = []  # who waits for it, by number and start
        self.handles: list[int] = []  # by which their end is heard of
        self.is_usual = False  # whether it has the usual priority
        self._text = b""

    def watch(self) -> None:
        """Hear of it when one who waits for it has ended, where the system tells that."""
        for number, _ in self.joiners:
            try:
                self.handles.append(os.pidfd_open(number))
            except (AttributeError, OSError):  # of Linux alone, from 5.3 on
                continue

    def hear(self) -> bool:
        """Take in what it tells; whether anything of that is new."""
        is_new = False
        while self.fd >= 0:
            try:
                data = os.read(self.fd, _CHUNK)
            except BlockingIOError:
                break
            if not data:
                os.close(self.fd)
                self.fd = -1
                break
            *lines, self._text = (self._text + data).split(b"\n")
            for line in lines:
                is_new = True
                told = json.loads(line)
                for name, value in told.items() if isinstance(told, dict) else ():
                    setattr(self, name, value)
        return is_new


def is_there(known: tuple[int, str]) -> bool:
    """Also of one that has ended and waits for its parent: that it is not."""
    number, start = known
    if start:
        return processes.parent_of(number) != 0 and processes.describe(number).get("pid_start", "") == start
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
