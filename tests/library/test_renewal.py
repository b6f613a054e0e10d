"""Ahead of its end a value is computed anew beside its callers, who are served at once, whatever comes of it."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from skillcache import AsyncSkillCache, CacheEvent, SkillCache, cached
from skillcache.library import runs
from skillcache.library.records import Found
from tests.conftest import until
from tests.library.conftest import Cache
from tests.library.steps import SECONDS

INPUTS = {"q": 1}
EARLY = 1e12  # a beta by which every value is near its end


def _when(kind: str, heard: asyncio.Event) -> Callable[[CacheEvent], None]:
    def hear(event: CacheEvent) -> None:
        if event.kind == kind:
            heard.set()

    return hear


def test_nobody_is_held_by_it(url: str) -> None:
    began, over = threading.Event(), threading.Event()
    ran = []

    def compute() -> str:
        ran.append(threading.current_thread() is threading.main_thread())
        began.set()
        assert over.wait(SECONDS)
        return "new"

    events: list[CacheEvent] = []
    with SkillCache(url, on_event=events.append) as cache:
        cache.fetch("report", INPUTS, lambda: "present")
        for _ in range(20):
            assert cache.fetch("report", INPUTS, compute, beta=EARLY) == ("present", True)
        assert began.wait(SECONDS)
        assert cache.fetch("report", INPUTS, compute, beta=EARLY) == ("present", True)
        over.set()
        until(lambda: events[-1].kind == "renewed")
        assert cache.fetch("report", INPUTS, compute) == ("new", True)
    assert ran == [False]
    assert [each.kind for each in events] == ["miss", *["hit"] * 21, "renewed", "hit"]


def test_no_task_is_held_by_it(url: str) -> None:
    ran = []

    async def main() -> None:
        began, over, renewed = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def present() -> str:
            return "present"

        async def compute() -> str:
            ran.append(1)
            began.set()
            await over.wait()
            return "new"

        async with AsyncSkillCache(url, on_event=_when("renewed", renewed)) as cache:
            await cache.fetch("report", INPUTS, present)
            for _ in range(20):
                assert await cache.fetch("report", INPUTS, compute, beta=EARLY) == ("present", True)
            await began.wait()
            assert await cache.fetch("report", INPUTS, compute, beta=EARLY) == ("present", True)
            over.set()
            await renewed.wait()
            assert await cache.fetch("report", INPUTS, compute) == ("new", True)

    asyncio.run(main())
    assert ran == [1]


def test_one_that_fails_is_told_and_is_nobodys(url: str, caplog: pytest.LogCaptureFixture) -> None:
    error = LookupError("no such report")

    def fail() -> str:
        raise error

    events: list[CacheEvent] = []
    with SkillCache(url, on_event=events.append) as cache:
        cache.fetch("report", INPUTS, lambda: "present")
        assert cache.fetch("report", INPUTS, fail, beta=EARLY) == ("present", True)
        until(lambda: events[-1].kind == "error")
        until(lambda: not runs._names)
        assert events[-1].error is error
        assert (cache.hits, cache.misses, cache.errors) == (1, 1, 0)
        assert cache.fetch("report", INPUTS, lambda: "new", beta=EARLY) == ("present", True)
        until(lambda: events[-1].kind == "renewed")
        assert cache.get("report", INPUTS) == "new"
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("skillcache", logging.WARNING)
    assert record.getMessage() == "report was not computed anew ahead of its end"
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_a_task_that_fails_is_told(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        told = asyncio.Event()

        async def present() -> str:
            return "present"

        async def fail() -> str:
            raise LookupError

        async with AsyncSkillCache(url, on_event=_when("error", told)) as cache:
            await cache.fetch("report", INPUTS, present)
            assert await cache.fetch("report", INPUTS, fail, beta=EARLY) == ("present", True)
            await told.wait()
            assert await cache.get("report", INPUTS) == "present"

    asyncio.run(main())
    assert [each.getMessage() for each in caplog.records] == ["report was not computed anew ahead of its end"]


def test_few_are_computed_at_once(url: str) -> None:
    over = threading.Event()
    running = []

    def compute() -> str:
        running.append(1)
        assert over.wait(SECONDS)
        return "new"

    with SkillCache(url) as cache:
        for number in range(runs.MOST + 4):
            cache.fetch("report", number, lambda: "present")
        for number in range(runs.MOST + 4):
            assert cache.fetch("report", number, compute, beta=EARLY) == ("present", True)
        until(lambda: len(running) == runs.MOST)
        assert len(runs._names) == runs.MOST
        over.set()
        until(lambda: not runs._names)
        assert len(running) == runs.MOST


SCRIPT = """
import asyncio, sys, time
from skillcache import AsyncSkillCache, SkillCache

url, kind = sys.argv[1:]

def hang():
    print("began", flush=True)
    time.sleep(600)

async def main():
    began = asyncio.Event()

    async def present():
        return 1

    async def hang():
        began.set()
        await asyncio.sleep(600)

    cache = AsyncSkillCache(url)
    await cache.fetch("report", 2, present)
    print(await cache.fetch("report", 2, hang, beta=1e12))
    await began.wait()
    print("began")

if kind == "thread":
    cache = SkillCache(url)
    cache.fetch("report", 1, lambda: 1)
    print(cache.fetch("report", 1, hang, beta=1e12), flush=True)
    from skillcache.library import runs as renewal
    while not renewal._names:
        pass
