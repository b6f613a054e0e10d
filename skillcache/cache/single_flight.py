"""One run for all: the process that runs a call holds the claim to it; who comes second waits for that run's result.

Only what surely runs a call claims it. The claim has a short lease, which its holder renews until the run has ended:
one that was killed, or whose machine is gone, holds nobody for longer, and nobody at all whom it shares a machine with.
Whoever waits looks again at what the call depends on afterwards. Where the run gave no result, all who waited for it
run at once; where its holder died, one does and the others wait on.
"""

import time
from _thread import allocate_lock, start_new_thread

from skillcache.core import processes
from skillcache.core.outcomes import SkillcacheError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from skillcache.stores.contract import Claim, Store

LEASE = 5.0  # seconds
_RENEWAL = 1.5  # seconds: two may fail
_LOOK = 1.0  # seconds between two looks at whether the holder is still there
_TICK = 0.01  # seconds after the end of a lease


class Held:
    """A claim of this process, renewed until `end`, but no longer than `longest` seconds."""

    def __init__(self, open_store: "Callable[[], Store]", digest: str, owner: str, longest: float) -> None:
        self._until = time.monotonic() + longest
        self._open_store = open_store
        self._digest = digest
        self.owner = owner
        self._turn = allocate_lock()
        self._is_over = False
        start_new_thread(self._renew, ())

    def end(self) -> None:
        """Give it up and wake who waits. A store that fails lets it run out."""
        with self._turn:  # a renewal under way would outlive the release
            if self._is_over:
                return
            self._is_over = True
        try:
            store = self._open_store()
            try:
                store.release(self._digest, self.owner)
            finally:
                store.close()
        except (SkillcacheError, OSError):
            return

    def _renew(self) -> None:
        while time.monotonic() < self._until:
            time.sleep(_RENEWAL)
            with self._turn:
                if self._is_over or not self._is_extended():
                    return

    def _is_extended(self) -> bool:
        """Whether it may still be ours."""
        try:
            store = self._open_store()
            try:
                return not store.claim(self._digest, self.owner, LEASE).holder
            finally:
                store.close()
        except (SkillcacheError, OSError):  # a thread that fails would say so on standard error
            return True


class Passenger:
    """A call on its way to a run of its own or to another's result.

    digest: of what it depends on, as last seen; see: looks anew, and gives the digest of what no result is stored for,
    None where there is one; whatever it raises, nothing is held then. owner: see `processes.holder_of`; may_wait:
    whether for this holder; longest: see `Held`; begin: is called before each step, of which none takes long.
    held: the claim, once `board` has got one; waited: whether another's run was waited for.
    """

    def __init__(
        self,
        open_store: "Callable[[], Store]",
        digest: str,
        see: "Callable[[], str | None]",
        owner: str,
        may_wait: "Callable[[str], bool]",
        longest: float = float("inf"),
        begin: "Callable[[], object]" = lambda: None,
    ) -> None:
        self.held: Held | None = None
        self.waited = False
        self._open_store = open_store
        self._digest = digest
        self._see = see
        self._owner = owner
        self._may_wait = may_wait
        self._longest = longest
        self._begin = begin
        self._has_looked = True  # since the last wait
        self._in_vain = False  # the run that was waited for has ended and left no result

    def board(self, patience: float) -> None:
        """Wait, at most so many seconds, for another's result, or claim the run. Raises StoreError, and as `see`."""
        ends = time.monotonic() + patience
        store = self._open_store()
        try:
            self._begin()
            while not self._step(store, ends):
                self._begin()
        finally:
            store.close()

    def _step(self, store: "Store", ends: float) -> bool:
        """Whether it was the last."""
        claim = store.claim(self._digest, self._owner, LEASE)
        left = ends - time.monotonic()
        if claim.holder:
            if processes.holder_is_gone(claim.holder) and store.release(self._digest, claim.holder):
                self._has_looked = False
                return False
            if left > 0 and not self._in_vain and self._may_wait(claim.holder):
                return self._wait(store, claim, left)
            if self._has_looked:
                return True
        # Free because its run has just ended: whoever looked a moment ago has not seen the result.
        elif self._has_looked and (self._in_vain or not claim.mark):
            self._hold()
            return True
        return self._look_first(store, is_ours=not claim.holder, is_late=left <= 0)

    def _look_first(self, store: "Store", *, is_ours: bool, is_late: bool) -> bool:
        name = self._digest
        missing: str | None = None
        try:
            missing = self._look()
        finally:
            if is_ours and missing != name:
                store.release(name, self._owner)
        if is_ours and missing == name:
            self._hold()
        return missing is None or missing == name or is_late

    def _wait(self, store: "Store", claim: "Claim", left: float) -> bool:
        """For a moment, so that a claim which falls without a word is noticed."""
        self.waited, self._has_looked = True, False
        released = store.wait(self._digest, claim.mark, min(left, max(claim.left, _TICK), _LOOK))
        if released and not processes.holder_is_gone(claim.holder):
            self._in_vain = True
            return self._look() is None
        return False

    def _hold(self) -> None:
        self.held = Held(self._open_store, self._digest, self._owner, self._longest)

    def _look(self) -> str | None:
        missing = self._see()
        self._has_looked = True
        if missing is not None:
            self._digest = missing
        return missing
