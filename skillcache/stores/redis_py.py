"""redis-py's clients of any place that a URL names (see `redis_url`), and how their connections reach it and read.

A server may send whatever it likes, and redis-py knows how long it may be silent, but nothing of how long, deep or slow
a reply may be. So replies are read with the bounds of our own reader: one that is over a bound is none that we
understand (InvalidResponse, of redis-py's errors).
"""

import inspect
from time import monotonic
from typing import Any

import redis
import redis.asyncio
from redis._parsers import _AsyncRESP2Parser, _RESP2Parser
from redis._parsers.socket import SocketBuffer
from redis.asyncio.retry import Retry as AioRetry
from redis.asyncio.sentinel import Sentinel as AioSentinel
from redis.backoff import NoBackoff
from redis.exceptions import InvalidResponse
from redis.retry import Retry
from redis.sentinel import Sentinel

from skillcache.stores.connection import MAX_DEPTH, MAX_ITEMS, MAX_LINE
from skillcache.stores.redis_cluster import (
    AioClusterClient,
    AioClusterPool,
    AioNode,
    AioTlsNode,
    ClusterClient,
    ClusterPool,
    Node,
    TlsNode,
)
from skillcache.stores.redis_url import Address, parse_url

SIZE = 64 << 20  # bytes of a reply
_SLOW = 6  # silences of the length that is borne, from a reply's first byte to its last
_BORNE = 5.0  # seconds of silence where nobody says how many


class _Count:
    """What of a reply has come."""

    def __init__(self) -> None:
        self._items = 0
        self._depth = 0

    def begin(self) -> None:
        self._items = self._depth = 0

    def __enter__(self) -> None:
        self._items += 1
        self._depth += 1
        if self._items > MAX_ITEMS or self._depth > MAX_DEPTH + 1:
            raise InvalidResponse("an array out of bounds")

    def __exit__(self, *_: object) -> None:
        self._depth -= 1


class _Link:
    """The socket, as the buffer uses it."""

    def __init__(self, socket: Any, silence: float | None) -> None:
        self._socket = socket
        self._seconds = _SLOW * (silence or _BORNE)
        self.begin()

    def begin(self) -> None:
        self._left = SIZE
        self._ends: float | None = None

    def recv(self, size: int) -> bytes:
        if self._ends is not None and monotonic() > self._ends:
            raise TimeoutError
        data: bytes = self._socket.recv(size)
        self._ends = self._ends or monotonic() + self._seconds
        self._left -= len(data)
        if self._left < 0:
            raise InvalidResponse("a reply over the cap")
        return data

    def settimeout(self, seconds: float | None) -> None:
        self._socket.settimeout(seconds)


class _Buffer(SocketBuffer):
    def read(self, length: int, *given: Any, **more: Any) -> bytes:
        if not 0 <= length <= SIZE:
            raise InvalidResponse("a length out of bounds")
        return super().read(length, *given, **more)

    def readline(self, *given: Any, **more: Any) -> bytes:
        line = self._buffer.readline()
        while not line.endswith(b"\r\n"):
            if len(line) > MAX_LINE:
                raise InvalidResponse("a line over the cap")
            self._read_from_socket(*given, **more)
            line += self._buffer.readline()
        return line[:-2]


class Parser(_RESP2Parser):
    def __init__(self, socket_read_size: int) -> None:
        super().__init__(socket_read_size)  # type: ignore[no-untyped-call]
        self._count = _Count()

    def on_connect(self, connection: Any) -> None:
        super().on_connect(connection)  # type: ignore[no-untyped-call]
        self._link = _Link(connection._sock, connection.socket_timeout)  # noqa: SLF001 - as every parser of redis-py
        self._buffer = _Buffer(self._link, self.socket_read_size, connection.socket_timeout)  # type: ignore[arg-type]

    def on_disconnect(self) -> None:
        super().on_disconnect()  # type: ignore[no-untyped-call]

    def read_response(self, *given: Any, **more: Any) -> Any:
        self._count.begin()
        self._link.begin()
        return super().read_response(*given, **more)

    def _read_response(self, *given: Any, **more: Any) -> Any:
        with self._count:
            return super()._read_response(*given, **more)


class AsyncParser(_AsyncRESP2Parser):
    """asyncio's own reader bounds lines, and redis-py the time of a whole reply there."""

    def __init__(self, socket_read_size: int) -> None:
        super().__init__(socket_read_size)
        self._count = _Count()
        self._left = SIZE

    async def read_response(self, *given: Any, **more: Any) -> Any:
        self._count.begin()
        self._left = SIZE
        return await super().read_response(*given, **more)

    async def _read_response(self, *given: Any, **more: Any) -> Any:
        with self._count:
            return await super()._read_response(*given, **more)

    async def _read(self, length: int) -> bytes:
        self._left -= length
        if length < 0 or self._left < 0:
            raise InvalidResponse("a length out of bounds")
        return await super()._read(length)


