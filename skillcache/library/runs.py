"""Runs of functions in this process: who computes what several wait for, values renewed, and work beside an event loop.

A run that raises, or gives a None that is not kept, leaves nothing in the store for those who wait for it. They are
told here, so that equal callers of one process run once and not one after another.

A step is a function of the store. Generators yield steps and are sent what each gave, or the StoreError it raised.
A question is a step, and the function that reads what it gives: over a link of coroutines that is awaited in between.

Of renewals few at once, one of a name: whoever finds no place leaves it to a later call. Threads and tasks hold up no
exit.

Work beside an event loop has a few threads of our own: those of the loop may all be busy, or be there no more. Nothing
waits for them, so that they hold up no exit.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from queue import SimpleQueue
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from skillcache.core import Record, processes
from skillcache.core.outcomes import RecursiveCall
from skillcache.library.codec import PLAIN, Codec

Name = Hashable  # of a store, a key and a type of results


class Ended(NamedTuple):
    """A run that left nothing. generations: those it was begun under; error: what it raised, None for a None."""

    generations: tuple[int, ...] | None
    error: Exception | None


class Waiting(Record):
    """Those of one name who wait."""

    members: int = 0
    count: int = 0  # runs that have ended since the first of them came
    last: Ended | None = None  # the last of these


class _Run:
    __slots__ = ("active", "name", "where")

    def __init__(self, name: Name) -> None:
        self.name = name
        self.where = _here()
        self.active = True


_lock = threading.Lock()
_waiting: dict[Name, Waiting] = {}
_under_way: ContextVar[tuple[_Run, ...]] = ContextVar("skillcache_runs", default=())


@contextmanager
def waiting(name: Name) -> Iterator[Waiting]:
    with _lock:
        group = _waiting.setdefault(name, Waiting())
        group.members += 1
    try:
        yield group
    finally:
        with _lock:
            group.members -= 1
            if not group.members and _waiting.get(name) is group:
                del _waiting[name]


def tell(name: Name, ended: Ended) -> None:
    """Before the claim is released: whoever hears of that finds it."""
    with _lock:
        group = _waiting.get(name)
        if group is not None:
            group.count += 1
            group.last = ended


@contextmanager
def running(name: Name) -> Iterator[None]:
    run = _Run(name)
    token = _under_way.set((*_under_way.get(), run))
    try:
        yield
    finally:
        run.active = False
        _under_way.reset(token)


def is_within(name: Name, skill: str) -> bool:
    """Whether a run of that name began this task or thread, and may wait for it: it must not wait for that run.

    Raises RecursiveCall in the run itself, and where such a task begins another.
    """
    own = [run for run in _under_way.get() if run.active and run.name == name]
    if len(own) > 1 or any(run.where == _here() for run in own):
        raise RecursiveCall(skill)
    return bool(own)


def _here() -> tuple[int, int]:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs
        task = None
    return threading.get_ident(), id(task)


def _forget() -> None:
    """In the child of a fork the others are gone, and one of them may have had the lock."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _waiting.clear()


os.register_at_fork(after_in_child=_forget)


T = TypeVar("T")
Step: TypeAlias = Callable[[Any], Any]
Steps: TypeAlias = Generator[Step, Any, T]
Question: TypeAlias = tuple[Step, Callable[[Any], Any]]


GLANCE = 0.5  # seconds between two looks whether the process that is waited for is there


class Wait(Record):
    """The step that may take long: until the release after `mark`, or for so many `seconds`, or `holder` is gone."""

    claim: str
    mark: str
    seconds: float
    holder: str

    def __call__(self, store: Any) -> Any:
        end = time.monotonic() + self.seconds
        while not store.wait(self.claim, self.mark, max(0.0, min(end - time.monotonic(), GLANCE))):
            if time.monotonic() >= end or self.is_in_vain():
                return False
        return True

    def is_in_vain(self) -> bool:
        """Whether nobody will release it: a process that has died on this machine leaves its claim behind."""
        return processes.holder_is_gone(self.holder)


class Fetched(NamedTuple, Generic[T]):
    """A value, and whether it came from the cache or was computed by this call."""

    data: T
    cached: bool


class Failed(NamedTuple):
    """The run that this call waited for raised."""

    error: Exception


class Wishes(NamedTuple):
    """ttl, negative_ttl (None: a result of None is not kept): seconds; beta: 0 never computes ahead of the end.

    patience: seconds to wait for the computation of another before one's own. codec: how the value is written;
    refresh: whether it is computed anew, whatever is there; may_give: whether it is stored.
    """

    ttl: int
    negative_ttl: int | None
    beta: float
    patience: float
    codec: Codec = PLAIN
    refresh: bool = False
    may_give: bool = True


MOST = 8  # at once in a process, however many values near their end

log = logging.getLogger("skillcache")
_renewing = threading.Lock()
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
    with _renewing:
        if name in _names or len(_names) >= MOST:
            return False
        _names.add(name)
        return True


def _leave(name: Name) -> None:
    with _renewing:
        _names.discard(name)


def _forget_renewal() -> None:
    """In the child of a fork nothing is under way, and the lock may have been another thread's."""
    global _renewing  # noqa: PLW0603
    _renewing = threading.Lock()
    _names.clear()


os.register_at_fork(after_in_child=_forget_renewal)


MOST_BESIDE = 4  # the embedded store lets one write at a time


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
            if self._count < MOST_BESIDE:
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


def _forget_threads() -> None:
    """In the child of a fork there are none of them."""
    global _threads  # noqa: PLW0603
    _threads = _Threads()


os.register_at_fork(after_in_child=_forget_threads)
