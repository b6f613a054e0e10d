"""What a command runs within: a run of ours that is recorded, and the timer that bounds how long we may take.

What is started within such a run waits for nobody: two runs of which each waits for what the other has begun would wait
for ever. It may be given a recorded result; then the run around it is not recorded, whose age, names and doubts would
not be those of what it holds. Within a run that is to be a real one it runs as well.

A variable would not do: `tox`, `sudo` and `env -i` take it away, and the command would see it. So there is a file for
each, and whoever asks looks among its own forefathers.

    runs/{process number}           its start, and FRESH for a run that is to be a real one
    runs/{process number}.replayed  nothing; that something in it was given a recorded result

Kept clear of the command: a timer lives on in what a process becomes.

A look at a share that has gone away does not come back, and no signal ends it. So a thread looks after the timer: where
that has rung in vain, it does what is left to do, and nothing else goes on.
"""

import os
from _signal import (  # type: ignore[import-not-found]
    ITIMER_REAL,
    SIG_BLOCK,
    SIG_DFL,
    SIG_IGN,
    SIG_SETMASK,
    SIGALRM,
    getitimer,
    pthread_sigmask,
    setitimer,
    signal,
)
from _thread import allocate_lock, start_new_thread
from time import monotonic

from skillcache.core import files
from skillcache.core.paths import runs_folder
from skillcache.core.processes import describe, parent_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


_MARK_CAP = 1 << 16
_MOST = 10_000  # forefathers
_FRESH = " fresh"


class Mark:
    """Of this process, until `end`. One that is left behind by a killed process is of nobody."""

    def __init__(self, cache: str, *, fresh: bool) -> None:
        """Raises OSError."""
        self._path = _path(cache, os.getpid())
        files.remove(_note(self._path))
        start = describe(os.getpid()).get("pid_start", "")
        files.write(self._path, f"{start}{_FRESH if fresh else ''}".encode())

    def holds_a_replay(self) -> bool:
        """Whether something in this run was given a recorded result."""
        return os.path.exists(_note(self._path))

    def end(self) -> None:
        try:
            for path in (self._path, _note(self._path)):
                files.remove(path)
        except OSError:
            return


class Around:
    """The runs that this process is within, however far, innermost first."""

    def __init__(self, cache: str) -> None:
        """Raises OSError."""
        self._paths: list[str] = []
        self.is_fresh = False
        try:
            marked = set(os.listdir(runs_folder(cache)))
        except FileNotFoundError:
            return
        if not marked:  # nearly always
            return
        parents = _parents()
        pid = os.getppid()
        for _ in range(_MOST):
            if pid <= 1:
                break
            path, kept = _path(cache, pid), ""
            if str(pid) in marked:
                kept = (files.read(path, _MARK_CAP) or b"").decode("ascii", "replace")
            if kept and kept.removesuffix(_FRESH) == describe(pid).get("pid_start", ""):
                self._paths.append(path)
                self.is_fresh = self.is_fresh or kept.endswith(_FRESH)
            pid = parents(pid)

    def __bool__(self) -> bool:
        return bool(self._paths)

    def tell_of_replay(self) -> None:
        """Raises OSError."""
        for path in self._paths:
            files.write(_note(path), b"")


def _parents() -> "Callable[[int], int]":
    """From a process to its parent, 0 for none."""
    if os.path.exists("/proc/self/stat"):
        return parent_of
    import subprocess  # a Mac has no other way

    said = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
    parents = {int(pid): int(parent) for pid, parent in map(str.split, said.splitlines())}
    return lambda pid: parents.get(pid, 0)


def _path(cache: str, pid: int) -> str:
    return f"{runs_folder(cache)}/{pid}"


def _note(path: str) -> str:
    return f"{path}.replayed"


SECONDS = 5.0
_SIGNALS = 32  # from here on those of real time
_GRACE = 1.0  # seconds more for what the timer ends
_TO_TELL = 0.2  # seconds
rescues: "list[Callable[[], object]]" = []  # what is left to do, and does not come back; none: no thread
told: "list[Callable[[], object]]" = []  # whom else to tell
_turn = allocate_lock()
_until: list[float] = []
_is_watched: list[bool] = []
_kept: "list[object]" = []  # what was to become of such a signal before the first timer


class TimeUp(BaseException):
    """No Exception, so that nothing takes it for a fault of what it interrupts."""


def is_taken() -> bool:
    """Whether somebody has set this process a limit of their own, which its command is to keep."""
    left: float = getitimer(ITIMER_REAL)[0]
    return left > 0


def begin(seconds: float = SECONDS) -> None:
    """After so many seconds whatever we are at raises TimeUp."""
    before = signal(SIGALRM, give_up)
    if not _kept:
        _kept.append(before)
    setitimer(ITIMER_REAL, seconds)
    if rescues:
        with _turn:
            _until[:] = [monotonic() + seconds + _GRACE]
            begins, _is_watched[:] = not any(_is_watched), [True]
        if begins:
            try:
                start_new_thread(_watch, ())
            except RuntimeError:  # there is no room for one
                _is_watched.clear()


def end() -> None:
    setitimer(ITIMER_REAL, 0)
    with _turn:
        _until.clear()
    signal(SIGALRM, SIG_IGN if SIG_IGN in _kept else SIG_DFL)


def _watch() -> None:
    """Until nothing is bounded any more."""
    mask = pthread_sigmask(SIG_BLOCK, range(1, _SIGNALS))  # they are for the one that may be held up by something else
    never = allocate_lock()
    never.acquire()
    while True:
        _turn.acquire()
        left = _until[0] - monotonic() if _until else 0.0
        if left <= 0:
            break
        _turn.release()
        never.acquire(timeout=left)
    if not _until:
        _is_watched.clear()
        _turn.release()
        return
    # The turn is kept: whoever comes back now waits for ever.
    for tell in told:
        try:
            start_new_thread(tell, ())  # it may be held up by the same
        except RuntimeError:
            break
    never.acquire(timeout=_TO_TELL)
    pthread_sigmask(SIG_SETMASK, mask)
    rescues[0]()


def give_up(_number: int, _frame: "FrameType | None") -> None:
    raise TimeUp
