"""`SkillCache`: results by key, for one's own code."""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

import redis

from skillcache.cache.invalidation import Selection, invalidate
from skillcache.core.outcomes import StoreError
from skillcache.library import runs
from skillcache.library.codec import codec_of
from skillcache.library.events import Hook
from skillcache.library.fetching import Fetching, milliseconds
from skillcache.library.in_force import is_off
from skillcache.library.keys import Place
from skillcache.library.lease import in_thread, kept
from skillcache.library.options import (
    DEFAULT,
    HOUR,
    PATIENCE,
    TTL,
    Counted,
    Options,
    glob_of,
    looking,
    looking_at_all,
    raising,
    spelt_out,
)
from skillcache.library.records import Computed
from skillcache.library.source import Source
from skillcache.library.steps import Failed, Fetched


def answer(
    source: Source, call: Fetching, fn: Callable[[], Any], again: Callable[[], Callable[[], Any] | None]
) -> Fetched[Any]:
    """again: what computes the value anew beside, asked for here, in the caller; None where nothing may."""
    try:
        served = source.walk(call.find())
        if served is None:
            return Fetched(_compute(source, call, fn), cached=False)
    finally:
        _release(source, call)
    if isinstance(served, Failed):
        raise served.error
    if call.is_due and (renewing := again()) is not None:
        in_thread(call.name, lambda: _renew(source, call, renewing))
    return served


def _compute(source: Source, call: Fetching, fn: Callable[[], Any]) -> Any:
    try:
        computed = _run(source, call, fn)
        source.walk(call.keep(computed))
    except Exception as fault:
        call.fail(fault)
        raise
    call.succeed()
    return computed.value


def _renew(source: Source, call: Fetching, fn: Callable[[], Any]) -> None:
    try:
        if source.walk(call.renewal()) and call.is_same():
            computed = _run(source, call, fn)
            if call.is_same():
                source.walk(call.keep(computed))
                call.renewed()
    except Exception as fault:  # noqa: BLE001 - nobody waits for it: it is told, and the value serves until its end
        call.fail_renewal(fault)
    finally:
        _release(source, call)


def _run(source: Source, call: Fetching, fn: Callable[[], Any]) -> Computed:
    started = milliseconds()
    with runs.running(call.name):
        if call.mine:
            with kept(source, call.extend):
                value = fn()
        else:
            value = fn()
    # A computation takes a millisecond at least, or it would never be begun ahead of the end.
    return Computed(value, started, max(milliseconds(), started + 1))


def _release(source: Source, call: Fetching) -> None:
    try:
        if call.mine:
            source.walk(call.release())
    finally:
        call.tell()


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
        client: "redis.Redis | redis.RedisCluster | None" = None,
        team: str | None = None,
        namespace: str | None = None,
        ttl: TTL = HOUR,
        patience: float = PATIENCE,
        on_event: Hook | None = None,
    ) -> None:
        """Connects to nothing yet.

        url: a Redis URL, or `embedded:` and the absolute path of a file; by default the store of the settings.
        client: a redis-py client instead, of a server or a cluster, with any decoding; that is reached over connections
        of our own, with its time-outs. team: values are shared under that name, apart from all others. namespace:
        stands before the names of all skills, which are otherwise one for all who use the store. ttl: how long a value
        is kept where a call names no other. patience: seconds to wait for another process that computes the same value,
        before it is computed here, too, by one of those who waited. on_event: is told what became of each call, in its
        thread, and whatever it raises is logged.

        Raises ConfigError for a URL that is none, ValueError and TypeError for other arguments, such as a client that
        renames keys.
        """
        self._source = Source(url, client)
        self._options = Options(team, namespace, ttl, patience, on_event, self._source.name)
        self._made = {
            "url": url,
            "client": client,
            "team": team,
            "namespace": namespace,
            "ttl": ttl,
            "patience": patience,
            "on_event": on_event,
        }

    def get(
        self, skill: str, inputs: object, default: Any = None, *, version: int | str | None = None, type: Any = None
    ) -> Any:
        """The value stored for these inputs, `default` where there is none. Raises as `generate_cache_key`."""
        place = self._options.place(skill, inputs, version)
        codec = codec_of(type, place.skill)
        if is_off(self._options.counts):
            return default
        report = self._options.report(place)
        try:
            lookup = self._source.take(looking(place))
        except StoreError as fault:
            self._options.fail(report, fault)
            return default
        found = self._options.read(place, lookup, codec, report)
        return default if found is None else found.value

    def get_many(
        self,
        skill: str,
        inputs: Iterable[object],
        default: Any = None,
        *,
        version: int | str | None = None,
        type: Any = None,
    ) -> list[Any]:
        """What `get` gives for each of the inputs, in their order, in one round trip."""
        places = [self._options.place(skill, each, version) for each in inputs]
        codec = codec_of(type, self._options.name(skill))
        if not places or is_off(self._options.counts):
            return [default] * len(places)
        reports = [self._options.report(each) for each in places]
        try:
            lookups = self._source.take(looking_at_all(places))
        except StoreError as fault:
            self._options.fail(reports[0], fault)
            return [default] * len(places)
        found = [self._options.read(*each[:2], codec, each[2]) for each in zip(places, lookups, reports, strict=True)]
        return [default if each is None else each.value for each in found]

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
        if is_off(self._options.counts) or not self._options.may_give():
            return place.key
        try:
            lookup = self._source.take(looking(place))
            self._source.take(self._options.putting(place, value, seconds, lookup, codec))
        except StoreError as fault:
            self._options.fail(self._options.report(place), fault)
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

        Of all callers in all processes one computes; the others wait for its value, and for its None, stored or not.
        Those of its process raise what it raises. Of others one takes over, within five seconds of a death, or at once
        on one machine; nobody waits for more than two runs that fail. A value computed before an invalidation is given
        to its own caller and not stored. A computation that asks for its own value raises RecursiveCall.

        refresh: computes anew, whatever is stored. negative_ttl: how long a result of None is kept; by default it is
        not. beta: how early a value is computed anew before its end, in a thread beside, while all callers are served
        the present one: the larger the earlier, 0 for never; it grows with the time `fn` takes.

        What `fn` raises passes and nothing is stored; ahead of the end it is logged.
        Raises TypeError and ValueError for inputs and results that are not JSON.
        """
        place = self._options.place(skill, inputs, version)
        codec = codec_of(type, place.skill)
        call = self._options.fetching(place, ttl, negative_ttl, beta, refresh=refresh, codec=codec)
        if is_off(self._options.counts):
            return Fetched(fn(), cached=False)
        call.is_same = lambda: place.is_of(inputs)
        return self._fetch(call, fn, lambda: fn)

    def _fetch(self, call: Fetching, fn: Callable[[], T], again: Callable[[], Callable[[], T] | None]) -> Fetched[T]:
        return answer(self._source, call, fn, again)

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
