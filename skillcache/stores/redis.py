"""The Redis store: strings with an expiry, generations as integers, one command per call.

Works with Redis 6 and later, and Valkey; not with a cluster, whose keys of one call live apart.
"""

from skillcache.errors import StoreError
from skillcache.outcome import STORE_GARBAGE, STORE_REFUSED, STORE_UNREACHABLE
from skillcache.redis_keys import generation_key
from skillcache.stores import Lookup, Store, check_ttl, check_value, stamp
from skillcache.stores.connection import Connection, Limits
from skillcache.stores.redis_url import Address
from skillcache.stores.resp import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.stores.resp import Reply

# KEYS: entry, generation...   ARGV: value, seconds, start as 16 digits, generation...
# Sent whole each time: 300 bytes cost less than the second round trip that a digest unknown to the server would.
# Digits of one length compare as text; a value that begins otherwise is damaged and gives way.
PUT_SCRIPT = b"""\
for i = 2, #KEYS do
  if (redis.call('GET', KEYS[i]) or '0') ~= ARGV[i + 2] then return 0 end
end
local held = redis.call('GETRANGE', KEYS[1], 0, 15)
if #held == 16 and string.find(held, '^%d+$') and held > ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""


class RedisStore(Store):
    def __init__(self, address: Address, limits: Limits | None = None) -> None:
        self._connection = Connection(address, limits or Limits())

    def get(self, key: str, names: tuple[str, ...]) -> Lookup:
        reply = self._ask(("MGET", key, *map(generation_key, names)))
        entry, *generations = self._strings(reply, 1 + len(names))
        return Lookup(entry, tuple([self._generation(text) for text in generations]))

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
        check_ttl(ttl)
        check_value(value, started)
        if len(names) != len(generations):
            raise ValueError("a generation for every name")
        keys = (key, *map(generation_key, names))
        rest: tuple[str | bytes, ...] = (str(len(keys)), *keys, value, str(ttl), stamp(started), *map(str, generations))
        reply = self._ask(("EVAL", PUT_SCRIPT, *rest))
        if reply not in (0, 1):
            raise self._garbage("EVAL")
        return reply == 1

    def delete(self, key: str) -> None:
        self._integer(self._ask(("DEL", key)))

    def invalidate(self, name: str) -> int:
        return self._integer(self._ask(("INCR", generation_key(name))))

    def read(self, keys: tuple[str, ...]) -> tuple[bytes | None, ...]:
        if not keys:
            return ()
        return tuple(self._strings(self._ask(("MGET", *keys)), len(keys)))

    def write(self, key: str, value: bytes, ttl: int) -> None:
        check_ttl(ttl)
        if self._ask(("SET", key, value, "EX", str(ttl))) != b"OK":
            raise self._garbage("SET")

    def ping(self) -> None:
        if self._ask(("PING",)) != b"PONG":
            raise self._garbage("PING")

    def close(self) -> None:
        self._connection.close()

    def _ask(self, command: "tuple[str | bytes, ...]") -> "Reply":
        self._require_alive()
        # An alarm may cut the exchange short anywhere: until it is whole, the connection owes a reply
        # that must not be taken for the next one's.
        self._fault = (STORE_UNREACHABLE, "an exchange was cut short")
        try:
            reply = self._connection.exchange(command)
        except StoreError as error:
            raise self._die(error.outcome, error.detail) from None
        self._fault = None
        if isinstance(reply, Refusal):
            raise self._die(STORE_REFUSED, reply.code)
        return reply

    def _strings(self, reply: "Reply", count: int) -> list[bytes | None]:
        if not isinstance(reply, list) or len(reply) != count:
            raise self._garbage("MGET")
        strings: list[bytes | None] = []
        for item in reply:
            if item is not None and not isinstance(item, bytes):
                raise self._garbage("MGET")
            strings.append(item)
        return strings

    def _generation(self, text: bytes | None) -> int:
        if text is None:
            return 0
        if not text.removeprefix(b"-").isdigit() or len(text) > 20:  # a signed 64-bit integer
            raise self._garbage("a generation")
        return int(text)

    def _integer(self, reply: "Reply") -> int:
        if not isinstance(reply, int):
            raise self._garbage("an integer")
        return reply

    def _garbage(self, what: str) -> StoreError:
        return self._die(STORE_GARBAGE, f"{what} was answered in another shape")
