"""What a store holds of ours, counted and removed as a whole: more than the hook path ever needs of a store."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import redis

from skillcache.errors import StoreError
from skillcache.outcome import DISK, STORE_REFUSED, STORE_UNREACHABLE
from skillcache.redis_keys import entry_key, record_key
from skillcache.stores import EMBEDDED
from skillcache.stores.redis_url import parse_url

_SECONDS = 5.0  # a person waits longer than a hook
_BATCH = 500
_ENTRIES = entry_key("*", "*")
_LATEST = record_key("latest", "*")  # which entry a command had last


class Contents:
    """`place`: where it is, for people, without a password."""

    place: str

    def measure(self) -> tuple[int, int]:
        """How many results, and their bytes. Raises StoreError."""
        raise NotImplementedError

    def remove(self) -> None:
        """Raises StoreError."""
        raise NotImplementedError


class EmbeddedContents(Contents):
    def __init__(self, path: str) -> None:
        self._path = path
        self.place = f"the embedded store {path}"

    def measure(self) -> tuple[int, int]:
        if not os.path.exists(self._path):
            return 0, 0
        try:
            with closing(self._connect()) as db:
                measure = "SELECT count(*), coalesce(sum(length(value)), 0) FROM entries WHERE key GLOB ?"
                count, total = db.execute(measure, (_ENTRIES,)).fetchone()
        except sqlite3.Error as fault:
            raise self._failed(fault) from None
        return int(count), int(total)

    def remove(self) -> None:
        if not os.path.exists(self._path):
            return
        try:
            with closing(self._connect()) as db:
                db.execute("BEGIN IMMEDIATE")
                db.execute("DELETE FROM entries WHERE key GLOB ?", (_ENTRIES,))
                db.execute("DELETE FROM records WHERE key GLOB ?", (_LATEST,))
                db.execute("COMMIT")
                db.execute("VACUUM")
        except sqlite3.Error as fault:
            raise self._failed(fault) from None

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=_SECONDS, isolation_level=None)

    def _failed(self, fault: sqlite3.Error) -> StoreError:
        return StoreError(DISK, f"{self._path}: {fault}. To start with a new one, remove that file")


class RedisContents(Contents):
    def __init__(self, url: str) -> None:
        # redis-py knows the socket scheme by one name only.
        self._client = redis.Redis.from_url(
            url.replace("redis+socket://", "unix://", 1),
            socket_connect_timeout=_SECONDS,
            socket_timeout=_SECONDS,
        )
        options = self._client.connection_pool.connection_kwargs
        where = options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
        self.place = f"Redis at {where}, database {options.get('db', 0)}"

    def measure(self) -> tuple[int, int]:
        count = total = 0
        try:
            for keys in self._batches(_ENTRIES):
                pipeline = self._client.pipeline(transaction=False)
                for key in keys:
                    pipeline.strlen(key)
                count += len(keys)
                total += sum(pipeline.execute())
        except redis.RedisError as fault:
            raise self._failed(fault) from None
        return count, total

    def remove(self) -> None:
        try:
            for pattern in (_ENTRIES, _LATEST):
                for keys in self._batches(pattern):
                    self._client.unlink(*keys)
        except redis.RedisError as fault:
            raise self._failed(fault) from None

    def clock(self) -> float:
        """The server's time, unix seconds. Raises redis.RedisError."""
        seconds, microseconds = self._client.time()
        return float(seconds + microseconds / 1_000_000)

    def _batches(self, pattern: str) -> Iterator[list[bytes]]:
        batch: list[bytes] = []
        for key in self._client.scan_iter(match=pattern, count=_BATCH):
            batch.append(key)
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _failed(self, fault: redis.RedisError) -> StoreError:
        outcome = STORE_UNREACHABLE if isinstance(fault, redis.ConnectionError | redis.TimeoutError) else STORE_REFUSED
        return StoreError(outcome, f"{self.place}. Check with: skillcache doctor")


def contents_of(target: str) -> Contents:
    """`target`: as `open_store` takes it. Raises ConfigError."""
    if target.startswith(EMBEDDED):
        return EmbeddedContents(target.removeprefix(EMBEDDED))
    parse_url(target)  # says what is wrong with it without repeating it, which redis-py does not
    return RedisContents(target)
