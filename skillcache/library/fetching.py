"""How a value is served, waited for or computed: every step that asks the store, without asking it.

A step is a function of the store; the generators here yield steps and are sent what each gave, or the StoreError it
raised. SkillCache takes the steps with calls, AsyncSkillCache with coroutines: the order of things is stated once.

    find     present -> served
             present, but its end is near -> whoever gets the claim computes it anew, all others serve it
             absent -> whoever gets the claim looks once more and computes; all others wait for the release and look
    compute  the claim is extended while it lasts
    keep     stored unless a name was invalidated since `find`
    release  wakes who waits: where nothing was stored, one of them takes over
"""

import time
from collections.abc import Callable, Generator
from random import SystemRandom
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar
from uuid import uuid4

from skillcache import holder
from skillcache.digest import digest
from skillcache.errors import StoreError
from skillcache.library.codec import PLAIN, Codec
from skillcache.library.counts import Counts
from skillcache.library.keys import Place
from skillcache.library.records import Computed, Found, read_record, write_record
from skillcache.stores import Claim, started_of

T = TypeVar("T")
Step: TypeAlias = Callable[[Any], Any]
Steps: TypeAlias = Generator[Step, Any, T]

LEASE = 5.0  # seconds that a claim outlives its owner
_random = SystemRandom().random  # the caller's own sequence is left alone
_SHORTEST_WAIT = 0.01  # seconds: a claim at its end is asked for again, but not without a pause


class Wait:
    """The step that may take long: until the release after `mark`, or for so many seconds."""

    __slots__ = ("claim", "mark", "seconds")

    def __init__(self, claim: str, mark: str, seconds: float) -> None:
        self.claim = claim
        self.mark = mark
        self.seconds = seconds

    def __call__(self, store: Any) -> Any:
        return store.wait(self.claim, self.mark, self.seconds)


class Fetched(NamedTuple, Generic[T]):
    """A value, and whether it came from the cache or was computed by this call."""

    data: T
    cached: bool


class Wishes(NamedTuple):
    """ttl, negative_ttl (None: a result of None is not kept): seconds; beta: 0 never computes ahead of the end.

    patience: seconds to wait for the computation of another before one's own. codec: how the value is written;
    refresh: whether it is computed anew, whatever is there.
    """

    ttl: int
    negative_ttl: int | None
    beta: float
    patience: float
    codec: Codec = PLAIN
    refresh: bool = False


class Fetching:
    """One call. mine: whether it holds the claim, or may: one that was cancelled as it asked cannot know.

    present: what it may serve where its own computation fails.
    """

    def __init__(self, place: Place, wishes: Wishes, counts: Counts) -> None:
        self.mine = False
        self.present: Found | None = None
        self.owner = holder.describe(uuid4().hex)
        self.place = place
        self._turn = place.claim
        self._wishes = wishes
        self._counts = counts
        self._generations: tuple[int, ...] | None = None  # None: nothing is known of the store, so nothing is kept
        self._held = 0

    def find(self) -> Steps[Fetched[Any] | None]:
        """What to serve; None where it is for this call to compute."""
        try:
            found = yield from self._find()
        except StoreError:
            self._counts.add_error()
            self._generations = None
            self.mine = False
            found = self.present
        if found is None:
            self._counts.add_miss()
            return None
        self._counts.add_hit()
        return Fetched(found.value, cached=True)

    def keep(self, computed: Computed) -> Steps[None]:
        """Raises TypeError and ValueError for a value that cannot be written, stored or not."""
        ttl = self._wishes.negative_ttl if computed.value is None else self._wishes.ttl
        if ttl is None or self._generations is None:
            self._wishes.codec.dump(computed.value)
            return
        put = putting(self.place, computed, self._generations, ttl, self._held, self._wishes.codec)
        try:
            yield put
        except StoreError:
            self._counts.add_error()

    def release(self) -> Steps[None]:
        try:
            yield lambda store: store.release(self._turn, self.owner)
        except StoreError:
            self._counts.add_error()

    def extend(self, store: Any) -> Any:
        """The step that keeps the claim for another lease; somebody else's is left alone."""
        return store.claim(self._turn, self.owner, LEASE)

    def _find(self) -> Steps[Found | None]:
        if self._wishes.refresh:
            yield from self._look()
            yield from self._claim()  # others wait for this value, unless they wait for another's
            return None
        found = self.present = yield from self._look()
        if found is None:
            return (yield from self._take_turns())
        if not found.is_due(milliseconds(), self._wishes.beta, 1.0 - _random()):
            return found
        claim = yield from self._claim()
        if claim.holder:
            return found
        self.present = yield from self._look()
        if self.present is not None and self.present.started != found.started:
            return self.present  # computed anew between the look and the claim
        return None

    def _take_turns(self) -> Steps[Found | None]:
        end = time.monotonic() + self._wishes.patience
        while True:
            claim = yield from self._claim()
            if not claim.holder:
                return (yield from self._look())  # the last owner may have stored it since
            if holder.is_gone(claim.holder) and (yield self._take_from(claim.holder)):
                continue
            left = end - time.monotonic()
            if left <= 0:
                if self._turn != self.place.claim:
                    return None
                # Of all whose patience is at its end one computes: the others wait for that one as long again.
                self._turn = digest(f"{self.place.claim} late".encode())
                end = time.monotonic() + self._wishes.patience
                continue
            seconds = max(min(claim.left, left), _SHORTEST_WAIT)
            yield Wait(self._turn, claim.mark, seconds)
            found = yield from self._look()
            if found is not None:
                return found

    def _claim(self) -> Steps[Claim]:
        self.mine = True
        claim: Claim = yield self.extend
        self.mine = not claim.holder
        return claim

    def _take_from(self, gone: str) -> Step:
        return lambda store: store.release(self._turn, gone)

    def _look(self) -> Steps[Found | None]:
        lookup = yield lambda store: store.get(self.place.key, self.place.names)
        self._generations = lookup.generations
        self._held = started_of(lookup.entry)
        return read_record(self.place, lookup.entry, lookup.generations, self._wishes.ttl, self._wishes.codec)


def putting(
    place: Place, computed: Computed, generations: tuple[int, ...], ttl: int, held: int, codec: Codec = PLAIN
) -> Step:
    """held: when what lies there was begun. It gives way to what was begun later, by whatever machine's clock."""
    started = max(computed.started, held)
    data = write_record(place, computed, started, generations, ttl, codec)
    return lambda store: store.put(
        place.key, data, ttl=ttl, started=started, names=place.names, generations=generations
    )


def milliseconds() -> int:
    return time.time_ns() // 1_000_000
