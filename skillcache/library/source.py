"""The store behind a cache object, by a client of the program's or its own, for threads and for coroutines.

Redis is asked through redis-py, over connections that are pooled.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AioRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from skillcache.core.outcomes import StoreError
from skillcache.library.embedded import EmbeddedFile
from skillcache.library.options import folder
from skillcache.library.runs import GLANCE, Step, Steps, Wait, beside
from skillcache.settings.in_force import keys_in_force, load
from skillcache.stores import over
from skillcache.stores.contract import EMBEDDED
from skillcache.stores.pooled import AsyncStore, PooledLink, aio_walk, walk
from skillcache.stores.redis import RedisStore
from skillcache.stores.redis_cluster import AioClusterClient, ClusterClient
from skillcache.stores.redis_py import aio_connect, connect
from skillcache.stores.redis_url import parse_url
from skillcache.stores.signed import ENTRY, RECORD, Keys, checked, in_the_way, opened_all

_CLUSTERS = (redis.RedisCluster, redis.asyncio.RedisCluster)
_OPTIONS = ("socket_timeout", "socket_connect_timeout")
_TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
# What no URL can say, and would be missing.
_UNSAID = (
    "credential_provider", "ssl_ca_data", "ssl_ca_path", "ssl_ciphers", "ssl_include_verify_flags", "ssl_min_version",
    "ssl_ocsp_context", "ssl_ocsp_expected_cert", "ssl_password", "ssl_validate_ocsp", "ssl_validate_ocsp_stapled",
)  # fmt: skip

_of_clusters: MutableMapping[object, Any] = WeakKeyDictionary()


def is_cluster(client: object) -> bool:
    return isinstance(client, _CLUSTERS)


def check(client: Any, *, aio: bool) -> None:
    """Raises TypeError for what would reach another place than its user believes."""
    kind, cluster = (redis.asyncio.Redis, _CLUSTERS[1]) if aio else (redis.Redis, _CLUSTERS[0])
    is_one = isinstance(client, cluster)
    if not is_one and not isinstance(client, kind):
        wanted = "redis.asyncio.Redis" if aio else "redis.Redis"
        raise TypeError(f"a client is a {wanted} or a {wanted}Cluster, not {_name_of(client)}")
    if isinstance(client, ClusterClient | AioClusterClient):  # ours, which renames none
        return
    plain: Any = cluster if is_one else kind
    if type(client).execute_command is not plain.execute_command or "execute_command" in vars(client):
        raise TypeError(
            f"{_name_of(client)} has its own execute_command, as clients have that rename keys, and it would be passed"
            " by: give a plain client, and namespace= for names of your own"
        )


def usable(client: Any, *, aio: bool) -> Any:
    """The client itself, or one of our own for the same cluster, which lives as long. Raises as `check`."""
    check(client, aio=aio)
    if not is_cluster(client):
        return client
    if client not in _of_clusters:
        url = url_of(client)
        _of_clusters[client] = aio_connect(url) if aio else connect(url)
    return _of_clusters[client]


def url_of(cluster: Any) -> str:
    """How we name the cluster; with its password, so that it is shown to nobody. Raises TypeError."""
    given: Mapping[str, Any] = getattr(cluster, "connection_kwargs", None) or cluster.nodes_manager.connection_kwargs
    unsaid = [name for name in _UNSAID if given.get(name)]
    if unsaid or getattr(cluster.nodes_manager, "address_remap", None):
        what = unsaid[0] if unsaid else "address_remap"
        raise TypeError(f"a RedisCluster with {what} cannot be followed: give the URL, redis+cluster://host:port")
    connection = given.get("connection_class")
    encrypted = bool(given.get("ssl")) or (connection is not None and "SSL" in connection.__name__)
    nodes = [*cluster.nodes_manager.startup_nodes.values(), *cluster.nodes_manager.nodes_cache.values()]
    hosts = [(f"[{each.host}]" if ":" in each.host else each.host, each.port) for each in nodes]
    places = dict.fromkeys(f"{host}:{port}" for host, port in hosts)
    names = _OPTIONS + (_TLS_OPTIONS if encrypted else ())
    options = {name: _word(given[name]) for name in names if given.get(name) is not None}
    user, password = (quote(str(given.get(name) or ""), safe="") for name in ("username", "password"))
    login = f"{user}:{password}@" if user or password else ""
    return f"redis{'s' * encrypted}+cluster://{login}{','.join(places)}?{urlencode(options)}".rstrip("?")


def _word(value: Any) -> str:
    """As a URL has it."""
    if isinstance(value, bool):
        return str(value).lower()
    name = getattr(value, "name", None)  # of ssl.VerifyMode
    return {"CERT_NONE": "none", "CERT_OPTIONAL": "optional", "CERT_REQUIRED": "required"}.get(str(name), str(value))


def _name_of(client: object) -> str:
    kind = type(client)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


T = TypeVar("T")

SECONDS = 0.5  # to connect, and for each piece of a reply: a cache that takes longer is in the way
_PAUSES = 0.005, 0.05  # seconds between two looks for a release: the first, the longest

Connected = tuple["redis.asyncio.Redis", AsyncStore]
Opened = tuple[Connected, AsyncGenerator[Connected, None]]


class Source:
    """place: what an invalidation is told; a client, or where the embedded file is. name: of all over the same."""

    def __init__(self, url: str | None, client: Any) -> None:
        """Raises ConfigError for a URL that is none and for settings that cannot be used, TypeError for a client."""
        target = target_of(url, client)
        given, client = client, None if client is None else usable(client, aio=False)
        self.name: object = target or id(client)
        self._own = client is not given or client is None
        if client is None and not target.startswith(EMBEDDED):
            client = connect(target, **limits(Retry(NoBackoff(), 0)))
        self.place: str | redis.Redis = client or target
        self._store: RedisStore | EmbeddedFile
        if client is None:
            self._store = EmbeddedFile(target)
        else:
            self._store = over(PooledLink(client), keys_in_force(os.environ, folder()))

    def take(self, step: Step) -> Any:
        """What the step gives. Raises StoreError."""
        return self._store.take(step) if isinstance(self._store, EmbeddedFile) else step(self._store)

    def walk(self, steps: Steps[T]) -> T:
        return walk(steps, self.take)

    def close(self) -> None:
        """Closes the connections, but not those of a client that was given."""
        self._store.close()
        if self._own and isinstance(self.place, redis.Redis):
            self.place.close()


class AsyncSource:
    """As `Source`, asked by coroutines of any event loop.

    Connections belong to the loop that opened them, so that each loop has its own, closed when the loop shuts its
    asynchronous generators down, as asyncio.run does. The embedded file is asked in a thread.
    """

    def __init__(self, url: str | None, client: Any) -> None:
        self._target = target_of(url, client)
        given, client = client, None if client is None else usable(client, aio=True)
        self._is_own = client is not given
        self.name: object = self._target or id(client)
        self.renewals: set[asyncio.Task[None]] = set()
        self._file = EmbeddedFile(self._target) if self._target.startswith(EMBEDDED) else None
        self._keys = None if self._file else keys_in_force(os.environ, folder())
        self._given = None if client is None else (client, _aio_over(client, self._keys))
        if client is None and self._file is None:
            parse_url(self._target)  # what is wrong with it is wrong from the beginning
        self._opened: MutableMapping[asyncio.AbstractEventLoop, Opened] = WeakKeyDictionary()

    async def place(self) -> "str | redis.asyncio.Redis":
        """What an invalidation is told; a client, or where the embedded file is."""
        return self._target if self._file else (await self._connect())[0]

    async def take(self, step: Step) -> Any:
        """What the step gives. Raises StoreError."""
        if self._file is None:
            store = (await self._connect())[1]
            return await (_hear(store, step) if isinstance(step, Wait) else step(store))
        file = self._file
        if isinstance(step, Wait):
            return await _poll(file, step)
        taking = asyncio.ensure_future(beside(lambda: file.take(step)))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            # The thread goes on: what is to be taken back is taken back after it.
            with suppress(StoreError):
                await finished(taking)
            raise

    async def walk(self, steps: Steps[T]) -> T:
        return await aio_walk(steps, self.take)

    async def close(self) -> None:
        """Closes the connections of this loop, but not those of a client that was given. Ends renewals first."""
        loop = asyncio.get_running_loop()
        renewals = [task for task in self.renewals if task.get_loop() is loop]
        for task in renewals:
            task.cancel()
        if renewals:
            await asyncio.wait(renewals)
        if self._file is not None:
            self._file.close()
        if self._given is not None:
            await self._given[1].close()
            if self._is_own:
                await self._given[0].connection_pool.disconnect(inuse_connections=False)
        opened = self._opened.pop(asyncio.get_running_loop(), None)
        if opened is not None:
            await opened[1].aclose()

    async def _connect(self) -> Connected:
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        if loop not in self._opened:
            opening = self._open()
            self._opened[loop] = (await anext(opening), opening)  # nothing else runs before it yields
        return self._opened[loop][0]

    async def _open(self) -> AsyncGenerator[Connected, None]:
        client = aio_connect(self._target, **limits(AioRetry(NoBackoff(), 0)))
        store = _aio_over(client, self._keys)
        try:
            yield client, store
        finally:
            self._opened.pop(asyncio.get_running_loop(), None)
            await store.close()
            await client.aclose()


def _aio_over(client: "redis.asyncio.Redis", keys: Keys | None) -> AsyncStore:
    return AsyncStore(client) if keys is None else AsyncSignedStore(client, keys)


class AsyncSignedStore(AsyncStore):
    """As `SignedStore`."""

    def __init__(self, client: "redis.asyncio.Redis", keys: Keys) -> None:
        super().__init__(client)
        self._keys = keys

    async def get(self, key: str, names: tuple[str, ...], also: str | None = None) -> Any:
        return checked(self._keys, await super().get(key, names, also), key, also)

    async def get_many(self, keys: tuple[str, ...], names: tuple[str, ...]) -> Any:
        found = await super().get_many(keys, names)
        return tuple([checked(self._keys, each, key) for key, each in zip(keys, found, strict=True)])

    async def put(self, key: str, value: bytes, *, ttl: int, **more: Any) -> Any:
        signed = self._keys.sign_value(ENTRY, key, value, ttl)
        if await super().put(key, signed, ttl=ttl, **more):
            return True
        if not in_the_way(self._keys, key, (await super().get(key, ())).entry):
            return False
        await self.delete(key)
        return await super().put(key, signed, ttl=ttl, **more)

    async def read(self, keys: tuple[str, ...]) -> Any:
        return opened_all(self._keys, keys, await super().read(keys))

    async def write(self, key: str, value: bytes, ttl: int) -> Any:
        return await super().write(key, self._keys.sign_value(RECORD, key, value, ttl), ttl)


async def finished(work: Awaitable[T]) -> T:
    """What it gives. Its caller may be cancelled, again and again as by anyio: that waits until this is done."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as again:
            cancelled = again
    if cancelled is not None:
        task.cancelled() or task.exception()
        raise cancelled
    return task.result()


