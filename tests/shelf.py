"""A store with the shorthand of tests about entries: by name and number, bound to generations as a hook binds them."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping

from skillcache.stores import open_store
from skillcache.stores.contract import Store, entry_key
from skillcache.stores.entry import Entry, decode, encode
from skillcache.stores.redis_py import connect
from tests.stores.test_entry import make

STARTED = 1_790_000_000_000
_NOTHING = entry_key("nothing", "0" * 40)


def digest_of(number: int) -> str:
    return f"{number:040x}"


class Shelf:
    def __init__(self, target: str) -> None:
        self.target = target

    def open(self) -> Store:
        return open_store(self.target, now=time.time())

    def put(
        self,
        name: str,
        *more: str,
        number: int = 0,
        team: str | None = None,
        value: bytes = b"",
        ttl: int = 600,
        **fields: object,
    ) -> bool:
        """`more`: other names that it is bound to; `value`: in the place of an entry with `fields`."""
        names = (name, *more)
        store = self.open()
        generations = store.get(_NOTHING, names).generations
        bound = dict(zip(names, generations, strict=True))
        stored = store.put(
            entry_key(name, digest_of(number), team),
            value or encode(make(**{"names": bound, "started": STARTED, **fields})),
            ttl=ttl,
            started=STARTED,
            names=names,
            generations=generations,
        )
        store.close()
        return stored

    def fill(self, values: Mapping[str, bytes]) -> None:
        """Many at once, past the contract."""
        if not self.target.startswith("embedded:"):
            client = connect(self.target)
            pipeline = client.pipeline(transaction=False)
            for key, value in values.items():
                pipeline.set(key, value, ex=600)
            pipeline.execute()
            client.close()
            return
        store = self.open()
        store.ping()  # makes the file
        store.close()
        db = sqlite3.connect(self.target.removeprefix("embedded:"))
        rows = [(key, value, STARTED, time.time() + 600) for key, value in values.items()]
        db.executemany("INSERT INTO entries (key, value, started, expires) VALUES (?, ?, ?, ?)", rows)
        db.commit()
        db.close()

    def read(self, name: str, number: int = 0, team: str | None = None) -> bytes | None:
        store = self.open()
        found = store.get(entry_key(name, digest_of(number), team), ()).entry
        store.close()
        return found

    def entry(self, name: str, number: int = 0, team: str | None = None) -> Entry:
        return decode(self.read(name, number, team) or b"", details=True)

    def holds(self, name: str, number: int = 0, team: str | None = None) -> bool:
        return self.read(name, number, team) is not None

    def generation(self, name: str) -> int:
        store = self.open()
        (generation,) = store.get(_NOTHING, (name,)).generations
        store.close()
        return generation
