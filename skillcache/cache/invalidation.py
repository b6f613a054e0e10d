"""Invalidation: at once in effect, then the room is given back.

First the generations are raised: from that moment nothing bound to an older one is served, and a run that began before
cannot store its result. Then the entries go, in batches that hold up no other client. What ends half-way has had
its effect; what is left expires by itself.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import redis
import redis.asyncio

from skillcache.core.outcomes import DISK, StoreError
from skillcache.core.paths import near_folder
from skillcache.stores import forget, scan
from skillcache.stores.contract import EMBEDDED
from skillcache.stores.entry import Unreadable
from skillcache.stores.patterns import ENTRIES, TEAM_ENTRIES, Pattern
from skillcache.stores.scan import Holdings, Steps, read_header

_ANY = 1 << 63  # above every generation


class Selection(NamedTuple):
    """What is to go: every entry bound to one of `names`, and those that `pattern` names.

    names: as in the generations' keys; see `stores.contract`. pattern: a glob on names ("report-*") or, where it begins
    as a key does, on whole keys ("skill_cache:report:*", "team:cache:acme:*"); "" for none.
    """

    names: tuple[str, ...] = ()
    pattern: str = ""


class Invalidated(NamedTuple):
    """names: whose generation was raised; entries: how many were removed; bytes: their size, in a rehearsal only."""

    names: tuple[str, ...]
    entries: int
    bytes: int = 0


@contextmanager
def forgetting(cache: str) -> Iterator[None]:
    """What the near cache has known until the end of this stands alone no more, whether the store was told or not.

    Raises StoreError where that cannot be said.
    """
    try:
        yield
    finally:
        try:
            forget(cache)
        except OSError as fault:
            raise StoreError(DISK, f"{near_folder(cache)}: {fault.strerror}") from None


def invalidate(
    place: "str | redis.Redis",
    selection: Selection,
    *,
    rehearse: bool = False,
    told: Callable[[int], object] = lambda _keys: None,
) -> Invalidated:
    """Raises the generation of every name selected, and of every one that the pattern touches; then removes entries.

    `place`: as `open_store` takes it, or a client with any decoding; `rehearse`: only say what would go; `told`:
    how many keys each batch has that was looked at, once nothing of what is meant is served. Raises StoreError and
    ConfigError.
    """
    if isinstance(place, str) and place.startswith(EMBEDDED):
        holdings = scan.EmbeddedHoldings(place.removeprefix(EMBEDDED), time.time())
        try:
            return scan.take(steps(holdings, selection, rehearse=rehearse, told=told))
        finally:
            holdings.close()
    with _client(place) as client:
        return scan.take(steps(scan.RedisHoldings(), selection, rehearse=rehearse, told=told), client)


async def aio_invalidate(
    place: "str | redis.asyncio.Redis", selection: Selection, *, rehearse: bool = False
) -> Invalidated:
    if isinstance(place, str):
        return await asyncio.to_thread(invalidate, place, selection, rehearse=rehearse)
    return await scan.aio_take(steps(scan.RedisHoldings(), selection, rehearse=rehearse), place)


def steps(
    holdings: Holdings,
    selection: Selection,
    *,
    rehearse: bool = False,
    told: Callable[[int], object] = lambda _keys: None,
) -> Steps[Invalidated]:
    """What `invalidate` does, for a client of any kind."""
    sweep = _Sweep(holdings, selection, told, rehearse=rehearse)
    names = yield from _names(holdings, selection)
    if not rehearse:
        sweep.raised = yield from holdings.raise_generations(sorted(names))
    yield from sweep.go()
    late = (yield from _names(holdings, selection)) - names
    if late and not rehearse:  # stored for the first time while the sweep went on, perhaps by a run from before it
        sweep.raised |= yield from holdings.raise_generations(sorted(late))
        yield from sweep.go()
    return Invalidated(tuple(sorted(names | late)), sweep.count, sweep.size)


def _names(holdings: Holdings, selection: Selection) -> Steps[set[str]]:
    found = set(selection.names)
    if selection.pattern:
        found.update(Pattern(selection.pattern).touched((yield from holdings.names())))
    return found


class _Sweep:
    """count: of the entries that went, or in a rehearsal would go; size: bytes of the latter; raised: generations."""

    def __init__(
        self, holdings: Holdings, selection: Selection, told: Callable[[int], object], *, rehearse: bool
    ) -> None:
        self._holdings = holdings
        self._told = told
        self._names = selection.names
        self._pattern = Pattern(selection.pattern) if selection.pattern else None
        self._rehearse = rehearse
        self.raised: dict[str, int] = {}
        self.count = self.size = 0

    def go(self) -> Steps[None]:
        globs = (ENTRIES, TEAM_ENTRIES) if self._names or self._pattern is None else self._pattern.globs
        for glob in globs:
            cursor = -1
            while cursor:
                cursor, keys = yield from self._holdings.keys(glob, max(cursor, 0))
                self._told(len(keys))
                doomed = yield from self._doomed(keys)
                if doomed and self._rehearse:
                    sizes = yield from self._holdings.sizes(doomed)
                    self.count += len(sizes)
                    self.size += sum(sizes.values())
                elif doomed:
                    self.count += yield from self._holdings.remove(doomed)

    def _doomed(self, keys: list[str]) -> Steps[list[str]]:
        """Those of `keys` that are meant. An entry bound to the new generation was stored after the raise: it stays."""
        meant = [key for key in keys if self._pattern is not None and self._pattern.means(key)]
        rest = [key for key in keys if key not in set(meant)] if self._names else []
        heads = (yield from self._holdings.heads(rest)) if rest else {}
        for key, head in heads.items():
            if any(old < self.raised.get(name, _ANY) for name, old in _bound(head, self._names)):
                meant.append(key)
        return meant


def _bound(head: bytes, names: tuple[str, ...]) -> list[tuple[str, int]]:
    """Those of `names` that the entry is bound to, with its generation of each; none for one that is unreadable."""
    try:
        bound = read_header(head).names
    except Unreadable:
        return []
    return [(name, bound[name]) for name in names if name in bound]


@contextmanager
def _client(place: "str | redis.Redis") -> Iterator["redis.Redis"]:
    if not isinstance(place, str):
        yield place
        return
    client = scan.connect(place)
    try:
        yield client
    finally:
        client.close()
