"""What is asked of a store, and what comes of a call.

A step is a function of the store. Generators yield steps and are sent what each gave, or the StoreError it raised.
A question is a step, and the function that reads what it gives: over a link of coroutines that is awaited in between.
"""

import time
from collections.abc import Callable, Generator
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from skillcache.core import processes
from skillcache.core.record import Record
from skillcache.library.codec import PLAIN, Codec

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
