"""The one run ahead of a cache folder: what it is of, how it is asked to stop, and what a call does that has joined it.

    ahead/running  JSON, there only while there is a run:
                   {"pid", "start", "group", "project", "root", "cwd", "words", "joined", "digest", "why", "line"}
    ahead/lock     locked (flock) by its keeper, and by whatever ends what a killed one has left
    ahead/joined   `number SP start` of each process that waits for the run

pid, start: of the keeper, as `core/processes` knows one; group: of the run's processes, 0 while there are none; digest:
of what the command depends on, '' until that is captured; why: see `start.start`; line: the Bash call that it was
started in, '' for none. A keeper that is killed leaves the file, which is then of nobody.
"""

import fcntl
import os
import time
from _signal import SIGCONT, SIGKILL, SIGTERM, SIGUSR1  # type: ignore[import-not-found]

from skillcache.core import Record, files, json, processes
from skillcache.core.paths import ahead_lock, joined_ahead_file, running_ahead_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


_CAP = 1 << 20
_TICK = 0.002  # seconds
_MOST = 10_000  # forefathers


class Running(Record):
    """See above."""

    pid: int
    start: str
    group: int
    project: str
    root: str
    cwd: str
    words: tuple[str, ...]
    joined: bool
    digest: str
    why: str
    line: str

    def is_alive(self) -> bool:
        """Whether its keeper is. Where the system does not tell one process from the next of its number: in doubt."""
        if self.start:
            return processes.describe(self.pid).get("pid_start") == self.start
        try:
            os.kill(self.pid, 0)
        except OSError:
            return False
        return True

    def is_around(self) -> bool:
        """Whether this process is part of it."""
        pid = os.getppid()
        for _ in range(_MOST):
            if pid <= 1:
                return False
            if pid == self.pid:
                return True
            pid = processes.parent_of(pid)
        return False


def current(cache: str) -> Running | None:
    """None where nothing runs ahead, as far as can be read."""
    found = _kept(cache)
    return found if found is not None and found.is_alive() else None


def keep(cache: str, run: Running) -> None:
    """Raises OSError."""
    fields = {name: getattr(run, name) for name in _KINDS}
    files.write(running_ahead_file(cache), json.dumps({**fields, "words": list(run.words)}).encode())


def stop(cache: str, wait: float = 1.0) -> None:
    """Have the run ahead ended, and come back when nothing of it runs any more, or after `wait` seconds.

    What ends by ^C is gone in milliseconds, what does not in a tenth of a second: only a machine that gives its keeper
    no turn needs more.
    """
    ends = time.monotonic() + wait
    asked = (0, "")
    while (found := _kept(cache)) is not None or os.path.lexists(running_ahead_file(cache)):
        if _forget(cache):
            return
        if found is not None and found.is_alive() and (found.pid, found.start) != asked:
            asked = (found.pid, found.start)
            _send(found, SIGTERM)
            _wake(found.pid)
        elif found is not None and found.group > 1:
            _wake(processes.parent_of(found.group))  # its first process, which ends what a killed keeper has left
        if time.monotonic() >= ends:
            _give_up(cache, found)
            return
        time.sleep(_TICK)


def promote(cache: str) -> None:
    """Say that this process waits for the run ahead, which is its own from here on. Never a fault."""
    found = current(cache)
    start = processes.describe(os.getpid()).get("pid_start", "")
    if found is None:
        return
    try:
        files.append(joined_ahead_file(cache), f"{os.getpid()} {start}\n".encode())
    except OSError:
        return
    _send(found, SIGUSR1)


def joined(cache: str) -> "Iterable[tuple[int, str]]":
    """Who has joined, by number and start."""
    try:
        lines = (files.read(joined_ahead_file(cache), _CAP) or b"").decode("ascii", "replace").split("\n")
    except OSError:
        return
    for line in lines:
        pid, _, start = line.partition(" ")
        if pid.isdecimal() and len(pid) < 11:
            yield int(pid), start


def lock(cache: str) -> int | None:
    """A handle by which the lock is held, by whoever has it open; None where another holds it. Raises OSError."""
    path = ahead_lock(cache)
    files.make_folder(os.path.dirname(path))
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _forget(cache: str) -> bool:
    """Whether nothing runs, whatever is said to; what a killed keeper has left is taken away then."""
    try:
        handle = lock(cache)
        if handle is None:
            return False
        try:
            files.remove(running_ahead_file(cache))
        finally:
            os.close(handle)
    except OSError:
        pass
    return True


_KINDS = {
    "pid": int, "start": str, "group": int, "project": str, "root": str, "cwd": str, "words": list, "joined": bool,
    "digest": str, "why": str, "line": str,
}  # fmt: skip


def _kept(cache: str) -> Running | None:
    try:
        kept = json.loads(files.read(running_ahead_file(cache), _CAP) or b"")
    except (OSError, ValueError):
        return None
    if not isinstance(kept, dict) or not all(isinstance(kept.get(name), kind) for name, kind in _KINDS.items()):
        return None
    return Running(**{**{name: kept[name] for name in _KINDS}, "words": tuple(map(str, kept["words"]))})


def _send(run: Running, number: int) -> None:
    """To its keeper, and to no other that has its number since."""
    try:
        handle = os.pidfd_open(run.pid)
    except (AttributeError, OSError):  # of Linux alone, from 5.3 on
        handle = -1
    try:
        if not run.is_alive():
            return
        if handle < 0:
            os.kill(run.pid, number)
        else:
            from _signal import pidfd_send_signal

            pidfd_send_signal(handle, number)
    except OSError:
        return
    finally:
        if handle >= 0:
            os.close(handle)


def _wake(pid: int) -> None:
    """One that somebody has stopped; to any other this does nothing."""
    try:
        if pid > 1:
            os.kill(pid, SIGCONT)
    except OSError:
        return


def _give_up(cache: str, found: Running | None) -> None:
    """Where its keeper is held up, as by a machine that is too busy, end the run; nobody else is to wait for one."""
    try:
        if found is None or not found.is_alive():
            files.remove(running_ahead_file(cache))
        elif found.group > 1:
            os.killpg(found.group, SIGKILL)
    except OSError:
        return
