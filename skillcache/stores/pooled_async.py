"""The Redis store for coroutines, over redis.asyncio, and the connection that hears of releases for all of them."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

import redis.asyncio as redis

from skillcache.core.outcomes import STORE_TIMEOUT, StoreError
from skillcache.stores import requests
from skillcache.stores.bounded import AIO_READING
from skillcache.stores.contract import Claim, Lookup
from skillcache.stores.pooled import FAILURES, MOST, encoded, own_settings, translated

if TYPE_CHECKING:
    from skillcache.stores.requests import Request


class Hearings:
    """hear: waits for the release after a mark for as long as one exchange may take, and says whether it came."""

    def __init__(self, hear: Callable[[str, str], Awaitable[bool]]) -> None:
        self._hear = hear
        self._under_way: dict[tuple[str, str], _Hearing] = {}

    async def wait(self, digest: str, mark: str, seconds: float) -> bool:
        """False: none came in so many seconds. Raises what `hear` raises."""
        name = digest, mark
        hearing = self._under_way.get(name)
        if hearing is None:
            hearing = self._under_way[name] = _Hearing()
            hearing.task = asyncio.create_task(self._listen(name, hearing))
        hearing.listeners += 1
        try:
            await asyncio.wait({hearing.task}, timeout=seconds)
            return hearing.task.done() and hearing.task.result()
        finally:
            hearing.listeners -= 1
            if not hearing.listeners:
                await self._end(name, hearing)

    async def _listen(self, name: tuple[str, str], hearing: "_Hearing") -> bool:
        while not await self._hear(*name):
            # An exchange whose answer comes as it is cancelled may swallow that: it was the last one then.
            if not hearing.listeners:
                return False
        return True

    async def _end(self, name: tuple[str, str], hearing: "_Hearing") -> None:
        """At once: what goes on unheard would hold a connection, or be left behind by its event loop."""
        if self._under_way.get(name) is hearing:
            del self._under_way[name]
        if hearing.task.cancel():
            await asyncio.wait({hearing.task})
        if not hearing.task.cancelled():
            hearing.task.exception()  # whatever came of it, nobody is there to be told


class _Hearing:
    __slots__ = ("listeners", "task")

    task: "asyncio.Task[bool]"

    def __init__(self) -> None:
        self.listeners = 0


T = TypeVar("T")

TURNS = 16  # requests on their way at once: a crowd that opens a connection each is late by its own greetings

_clients: MutableMapping[object, "redis.Redis"] = WeakKeyDictionary()


class AsyncStore:
    """Holds to the contract of `skillcache.stores.contract.Store`, each call a coroutine.

    As `PooledStore` it uses the settings of `client` and connections of its own, which belong to the running event
    loop: close it there. Its connections are few, however many coroutines ask: requests take turns, and those who
    wait for the same release share one.
    """

    def __init__(self, client: "redis.Redis") -> None:
        pool = client.connection_pool
        own = _clients.get(pool)
        if own is None:
            own = redis.Redis(
                connection_pool=redis.ConnectionPool(
                    connection_class=pool.connection_class,
                    max_connections=MOST,
                    **own_settings(pool.connection_kwargs, AIO_READING),
                )
            )
            own.response_callbacks.clear()
            _clients[pool] = own
        self._client = own
        self._origin = pool
        self._longest_block = own.connection_pool.connection_kwargs["socket_timeout"] / 2
        self._turns = asyncio.Semaphore(TURNS)
        self._timeouts = 0
        self._hearings = Hearings(self._hear)

    async def get(self, key: str, names: tuple[str, ...], also: str | None = None) -> Lookup:
        return await self._ask(requests.get(key, names, also))

    async def get_many(self, keys: tuple[str, ...], names: tuple[str, ...]) -> tuple[Lookup, ...]:
        return await self._ask(requests.get_many(keys, names))

    async def put(
        self,
        key: str,
        value: bytes,
        *,
        ttl: int,
        started: int,
        names: tuple[str, ...],
        generations: tuple[int, ...],
    ) -> bool:
        return await self._ask(requests.put(key, value, ttl, started, names, generations))

    async def delete(self, key: str) -> None:
        await self._ask(requests.delete(key))

    async def invalidate(self, name: str) -> int:
        return await self._ask(requests.invalidate(name))

    async def read(self, keys: tuple[str, ...]) -> tuple[bytes | None, ...]:
        return await self._ask(requests.read(keys)) if keys else ()

    async def write(self, key: str, value: bytes, ttl: int) -> None:
        await self._ask(requests.write(key, value, ttl))

    async def claim(self, digest: str, owner: str, lease: float) -> Claim:
        return await self._ask(requests.claim(digest, owner, lease))

    async def release(self, digest: str, owner: str) -> bool:
        return await self._ask(requests.release(digest, owner))

    async def wait(self, digest: str, mark: str, seconds: float) -> bool:
        if seconds <= 0:
            return await self._ask(requests.hear(digest, mark, 0))
        return await self._hearings.wait(digest, mark, seconds)

    async def ping(self) -> None:
        await self._ask(requests.ping())

    @property
    def client(self) -> "redis.Redis":
        """One that sends nothing twice and decodes nothing."""
        return self._client

    async def close(self) -> None:
        """Closes connections that nobody uses."""
        await self._client.connection_pool.disconnect(inuse_connections=False)

    async def _hear(self, digest: str, mark: str) -> bool:
        return await self._exchange(requests.hear(digest, mark, self._longest_block))

    async def _ask(self, request: "Request[T]") -> T:
        seen = self._timeouts
        async with self._turns:
            if self._timeouts != seen:  # a server that hangs would be waited for by each in turn
                raise StoreError(STORE_TIMEOUT, "no whole reply in time to a request before")
            try:
                return await self._exchange(request)
            except StoreError as error:
                self._timeouts += error.outcome is STORE_TIMEOUT
                raise

    async def _exchange(self, request: "Request[T]") -> T:
        command, read = request
        words = encoded(command)
        try:
            reply = await self._client.execute_command(*words)  # type: ignore[no-untyped-call]
        except FAILURES as error:
            raise translated(error, self._client) from None
        return read(reply)
