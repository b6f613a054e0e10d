"""The processes of a run ahead: all that it has started, in whichever session, their priority and their end.

Linux alone lets a process have the orphans of what it has started, and be told of its parent's end. Elsewhere the group
of the run ends, and what has left that lives on, as it would behind any command.
"""

import os
import time
from _signal import SIGKILL  # type: ignore[import-not-found]

from skillcache.core import files, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


_CAP = 1 << 20
_END_WITH_PARENT, _TAKE_ORPHANS = 1, 36  # of prctl
_LAST = 19  # how nice where there is no class of its own for what may wait
_TICK = 0.001  # seconds


def take_orphans() -> None:
    """Whatever loses its parent below this process is its child from then on."""
    _control(_TAKE_ORPHANS, 1)


def end_with(parent: int, number: int) -> None:
    """Have the signal sent to this process when its parent has ended, however that ends."""
    _control(_END_WITH_PARENT, number)
    if os.getppid() != parent:  # it has ended meanwhile
        os.kill(os.getpid(), number)


def _control(option: int, value: int) -> None:
    try:
        import ctypes

        ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3)
    except (ImportError, OSError, AttributeError):
        return


def descendants(pid: int) -> list[int]:
    """All that runs below the process: those that have ended and wait for their parent are left out."""
    found: list[int] = []
    parents = [pid]
    of = _reader()
    while parents:
        here = [child for child in of(parents.pop()) if child not in found]
        found += here
        parents += here
    return [child for child in found if processes.parent_of(child)]


def children(pid: int) -> list[int]:
    """Also those that have ended and wait for it."""
    return _reader()(pid)


def _reader() -> "Callable[[int], list[int]]":
    return _listed if os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children") else _looked_up()


def _listed(pid: int) -> list[int]:
    try:
        texts = [files.read(f"/proc/{pid}/task/{task}/children", _CAP) for task in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []
    return [int(word) for text in texts for word in (text or b"").split()]


def _looked_up() -> "Callable[[int], list[int]]":
    """Where the kernel keeps no lists."""
    below: dict[int, list[int]] = {}
    try:
        for name in os.listdir("/proc"):
            if name.isdecimal():
                below.setdefault(processes.parent_of(int(name)), []).append(int(name))
    except OSError:
        pass
    return lambda pid: below.get(pid, [])


def send(pids: "Iterable[int]", number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:  # it has ended
            continue


def end_all(group: int) -> None:
    """Kill all that runs below this process and in the group, 0 for none; come back when nothing of it is left."""
    wait = _TICK
    while True:
        send(descendants(os.getpid()), SIGKILL)
        if group:
            send([-group], SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                wait = _TICK
        except ChildProcessError:
            return
        time.sleep(wait)
        wait = min(2 * wait, 50 * _TICK)  # one that waits for a disk takes no signal


def make_last(pid: int) -> None:
    """Leave a process, and what it will start, the processor, and with that the disk, that nobody else wants."""
    _weigh(pid, _LAST)
    try:
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
    except AttributeError:  # of Linux alone
        os.setpriority(os.PRIO_PROCESS, pid, _LAST)
    except OSError:  # it has ended
        return


def make_usual(pids: "Iterable[int]") -> bool:
    """Give them the usual priority; False where that is only half for us to do, as for most people."""
    is_usual = True
    for pid in pids:
        _weigh(pid, 0)
        try:
            os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0))
        except ProcessLookupError:
            continue
        except (AttributeError, PermissionError):
            is_usual = False
    return is_usual


def session_of(pid: int) -> int:
    """0 where the process has ended."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _weigh(pid: int, nice: int) -> None:
    """The session of a process, as a whole.

    Most systems share a processor out by sessions first (sched_autogroup): by its class alone a run in one of its own
    would get as much as all that somebody works with.
    """
    try:
        handle = os.open(f"/proc/{pid}/autogroup", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.write(handle, b"%d" % nice)
    except OSError:  # somebody has done so a moment ago, and it is the next look that does
        return
    finally:
        os.close(handle)
