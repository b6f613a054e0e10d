"""An end to what is ours before and after the command, whatever it waits for: the command is not to wait for it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_MARGIN = 5.0  # seconds beyond what the capture may take, for the stores with their own bounds


class TimeUp(BaseException):
    """No Exception, so that nothing takes it for a fault of what it interrupts."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """`seconds`: those of the capture. Raises TimeUp."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds + _MARGIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before if before is not None else signal.SIG_DFL)
