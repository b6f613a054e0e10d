"""`AsyncSkillCache`: results by key, for code that awaits."""

from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

import redis.asyncio

from skillcache.cache.invalidation import Selection, aio_invalidate, invalidate
from skillcache.core.outcomes import StoreError
from skillcache.library import runs
from skillcache.library.aio_source import AsyncSource, finished
from skillcache.library.beside import beside
from skillcache.library.codec import codec_of
from skillcache.library.events import Hook
from skillcache.library.fetching import Fetching, milliseconds
from skillcache.library.in_force import is_off
from skillcache.library.keys import Place
from skillcache.library.lease import aio_kept, in_task
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
from skillcache.library.steps import Failed, Fetched


async def aio_answer(
    source: AsyncSource,
    call: Fetching,
    fn: Callable[[], Awaitable[Any]],
    again: Callable[[], Callable[[], Awaitable[Any]] | None],
) -> Fetched[Any]:
    try:
        served = await source.walk(call.find())
        if served is None:
            return Fetched(await _compute(source, call, fn), cached=False)
    finally:
        await _release(source, call)
    if isinstance(served, Failed):
        raise served.error
    if call.is_due and (renewing := again()) is not None:
        in_task(call.name, lambda: _renew(source, call, renewing), source.renewals)
    return served


async def _compute(source: AsyncSource, call: Fetching, fn: Callable[[], Awaitable[Any]]) -> Any:
    try:
        computed = await _run(source, call, fn)
        await source.walk(call.keep(computed))
    except Exception as fault:
        call.fail(fault)
        raise
    call.succeed()
    return computed.value


async def _renew(source: AsyncSource, call: Fetching, fn: Callable[[], Awaitable[Any]]) -> None:
    try:
        if await source.walk(call.renewal()) and call.is_same():
            computed = await _run(source, call, fn)
            if call.is_same():
                await source.walk(call.keep(computed))
                call.renewed()
    except Exception as fault:  # noqa: BLE001 - as in `answer`
        call.fail_renewal(fault)
    finally:
        await _release(source, call)


async def _run(source: AsyncSource, call: Fetching, fn: Callable[[], Awaitable[Any]]) -> Computed:
    started = milliseconds()
    with runs.running(call.name):
        if call.mine:
            async with aio_kept(source, call.extend):
                value = await fn()
        else:
            value = await fn()
    return Computed(value, started, max(milliseconds(), started + 1))


async def _release(source: AsyncSource, call: Fetching) -> None:
    """Whatever becomes of the caller: others would wait for the end of the lease."""
    try:
        if call.mine:
            await finished(source.walk(call.release()))
    finally:
        call.tell()


T = TypeVar("T")