else:
    asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["thread", "task"])
def test_no_process_is_held_by_it(url: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    words = [sys.executable, "-W", "error", str(tmp_path / "script.py"), url, kind]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Fetched(data=1, cached=True)" in done.stdout


def test_what_was_taken_back_meanwhile_is_not_computed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[object] = []
    monkeypatch.setattr("skillcache.library.cache.in_thread", lambda _, renew: begun.append(renew))
    ran = []
    with SkillCache(url) as cache:
        cache.fetch("report", INPUTS, lambda: "present")
        assert cache.fetch("report", INPUTS, lambda: ran.append(1) or "new", beta=EARLY) == ("present", True)  # type: ignore[func-returns-value]
        cache.delete("report", INPUTS)
        (renew,) = begun
        assert callable(renew)
        renew()
        assert ran == []
        assert cache.fetch("report", INPUTS, lambda: "new") == ("new", False)


BY: dict[str, dict[str, Any]] = {"arguments": {}, "a key": {"key": lambda rows: rows}}


@pytest.mark.parametrize("how", BY)
def test_it_uses_no_arguments_that_the_caller_has_changed_since(url: str, how: str) -> None:
    """Its value is of what the caller gave, or it is not stored."""
    began, over = threading.Event(), threading.Event()
    events: list[str] = []
    stopped: list[bool] = []
    with SkillCache(url, on_event=lambda event: events.append(event.kind)) as cache:

        @cached(skill="total", cache=cache, **BY[how])
        def total(rows: list[int]) -> int:
            if stopped:
                began.set()
                assert over.wait(SECONDS)
            return sum(rows)

        given = [1, 2]
        assert total(given) == 3
        with _early():
            stopped.append(True)
            assert total(given) == 3
        assert began.wait(SECONDS)
        given.append(100)
        over.set()
        until(lambda: not runs._names)
        stopped.clear()
        assert total([1, 2]) == 3
    assert events == (["miss", "hit", "renewed", "hit"] if how == "arguments" else ["miss", "hit", "hit"])


def test_an_object_is_used_as_it_was(url: str) -> None:
    began, over = threading.Event(), threading.Event()
    with SkillCache(url) as cache:
        basket = Basket([1, 2])
        total = cached(skill="total", cache=cache)(Basket.total)
        assert total(basket) == 3
        BLOCK.extend([began, over])
        try:
            with _early():
                assert total(basket) == 3
            assert began.wait(SECONDS)
            basket.rows.append(100)
            over.set()
            until(lambda: not runs._names)
        finally:
            BLOCK.clear()
        assert total(Basket([1, 2])) == 3
        assert total(basket) == 103


def test_inputs_that_have_changed_are_no_longer_those_of_the_value(url: str) -> None:
    began, over = threading.Event(), threading.Event()
    inputs = {"rows": [1, 2]}

    def compute() -> int:
        began.set()
        assert over.wait(SECONDS)
        return sum(inputs["rows"])

    with SkillCache(url) as cache:
        assert cache.fetch("total", inputs, lambda: 3) == (3, False)
        assert cache.fetch("total", inputs, compute, beta=EARLY) == (3, True)
        assert began.wait(SECONDS)
        inputs["rows"].append(100)
        over.set()
        until(lambda: not runs._names)
        assert cache.get("total", {"rows": [1, 2]}) == 3


def test_a_task_uses_no_arguments_that_the_caller_has_changed_since(url: str) -> None:
    async def main() -> None:
        began, over, renewed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        stopped: list[bool] = []
        async with AsyncSkillCache(url, on_event=_when("renewed", renewed)) as cache:

            @cached(skill="total", cache=cache)
            async def total(rows: list[int]) -> int:
                if stopped:
                    began.set()
                    await over.wait()
                return sum(rows)

            given = [1, 2]
            await total(given)
            with _early():
                stopped.append(True)
                assert await total(given) == 3
            await began.wait()
            given.append(100)
            over.set()
            await renewed.wait()
            stopped.clear()
            assert await total([1, 2]) == 3

    asyncio.run(main())


def test_a_none_takes_the_place_of_what_was_there(url: str, aio: bool) -> None:
    """It is not kept, and neither is what it is not any more."""
    cache = Cache(url, aio=aio)
    cache.set("user", 1, "ann")
    assert cache.fetch("user", 1, lambda: None, refresh=True) == (None, False)
    assert cache.get("user", 1, "nobody") == "nobody"
    cache.set("user", 1, "ann")
    cache.fetch("user", 1, lambda: None, refresh=True, negative_ttl=60)
    assert cache.get("user", 1, "nobody") is None
    cache.close()


def test_a_none_ahead_of_the_end_takes_the_place_of_what_was_there(url: str) -> None:
    with SkillCache(url) as cache:
        cache.fetch("user", 1, lambda: "ann")
        assert cache.fetch("user", 1, lambda: None, beta=EARLY).data == "ann"
        until(lambda: cache.get("user", 1) is None)


@contextmanager
def _early() -> Iterator[None]:
    """Every value is near its end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Found, "is_due", lambda *_: True)
        yield


BLOCK: list[threading.Event] = []


@dataclass
class Basket:
    rows: list[int]

    def total(self) -> int:
        if BLOCK:
            BLOCK[0].set()
            assert BLOCK[1].wait(SECONDS)
        return sum(self.rows)
