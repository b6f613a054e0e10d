"""What the file of the embedded store holds. Each step is a transaction of its own, as short as its batch."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from skillcache.core.outcomes import DISK, StoreError
from skillcache.stores.patterns import compile_glob
from skillcache.stores.redis_keys import team_name
from skillcache.stores.scan import BATCH, HEAD, LONG_HEAD, SECONDS, Holdings, Steps, T, parts_of
from skillcache.stores.sqlite import SqliteStore
from skillcache.stores.sqlite_file import LARGEST


class EmbeddedHoldings(Holdings):
    """path: of the file, which need not be there; now: unix seconds, by which expiry is judged."""

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
                self._connection = connect(self._path)
            return self._connection.execute(query.replace("(*)", f"({','.join('?' * len(values))})"), values).fetchall()
        except (sqlite3.Error, UnicodeError) as fault:
            raise StoreError(DISK, str(fault)) from None


def connect(path: str) -> sqlite3.Connection:
    """To a file that is there, with a person's patience. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=SECONDS, isolation_level=None)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
    return connection


def take(steps: Steps[T]) -> T:
    """Raises StoreError."""
    try:
        next(steps)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise AssertionError("the embedded store asks nobody")