async def _hear(store: Any, wait: Wait) -> bool:
    """As `Wait` itself, over one exchange: to cut it off would cost a connection each time."""
    hearing = asyncio.ensure_future(store.wait(wait.claim, wait.mark, wait.seconds))
    try:
        while not (await asyncio.wait({hearing}, timeout=GLANCE))[0]:
            if wait.is_in_vain():
                return False
        return bool(hearing.result())
    finally:
        if not hearing.done():
            hearing.cancel()
            await finished(asyncio.wait({hearing}))
            hearing.cancelled() or hearing.exception()


async def _poll(file: EmbeddedFile, wait: Wait) -> bool:
    """Waits without holding one of the few threads, which the release that is waited for needs too."""
    end = glance = time.monotonic()
    end += wait.seconds
    pause, longest = _PAUSES
    look = Wait(wait.claim, wait.mark, 0, "")
    while not await beside(lambda: file.take(look)):
        now = time.monotonic()
        left = end - now
        if left <= 0 or (now >= glance and wait.is_in_vain()):
            return False
        glance = glance if now < glance else now + GLANCE
        await asyncio.sleep(min(pause, left))
        pause = min(2 * pause, longest)
    return True


def limits(retry: Any) -> dict[str, Any]:
    """How redis-py is to connect, where the URL does not say: one try, in bounded time."""
    return {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS, "retry": retry}


def target_of(url: str | None, client: object) -> str:
    """A URL or the embedded file, that of the settings in force where neither is named; '' beside a client."""
    if client is not None:
        if url is not None:
            raise ValueError("a URL or a client, not both")
        return ""
    return store_in_force() if url is None else url


def store_in_force() -> str:
    """That of the settings, as the folder of this process has them. Raises ConfigError."""
    return load(os.environ, folder()).store
