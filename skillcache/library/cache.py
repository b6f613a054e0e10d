"""`SkillCache`: results by key, for one's own code.

The claim is kept while its owner computes.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import TracebackType
from typing import Any, Self, TypeVar

import redis
import redis.asyncio

from skillcache.cache.invalidation import Selection, aio_invalidate, forgetting, invalidate
from skillcache.core.outcomes import StoreError
from skillcache.core.paths import cache_folder
from skillcache.library import runs
from skillcache.library.codec import codec_of
from skillcache.library.fetching import LEASE, Fetching, Hook, milliseconds
from skillcache.library.keys import Place
from skillcache.library.options import DEFAULT, HOUR, PATIENCE, TTL, Counted, Options, glob_of, is_off, spelt_out
from skillcache.library.records import Computed
from skillcache.library.runs import Failed, Fetched, Step, beside, in_task, in_thread
from skillcache.library.source import AsyncSource, Source, finished

_PAUSE = LEASE / 3  # seconds between two extensions of a claim: two attempts may fail


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
            with _kept(source, call.extend):
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


async def aio_answer(
    source: AsyncSource,
    call: Fetching,
    fn: Callable[[], Awaitable[Any]],
    again: Callable[[], Callable[[], Awaitable[Any]] | None],
) -> Fetched[Any]:
    try:
        served = await source.walk(call.find())
        if served is None:
            return Fetched(await _aio_compute(source, call, fn), cached=False)
    finally:
        await _aio_release(source, call)
    if isinstance(served, Failed):
        raise served.error
    if call.is_due and (renewing := again()) is not None:
        in_task(call.name, lambda: _aio_renew(source, call, renewing), source.renewals)
    return served


async def _aio_compute(source: AsyncSource, call: Fetching, fn: Callable[[], Awaitable[Any]]) -> Any:
    try:
        computed = await _aio_run(source, call, fn)
        await source.walk(call.keep(computed))
    except Exception as fault:
        call.fail(fault)
        raise
    call.succeed()
    return computed.value


async def _aio_renew(source: AsyncSource, call: Fetching, fn: Callable[[], Awaitable[Any]]) -> None:
    try:
        if await source.walk(call.renewal()) and call.is_same():
            computed = await _aio_run(source, call, fn)
            if call.is_same():
                await source.walk(call.keep(computed))
                call.renewed()
    except Exception as fault:  # noqa: BLE001 - as in `answer`
        call.fail_renewal(fault)
    finally:
        await _aio_release(source, call)


async def _aio_run(source: AsyncSource, call: Fetching, fn: Callable[[], Awaitable[Any]]) -> Computed:
    started = milliseconds()
    with runs.running(call.name):
        if call.mine:
            async with _aio_kept(source, call.extend):
                value = await fn()
        else:
            value = await fn()
    return Computed(value, started, max(milliseconds(), started + 1))


async def _aio_release(source: AsyncSource, call: Fetching) -> None:
    """Whatever becomes of the caller: others would wait for the end of the lease."""
    try:
        if call.mine:
            await finished(source.walk(call.release()))
    finally:
        call.tell()


@contextmanager
def _kept(source: Source, extend: Step) -> Iterator[None]:
    """Extends the claim well before its end while its owner computes. Nobody extends it for the dead."""
    over = threading.Event()

    def keep() -> None:
        while not over.wait(_PAUSE):
            with suppress(StoreError):
                source.take(extend)

    # A daemon: a process that ends in the middle of a computation is not held up.
    thread = threading.Thread(target=keep, name="skillcache lease", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # too many threads, or the interpreter ends: the claim may fall before the value is there
        yield
        return
    try:
        yield
    finally:
        over.set()
        thread.join()  # an extension under way would outlive the release that follows


@asynccontextmanager
async def _aio_kept(source: AsyncSource, extend: Step) -> AsyncIterator[None]:
    over = asyncio.Event()

    async def keep() -> None:
        while True:
            try:
                async with asyncio.timeout(_PAUSE):
                    await over.wait()
                return
            except TimeoutError:
                with suppress(StoreError):
                    await source.take(extend)

    task = asyncio.create_task(keep())
    try:
        yield
    finally:
        over.set()
        await task


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
        return self._source.walk(self._getting(skill, inputs, default, version, type))

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
        return self._source.walk(self._getting_many(skill, inputs, default, version, type))

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
        return self._source.walk(self._setting(skill, inputs, value, ttl, version, type))

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
        with forgetting(cache_folder(os.environ)):
            self._source.walk(self._voiding(self._options.name(name)))
            return invalidate(self._source.place, glob_of(self._options.name(name))).entries

    def invalidate(self, pattern: str) -> int:
        """The same for all skills whose name matches a glob ("report-*"), or whose keys do ("skill_cache:report:*").

        A pattern of some keys of a skill makes all of its values void, and removes those that it matches. Never
        blocks the server: keys are scanned and unlinked in batches. Gives the number of entries removed.
        Raises StoreError.
        """
        pattern = self._options.pattern(pattern)
        with forgetting(cache_folder(os.environ)):
            self._source.walk(self._voiding(spelt_out(pattern)))
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
        return await self._source.walk(self._getting(skill, inputs, default, version, type))

    async def get_many(
        self,
        skill: str,
        inputs: Iterable[object],
        default: Any = None,
        *,
        version: int | str | None = None,
        type: Any = None,
    ) -> list[Any]:
        return await self._source.walk(self._getting_many(skill, inputs, default, version, type))

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
        return await self._source.walk(self._setting(skill, inputs, value, ttl, version, type))

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
        with forgetting(cache_folder(os.environ)):
            await self._source.walk(self._voiding(self._options.name(name)))
            return await self._invalidate(glob_of(self._options.name(name)))

    async def invalidate(self, pattern: str) -> int:
        pattern = self._options.pattern(pattern)
        with forgetting(cache_folder(os.environ)):
            await self._source.walk(self._voiding(spelt_out(pattern)))
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
