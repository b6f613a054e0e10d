"""The Redis store: strings with an expiry, generations as integers, one command per call.

Works with Redis 6 and later, and Valkey.
"""

from time import monotonic

from skillcache.core.outcomes import STORE_REFUSED, STORE_UNREACHABLE, StoreError
from skillcache.stores import requests
from skillcache.stores.connection import Connection, Limits
from skillcache.stores.contract import Claim, Lookup, Store
from skillcache.stores.redis_url import Address
from skillcache.stores.resp import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeVar

    from skillcache.stores.requests import Command, Request
    from skillcache.stores.resp import Reply

    T = TypeVar("T")

_WAITING_MARGIN = 1.0  # seconds beyond a block: whoever waits can afford a busy server


def blocks(seconds: float, longest: float) -> "Iterator[float]":
    """How long to block each time, until `seconds` are over; at least once, 0 when there is no time."""
    end = monotonic() + seconds
    while True:
        left = max(end - monotonic(), 0.0)
        yield min(left, longest)
        if left <= longest:
            return


class RedisCalls(Store):
    """Every call as a request; how it is asked is left to those below.

    A wait is cut into blocks, so that a server that is gone without a word is noticed after one of them.
    """

    _longest_block = 5.0  # seconds

    def get(self, key: str, names: tuple[str, ...], also: str | None = None) -> Lookup:
        return self._ask(requests.get(key, names, also))

    def get_many(self, keys: tuple[str, ...], names: tuple[str, ...]) -> tuple[Lookup, ...]:
        return self._ask(requests.get_many(keys, names))

    def put(
        self,
        key: str,
        value: bytes,
        *,
        ttl: int,
        started: int,
        names: tuple[str, ...],
        generations: tuple[int, ...],
    ) -> bool:
        return self._ask(requests.put(key, value, ttl, started, names, generations))

    def delete(self, key: str) -> None:
        self._ask(requests.delete(key))

    def invalidate(self, name: str) -> int:
        return self._ask(requests.invalidate(name))

    def read(self, keys: tuple[str, ...]) -> tuple[bytes | None, ...]:
        return self._ask(requests.read(keys)) if keys else ()

    def write(self, key: str, value: bytes, ttl: int) -> None:
        self._ask(requests.write(key, value, ttl))

    def claim(self, digest: str, owner: str, lease: float) -> Claim:
        from skillcache.stores import requests  # a hit pays nothing for it

        return self._ask(requests.claim(digest, owner, lease))

    def release(self, digest: str, owner: str) -> bool:
        from skillcache.stores import requests  # a hit pays nothing for it

        return self._ask(requests.release(digest, owner))

    def wait(self, digest: str, mark: str, seconds: float) -> bool:
        from skillcache.stores import requests  # a hit pays nothing for it

        for block in blocks(seconds, self._longest_block):
            if self._ask(requests.hear(digest, mark, block), patience=block):
                return True
        return False

    def ping(self) -> None:
        self._ask(requests.ping())

    def _ask(self, request: "Request[T]", patience: float = 0.0) -> "T":
        """`patience`: seconds for which the server may keep its reply back. Raises StoreError."""
        raise NotImplementedError


class RedisStore(RedisCalls):
    """Over one connection of this process, held to tight limits."""

    def __init__(self, address: Address, limits: Limits | None = None) -> None:
        self._connection = Connection(address, limits or Limits())

    def close(self) -> None:
        self._connection.close()

    def _ask(self, request: "Request[T]", patience: float = 0.0) -> "T":
        command, read = request
        self._require_alive()
        # An alarm may cut the exchange short anywhere: until it is whole, the connection owes a reply
        # that must not be taken for the next one's.
        self._fault = (STORE_UNREACHABLE, "an exchange was cut short")
        try:
            result = read(self._exchange(command, patience))
        except StoreError as error:
            raise self._die(error.outcome, error.detail) from None
        self._fault = None
        return result

    def _exchange(self, command: "Command", patience: float) -> "Reply":
        reply = self._connection.exchange(command, patience + _WAITING_MARGIN if patience else 0.0)
        if isinstance(reply, Refusal):
            raise StoreError(STORE_REFUSED, reply.detail)
        return reply