class AsyncSkillCache(Counted):
    """SkillCache with coroutines: the same arguments, keys, values and promises.

    An object serves any number of event loops, one after the other or side by side. `fn` gives an awaitable; one that
    holds up its event loop for five seconds loses its claim to another caller.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        client: "redis.asyncio.Redis | redis.asyncio.RedisCluster | None" = None,
        team: str | None = None,
        namespace: str | None = None,
        ttl: TTL = HOUR,
        patience: float = PATIENCE,
        on_event: Hook | None = None,
    ) -> None:
        """As SkillCache; client: one of redis.asyncio, which belongs to one event loop."""
        self._source = AsyncSource(url, client)
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

    async def get(
        self, skill: str, inputs: object, default: Any = None, *, version: int | str | None = None, type: Any = None
    ) -> Any:
        place = self._options.place(skill, inputs, version)
        codec = codec_of(type, place.skill)
        if is_off(self._options.counts):
            return default
        report = self._options.report(place)
        try:
            lookup = await self._source.take(looking(place))
        except StoreError as fault:
            self._options.fail(report, fault)
            return default
        found = self._options.read(place, lookup, codec, report)
        return default if found is None else found.value

    async def get_many(
        self,
        skill: str,
        inputs: Iterable[object],
        default: Any = None,
        *,
        version: int | str | None = None,
        type: Any = None,
    ) -> list[Any]:
        places = [self._options.place(skill, each, version) for each in inputs]
        codec = codec_of(type, self._options.name(skill))
        if not places or is_off(self._options.counts):
            return [default] * len(places)
        reports = [self._options.report(each) for each in places]
        try:
            lookups = await self._source.take(looking_at_all(places))
        except StoreError as fault:
            self._options.fail(reports[0], fault)
            return [default] * len(places)
        found = [self._options.read(*each[:2], codec, each[2]) for each in zip(places, lookups, reports, strict=True)]
        return [default if each is None else each.value for each in found]

    async def set(
        self,
        skill: str,
        inputs: object,
        value: object,
        ttl: TTL = DEFAULT,
        *,
        version: int | str | None = None,
        type: Any = None,
    ) -> str:
        place = self._options.place(skill, inputs, version)
        codec, seconds = codec_of(type, place.skill), self._options.seconds(ttl)
        codec.dump(value)
        if is_off(self._options.counts) or not self._options.may_give():
            return place.key
        try:
            lookup = await self._source.take(looking(place))
            await self._source.take(self._options.putting(place, value, seconds, lookup, codec))
        except StoreError as fault:
            self._options.fail(self._options.report(place), fault)
        return place.key

    async def get_or_compute(
        self,
        skill: str,
        inputs: object,
        fn: Callable[[], Awaitable[T]],
        ttl: TTL = DEFAULT,
        *,
        version: int | str | None = None,
        negative_ttl: TTL = None,
        beta: float = 1.0,
        type: Any = None,
        refresh: bool = False,
    ) -> T:
        """The data of `fetch`."""
        fetched = await self.fetch(
            skill, inputs, fn, ttl, version=version, negative_ttl=negative_ttl, beta=beta, type=type, refresh=refresh
        )
        return fetched.data

    async def fetch(
        self,
        skill: str,
        inputs: object,
        fn: Callable[[], Awaitable[T]],
        ttl: TTL = DEFAULT,
        *,
        version: int | str | None = None,
        negative_ttl: TTL = None,
        beta: float = 1.0,
        type: Any = None,
        refresh: bool = False,
    ) -> Fetched[T]:
        """As SkillCache.fetch. A value is computed anew in a task of its own. A cancelled computation is taken over."""
        place = self._options.place(skill, inputs, version)
        codec = codec_of(type, place.skill)
        call = self._options.fetching(place, ttl, negative_ttl, beta, refresh=refresh, codec=codec)
        if is_off(self._options.counts):
            return Fetched(await fn(), cached=False)
        call.is_same = lambda: place.is_of(inputs)
        return await self._fetch(call, fn, lambda: fn)

    async def _fetch(
        self, call: Fetching, fn: Callable[[], Awaitable[T]], again: Callable[[], Callable[[], Awaitable[T]] | None]
    ) -> Fetched[T]:
        return await aio_answer(self._source, call, fn, again)

    async def delete(self, skill: str, inputs: object, *, version: int | str | None = None) -> None:
        await self._delete(self._options.place(skill, inputs, version))

    async def _delete(self, place: Place) -> None:
        await self._source.take(lambda store: store.delete(place.key))

    async def invalidate_skill(self, name: str) -> int:
        await self._source.take(raising(self._options.name(name)))
        return await self._invalidate(glob_of(self._options.name(name)))

    async def invalidate(self, pattern: str) -> int:
        pattern = self._options.pattern(pattern)
        skill = spelt_out(pattern)
        if skill is not None:
            await self._source.take(raising(skill))
        return await self._invalidate(Selection((), pattern))

    async def _invalidate(self, selection: Selection) -> int:
        place = await self._source.place()
        if isinstance(place, str):
            return (await beside(lambda: invalidate(place, selection))).entries
        return (await aio_invalidate(place, selection)).entries

    async def close(self) -> None:
        """Closes the connections that this event loop has opened. The object can be used again."""
        await self._source.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
