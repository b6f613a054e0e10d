"""What a run came to is its callers', also where it leaves nothing in the store: a None, an exception."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from skillcache import AsyncSkillCache, RecursiveCall, SkillCache, SkillcacheError, cached
from skillcache.library import runs
from skillcache.library.options import PATIENCE
from tests.library.conftest import Cache
from tests.library.steps import SECONDS, Waiters

HERE = Path(__file__).parent
INPUTS = {"q": 1}
OTHERS = 7


class Failing:
    """A run that ends once the others wait for it."""

    def __init__(self, waiters: Waiters, error: Exception | None) -> None:
        self.runs = 0
        self.began = threading.Event()
        self._waiters = waiters
        self._error = error

    def __call__(self) -> None:
        self.runs += 1
        self.began.set()
        self._waiters.await_(OTHERS)
        if self._error is not None:
            raise self._error


@pytest.fixture
def waiters(monkeypatch: pytest.MonkeyPatch) -> Waiters:
    return Waiters(monkeypatch)


def assert_raised(errors: list[Any], error: Exception) -> None:
    """By one as it is, by each of the others in a copy of its own."""
    assert [(type(each), each.args) for each in errors] == [(type(error), error.args)] * (OTHERS + 1)
    assert len({id(each) for each in errors}) == OTHERS + 1
    assert sum(each is error for each in errors) == 1
    assert all(each is error or each.__cause__ is error for each in errors)


def test_those_who_wait_for_a_run_that_raises_raise_the_same(url: str, waiters: Waiters) -> None:
    error = LookupError("no such report")
    run = Failing(waiters, error)
    with SkillCache(url) as cache, SkillCache(url) as other, ThreadPoolExecutor(OTHERS + 1) as pool:
        calls = [pool.submit(cache.fetch, "report", INPUTS, run)]
        assert run.began.wait(SECONDS)
        # Another object over the same store, too.
        calls += [pool.submit((cache, other)[at % 2].fetch, "report", INPUTS, run) for at in range(OTHERS)]
        assert_raised([call.exception(SECONDS) for call in calls], error)
        assert run.runs == 1
        assert cache.misses + other.misses == OTHERS + 1
        # It is not kept: whoever asks afterwards runs.
        assert cache.fetch("report", INPUTS, lambda: 7) == (7, False)


def test_those_who_wait_for_a_run_that_gives_none_get_it(url: str, waiters: Waiters) -> None:
    run = Failing(waiters, None)
    with SkillCache(url) as cache, ThreadPoolExecutor(OTHERS + 1) as pool:
        calls = [pool.submit(cache.fetch, "report", INPUTS, run)]
        assert run.began.wait(SECONDS)
        calls += [pool.submit(cache.fetch, "report", INPUTS, run) for _ in range(OTHERS)]
        assert sorted(call.result(SECONDS) for call in calls) == [(None, False), *[(None, True)] * OTHERS]
        assert run.runs == 1
        assert cache.fetch("report", INPUTS, lambda: 7) == (7, False)


@pytest.mark.parametrize("error", [LookupError("no such report"), None], ids=["raises", "none"])
def test_tasks_share_it_too(url: str, waiters: Waiters, error: Exception | None) -> None:
    ran = []

    async def run() -> None:
        ran.append(1)
        await waiters.aio_await(OTHERS)
        if error is not None:
            raise error

    async def main() -> list[Any]:
        async with AsyncSkillCache(url) as cache:
            calls = [cache.get_or_compute("report", INPUTS, run) for _ in range(OTHERS + 1)]
            return list(await asyncio.gather(*calls, return_exceptions=True))

    if error is None:
        assert asyncio.run(main()) == [None] * (OTHERS + 1)
    else:
        assert_raised(asyncio.run(main()), error)
    assert ran == [1]


def test_a_result_that_cannot_be_kept_is_refused_once(url: str, waiters: Waiters) -> None:
    run = Failing(waiters, None)

    def give() -> object:
        run()
        return {1}

    with SkillCache(url) as cache, ThreadPoolExecutor(OTHERS + 1) as pool:
        calls = [pool.submit(cache.fetch, "report", INPUTS, give)]
        assert run.began.wait(SECONDS)
        calls += [pool.submit(cache.fetch, "report", INPUTS, give) for _ in range(OTHERS)]
        assert {type(call.exception(SECONDS)) for call in calls} == {TypeError}
    assert run.runs == 1


@pytest.mark.parametrize("error", [LookupError("old"), None], ids=["raises", "none"])
def test_who_asks_after_an_invalidation_runs(url: str, waiters: Waiters, error: Exception | None) -> None:
    began, over = threading.Event(), threading.Event()

    def old() -> None:
        began.set()
        assert over.wait(SECONDS)
        if error is not None:
            raise error

    with SkillCache(url) as cache, ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.fetch, "report", INPUTS, old)
        assert began.wait(SECONDS)
        cache.invalidate_skill("report")
        second = pool.submit(cache.fetch, "report", INPUTS, lambda: "new")
        waiters.await_(1)
        over.set()
        assert first.exception(SECONDS) is error
        assert second.result(SECONDS) == ("new", False)


def test_processes_share_a_none(url: str, tmp_path: Path) -> None:
    got, ran = _processes(url, tmp_path, "none")

    assert ran == 1
    assert sorted(got) == [[None, False], *[[None, True]] * 7]


def test_processes_do_not_fail_one_after_another(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sees two runs of others fail, and then runs beside those that have: three in a row, not eight."""
    monkeypatch.setenv("LEASE", "3600")
    got, ran = _processes(url, tmp_path, "raise")

    assert got == ["nothing"] * 8
    assert 2 <= ran <= 8


