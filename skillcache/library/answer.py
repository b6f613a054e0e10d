"""One call, answered: what is stored is served, and computed anew beside where its end is near; else it is computed."""

from collections.abc import Callable
from typing import Any

from skillcache.library import runs
from skillcache.library.fetching import Fetching, milliseconds
from skillcache.library.lease import kept
from skillcache.library.records import Computed
from skillcache.library.renewal import in_thread
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
