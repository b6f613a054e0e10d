"""Entries, generations, records and claims in Redis: what each call of a store says, and what the reply means.

Works with Redis 6 and later, and Valkey: strings with an expiry, generations as integers, one command per call.

A claim is a string with its owner, and falls by its expiry. A release adds to a stream that those who wait read
from where it stood when they were refused, so that none is missed, however late they begin to wait.
"""

from time import monotonic

from skillcache.core.outcomes import STORE_GARBAGE, StoreError
from skillcache.stores.contract import (
    NAMES_KEY,
    Claim,
    Lookup,
    Store,
    check_claim,
    check_ttl,
    check_value,
    claim_key,
    generation_key,
    started_bytes,
    wake_key,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from skillcache.stores.connection import Command, Link, Reply, Request

# KEYS: entry, set of names, generation...   ARGV: value, seconds, start as 16 digits, generation..., name...
# Sent whole each time: 400 bytes cost less than the second round trip that a digest unknown to the server would.
# Digits of one length compare as text; a value that begins otherwise is damaged and gives way.
# The names come first: a user who may not add them stores nothing.
PUT_SCRIPT = b"""\
local count = #KEYS - 2
for i = 1, count do
  if (redis.call('GET', KEYS[i + 2]) or '0') ~= ARGV[i + 3] then return 0 end
end
local held = redis.call('GETRANGE', KEYS[1], 0, 15)
if #held == 16 and string.find(held, '^%d+$') and held > ARGV[3] then return 0 end
if count > 0 then redis.call('SADD', KEYS[2], unpack(ARGV, count + 4)) end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""


def get(key: str, names: tuple[str, ...], also: str | None) -> "Request[Lookup]":
    beside: tuple[str, ...] = () if also is None else (also,)
    command = ("MGET", key, *map(generation_key, names), *beside)

    def read(reply: "Reply") -> Lookup:
        found = _strings(reply, len(command) - 1)
        held = None if also is None else found.pop()
        entry, *generations = found
        return Lookup(entry, tuple([_generation(text) for text in generations]), held)

    return command, read


def generations(names: tuple[str, ...], digest: str) -> "Request[tuple[int, ...]]":
    """As they lie beside the entries of `digest`: in a cluster they lie with each of its parts."""
    command = ("MGET", *map(generation_key, names), claim_key(digest))

    def read(reply: "Reply") -> tuple[int, ...]:
        return tuple([_generation(text) for text in _strings(reply, len(names) + 1)[:-1]])

    return command, read


def get_many(keys: tuple[str, ...], names: tuple[str, ...]) -> "Request[tuple[Lookup, ...]]":
    command = ("MGET", *map(generation_key, names), *keys)

    def read(reply: "Reply") -> tuple[Lookup, ...]:
        found = _strings(reply, len(command) - 1)
        generations = tuple([_generation(text) for text in found[: len(names)]])
        return tuple([Lookup(entry, generations) for entry in found[len(names) :]])

    return command, read


def put(
    key: str, value: bytes, ttl: int, started: int, names: tuple[str, ...], generations: tuple[int, ...]
) -> "Request[bool]":
    check_ttl(ttl)
    check_value(value, started)
    if len(names) != len(generations):
        raise ValueError("a generation for every name")
    keys = (key, NAMES_KEY, *map(generation_key, names))
    rest: Command = (str(len(keys)), *keys, value, str(ttl), started_bytes(started), *map(str, generations), *names)
    return ("EVAL", PUT_SCRIPT, *rest), flag


def delete(key: str) -> "Request[None]":
    return ("DEL", key), _counted


def invalidate(name: str) -> "Request[int]":
    return ("INCR", generation_key(name)), _integer


def read(keys: tuple[str, ...]) -> "Request[tuple[bytes | None, ...]]":
    return ("MGET", *keys) if keys else (), lambda reply: tuple(_strings(reply, len(keys))) if keys else ()


def write(key: str, value: bytes, ttl: int) -> "Request[None]":
    check_ttl(ttl)
    return ("SET", key, value, "EX", str(ttl)), lambda reply: _require(reply, b"OK")


def ping() -> "Request[None]":
    return ("PING",), lambda reply: _require(reply, b"PONG")


def flag(reply: "Reply") -> bool:
    if reply not in (0, 1):
        raise garbage("a script")
    return reply == 1


def garbage(what: str) -> StoreError:
    return StoreError(STORE_GARBAGE, f"{what} was answered in another shape")


def _require(reply: "Reply", word: bytes) -> None:
    if reply != word:
        raise garbage("a command")


def _strings(reply: "Reply", count: int) -> list[bytes | None]:
    if not isinstance(reply, list) or len(reply) != count:
        raise garbage("MGET")
    strings: list[bytes | None] = []
    for item in reply:
        if item is not None and not isinstance(item, bytes):
            raise garbage("MGET")
        strings.append(item)
    return strings


def _generation(text: bytes | None) -> int:
    if text is None:
        return 0
    if not text.removeprefix(b"-").isdigit() or len(text) > 20:  # a signed 64-bit integer
        raise garbage("a generation")
    return int(text)


def _counted(reply: "Reply") -> None:
    _integer(reply)


def _integer(reply: "Reply") -> int:
    if not isinstance(reply, int):
        raise garbage("an integer")
    return reply


WOKEN_MILLISECONDS = 60_000  # how long a release can be heard of

# KEYS: claim, stream   ARGV: owner, lease in ms, ms to keep the stream beyond the lease
# A claim without an owner or an expiry is none of ours; the latter would never fall.
# The stream outlives the lease: were a new one begun under a clock set back, its ids could be below the mark.
CLAIM_SCRIPT = b"""\
-- lasts
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', '1')[1]
local left = redis.call('PTTL', KEYS[1])
local holder = left >= 0 and redis.call('GET', KEYS[1])
if not holder or holder == '' or holder == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return {'', tonumber(ARGV[2]), last and last[1] or ''}
end
if not last then return {holder, left, '0-0'} end
redis.call('PEXPIRE', KEYS[2], left + ARGV[3])
return {holder, left, last[1]}
"""

# KEYS: claim, stream   ARGV: owner, ms to keep the stream
RELEASE_SCRIPT = b"""\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '1', '*', 'released', '1')
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
"""


def claim(digest: str, owner: str, lease: float) -> "Request[Claim]":
    check_claim(owner, lease)
    milliseconds = str(max(round(lease * 1000), 1))
    keys = (claim_key(digest), wake_key(digest))
    return ("EVAL", CLAIM_SCRIPT, "2", *keys, owner, milliseconds, str(WOKEN_MILLISECONDS)), _read_claim


def release(digest: str, owner: str) -> "Request[bool]":
    keys = (claim_key(digest), wake_key(digest))
    return ("EVAL", RELEASE_SCRIPT, "2", *keys, owner, str(WOKEN_MILLISECONDS)), flag


def hear(digest: str, mark: str, seconds: float) -> "Request[bool]":
    """Whether a release came after `mark`; the server keeps the reply back for up to `seconds`, 0: not at all."""
    milliseconds = round(seconds * 1000)  # BLOCK 0 would be for ever
    block: Command = ("BLOCK", str(milliseconds)) if milliseconds > 0 else ()
    return ("XREAD", "COUNT", "1", *block, "STREAMS", wake_key(digest), mark), _read_release


def _read_claim(reply: "Reply") -> Claim:
    if not isinstance(reply, list) or len(reply) != 3:
        raise garbage("a claim")
    holder, left, mark = reply
    if not isinstance(holder, bytes) or not isinstance(left, int) or not isinstance(mark, bytes):
        raise garbage("a claim")
    return Claim(holder.decode("utf-8", "replace"), left / 1000, mark.decode("ascii", "replace"))


def _read_release(reply: "Reply") -> bool:
    if reply is not None and not isinstance(reply, list):
        raise garbage("XREAD")
    return bool(reply)  # some of the kin of Redis answer nothing by an empty list


class RedisStore(Store):
    """Every call as a request over `link`. Over a link of coroutines each gives what it says, to be awaited."""

    def __init__(self, link: "Link") -> None:
        self.link = link

    def get(self, key: str, names: tuple[str, ...], also: str | None = None) -> Lookup:
        return self.link.ask(get(key, names, also))

    def get_many(self, keys: tuple[str, ...], names: tuple[str, ...]) -> tuple[Lookup, ...]:
        return self.link.ask(get_many(keys, names))

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
        return self.link.ask(put(key, value, ttl, started, names, generations))

    def delete(self, key: str) -> None:
        return self.link.ask(delete(key))

    def invalidate(self, name: str) -> int:
        return self.link.ask(invalidate(name))

    def read(self, keys: tuple[str, ...]) -> tuple[bytes | None, ...]:
        return self.link.ask(read(keys))

    def write(self, key: str, value: bytes, ttl: int) -> None:
        return self.link.ask(write(key, value, ttl))

    def claim(self, digest: str, owner: str, lease: float) -> Claim:
        return self.link.ask(claim(digest, owner, lease))

    def release(self, digest: str, owner: str) -> bool:
        return self.link.ask(release(digest, owner))

    def wait(self, digest: str, mark: str, seconds: float) -> bool:
        """Cut into blocks, so that a server that is gone without a word is noticed after one of them."""
        return any(self.link.ask(hear(digest, mark, block), block) for block in _blocks(seconds, self.link.longest))

    def ping(self) -> None:
        return self.link.ask(ping())

    def close(self) -> "Any":
        return self.link.close()


def _blocks(seconds: float, longest: float) -> "Iterator[float]":
    """How long to block each time, until `seconds` are over; at least once, 0 when there is no time."""
    end = monotonic() + seconds
    while True:
        left = max(end - monotonic(), 0.0)
        yield min(left, longest)
        if left <= longest:
            return
