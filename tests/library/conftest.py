"""Caches for the tests: both kinds, over both stores, behind one face."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skillcache import AsyncSkillCache, SkillCache
from skillcache.library import source
from tests.conftest import RedisServer


class Cache:
    """One cache object; coroutines are run to their end, in one event loop of its own."""

    def __init__(self, url: str | None = None, *, aio: bool = False, **options: Any) -> None:
        self.runner = asyncio.Runner() if aio else None
        self.wrapped: Any = AsyncSkillCache(url, **options) if aio else SkillCache(url, **options)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.wrapped, name)
        if self.runner is None or not callable(found):
            return found
        return lambda *given, **more: self._run(found, *given, **more)

    def close(self) -> None:
        self._run(self.wrapped.close)
        if self.runner is not None:
            self.runner.close()

    def _run(self, method: Callable[..., Any], *given: Any, **more: Any) -> Any:
        if self.runner is None:
            return method(*given, **more)
        given = tuple(_coroutine(each) if callable(each) else each for each in given)
        result = method(*given, **more)
        return self.runner.run(result) if inspect.iscoroutine(result) else result


def _coroutine(function: Callable[[], Any]) -> Callable[[], Any]:
    async def call() -> Any:
        return function()

    return call


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not decide a test that is not about time."""
    monkeypatch.setattr(source, "SECONDS", 20.0)


@pytest.fixture(params=["embedded", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "embedded":
        return f"embedded:{tmp_path}/store.sqlite3"
    server: RedisServer = request.getfixturevalue("redis_server")
    return server.url


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def aio(request: pytest.FixtureRequest) -> bool:
    flag: bool = request.param
    return flag


@pytest.fixture
def open_cache(url: str, aio: bool) -> Iterator[Callable[..., Cache]]:
    """Opens a cache over the store at hand, with the keywords of SkillCache."""
    opened: list[Cache] = []

    def open_(**options: Any) -> Cache:
        opened.append(Cache(url, aio=aio, **options))
        return opened[-1]

    yield open_
    for cache in opened:
        cache.close()


@pytest.fixture
def cache(open_cache: Callable[..., Cache]) -> Cache:
    return open_cache()
