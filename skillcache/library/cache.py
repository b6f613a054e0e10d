"""SkillCache: results of functions in the cache, shared by every process that uses the same store."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import redis

from skillcache.errors import StoreError
from skillcache.invalidation import Selection, invalidate
from skillcache.library.codec import codec_of
from skillcache.library.fetching import Fetched, Fetching, milliseconds
from skillcache.library.keys import Place
from skillcache.library.lease import kept
from skillcache.library.lifetimes import DEFAULT, TTL
from skillcache.library.options import (
    HOUR,
    PATIENCE,
    Counted,
    Options,
    glob_of,
    is_off,
    looking,
    raising,
    spelt_out,
)
from skillcache.library.records import Computed
from skillcache.library.source import Source

T = TypeVar("T")


class SkillCache(Counted):
    """Values under a skill's name and the inputs they were computed from.

    Inputs and values are JSON (dict, list, str, int, float, bool, None), and come back with their types; a value of
    another `type` is written and read by pydantic. A key is what `generate_cache_key` makes; `version` stands behind
    it. A ttl is seconds, a timedelta, "1h30m", or None: until it is taken back. With SKILLCACHE_DISABLE nothing is
    read or stored. Threads may share an object, and forked processes too.

    A cache that is down is as if it were empty: `get` gives the default, `fetch` and `get_or_compute` compute, `set`
    stores nothing, each within about a second, and `errors` counts it. What takes back what was stored must not fail
    in silence: `delete`, `invalidate_skill` and `invalidate` raise StoreError.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        client: "redis.Redis | None" = None,
        team: str | None = None,
        namespace: str | None = None,
        ttl: TTL = HOUR,
        patience: float = PATIENCE,
    ) -> None:
        """Connects to nothing yet.

        url: a Redis URL, or `embedded:` and the absolute path of a file; by default the store of the settings.
        client: a redis-py client instead, with any decoding; its server is reached over connections of our own, with
        its time-outs. team: values are shared under that name, apart from all others. namespace: stands before the
        names of all skills, which are otherwise one for all who use the store. ttl: how long a value is kept where a
        call names no other. patience: seconds to wait for another process that computes the same value, before it is
        computed here, too, by one of those who waited.

        Raises ConfigError for a URL that is none, ValueError and TypeError for other arguments.
        """
        self._options = Options(team, namespace, ttl, patience)
        self._source = Source(url, client)

    def get(
        self, skill: str, inputs: object, default: Any = None, *, version: int | str | None = None, type: Any = None
    ) -> Any:
        """The value stored for these inputs, `default` where there is none. Raises as `generate_cache_key`."""
        place = self._options.place(skill, inputs, version)
        codec = codec_of(type, place.skill)
        if is_off():
            return default
        try:
            lookup = self._source.take(looking(place))
        except StoreError:
            self._options.counts.add_error()
            return default
        found = self._options.read(place, lookup, codec)
        return default if found is None else found.value

    def set(
        self,
        skill: str,
        inputs: object,
        value: object,
        ttl: TTL = DEFAULT,
        *,
        version: int | str | None = None,
        type: Any = None,
    ) -> str:
        """Stores a value, None too, for `ttl` seconds, in place of any other; gives the key.

        Raises as `generate_cache_key`, and so for the value.
        """
        place = self._options.place(skill, inputs, version)
        codec, seconds = codec_of(type, place.skill), self._options.seconds(ttl)
        codec.dump(value)
        if is_off():
            return place.key
        try:
            lookup = self._source.take(looking(place))
            self._source.take(self._options.putting(place, value, seconds, lookup, codec))
        except StoreError:
            self._options.counts.add_error()
        return place.key

    def get_or_compute(
        self,
        skill: str,
        inputs: object,
        fn: Callable[[], T],
        ttl: TTL = DEFAULT,
        *,
        version: int | str | None = None,
        negative_ttl: TTL = None,
        beta: float = 1.0,
        type: Any = None,
        refresh: bool = False,
    ) -> T:
        """The data of `fetch`."""
        return self.fetch(
            skill, inputs, fn, ttl, version=version, negative_ttl=negative_ttl, beta=beta, type=type, refresh=refresh
        ).data

    def fetch(
        self,
        skill: str,
        inputs: object,
        fn: Callable[[], T],
        ttl: TTL = DEFAULT,
        *,
        version: int | str | None = None,
        negative_ttl: TTL = None,
        beta: float = 1.0,
        type: Any = None,
        refresh: bool = False,
    ) -> Fetched[T]:
        """The value stored for these inputs, else what `fn()` gives, stored for `ttl` seconds; and which of the two.

        Of all callers in all processes one computes; the others wait for its value. Should it fail or die, one of
        them takes over, within five seconds of a death. A value computed before an invalidation is given to its own
        caller and not stored.

        refresh: computes anew, whatever is stored. negative_ttl: how long a result of None is kept; by default it is
        not. beta: how early a value is computed anew before its end, by one caller while the others are served the
        present one: the larger the earlier, 0 for never; it grows with the time `fn` takes.

        What `fn` raises passes and nothing is stored, but ahead of the end the present value is served instead.
        Raises TypeError and ValueError for inputs and results that are not JSON.
        """
        place = self._options.place(skill, inputs, version)
        codec = codec_of(type, place.skill)
        call = self._options.fetching(place, ttl, negative_ttl, beta, refresh=refresh, codec=codec)
        return self._fetch(call, fn)

    def _fetch(self, call: Fetching, fn: Callable[[], T]) -> Fetched[T]:
        if is_off():
            return Fetched(fn(), cached=False)
        try:
            served = self._source.walk(call.find())
            if served is not None:
                return served
            try:
                computed = self._compute(call, fn)
            except Exception:
                if call.present is None:
                    raise
                return Fetched(call.present.value, cached=True)
            self._source.walk(call.keep(computed))
            return Fetched(computed.value, cached=False)
        finally:
            if call.mine:
                self._source.walk(call.release())

    def delete(self, skill: str, inputs: object, *, version: int | str | None = None) -> None:
        """Removes one value. A computation that is under way may store its own; `invalidate_skill` prevents that.

        Raises StoreError.
        """
        self._delete(self._options.place(skill, inputs, version))

    def _delete(self, place: Place) -> None:
        self._source.take(lambda store: store.delete(place.key))

    def invalidate_skill(self, name: str) -> int:
        """Makes every value of a skill void at once, of all versions and teams, and of computations under way.

        Gives the number of entries removed. Raises StoreError.
        """
        self._source.take(raising(self._options.name(name)))
        return invalidate(self._source.place, glob_of(self._options.name(name))).entries

    def invalidate(self, pattern: str) -> int:
        """The same for all skills whose name matches a glob ("report-*"), or whose keys do ("skill_cache:report:*").

        A pattern of some keys of a skill makes all of its values void, and removes those that it matches. Never
        blocks the server: keys are scanned and unlinked in batches. Gives the number of entries removed.
        Raises StoreError.
        """
        pattern = self._options.pattern(pattern)
        skill = spelt_out(pattern)
        if skill is not None:
            self._source.take(raising(skill))
        return invalidate(self._source.place, Selection((), pattern)).entries

    def close(self) -> None:
        """Closes the connections of this object. It can be used again."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _compute(self, call: Fetching, fn: Callable[[], T]) -> Computed:
        started = milliseconds()
        if call.mine:
            with kept(self._source, call.extend):
                value = fn()
        else:
            value = fn()
        # A computation takes a millisecond at least, or it would never be begun ahead of the end.
        return Computed(value, started, max(milliseconds(), started + 1))
