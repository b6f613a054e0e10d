"""The first process of a run ahead. All that the run starts is below it, whatever becomes of its parents.

It takes part in nothing, so it is there to end what is left: when the way of the command has ended, when it is told to,
and when the keeper has been killed. Where this one is killed, its children are the keeper's, which then does the same.
"""

import os
from _signal import (  # type: ignore[import-not-found]
    SIG_DFL,
    SIG_SETMASK,
    SIGCHLD,
    SIGINT,
    SIGKILL,
    SIGTERM,
    SIGUSR1,
    default_int_handler,
    pthread_sigmask,
    set_wakeup_fd,
    signal,
)

from skillcache.commands import child
from skillcache.commands.ahead import tree
from skillcache.core import files
from skillcache.core.paths import runs_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn


class _Over(BaseException):
    pass


def be(
    keeper: int, cache: str, lock: int, begin: "Callable[[], int]", tell: "Callable[[dict[str, object]], None]"
) -> "NoReturn":
    """The life of this process, forked with all signals blocked. begin: the way; tell: tells the keeper."""
    way = 0
    try:
        set_wakeup_fd(-1)
        for number in (SIGCHLD, SIGINT, SIGUSR1):
            signal(number, SIG_DFL)
        signal(SIGTERM, _end)
        tree.take_orphans()
        first = os.getpid()
        way = os.fork()
        if not way:
            _be_way(first, lock, begin, tell)
        tell({"way": way})
        pthread_sigmask(SIG_SETMASK, ())
        tree.end_with(keeper, SIGTERM)
        while os.wait()[0] != way:
            pass
    except BaseException:  # noqa: BLE001, S110 - whatever it was, all ends
        pass
    pthread_sigmask(SIG_SETMASK, range(1, 32))
    tree.end_all(way)
    try:
        forget(cache, way)
    finally:
        os._exit(0)


def forget(cache: str, way: int) -> None:
    """Take away what a way that was killed has left. Raises OSError."""
    for path in (f"{runs_folder(cache)}/{way}", f"{runs_folder(cache)}/{way}.replayed"):
        files.remove(path)


def _end(_number: int, _frame: "FrameType | None") -> None:
    raise _Over


def _be_way(
    first: int, lock: int, begin: "Callable[[], int]", tell: "Callable[[dict[str, object]], None]"
) -> "NoReturn":
    status = 1
    try:
        tree.end_with(first, SIGKILL)
        os.setsid()
        os.close(lock)
        signal(SIGTERM, SIG_DFL)
        signal(SIGINT, default_int_handler)
        pthread_sigmask(SIG_SETMASK, ())
        # The command alone: others wait for us while we hold the store.
        child.begun += [tree.make_last, lambda number: tell({"command": number})]
        status = begin()
    finally:
        os._exit(status)
