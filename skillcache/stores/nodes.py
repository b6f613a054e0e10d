"""redis-py's connections to the node of a cluster that has our slot, wherever that is when they connect."""

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import Any

import redis
import redis.asyncio
from redis import exceptions

from skillcache.errors import StoreError
from skillcache.outcome import STORE_TIMEOUT
from skillcache.stores.cluster import tagged, untagged
from skillcache.stores.connection import ask_once
from skillcache.stores.discovery import locate
from skillcache.stores.redis_url import Address

_MOVED = "another node has the slot now"


def _has_moved(error: exceptions.ResponseError) -> bool:
    """Older versions of redis-py know the error in their own clients of a cluster only."""
    return isinstance(error, exceptions.MovedError) or str(error).startswith("MOVED ")


class _Node:
    """cluster: where it is asked who has the slot."""

    host: str
    port: int

    def __init__(self, *, cluster: Address, **settings: Any) -> None:
        super().__init__(**settings)
        self._cluster = cluster
        self._seconds = settings["socket_connect_timeout"]

    def _find(self) -> None:
        try:
            found = locate(self._cluster, monotonic() + self._seconds, ask_once)
        except StoreError as fault:
            kind = exceptions.TimeoutError if fault.outcome is STORE_TIMEOUT else exceptions.ConnectionError
            raise kind(str(fault)) from None
        self.host, self.port = found.host, found.port


class _SyncNode(_Node):
    def connect(self) -> None:
        if self._sock is None:  # type: ignore[attr-defined]
            self._find()
        super().connect()  # type: ignore[misc]

    def send_command(self, *words: Any, **options: Any) -> None:
        super().send_command(*tagged(words), **options)  # type: ignore[misc]

    def pack_commands(self, commands: Iterable[Any]) -> Any:
        return super().pack_commands([tagged(words) for words in commands])  # type: ignore[misc]

    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)  # type: ignore[misc]
        except exceptions.ResponseError as error:
            if not _has_moved(error):
                raise
            self.disconnect()  # type: ignore[attr-defined]
            raise exceptions.ConnectionError(_MOVED) from None


class _AioNode(_Node):
    async def connect(self) -> None:
        if not self.is_connected:  # type: ignore[attr-defined]
            await asyncio.to_thread(self._find)
        await super().connect()  # type: ignore[misc]

    def pack_command(self, *words: Any) -> Any:
        return super().pack_command(*tagged(words))  # type: ignore[misc]

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*args, **options)  # type: ignore[misc]
        except exceptions.ResponseError as error:
            if not _has_moved(error):
                raise
            await self.disconnect()  # type: ignore[attr-defined]
            raise exceptions.ConnectionError(_MOVED) from None


class Node(_SyncNode, redis.Connection):
    pass


class TlsNode(_SyncNode, redis.SSLConnection):
    pass


class AioNode(_AioNode, redis.asyncio.Connection):
    pass


class AioTlsNode(_AioNode, redis.asyncio.SSLConnection):
    pass


def read_names(client: Any) -> None:
    """Have `client` give the names of keys as they are called elsewhere."""
    parse = client.response_callbacks["SCAN"]

    def read(reply: Any, **options: Any) -> Any:
        cursor, keys = parse(reply, **options)
        return cursor, [untagged(key) for key in keys]

    client.set_response_callback("SCAN", read)