# How a connection of redis-py is to read: of RESP3 there is no parser with bounds.
READING: dict[str, Any] = {"parser_class": Parser, "protocol": 2}
AIO_READING: dict[str, Any] = {"parser_class": AsyncParser, "protocol": 2}

SECONDS = 5.0  # to find the server, where others have to be asked for it and nobody names a bound
# Newer versions of redis-py log in by another command, which takes a password where a hook's is refused.
_AS_HOOKS: dict[str, Any] = {"protocol": 2}
_TCP_ONLY = "socket_keepalive"
# Of an encrypted key: without one OpenSSL asks for it on the terminal. Old versions of redis.asyncio take none.
_PASSPHRASE = {"ssl_password": ""}
_AIO_TAKES_IT = "ssl_password" in inspect.signature(redis.asyncio.SSLConnection).parameters


def connect(url: str, **settings: Any) -> "redis.Redis":
    """`settings`: redis-py's own, where the URL does not say. Raises ConfigError, which repeats nothing of the URL."""
    address = parse_url(url)
    tls = _tls(address, _PASSPHRASE)
    if not address.sentinels:
        kinds = (redis.Connection, redis.SSLConnection, redis.UnixDomainSocketConnection, Node, TlsNode)
        given = _of_server(address, tls, settings, READING, kinds)
        if address.nodes:
            return ClusterClient.from_pool(ClusterPool(**given))
        return redis.Redis.from_pool(redis.ConnectionPool(**given))
    of_server, of_sentinel = _of_service(address, tls, settings, READING)
    retry = Retry(NoBackoff(), 0)  # there are other Sentinels
    sentinel = Sentinel(address.sentinels, sentinel_kwargs={"retry": retry, **of_sentinel}, **of_server)  # type: ignore[no-untyped-call]
    for each in sentinel.sentinels:  # their constructor takes no parser
        each.connection_pool.connection_kwargs.update(READING)
    client: redis.Redis = sentinel.master_for(address.service, _Client)  # type: ignore[no-untyped-call]
    return client


def aio_connect(url: str, **settings: Any) -> "redis.asyncio.Redis":
    """The same for coroutines."""
    address = parse_url(url)
    tls = _tls(address, _PASSPHRASE if _AIO_TAKES_IT else {})
    if not address.sentinels:
        aio = redis.asyncio
        kinds = (aio.Connection, aio.SSLConnection, aio.UnixDomainSocketConnection, AioNode, AioTlsNode)
        given = _of_server(address, tls, settings, AIO_READING, kinds)
        if address.nodes:
            return AioClusterClient.from_pool(AioClusterPool(**given))
        return aio.Redis.from_pool(aio.ConnectionPool(**given))
    of_server, of_sentinel = _of_service(address, tls, settings, AIO_READING)
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


def _of_server(
    address: Address,
    tls: dict[str, Any],
    settings: dict[str, Any],
    reading: dict[str, Any],
    kinds: tuple[type, type, type, type, type],
) -> dict[str, Any]:
    """What a pool is made from. kinds: of connections: plain, TLS, to a unix socket, to a cluster's node, over TLS."""
    plain, encrypted, local, node, encrypted_node = kinds
    asked = {**_AS_HOOKS, **settings, **address.tuning, **_login(address), **reading}
    if address.path is not None:
        asked.pop(_TCP_ONLY, None)
        return {**asked, "connection_class": local, "path": address.path}
    if address.nodes:
        kind = node if address.tls is None else encrypted_node
        return {"socket_connect_timeout": SECONDS, **asked, **tls, "connection_class": kind, "cluster": address}
    kind = plain if address.tls is None else encrypted
    return {**asked, **tls, "connection_class": kind, "host": address.host, "port": address.port}


def _of_service(
    address: Address, tls: dict[str, Any], settings: dict[str, Any], reading: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of connections to the server, and of those to a Sentinel."""
    shared: dict[str, Any] = {**_AS_HOOKS, **settings, **address.tuning, **tls, **reading}
    if address.tls is not None:
        shared["ssl"] = True
    bounds = {name: value for name, value in shared.items() if name.startswith(("socket_", "ssl"))}
    bounds = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS, **bounds, "protocol": reading["protocol"]}
    login = {"username": address.sentinel_username, "password": address.sentinel_password}
    return shared | _login(address), bounds | login


def _login(address: Address) -> dict[str, Any]:
    return {"username": address.username, "password": address.password, "db": address.db}


def _tls(address: Address, passphrase: dict[str, str]) -> dict[str, Any]:
    """As `tls.wrap` has it."""
    if address.tls is None:
        return {}
    checked = address.tls["ssl_cert_reqs"] != "none" and "ssl_check_hostname" not in address.tls
    return {**passphrase, **address.tls, "ssl_check_hostname": checked}