def _processes(url: str, folder: Path, how: str) -> tuple[list[Any], int]:
    log = folder / "runs"
    words = [sys.executable, str(HERE / "failing.py"), url, "8", str(log), how]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout), len(log.read_bytes())


def test_nobody_waits_for_a_third_run_that_fails(url: str, waiters: Waiters, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for another process, which cannot tell what it raised."""
    monkeypatch.setattr(runs, "tell", lambda *_: None)
    ready = threading.Barrier(3, timeout=SECONDS)
    first_may_end = threading.Event()
    order: list[int] = []

    def run() -> None:
        order.append(1)
        if len(order) == 1:
            assert first_may_end.wait(SECONDS)
        elif len(order) == 2:
            waiters.await_(4 + 3)  # the other three wait again
        else:
            ready.wait()  # all three at once, or none of them ever ends
        raise LookupError

    with SkillCache(url) as cache, ThreadPoolExecutor(5) as pool:
        calls = [pool.submit(cache.fetch, "report", INPUTS, run) for _ in range(5)]
        waiters.await_(4)
        first_may_end.set()
        assert {type(call.exception(2 * SECONDS)) for call in calls} == {LookupError}
    assert len(order) == 5


def test_a_call_of_itself_is_told(cache: Cache) -> None:
    def again() -> object:
        return cache.wrapped.fetch("report", INPUTS, again)

    if cache.runner is not None:

        async def aio_again() -> object:
            return await cache.wrapped.fetch("report", INPUTS, aio_again)

        with pytest.raises(RecursiveCall, match="report asks for its own result while it computes it"):
            cache.runner.run(aio_again())
    else:
        with pytest.raises(RecursiveCall, match="report asks for its own result while it computes it"):
            again()
    assert issubclass(RecursiveCall, RecursionError)
    assert issubclass(RecursiveCall, SkillcacheError)
    assert cache.fetch("report", INPUTS, lambda: 7) == (7, False)


def test_functions_that_call_each_other_in_a_circle_are_told(url: str) -> None:
    with SkillCache(url) as cache:

        @cached(skill="one", cache=cache)
        def one(number: int) -> int:
            return two(number)

        @cached(skill="two", cache=cache)
        def two(number: int) -> int:
            return one(number) if number else 0

        with pytest.raises(RecursiveCall, match="one asks"):
            one(1)
        with pytest.raises(RecursiveCall, match="one asks"):
            one.refresh(1)
        assert one(0) == 0


def test_recursion_to_other_arguments_is_none(url: str) -> None:
    with SkillCache(url) as cache:

        @cached(skill="fibonacci", cache=cache)
        def fibonacci(number: int) -> int:
            return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)

        assert fibonacci(30) == 832_040
        assert fibonacci.cache_info().misses == 31


def test_a_task_that_a_run_begins_does_not_wait_for_it(url: str) -> None:
    ran = []

    async def main() -> None:
        async with AsyncSkillCache(url) as cache:

            async def inner() -> str:
                ran.append("inner")
                return "inner"

            async def outer() -> str:
                ran.append("outer")
                return await asyncio.create_task(cache.get_or_compute("report", INPUTS, inner))

            async def endless() -> str:
                return await asyncio.create_task(cache.get_or_compute("report", [], endless))

            async with asyncio.timeout(PATIENCE / 2):
                assert await cache.get_or_compute("report", INPUTS, outer) == "inner"
                with pytest.raises(RecursiveCall):
                    await cache.get_or_compute("report", [], endless)

    asyncio.run(main())
    assert ran == ["outer", "inner"]


def test_tasks_that_outlive_the_run_wait_as_all_do(url: str) -> None:
    ran = []

    async def main() -> None:
        later: list[asyncio.Task[object]] = []
        gone = asyncio.Event()

        async with AsyncSkillCache(url) as cache:

            async def value() -> str:
                ran.append(1)
                await asyncio.sleep(0.2)  # the other asks meanwhile
                return "value"

            async def ask() -> object:
                await gone.wait()
                return await cache.get_or_compute("report", INPUTS, value)

            async def run() -> None:
                later.extend(asyncio.create_task(ask()) for _ in range(2))

            await cache.fetch("report", INPUTS, run)
            gone.set()
            assert await asyncio.gather(*later) == ["value", "value"]

    asyncio.run(main())
    assert ran == [1]


def test_whatever_is_raised_is_shared(url: str, waiters: Waiters) -> None:
    """Also what a generator could not pass on."""
    error = StopIteration("odd")
    run = Failing(waiters, error)
    with SkillCache(url) as cache, ThreadPoolExecutor(OTHERS + 1) as pool:
        calls = [pool.submit(cache.fetch, "report", INPUTS, run)]
        assert run.began.wait(SECONDS)
        calls += [pool.submit(cache.fetch, "report", INPUTS, run) for _ in range(OTHERS)]
        assert_raised([call.exception(SECONDS) for call in calls], error)
