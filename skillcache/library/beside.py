"""Work beside an event loop, in a few threads of our own: those of the loop may all be busy, or be there no more.

Nothing waits for them, so that they hold up no exit.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

MOST = 4  # the embedded store lets one write at a time


class _Threads:
    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._count = 0

    def submit(self, work: Callable[[], Any]) -> "Future[Any]":
        future: Future[Any] = Future()
        if self._has_one():
            self._jobs.put((future, work))
        else:
            _do(future, work)
        return future

    def _has_one(self) -> bool:
        """Whether a thread is there for another job, at once or later."""
        if self._idle.acquire(blocking=False):
            return True
        with self._lock:
            if self._count < MOST:
                try:
                    threading.Thread(target=self._serve, name="skillcache store", daemon=True).start()
                except RuntimeError:  # the interpreter ends, or there are too many threads
                    return self._count > 0
                self._count += 1
        return True

    def _serve(self) -> None:
        while True:
            _do(*self._jobs.get())
            self._idle.release()


def _do(future: "Future[Any]", work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        given = work()
    except BaseException as fault:  # noqa: BLE001 - it is whoever waits who is told
        future.set_exception(fault)
    else:
        future.set_result(given)


_threads = _Threads()


async def beside(work: Callable[[], T]) -> T:
    """What the work gives. Where no thread can be started it is done at once."""
    given: T = await asyncio.wrap_future(_threads.submit(work))
    return given


def _forget() -> None:
    """In the child of a fork there are none of them."""
    global _threads  # noqa: PLW0603
    _threads = _Threads()


os.register_at_fork(after_in_child=_forget)
