"""How a value is served, waited for or computed, without asking a store, and what became of it, as it is told.

SkillCache takes the steps with calls, AsyncSkillCache with coroutines: the order of things is stated once.

    find     present -> served
             absent -> whoever gets the claim looks once more and computes; all others wait for the release and look
    compute  the claim is extended while it lasts
    keep     stored unless a name was invalidated since `find`
    release  wakes who waits: where nothing was stored, they are told of it, or one of them takes over
    renewal  the end of what was served is near: whoever gets the claim computes it anew
"""

import logging
import os
import time
from collections.abc import Callable, Hashable
from random import SystemRandom
from threading import Lock
from time import monotonic
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import uuid4

from skillcache.core import processes
from skillcache.core.files import digest
from skillcache.core.outcomes import StoreError
from skillcache.library import runs
from skillcache.library.codec import PLAIN, Codec
from skillcache.library.keys import Place
from skillcache.library.records import Computed, Found, own_copy, read_record, write_record
from skillcache.library.runs import Failed, Fetched, Step, Steps, Wait, Wishes
from skillcache.stores.contract import Claim, nothing_key, started_of

log = logging.getLogger("skillcache")

Kind: TypeAlias = Literal["hit", "miss", "error", "renewed"]


class CacheEvent(NamedTuple):
    """kind: `hit`: served; `miss`: not there, or computed; `renewed`: computed anew beside a hit, ahead of its end.

    `error`: the store failed the call, or a renewal failed; `error` is then what was raised, and so for a miss whose
    computation failed. seconds: since the call began.
    """

    kind: Kind
    skill: str
    key: str
    seconds: float
    error: Exception | None = None


Hook: TypeAlias = Callable[[CacheEvent], object]


class Report:
    """Of one call: tells the hook what became of it."""

    __slots__ = ("_began", "_hook", "_key", "_skill")

    def __init__(self, hook: Hook | None, skill: str, key: str) -> None:
        self._hook = hook
        self._skill = skill
        self._key = key
        self._began = monotonic()

    def __call__(self, kind: Kind, error: Exception | None = None) -> None:
        if self._hook is None:
            return
        try:
            self._hook(CacheEvent(kind, self._skill, self._key, monotonic() - self._began, error))
        except Exception:
            log.exception("on_event failed for the %s of %s", kind, self._skill)


class Counts:
    """hits: values served; misses: computed, or the default given; errors: times the store failed a call.

    `wholes`: of which these are a part, and which count the same.
    """

    def __init__(self, *wholes: "Counts") -> None:
        self.hits = 0
        self.misses = 0
        self.errors = 0
        self._wholes = wholes
        self._lock = Lock()

    def add_hit(self) -> None:
        with self._lock:
            self.hits += 1
        for whole in self._wholes:
            whole.add_hit()

    def add_miss(self) -> None:
        with self._lock:
            self.misses += 1
        for whole in self._wholes:
            whole.add_miss()

    def add_error(self) -> None:
        with self._lock:
            self.errors += 1
        for whole in self._wholes:
            whole.add_error()


LEASE = 5.0  # seconds that a claim outlives its owner
_IN_VAIN = 2  # runs of others that left nothing; after these nobody waits for a third
_NOTHING_SECONDS = 60  # how long those who waited can learn that a run gave None
_random = SystemRandom().random  # the caller's own sequence is left alone
_SHORTEST_WAIT = 0.01  # seconds: a claim at its end is asked for again, but not without a pause


