"""What a Redis holds. Replies are taken as bytes, whatever the client decodes for others."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import redis
import redis.asyncio
from redis.client import NEVER_DECODE

from skillcache.errors import StoreError
from skillcache.holdings import BATCH, HEAD, LONG_HEAD, SECONDS, Commands, Holdings, Steps, T
from skillcache.outcome import STORE_GARBAGE
from skillcache.redis_keys import NAMES_KEY, generation_key
from skillcache.stores import clients
from skillcache.stores.pooled import FAILURES, translated

_STEPS = 200_000  # of one command: a hundred million keys
_NAMES = 1_000_000

# KEYS: entry   ARGV: the bytes that must be there, those to put there, seconds
_REPLACE = """\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


class RedisHoldings(Holdings):
    def __init__(self) -> None:
        self._steps = 0

    def names(self) -> Steps[list[str]]:
        found: set[str] = set()
        cursor = -1
        while cursor:
            ((following, batch),) = yield [("SSCAN", NAMES_KEY, max(cursor, 0), "COUNT", BATCH)]
            cursor = self._follow(cursor, following)
            found.update(map(_text, batch))
            if len(found) > _NAMES:
                raise StoreError(STORE_GARBAGE, f"more than {_NAMES} names")
        return sorted(found)

    def generations(self, names: Iterable[str]) -> Steps[dict[str, int]]:
        asked = list(names)
        replies = yield [("GET", _bytes(generation_key(name))) for name in asked]
        return {name: int(reply or 0) for name, reply in zip(asked, replies, strict=True)}

    def raise_generations(self, names: Iterable[str]) -> Steps[dict[str, int]]:
        asked = list(names)
        replies = yield [("INCR", _bytes(generation_key(name))) for name in asked]
        return dict(zip(asked, _integers(replies), strict=True))

    def keys(self, glob: str, cursor: int) -> Steps[tuple[int, list[str]]]:
        ((following, keys),) = yield [("SCAN", cursor, "MATCH", _bytes(glob), "COUNT", BATCH, "TYPE", "string")]
        return self._follow(cursor, following), [_text(key) for key in keys]

    def _follow(self, cursor: int, following: int) -> int:
        """The cursor of the next step. Raises StoreError where a server leads us nowhere."""
        self._steps += 1
        if (following and following == cursor) or self._steps > _STEPS:
            raise StoreError(STORE_GARBAGE, "a walk through its keys has no end")
        return following

    def sizes(self, keys: list[str]) -> Steps[dict[str, int]]:
        replies = yield [("STRLEN", _bytes(key)) for key in keys]
        return {key: size for key, size in zip(keys, _integers(replies), strict=True) if size}

    def heads(self, keys: list[str]) -> Steps[dict[str, bytes]]:
        found = yield from self._beginnings(keys, HEAD)
        for key in [key for key, head in found.items() if len(head) == HEAD and head.count(b"\n") < 2]:
            found |= yield from self._beginnings([key], LONG_HEAD)
        return found

    def _beginnings(self, keys: list[str], size: int) -> Steps[dict[str, bytes]]:
        replies = yield [("GETRANGE", _bytes(key), 0, size - 1) for key in keys]
        return {key: head for key, head in zip(keys, replies, strict=True) if head and isinstance(head, bytes)}

    def expiries(self, keys: list[str]) -> Steps[dict[str, float]]:
        replies = yield [("PTTL", _bytes(key)) for key in keys]
        found = zip(keys, _integers(replies), strict=True)
        return {key: float("inf") if left == -1 else left / 1000 for key, left in found if left != -2}

    def value(self, key: str) -> Steps[bytes | None]:
        (found,) = yield [("GET", _bytes(key))]
        return found if isinstance(found, bytes) else None

    def replace(self, key: str, old: bytes, new: bytes, ttl: int) -> Steps[bool]:
        (done,) = yield [("EVAL", _REPLACE, 1, _bytes(key), old, new, ttl)]
        return bool(done)

    def remove(self, keys: list[str]) -> Steps[int]:
        (removed,) = yield [("UNLINK", *map(_bytes, keys))]
        return int(removed)

    def forget(self, name: str) -> Steps[None]:
        yield [("SREM", NAMES_KEY, _bytes(name)), ("DEL", _bytes(generation_key(name)))]


def _integers(replies: list[Any]) -> list[int]:
    """Raises StoreError."""
    if not all(isinstance(reply, int) for reply in replies):
        raise StoreError(STORE_GARBAGE, "a count that is none")
    return replies


def take(steps: Steps[T], client: "redis.Redis") -> T:
    """Raises StoreError."""
    replies: list[Any] | None = None
    with reported(client):
        while True:
            try:
                commands = _next(steps, replies)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            replies = _fill(client.pipeline(transaction=False), commands).execute() if commands else []


async def aio_take(steps: Steps[T], client: "redis.asyncio.Redis") -> T:
    """Raises StoreError."""
    replies: list[Any] | None = None
    with reported(client):
        while True:
            try:
                commands = _next(steps, replies)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            replies = await _fill(client.pipeline(transaction=False), commands).execute() if commands else []


def _next(steps: Steps[Any], replies: list[Any] | None) -> Commands:
    return next(steps) if replies is None else steps.send(replies)


def _fill(pipeline: Any, commands: Commands) -> Any:
    for words in commands:
        pipeline.execute_command(*words, **{NEVER_DECODE: True})
    return pipeline


def connect(url: str) -> "redis.Redis":
    """Raises ConfigError."""
    return clients.connect(url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS)


@contextmanager
def reported(client: Any) -> Iterator[None]:
    """An error's own text may hold the URL's password."""
    try:
        yield
    except FAILURES as fault:
        raise translated(fault, client) from None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
