"""Which entries a store holds, batch by batch, and what their headers say: more than the hook path ever asks.

Which entries a store holds, batch by batch: more than the hook path ever asks of a store.

What is asked is written as steps: a generator yields the commands of one pipeline and is sent their replies, so that a
blocking client of Redis and an asyncio one take the same steps. The embedded store answers at once and yields nothing.
No step is longer than a batch: other clients are served in between.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import redis
import redis.asyncio
from redis.client import NEVER_DECODE

from skillcache.core import json
from skillcache.core.outcomes import STORE_GARBAGE, StoreError
from skillcache.stores import redis_py
from skillcache.stores.entry import FORMS, TEXT, VERSION, Unreadable, check_name, is_number
from skillcache.stores.pooled import FAILURES, translated
from skillcache.stores.redis_keys import NAMES_KEY, entry_key, generation_key

T = TypeVar("T")
Commands = list[tuple[Any, ...]]
Steps = Generator[Commands, list[Any], T]

BATCH = 500  # keys: half a millisecond of a server's time
SECONDS = 5.0  # a person waits longer than a hook
HEAD = 8_192  # bytes that hold the header of most entries
LONG_HEAD = 1 << 20
ENTRIES = entry_key("*", "*")
TEAM_ENTRIES = entry_key("*", "*", "*")
PREFIX, TEAM_PREFIX = ENTRIES.partition("*")[0], TEAM_ENTRIES.partition("*")[0]
_NAME_AND_DIGEST = re.compile(r"(.+?):([^:]+(?::v[^:]+)?)", re.DOTALL)


class Holdings:
    """Keys are texts; one that is not UTF-8 holds surrogates. What is gone meanwhile is left out of an answer.

    Raises StoreError.
    """

    def names(self) -> Steps[list[str]]:
        """Names that entries may be stored under."""
        raise NotImplementedError

    def generations(self, names: Iterable[str]) -> Steps[dict[str, int]]:
        raise NotImplementedError

    def raise_generations(self, names: Iterable[str]) -> Steps[dict[str, int]]:
        """The new ones. From then on nothing that is bound to an older one is served, or stored."""
        raise NotImplementedError

    def keys(self, glob: str, cursor: int) -> Steps[tuple[int, list[str]]]:
        """A batch of the keys of entries that match. `cursor`: 0 for the first; 0 is given back with the last."""
        raise NotImplementedError

    def sizes(self, keys: list[str]) -> Steps[dict[str, int]]:
        """Bytes of each value."""
        raise NotImplementedError

    def heads(self, keys: list[str]) -> Steps[dict[str, bytes]]:
        """The beginning of each value, with its whole header where that is at most 1 MiB."""
        raise NotImplementedError

    def expiries(self, keys: list[str]) -> Steps[dict[str, float]]:
        """Seconds that each has left; infinity for one without an expiry."""
        raise NotImplementedError

    def value(self, key: str) -> Steps[bytes | None]:
        raise NotImplementedError

    def replace(self, key: str, old: bytes, new: bytes, ttl: int) -> Steps[bool]:
        """Puts `new` in the place of `old`, for `ttl` seconds from now; False when something else is there by then."""
        raise NotImplementedError

    def remove(self, keys: list[str]) -> Steps[int]:
        """How many of them were there."""
        raise NotImplementedError

    def forget(self, name: str) -> Steps[None]:
        """Drops a name and its generation: for one that nothing was stored under which is still there."""
        raise NotImplementedError


class Parts(NamedTuple):
    """Of an entry's key. team: "" for an entry that is not shared; digest: with the version behind it, if any."""

    team: str
    name: str
    digest: str


def parts_of(key: str) -> Parts | None:
    """None for what is not the key of an entry."""
    if key.startswith(PREFIX):
        team, rest = "", key.removeprefix(PREFIX)
    elif key.startswith(TEAM_PREFIX):
        team, _, rest = key.removeprefix(TEAM_PREFIX).partition(":")
    else:
        return None
    found = _NAME_AND_DIGEST.fullmatch(rest)
    return Parts(team, *found.groups()) if found else None


class Header(NamedTuple):
    """As in `Entry`."""

    key: str
    names: dict[str, int]
    status: int
    failed: bool
    form: str
    project: str
    duration: int
    finished: int
    writer: dict[str, str]
    pinned: bool


def read_header(head: bytes) -> Header:
    """`head`: at least the first two lines. Raises Unreadable."""
    first, _, rest = head.partition(b"\n")
    text, end, _ = rest.partition(b"\n")
    started, _, kind = first.partition(b" ")
    if not started.isdigit() or kind != b"skillcache %d" % VERSION or not end:
        raise Unreadable("not an entry of this version")
    try:
        fields: Any = json.loads(text)
        header = Header(
            key=fields["key"],
            names={name: generation for name, generation in fields["names"].items() if check_name(name)},
            status=fields["status"],
            failed=fields["failed"] is not False,
            form=fields.get("form", TEXT),
            project=fields["project"],
            duration=fields["duration"],
            finished=fields["finished"],
            writer=dict(fields["writer"].items()),
            pinned=fields.get("pinned") is True,
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Unreadable("the header is damaged") from None
    numbers = (header.status, header.duration, header.finished, *header.names.values())
    texts = (header.key, header.project, *header.writer.values())
    if header.form not in FORMS or not all(map(is_number, numbers)) or not all(isinstance(text, str) for text in texts):
        raise Unreadable("the header is damaged")
    return header


def with_pin(data: bytes, *, pinned: bool) -> bytes:
    """The same entry, pinned or not; what this version does not know of it is kept. Raises Unreadable."""
    read_header(data)
    first, text, rest = data.split(b"\n", 2)
    fields: Any = json.loads(text)
    return b"\n".join((first, json.dumps(fields | {"pinned": pinned}).encode("ascii"), rest))


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
    return redis_py.connect(url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS)


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
