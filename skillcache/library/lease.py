"""Who computes a value that several wait for, and values that are renewed before their end.

Few at once, one of a name: whoever finds no place leaves it to a later call. Threads and tasks hold up no exit.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

from skillcache.library.runs import Name

MOST = 8  # at once in a process, however many values near their end

log = logging.getLogger("skillcache")
_lock = threading.Lock()
_names: set[Name] = set()


def in_thread(name: Name, renew: Callable[[], None]) -> None:
    if not _enter(name):
        return

    def work() -> None:
        with _place(name):
            renew()

    context = copy_context()
    thread = threading.Thread(target=lambda: context.run(work), name="skillcache renewal", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter ends, or there are too many threads
        _leave(name)


def in_task(name: Name, renew: Callable[[], Coroutine[Any, Any, None]], tasks: "set[asyncio.Task[None]]") -> None:
    """tasks: holds it while it lasts, as the event loop does not."""
    if not _enter(name):
        return
    task = asyncio.create_task(renew())
    tasks.add(task)

    def leave(done: "asyncio.Task[None]") -> None:
        tasks.discard(done)
        _leave(name)

    task.add_done_callback(leave)  # not within the task: one that is cancelled before its first step never begins


@contextmanager
def _place(name: Name) -> Iterator[None]:
    try:
        yield
    finally:
        _leave(name)


def _enter(name: Name) -> bool:
    with _lock:
        if name in _names or len(_names) >= MOST:
            return False
        _names.add(name)
        return True


def _leave(name: Name) -> None:
    with _lock:
        _names.discard(name)


def _forget() -> None:
    """In the child of a fork nothing is under way, and the lock may have been another thread's."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _names.clear()


os.register_at_fork(after_in_child=_forget)
