"""A Redis server to which a process that stays is connected, with the bounds of a call that somebody waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import redis

from skillcache.core.errors import StoreError
from skillcache.stores import redis_py
from skillcache.stores.contract import Store
from skillcache.stores.pooled import PooledStore

if TYPE_CHECKING:
    from skillcache.stores.requests import Request

T = TypeVar("T")


_BLOCK = 2.0  # seconds that a reply may be kept back where somebody waits for a run, at most


class Connected:
    """connect, reply: seconds that the server has. Raises ConfigError."""

    def __init__(self, target: str, *, connect: float, reply: float) -> None:
        self._client = redis_py.connect(target, socket_connect_timeout=connect, socket_timeout=reply)
        self._waiting = PooledStore(
            redis_py.connect(target, socket_connect_timeout=connect, socket_timeout=_BLOCK + reply)
        )

    def store(self, note: Callable[[StoreError], None]) -> Store:
        """`note` is told of every failure."""
        return _Watched(self._client, self._waiting, note)


class _Watched(PooledStore):
    def __init__(self, client: redis.Redis, waiting: PooledStore, note: Callable[[StoreError], None]) -> None:
        super().__init__(client)
        self._longest_block = _BLOCK
        self._waiting = waiting
        self._note = note

    def close(self) -> None:
        """The connections stay for the next call."""

    def _ask(self, request: Request[T], patience: float = 0.0) -> T:
        try:
            if patience:
                return self._waiting._ask(request, patience)  # noqa: SLF001 - a store like this one, with other bounds
            return super()._ask(request, patience)
        except StoreError as fault:
            self._note(fault)
            raise
