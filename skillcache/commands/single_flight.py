"""One run of a command at a time: the claim, held by the process that runs it, and the wait for another's."""

import os
import time
from _thread import allocate_lock, start_new_thread

from skillcache.errors import StoreError
from skillcache.stores import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from skillcache.stores import Store

    T = TypeVar("T")

LEASE = 5.0  # seconds after which a run that was killed is no longer waited for
RUNNING = "SKILLCACHE_RUNNING"  # set for what a claimed run starts: it waits for nobody, so that no circle can close
_RENEWAL = 1.5


class Flight:
    """A claim in the store `target`, ours once `begin` has said so; patience: seconds to wait for another's run."""

    __slots__ = ("_digest", "_over", "_owner", "_patience", "_renewed", "_target", "holds")

    def __init__(self, target: str, digest: str, patience: float) -> None:
        self._target = target
        self._digest = digest
        self._patience = patience
        self._owner = f"{os.uname().nodename}:{os.getpid()}:{os.urandom(8).hex()}"
        self._over = allocate_lock()
        self._renewed = allocate_lock()
        self.holds = False

    def begin(self, store: "Store", ask: "Callable[[], T | None]", tell: "Callable[[str], None]") -> "T | None":
        """The result of a run that was under way, or None when the command is to run. Raises StoreError.

        `ask`: whether the store has the result now; `tell`: is given whom we wait for. After a run that ended without
        a result nobody waits again: all who did run at once.
        """
        told = False
        end = time.monotonic() + self._patience
        while True:
            claim = store.claim(self._digest, self._owner, LEASE)
            if not claim.holder:
                found = ask()  # it may have come between the miss and the claim
                if found is not None:
                    store.release(self._digest, self._owner)
                else:
                    self._hold()
                return found
            left = end - time.monotonic()
            if left <= 0:
                return None
            if not told:
                tell(claim.holder.rpartition(":")[0])
                told = True
            released = store.wait(self._digest, claim.mark, min(claim.left, left))
            found = ask()
            if found is not None or released:
                return found

    def end(self) -> None:
        """Give the claim up, if it is ours, and wake those who wait. A store that fails lets it run out."""
        if not self.holds:
            return
        self._over.release()
        self._renewed.acquire()
        try:
            with_store(self._target, lambda store: store.release(self._digest, self._owner))
        except StoreError:
            return

    def _hold(self) -> None:
        self.holds = True
        self._over.acquire()
        self._renewed.acquire()
        start_new_thread(self._renew, ())

    def _renew(self) -> None:
        while not self._over.acquire(timeout=_RENEWAL):
            try:
                with_store(self._target, lambda store: store.claim(self._digest, self._owner, LEASE))
            except StoreError:
                continue
        self._renewed.release()


def is_within(environ: "Mapping[str, str]") -> bool:
    """Whether another's run has started this command."""
    return RUNNING in environ


def with_store(target: str, work: "Callable[[Store], T]") -> "T":
    """What `work` gives. Raises StoreError.

    Over a connection of its own: one that lay idle while the command ran may be closed.
    """
    store = open_store(target, now=time.time())
    try:
        return work(store)
    finally:
        store.close()
