"""One run of a job at a time: the claim on its key, renewed while the command runs, and the wait for another's."""

import os
import secrets
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from skillcache.errors import StoreError
from skillcache.running.replay import Replay
from skillcache.stores import Store, open_store

T = TypeVar("T")

LEASE = 5.0  # seconds after which a run that was killed is no longer waited for
_RENEWAL = 1.5


class Flight:
    """A claim in the store `target`, ours once `begin` has said so; patience: seconds to wait for another's run."""

    def __init__(self, target: str, digest: str, patience: float) -> None:
        self._target = target
        self._digest = digest
        self._patience = patience
        self._owner = f"{os.uname().nodename}:{os.getpid()}:{secrets.token_hex(8)}"
        self._over = threading.Event()
        self._renewal: threading.Thread | None = None

    def begin(self, store: Store, ask: Callable[[], Replay | None], tell: Callable[[str], None]) -> Replay | None:
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
                    self._renewal = threading.Thread(target=self._renew, daemon=True)
                    self._renewal.start()
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
        if self._renewal is None:
            return
        self._over.set()
        self._renewal.join()
        try:
            with_store(self._target, lambda store: store.release(self._digest, self._owner))
        except StoreError:
            return

    def _renew(self) -> None:
        while not self._over.wait(_RENEWAL):
            try:
                with_store(self._target, lambda store: store.claim(self._digest, self._owner, LEASE))
            except StoreError:
                continue


def with_store(target: str, work: Callable[[Store], T]) -> T:
    """What `work` gives. Raises StoreError.

    Over a connection of its own: one that lay idle while the command ran may be closed.
    """
    store = open_store(target, now=time.time())
    try:
        return work(store)
    finally:
        store.close()