class Fetching:
    """One call. mine: whether it holds the claim, or may: one that was cancelled as it asked cannot know.

    is_due: whether what was found is to be computed anew, ahead of its end; is_same: whether it then still is this
    call's, whose arguments may be changed once it has returned. name: what equal calls of this process share.
    """

    def __init__(self, place: Place, wishes: Wishes, counts: Counts, report: Report, store: Hashable) -> None:
        """store: what calls of the same store have in common."""
        self._mine = False
        self._pid = os.getpid()
        self._tale: list[tuple[Kind, Exception | None]] = []
        self.is_due = False
        self.is_same: Callable[[], bool] = lambda: True
        self.owner = processes.holder_of(uuid4().hex)
        self.place = place
        self.name: runs.Name = (store, place.key, wishes.codec.signature)
        self._turn = place.claim
        self._wishes = wishes
        self._counts = counts
        self._report = report
        self._generations: tuple[int, ...] | None = None  # None: nothing is known of the store, so nothing is kept
        self._held = 0
        self._is_there = False
        self._seen = 0

    @property
    def mine(self) -> bool:
        """Never in a child that was forked within: it would give back what its parent goes on with."""
        return self._mine and os.getpid() == self._pid

    def tell(self) -> None:
        """Tells what became of the call, once the claim is given back: whoever is told may ask for the same."""
        tale, self._tale = self._tale, []
        for kind, error in tale:
            self._report(kind, error)

    def find(self) -> Steps[Fetched[Any] | Failed | None]:
        """What to serve, or to raise; None where it is for this call to compute."""
        try:
            found = yield from self._find()
        except StoreError as fault:
            self._fail_store(fault)
            self._generations = None
            self._mine = False
            found = None
        if isinstance(found, Found):
            self._counts.add_hit()
            self._tale.append(("hit", None))
            return Fetched(found.value, cached=True)
        self._counts.add_miss()
        if found is not None:
            self._tale.append(("miss", found.error))
        return found

    def keep(self, computed: Computed) -> Steps[None]:
        """What is not stored takes the place of what is there all the same: that is out of date.

        Raises TypeError and ValueError for a value that cannot be written, stored or not.
        """
        ttl = self._wishes.negative_ttl if computed.value is None else self._wishes.ttl
        if ttl is None or self._generations is None or not self._wishes.may_give:
            self._wishes.codec.dump(computed.value)
            if ttl is None:
                yield from self._forget()
            if ttl is None and self.mine:
                yield from self._tell_of_nothing()
            return
        put = putting(self.place, computed, self._generations, ttl, self._held, self._wishes.codec)
        try:
            yield put
        except StoreError as fault:
            self._fail_store(fault)
            yield from self._forget()

    def _forget(self) -> Steps[None]:
        if not self._is_there or not self._wishes.may_give:
            return
        try:
            yield lambda store: store.delete(self.place.key)
        except StoreError as fault:
            self._fail_store(fault)

    def succeed(self) -> None:
        self._tale.append(("miss", None))

    def fail(self, error: Exception) -> None:
        """Tells those of this process who wait for the run."""
        if self.mine:
            runs.tell(self.name, runs.Ended(self._generations, own_copy(error)))  # before its caller has it
        self._tale.append(("miss", error))

    def renewal(self) -> Steps[bool]:
        """Whether it is for this call to compute anew what it has served."""
        try:
            claim = yield from self._claim()
            if claim.holder:
                return False
            found = yield from self._look()
        except StoreError as fault:
            self._fail_store(fault)
            return False
        return found is not None and found.started == self._seen

    def renewed(self) -> None:
        self._tale.append(("renewed", None))

    def fail_renewal(self, error: Exception) -> None:
        log.warning("%s was not computed anew ahead of its end", self.place.skill, exc_info=error)
        self._tale.append(("error", error))

    def release(self) -> Steps[None]:
        try:
            yield lambda store: store.release(self._turn, self.owner)
        except StoreError as fault:
            self._fail_store(fault)

    def extend(self, store: Any) -> Any:
        """The step that keeps the claim for another lease; somebody else's is left alone."""
        return store.claim(self._turn, self.owner, LEASE)

    def _find(self) -> Steps[Found | Failed | None]:
        if self._wishes.refresh:
            runs.is_within(self.name, self.place.skill)
            yield from self._look()
            if self._wishes.may_give:
                yield from self._claim()  # others wait for this value, unless they wait for another's
            return None
        found = yield from self._look()
        if found is None:
            if runs.is_within(self.name, self.place.skill) or not self._wishes.may_give:
                return None  # nobody waits for what is not stored
            with runs.waiting(self.name) as company:
                return (yield from self._take_turns(company))
        self.is_due = self._wishes.may_give and found.is_due(milliseconds(), self._wishes.beta, 1.0 - _random())
        self._seen = found.started
        return found

    def _take_turns(self, company: runs.Waiting) -> Steps[Found | Failed | None]:
        end = time.monotonic() + self._wishes.patience
        since = company.count
        in_vain = 0
        while True:
            claim = yield from self._claim()
            if not claim.holder:
                found = yield from self._look()  # the last owner may have stored it since
                return found or self._told(company, since)
            if processes.holder_is_gone(claim.holder) and (yield self._take_from(claim.holder)):
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
            is_over = yield Wait(self._turn, claim.mark, seconds, claim.holder)
            found = yield from self._look()
            given = found or self._told(company, since)
            if given is None and is_over:
                given = yield from self._hear_of_nothing(claim)
                in_vain += 1
            if given is not None or in_vain == _IN_VAIN:
                return given

    def _told(self, company: runs.Waiting, since: int) -> Found | Failed | None:
        """What came of a run of this process that ended since this call asked, under the generations of now."""
        ended = company.last
        if company.count == since or ended is None or ended.generations != self._generations:
            return None
        return _NOTHING if ended.error is None else Failed(own_copy(ended.error, ended.error.__cause__))

    def _hear_of_nothing(self, claim: Claim) -> Steps[Found | None]:
        """The None of the very run that this call waited for, in whatever process."""
        (note,) = yield lambda store: store.read((nothing_key(self._turn),))
        return _NOTHING if note == self._note(claim.holder) else None

    def _tell_of_nothing(self) -> Steps[None]:
        runs.tell(self.name, runs.Ended(self._generations, None))
        note = self._note(self.owner)
        try:
            yield lambda store: store.write(nothing_key(self._turn), note, _NOTHING_SECONDS)
        except StoreError as fault:
            self._fail_store(fault)

    def _note(self, owner: str) -> bytes:
        return f"{owner} {self._generations}".encode()

    def _fail_store(self, fault: StoreError) -> None:
        self._counts.add_error()
        self._tale.append(("error", fault))

    def _claim(self) -> Steps[Claim]:
        self._mine = True
        claim: Claim = yield self.extend
        self._mine = not claim.holder
        return claim

    def _take_from(self, gone: str) -> Step:
        return lambda store: store.release(self._turn, gone)

    def _look(self) -> Steps[Found | None]:
        lookup = yield lambda store: store.get(self.place.key, self.place.names)
        self._generations = lookup.generations
        self._held = started_of(lookup.entry)
        self._is_there = lookup.entry is not None
        return read_record(self.place, lookup.entry, lookup.generations, self._wishes.ttl, self._wishes.codec)


_NOTHING = Found(None, started=0, duration=0, expires=0, pinned=True)


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
