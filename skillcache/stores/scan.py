"""Which entries a store holds, batch by batch, and what their headers say: more than the hook path ever asks.

What is asked is written as steps: a generator yields the commands of one pipeline and is sent their replies, so that a
blocking client of Redis and an asyncio one take the same steps. The embedded store answers at once and yields nothing.
No step is longer than a batch: other clients are served in between.
"""

import os
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple, TypeVar

import redis
import redis.asyncio
from redis.client import NEVER_DECODE

from skillcache.core import json
from skillcache.core.outcomes import DISK, STORE_GARBAGE, StoreError
from skillcache.stores import redis_py
from skillcache.stores.cluster import WAIT, is_lasting
from skillcache.stores.contract import NAMES_KEY, generation_key, team_name
from skillcache.stores.entry import FORMS, LONGEST_RUN, TEXT, VERSION, Unreadable, check_name, is_number
from skillcache.stores.patterns import compile_glob, parts_of
from skillcache.stores.pooled import aio_walk, has_sentinels, those_of, translating, walk
from skillcache.stores.sqlite import SqliteStore
from skillcache.stores.sqlite_file import LARGEST

T = TypeVar("T")
Commands = list[tuple[Any, ...]]
Steps = Generator[Commands, list[Any], T]

BATCH = 500  # keys: half a millisecond of a server's time
SECONDS = 5.0  # a person waits longer than a hook
HEAD = 8_192  # bytes that hold the header of most entries
LONG_HEAD = 1 << 20


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

    def living(self, keys: list[str]) -> Steps[list[str]]:
        """Those that have not expired, of keys that were there a moment ago."""
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
    if not 0 <= header.duration <= LONGEST_RUN:
        raise Unreadable("no run takes so long")
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

    def living(self, keys: list[str]) -> Steps[list[str]]:
        yield from ()
        return keys  # a server tells of no others

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


class EmbeddedHoldings(Holdings):
    """Each step is a transaction of its own, as short as its batch.

    path: of the file, which need not be there; now: unix seconds, by which expiry is judged.
    """

    def __init__(self, path: str, now: float) -> None:
        self._path = path
        self._now = now
        self._connection: sqlite3.Connection | None = None

    def names(self) -> Steps[list[str]]:
        yield from ()
        found = {name for (name,) in self._ask("SELECT name FROM generations")}
        for (key,) in self._ask("SELECT key FROM entries"):
            parts = parts_of(key)
            if parts is not None:
                found.update((parts.name, team_name(parts.team)) if parts.team else (parts.name,))
        return sorted(found)

    def generations(self, names: Iterable[str]) -> Steps[dict[str, int]]:
        yield from ()
        asked = list(names)
        found = dict(self._ask("SELECT name, value FROM generations WHERE name IN (*)", asked))
        return {name: found.get(name, 0) for name in asked}

    def raise_generations(self, names: Iterable[str]) -> Steps[dict[str, int]]:
        yield from ()
        store = SqliteStore(self._path, now=self._now)
        try:
            return {name: store.invalidate(name) for name in names}
        finally:
            store.close()

    def keys(self, glob: str, cursor: int) -> Steps[tuple[int, list[str]]]:
        yield from ()
        rows = self._ask("SELECT id, key FROM entries WHERE id > ? ORDER BY id LIMIT ?", (cursor, BATCH))
        matches = compile_glob(glob).fullmatch
        following = rows[-1][0] if len(rows) == BATCH else 0
        return following, [key for _, key in rows if matches(key.encode("utf-8", "surrogateescape"))]

    def sizes(self, keys: list[str]) -> Steps[dict[str, int]]:
        yield from ()
        return dict(self._ask("SELECT key, length(value) FROM entries WHERE key IN (*)", keys))

    def heads(self, keys: list[str]) -> Steps[dict[str, bytes]]:
        yield from ()
        found = self._beginnings(keys, HEAD)
        for key in [key for key, head in found.items() if len(head) == HEAD and head.count(b"\n") < 2]:
            found |= self._beginnings([key], LONG_HEAD)
        return found

    def _beginnings(self, keys: list[str], size: int) -> dict[str, bytes]:
        query = f"SELECT key, substr(value, 1, {size}) FROM entries WHERE key IN (*)"  # noqa: S608 - a number of ours
        return {key: head if isinstance(head, bytes) else b"" for key, head in self._ask(query, keys)}

    def expiries(self, keys: list[str]) -> Steps[dict[str, float]]:
        yield from ()
        found = self._ask("SELECT key, expires FROM entries WHERE key IN (*)", keys)
        return {key: expires - self._now for key, expires in found if expires > self._now}

    def living(self, keys: list[str]) -> Steps[list[str]]:
        return list((yield from self.expiries(keys)))

    def value(self, key: str) -> Steps[bytes | None]:
        yield from ()
        rows = self._ask("SELECT value FROM entries WHERE key = ? AND expires > ?", (key, self._now))
        return rows[0][0] if rows and isinstance(rows[0][0], bytes) else None

    def replace(self, key: str, old: bytes, new: bytes, ttl: int) -> Steps[bool]:
        yield from ()
        replace = "UPDATE entries SET value = ?, expires = ? WHERE key = ? AND value = ? RETURNING 1"
        return bool(self._ask(replace, (new, self._now + ttl, key, old)))

    def remove(self, keys: list[str]) -> Steps[int]:
        yield from ()
        return len(self._ask("DELETE FROM entries WHERE key IN (*) RETURNING 1", keys))

    def forget(self, name: str) -> Steps[None]:
        yield from ()
        self._ask("DELETE FROM generations WHERE name = ?", (name,))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows; none without a file. `(*)` stands for as many marks as there are values. Raises StoreError."""
        if not os.path.exists(self._path):
            return []
        try:
            if self._connection is None:
                self._connection = open_file(self._path)
            return self._connection.execute(query.replace("(*)", f"({','.join('?' * len(values))})"), values).fetchall()
        except (sqlite3.Error, UnicodeError) as fault:
            raise StoreError(DISK, str(fault)) from None


def open_file(path: str) -> sqlite3.Connection:
    """To a file that is there, with a person's patience. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=SECONDS, isolation_level=None)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
    return connection


def _integers(replies: list[Any]) -> list[int]:
    """Raises StoreError."""
    if not all(isinstance(reply, int) for reply in replies):
        raise StoreError(STORE_GARBAGE, "a count that is none")
    return replies


def take(steps: Steps[T], client: "redis.Redis | None" = None) -> T:
    """`client`: None for the embedded store, which asks nobody. Raises StoreError."""

    def ask(commands: Commands) -> list[Any]:
        if not commands:
            return []
        return those_of(len(commands), _filled(client, commands).execute(raise_on_error=False))

    with nullcontext() if client is None else translating(client):
        return walk(steps, ask)


async def aio_take(steps: Steps[T], client: "redis.asyncio.Redis") -> T:
    async def ask(commands: Commands) -> list[Any]:
        if not commands:
            return []
        return those_of(len(commands), await _filled(client, commands).execute(raise_on_error=False))

    with translating(client):
        return await aio_walk(steps, ask)


def _filled(client: Any, commands: Commands) -> Any:
    pipeline = client.pipeline(transaction=False)
    for words in commands:
        pipeline.execute_command(*words, **{NEVER_DECODE: True})
    if has_sentinels(client) and any(map(is_lasting, commands)):
        pipeline.execute_command(*WAIT)
    return pipeline


def connect(url: str) -> "redis.Redis":
    """With a person's patience. Raises ConfigError."""
    return redis_py.connect(url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
