"""A bound on our own time, by a timer of the system: it ends a wait in a system call, too.

Kept clear of the command: a timer lives on in what a process becomes.
"""

from _signal import ITIMER_REAL, SIG_DFL, SIGALRM, getitimer, setitimer, signal  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

SECONDS = 5.0


class TimeUp(BaseException):
    """No Exception, so that nothing takes it for a fault of what it interrupts."""


def is_taken() -> bool:
    """Whether somebody has set this process a limit of their own, which its command is to keep."""
    left: float = getitimer(ITIMER_REAL)[0]
    return left > 0


def begin(seconds: float = SECONDS) -> None:
    """After so many seconds whatever we are at raises TimeUp."""
    signal(SIGALRM, _raise)
    setitimer(ITIMER_REAL, seconds)


def end() -> None:
    setitimer(ITIMER_REAL, 0)
    signal(SIGALRM, SIG_DFL)


def _raise(_number: int, _frame: "FrameType | None") -> None:
    raise TimeUp
