"""redis-py's client of any place that a URL names: see `redis_url`."""

from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AioRetry
from redis.asyncio.sentinel import Sentinel as AioSentinel
from redis.backoff import NoBackoff
from redis.connection import parse_url as read_url
from redis.retry import Retry
from redis.sentinel import Sentinel

from skillcache.stores import nodes
from skillcache.stores.bounded import AIO_READING, READING
from skillcache.stores.redis_url import Address, parse_url

SECONDS = 5.0  # to find the server, where others have to be asked for it and nobody names a bound


def connect(url: str, **settings: Any) -> "redis.Redis":
    """`settings`: redis-py's own, where the URL does not say. Raises ConfigError, which repeats nothing of the URL."""
    address = parse_url(url)
    if address.nodes:
        kind = nodes.Node if address.tls is None else nodes.TlsNode
        of_node = _of_node(kind, address, settings | READING)
        found = redis.Redis.from_pool(redis.ConnectionPool.from_url(_plain(url), **of_node))
        nodes.read_names(found)
        return found
    if not address.sentinels:
        return redis.Redis.from_url(_plain(url), **settings, **READING)
    of_server, of_sentinel = _settings(url, address, settings, READING)
    retry = Retry(NoBackoff(), 0)  # there are other Sentinels
    sentinel = Sentinel(address.sentinels, sentinel_kwargs={"retry": retry, **of_sentinel}, **of_server)  # type: ignore[no-untyped-call]
    for each in sentinel.sentinels:  # their constructor takes no parser
        each.connection_pool.connection_kwargs.update(READING)
    client: redis.Redis = sentinel.master_for(address.service, _Client)  # type: ignore[no-untyped-call]
    return client


def aio_connect(url: str, **settings: Any) -> "redis.asyncio.Redis":
    """The same for coroutines."""
    address = parse_url(url)
    if address.nodes:
        kind = nodes.AioNode if address.tls is None else nodes.AioTlsNode
        pool = redis.asyncio.ConnectionPool.from_url(_plain(url), **_of_node(kind, address, settings | AIO_READING))
        found = redis.asyncio.Redis.from_pool(pool)
        nodes.read_names(found)
        return found
    if not address.sentinels:
        return redis.asyncio.Redis.from_url(_plain(url), **settings, **AIO_READING)
    of_server, of_sentinel = _settings(url, address, settings, AIO_READING)
    retry = AioRetry(NoBackoff(), 0)
    sentinel = AioSentinel(address.sentinels, sentinel_kwargs={"retry": retry, **of_sentinel}, **of_server)  # type: ignore[no-untyped-call]
    for each in sentinel.sentinels:
        each.connection_pool.connection_kwargs.update(AIO_READING)
    client: redis.asyncio.Redis = sentinel.master_for(address.service, _AioClient)
    return client


class _Client(redis.Redis):
    """Closes its connections to Sentinels with those to the server."""

    def close(self) -> None:
        super().close()
        for each in self.connection_pool.sentinel_manager.sentinels:  # type: ignore[attr-defined]
            each.close()


class _AioClient(redis.asyncio.Redis):
    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        for each in self.connection_pool.sentinel_manager.sentinels:  # type: ignore[attr-defined]
            await each.aclose()


def _plain(url: str) -> str:
    """As redis-py knows it: the schemes by one name only, and one host."""
    scheme, _, rest = _without_protocol(url).partition("://")
    if not scheme.lower().endswith("+cluster"):
        return f"{scheme}://{rest}".replace("redis+socket://", "unix://", 1)
    place, mark, options = rest.partition("?")
    login, at, hosts = place.rpartition("@")
    return f"{scheme.partition('+')[0]}://{login}{at}{hosts.partition(',')[0]}{mark}{options}"


def _without_protocol(url: str) -> str:
    """There is one that is read with bounds, and an option of the URL would be preferred to it."""
    place, mark, options = url.strip().partition("?")
    kept = [option for option in options.split("&") if not option.startswith("protocol=")]
    return f"{place}{mark if any(kept) else ''}{'&'.join(kept)}"


def _of_node(kind: type, address: Address, settings: dict[str, Any]) -> dict[str, Any]:
    return {"socket_connect_timeout": SECONDS, **settings, "connection_class": kind, "cluster": address}


def _settings(
    url: str, address: Address, settings: dict[str, Any], reading: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of connections to the server, and of those to a Sentinel."""
    # What redis-py reads from the options of a URL, it reads from those of a server's.
    query = url.strip().partition("#")[0].partition("?")[2]
    given = read_url(f"redis://sentinel/?{query}")  # type: ignore[no-untyped-call]
    for name in ("host", "sentinel_username", "sentinel_password", "virtual_host"):
        given.pop(name, None)
    shared: dict[str, Any] = {**settings, **given, **reading}
    if address.tls is not None:
        shared["ssl"] = True
    bounds = {name: value for name, value in shared.items() if name.startswith(("socket_", "ssl"))}
    bounds = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS, **bounds, "protocol": reading["protocol"]}
    login = {"username": address.sentinel_username, "password": address.sentinel_password}
    server = {"username": address.username, "password": address.password, "db": address.db}
    return shared | server, bounds | login
