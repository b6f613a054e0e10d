"""The world as the resident core sees it: the hooks' own, but for stores that stay connected and time that is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING

from skillcache.core.errors import StoreError
from skillcache.core.outcomes import STORE_TIMEOUT, STORE_UNREACHABLE, Outcome
from skillcache.library.embedded import EmbeddedFile
from skillcache.stores.contract import EMBEDDED, Store
from skillcache.stores.opening import open_store
from skillcache.tools.world import World

if TYPE_CHECKING:
    from skillcache.cache.capture import Plan
    from skillcache.events.server.connected import Connected
    from skillcache.events.server.flights import Flights
    from skillcache.tools.call import Call
    from skillcache.tools.lookup import Consultation


REST = 5.0  # seconds in which a server that did not answer is not asked again


class Stores:
    """The stores of a process, by target. connect, reply: seconds that the server has; threads may share it."""

    def __init__(self, *, connect: float, reply: float) -> None:
        self._connect = connect
        self._reply = reply
        self._lock = Lock()
        self._servers: dict[str, Connected] = {}
        self._files: dict[str, EmbeddedFile] = {}
        self._faults: dict[str, tuple[float, Outcome]] = {}

    def open(self, target: str, *, now: float) -> Store:
        """Raises ConfigError, and StoreError while a server that did not answer rests."""
        if target.startswith(EMBEDDED):
            self._hold(target)
            return open_store(target, now=now)
        until, outcome = self._faults.get(target, (0.0, STORE_TIMEOUT))
        if time.monotonic() < until:
            raise StoreError(outcome, "it did not answer a moment ago")
        return self._server(target).store(lambda fault: self._note(target, fault))

    def _hold(self, target: str) -> None:
        """Without a connection that stays, each call would be the last to close the file, which takes it long."""
        with self._lock:
            file = self._files.setdefault(target, EmbeddedFile(target))
        file.take(lambda _store: None)

    def _server(self, target: str) -> Connected:
        with self._lock:
            server = self._servers.get(target)
            if server is None:
                # redis-py takes its time to import

                from skillcache.events.server.connected import Connected  # redis-py takes its time to import

                server = self._servers[target] = Connected(target, connect=self._connect, reply=self._reply)
            return server

    def _note(self, target: str, fault: StoreError) -> None:
        if fault.outcome in (STORE_TIMEOUT, STORE_UNREACHABLE):
            self._faults[target] = (time.monotonic() + REST, fault.outcome)


class ResidentWorld(World):
    """For one event.

    allow: told how many seconds from now a call may take, where it waits for another's run; flights: of a call that is
    about to run.
    """

    __slots__ = ("_allow", "_flights", "_stores")

    def __init__(
        self,
        environ: Mapping[str, str],
        stores: Stores,
        allow: Callable[[float], None] = lambda _seconds: None,
        flights: Flights | None = None,
    ) -> None:
        super().__init__(environ, time.time(), time.monotonic())
        self._stores = stores
        self._allow = allow
        self._flights = flights

    def join(self, call: Call, planned: Plan, consulted: Consultation) -> tuple[Consultation, bool]:
        if self._flights is None:
            return super().join(call, planned, consulted)
        return self._flights.join(call, planned, consulted, allow=self._allow)

    def open_store(self, target: str) -> Store:
        return self._stores.open(target, now=time.time())  # a claim is renewed long after the call has begun
