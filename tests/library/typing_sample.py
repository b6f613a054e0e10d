"""What type checkers make of the library, in every form that people write: nothing here is run."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from functools import partial
from typing import Any, assert_type

from skillcache import AsyncSkillCache, CacheEvent, Fetched, SkillCache, cached, get_cached_data
from skillcache.library.decorator import CacheInfo


@cached
def bare(city: str, days: int = 7) -> dict[str, int]:
    return {city: days}


@cached()
def called(city: str, *more: str, scale: float = 1.0) -> list[str]:
    return [city, *more, str(scale)]


@cached(ttl=timedelta(hours=1), ignore="client", version=2)
async def fetched(client: object, url: str) -> tuple[int, bytes]:
    return 200, f"{client} {url}".encode()


@cached(type=date, ttl="1h", negative_ttl=60)
def untold(text: str):  # type: ignore[no-untyped-def]  # noqa: ANN201
    return date.fromisoformat(text)


@cached("greeting", ttl=None)
def named(who: str) -> str:
    return who


def _what_matters(page: Page, number: int) -> object:
    return [page.site, number]


class Page:
    def __init__(self, site: str) -> None:
        self.site = site

    @cached(key=_what_matters)
    def read(self, number: int) -> str:
        return f"{self.site}/{number}"

    @cached(ignore=["self"])
    async def load(self, number: int) -> bytes:
        return bytes(number)

    @classmethod
    @cached
    def parse(cls, text: str) -> Page:
        return cls(text)

    @staticmethod
    @cached(ttl=60)
    def size(text: str) -> int:
        return len(text)


def _add(one: int, two: int) -> int:
    return one + two


add_two = cached(skill="add two")(partial(_add, 2))
events: list[CacheEvent] = []
cache = SkillCache(namespace="mine", on_event=events.append)
in_cache = cached(skill="in cache", cache=cache)(_add)


def functions() -> None:
    assert_type(bare("Rome"), dict[str, int])
    assert_type(bare(city="Rome", days=2), dict[str, int])
    assert_type(bare.refresh("Rome", 2), dict[str, int])
    assert_type(bare.cache_info(), CacheInfo)
    assert_type(bare.key("Rome"), str)
    assert_type(bare.__wrapped__("Rome"), dict[str, int])
    assert_type(called("a", "b", scale=2.0), list[str])
    assert_type(named("you"), str)
    assert_type(in_cache(1, two=2), int)
    assert_type(add_two(3), int)
    bare.delete("Rome", days=2)
    bare.invalidate()
    untold("2024-02-29")


def methods() -> None:
    page = Page("a")
    assert_type(page.read(1), str)
    assert_type(page.read(number=1), str)
    assert_type(Page.read.refresh(page, 1), str)
    assert_type(Page.parse("x"), Page)
    assert_type(page.parse("x"), Page)
    assert_type(Page.size("x"), int)
    assert_type(Page.read.cache_info().hits, int)
    page.read.delete(page, 1)
    Page.size.invalidate()


async def coroutines() -> None:
    assert_type(await fetched(None, "u"), tuple[int, bytes])
    assert_type(await fetched.refresh(None, url="u"), tuple[int, bytes])
    assert_type(await Page("a").load(1), bytes)
    assert_type(await asyncio.gather(fetched(None, "u"), Page("a").load(1)), tuple[tuple[int, bytes], bytes])
    await fetched.delete(None, "u")
    async with AsyncSkillCache() as own:
        assert_type(await own.get_or_compute("report", 1, lambda: Page("a").load(1)), bytes)
        assert_type(await own.get_many("report", [1, 2]), list[Any])


def caches() -> None:
    assert_type(cache.get_or_compute("report", {"q": 1}, lambda: 7), int)
    assert_type(cache.fetch("report", {"q": 1}, lambda: "x"), Fetched[str])
    data, was_cached = cache.fetch("report", 1, lambda: 7)
    assert_type(data, int)
    assert_type(was_cached, bool)
    assert_type(get_cached_data("users", lambda: [1]), Fetched[list[int]])
    assert_type(cache.get_many("report", (number for number in range(3))), list[Any])
    assert_type(cache.hit_rate(), float | None)
    for event in events:
        assert_type(event.seconds, float)
        assert_type(event.error, Exception | None)
