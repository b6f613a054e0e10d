"""AsyncSkillCache: SkillCache for coroutines."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import redis.asyncio

from skillcache.errors import StoreError
from skillcache.invalidation import Selection, aio_invalidate
from skillcache.library.aio_source import AsyncSource
from skillcache.library.codec import codec_of
from skillcache.library.fetching import Fetched, Fetching, milliseconds
from skillcache.library.keys import Place
from skillcache.library.lease import aio_kept
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
        client: "redis.asyncio.Redis | None" = None,
        team: str | None = None,
        namespace: str | None = None,
        ttl: TTL = HOUR,
        patience: float = PATIENCE,
    ) -> None:
        """As SkillCache; client: one of redis.asyncio, which belongs to one event loop."""
        self._options = Options(team, namespace, ttl, patience)
        self._source = AsyncSource(url, client)

    async def get(
        self, skill: str, inputs: object, default: Any = None, *, version: int | str | None = None, type: Any = None
    ) -> Any:
        place = self._options.place(skill, inputs, version)
        codec = codec_of(type, place.skill)
        if is_off():
            return default
        try:
            lookup = await self._source.take(looking(place))
        except StoreError:
            self._options.counts.add_error()
            return default
        found = self._options.read(place, lookup, codec)
        return default if found is None else found.value

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
        if is_off():
            return place.key
        try:
            lookup = await self._source.take(looking(place))
            await self._source.take(self._options.putting(place, value, seconds, lookup, codec))
        except StoreError:
            self._options.counts.add_error()
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
        """As SkillCache.fetch. A cancelled computation is one that failed: another caller takes over."""
        place = self._options.place(skill, inputs, version)
        codec = codec_of(type, place.skill)
        call = self._options.fetching(place, ttl, negative_ttl, beta, refresh=refresh, codec=codec)
        return await self._fetch(call, fn)

    async def _fetch(self, call: Fetching, fn: Callable[[], Awaitable[T]]) -> Fetched[T]:
        if is_off():
            return Fetched(await fn(), cached=False)
        try:
            served = await self._source.walk(call.find())
            if served is not None:
                return served
            try:
                computed = await self._compute(call, fn)
            except Exception:
                if call.present is None:
                    raise
                return Fetched(call.present.value, cached=True)
            await self._source.walk(call.keep(computed))
            return Fetched(computed.value, cached=False)
        finally:
            if call.mine:
                await self._source.walk(call.release())

    async def delete(self, skill: str, inputs: object, *, version: int | str | None = None) -> None:
        await self._delete(self._options.place(skill, inputs, version))

    async def _delete(self, place: Place) -> None:
        await self._source.take(lambda store: store.delete(place.key))

    async def invalidate_skill(self, name: str) -> int:
        await self._source.take(raising(self._options.name(name)))
        return (await aio_invalidate(await self._source.place(), glob_of(self._options.name(name)))).entries

    async def invalidate(self, pattern: str) -> int:
        pattern = self._options.pattern(pattern)
        skill = spelt_out(pattern)
        if skill is not None:
            await self._source.take(raising(skill))
        return (await aio_invalidate(await self._source.place(), Selection((), pattern))).entries

    async def close(self) -> None:
        """Closes the connections that this event loop has opened. The object can be used again."""
        await self._source.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _compute(self, call: Fetching, fn: Callable[[], Awaitable[T]]) -> Computed:
        started = milliseconds()
        if call.mine:
            async with aio_kept(self._source, call.extend):
                value = await fn()
        else:
            value = await fn()
        return Computed(value, started, max(milliseconds(), started + 1))
