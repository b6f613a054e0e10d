"""What a store holds of ours, for people: counted, walked through, removed."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

from skillcache.cli.trouble import place_of
from skillcache.core.outcomes import DISK, StoreError
from skillcache.stores import scan
from skillcache.stores.contract import EMBEDDED
from skillcache.stores.patterns import ENTRIES
from skillcache.stores.redis_keys import record_key
from skillcache.stores.scan import Holdings, Steps, T

_LATEST = record_key("latest", "*")  # which entry a command had last


class Contents:
    """`place`: where it is, for people, without a password. Raises StoreError."""

    place: str
    holdings: Holdings

    def take(self, steps: Steps[T]) -> T:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def batches(self, *globs: str) -> Iterator[list[str]]:
        """The keys of entries that match one of `globs`."""
        for glob in globs:
            cursor = -1
            while cursor:
                cursor, keys = self.take(self.holdings.keys(glob, max(cursor, 0)))
                if keys:
                    yield keys

    def measure(self) -> tuple[int, int]:
        """How many results of one's own, and their bytes."""
        count = total = 0
        for keys in self.batches(ENTRIES):
            sizes = self.take(self.holdings.sizes(keys))
            count += len(sizes)
            total += sum(sizes.values())
        return count, total

    def remove(self) -> None:
        for keys in self.batches(ENTRIES):
            self.take(self.holdings.remove(keys))
        self._tidy()

    def _tidy(self) -> None:
        """Behind the last entry: what only helps to find one goes, too."""
        raise NotImplementedError


class EmbeddedContents(Contents):
    def __init__(self, path: str) -> None:
        self._path = path
        self.place = place_of(EMBEDDED + path)
        self.holdings = self._holdings = scan.EmbeddedHoldings(path, time.time())

    def take(self, steps: Steps[T]) -> T:
        return scan.take(steps)

    def close(self) -> None:
        self._holdings.close()

    def _tidy(self) -> None:
        if not os.path.exists(self._path):
            return
        try:
            with closing(scan.open_file(self._path)) as db:
                db.execute("DELETE FROM records WHERE key GLOB ?", (_LATEST,))
                db.execute("VACUUM")
        except sqlite3.Error as fault:
            raise StoreError(DISK, str(fault)) from None


class RedisContents(Contents):
    def __init__(self, url: str) -> None:
        self._client = scan.connect(url)
        self.place = place_of(url)
        self.holdings = scan.RedisHoldings()

    def take(self, steps: Steps[T]) -> T:
        return scan.take(steps, self._client)

    def close(self) -> None:
        self._client.close()

    def clock(self) -> float:
        """The server's time, unix seconds. Raises redis.RedisError."""
        seconds, microseconds = self._client.time()
        return float(seconds + microseconds / 1_000_000)

    def evicts(self) -> str:
        """By which policy the server may give up any key of ours, "" for none. Raises redis.RedisError."""
        memory = self._client.info("memory")
        policy = str(memory.get("maxmemory_policy", ""))
        return policy if memory.get("maxmemory") and policy.startswith("allkeys") else ""

    def _tidy(self) -> None:
        for keys in self.batches(_LATEST):
            self.take(self.holdings.remove(keys))


def contents_of(target: str) -> Contents:
    """`target`: as `open_store` takes it. Raises ConfigError."""
    if target.startswith(EMBEDDED):
        return EmbeddedContents(target.removeprefix(EMBEDDED))
    return RedisContents(target)
