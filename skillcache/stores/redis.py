"""The Redis store: strings with an expiry, generations as integers, one command per call.

Works with Redis 6 and later, and Valkey; not with a cluster, whose keys of one call live apart.
"""

from skillcache.errors import StoreError
from skillcache.outcome import STORE_REFUSED, STORE_UNREACHABLE
from skillcache.stores import Lookup, Store, redis_requests
from skillcache.stores.connection import Connection, Limits
from skillcache.stores.redis_url import Address
from skillcache.stores.resp import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from skillcache.stores.redis_requests import Command, Request
    from skillcache.stores.resp import Reply

    T = TypeVar("T")


class RedisCalls(Store):
    """Every call as a request; how it is asked is left to those below."""

    def get(self, key: str, names: tuple[str, ...], also: str | None = None) -> Lookup:
        return self._ask(redis_requests.get(key, names, also))

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
        return self._ask(redis_requests.put(key, value, ttl, started, names, generations))

    def delete(self, key: str) -> None:
        self._ask(redis_requests.delete(key))

    def invalidate(self, name: str) -> int:
        return self._ask(redis_requests.invalidate(name))

    def read(self, keys: tuple[str, ...]) -> tuple[bytes | None, ...]:
        return self._ask(redis_requests.read(keys)) if keys else ()

    def write(self, key: str, value: bytes, ttl: int) -> None:
        self._ask(redis_requests.write(key, value, ttl))

    def ping(self) -> None:
        self._ask(redis_requests.ping())

    def _ask(self, request: "Request[T]") -> "T":
        """Raises StoreError."""
        raise NotImplementedError


class RedisStore(RedisCalls):
    """Over one connection of this process, held to tight limits."""

    def __init__(self, address: Address, limits: Limits | None = None) -> None:
        self._connection = Connection(address, limits or Limits())

    def close(self) -> None:
        self._connection.close()

    def _ask(self, request: "Request[T]") -> "T":
        command, read = request
        self._require_alive()
        # An alarm may cut the exchange short anywhere: until it is whole, the connection owes a reply
        # that must not be taken for the next one's.
        self._fault = (STORE_UNREACHABLE, "an exchange was cut short")
        try:
            result = read(self._exchange(command))
        except StoreError as error:
            raise self._die(error.outcome, error.detail) from None
        self._fault = None
        return result

    def _exchange(self, command: "Command") -> "Reply":
        reply = self._connection.exchange(command)
        if isinstance(reply, Refusal):
            raise StoreError(STORE_REFUSED, reply.code)
        return reply
