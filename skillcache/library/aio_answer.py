"""As `answer`, for coroutines."""

from collections.abc import Awaitable, Callable
from typing import Any

from skillcache.library import runs
from skillcache.library.aio_source import AsyncSource, finished
from skillcache.library.fetching import Fetching, milliseconds
from skillcache.library.lease import aio_kept
from skillcache.library.records import Computed
from skillcache.library.renewal import in_task
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
