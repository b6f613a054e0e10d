"""@cached: a function is called as before, and runs once for each of its inputs."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from skillcache import AsyncSkillCache, SkillCache, cached, generate_cache_key


def test_a_function_runs_once_for_equal_arguments_however_they_are_given(url: str) -> None:
    runs = []
    with SkillCache(url) as cache:

        @cached(skill="add", cache=cache)
        def add(one: int, two: int = 2, *more: int, scale: int = 1) -> int:
            """Adds."""
            runs.append(1)
            return (one + two + sum(more)) * scale

        assert [add(1), add(1, 2), add(one=1), add(1, two=2, scale=1)] == [3, 3, 3, 3]
        assert len(runs) == 1
        assert [add(1, 2, 3), add(1, 2, 3), add(1, scale=2)] == [6, 6, 6]
        assert len(runs) == 3
        assert add.__name__ == "add"
        assert add.__doc__ == "Adds."
        assert add.__wrapped__(1) == 3
        assert len(runs) == 4


def test_the_key_is_that_of_the_arguments_by_name(url: str) -> None:
    with SkillCache(url, team="acme") as team, SkillCache(url) as cache:

        @cached(skill="add", version=2, cache=cache)
        def add(one: int, *more: int, **named: int) -> int:
            return one + sum(more) + sum(named.values())

        @cached(skill="shared", cache=team)
        def shared() -> int:
            return 1

        key, _, code = add.key(1, 2, x=3).rpartition("-")
        assert key == generate_cache_key("add", {"one": 1, "more": [2], "named": {"x": 3}}, 2)
        assert add(1, 2, x=3) == 6
        assert cache.get("add", {"named": {"x": 3}, "more": [2], "one": 1}, version=f"2-{code}") == 6
        assert shared.key().startswith("team:cache:acme:shared:")


def test_a_function_has_a_skill_of_its_own_unless_one_is_named(url: str) -> None:
    with SkillCache(url) as cache:
        one, two = cached(cache=cache)(first), cached(cache=cache)(second)
        assert (one(), two(), one(), two()) == ("one", "two", "one", "two")
        assert one.invalidate() == 1
        assert (one.cache_info().misses, two.cache_info().misses) == (1, 1)
        assert (one(), two()) == ("one", "two")
        assert (one.cache_info(), two.cache_info()) == ((1, 2, 0), (2, 1, 0))


def first() -> str:
    return "one"


def second() -> str:
    return "two"


def test_scripts_do_not_share_what_they_call_the_same(url: str, tmp_path: Path) -> None:
    code = """
import sys
from skillcache import SkillCache, cached

@cached(cache=SkillCache(sys.argv[1]))
def answer():
    return {answer!r}

print(answer())
"""
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(code.format(answer=name))
    for name, word in (("one", "one"), ("two", "two"), ("one", "one")):
        script = [sys.executable, str(tmp_path / f"{name}.py"), url]
        done = subprocess.run(script, capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == f"{word}\n"


def test_coroutine_functions_are_kept_too(url: str) -> None:
    runs = []

    async def main() -> None:
        async with AsyncSkillCache(url) as cache:

            @cached(skill="slow", ttl=60, cache=cache)
            async def slow(number: int) -> dict[str, int]:
                runs.append(number)
                await asyncio.sleep(0.1)
                return {"twice": number * 2}

            assert inspect.iscoroutinefunction(slow)
            got = await asyncio.gather(*[slow(number % 2) for number in range(20)])
            assert got == [{"twice": 0}, {"twice": 2}] * 10
            assert sorted(runs) == [0, 1]
            assert slow.key(1).startswith(generate_cache_key("slow", {"number": 1}))
            assert await slow.invalidate() == 2
            assert await slow(1) == {"twice": 2}
            assert sorted(runs) == [0, 1, 1]

    asyncio.run(main())


def test_a_method_says_what_of_itself_matters(url: str) -> None:
    runs = []
    with SkillCache(url) as cache:

        class Page:
            def __init__(self, site: str) -> None:
                self.site = site

            @cached(skill="page", key=lambda self, number: [self.site, number], cache=cache)
            def read(self, number: int) -> str:
                runs.append(number)
                return f"{self.site}/{number}"

        assert [Page("a").read(1), Page("a").read(1), Page("b").read(1)] == ["a/1", "a/1", "b/1"]
        assert len(runs) == 2
        assert Page.read.key(Page("a"), 1).startswith(generate_cache_key("page", ["a", 1]))
        assert Page.read.invalidate() == 2


def test_a_method_without_a_key_is_refused_when_called(url: str) -> None:
    class Page:
        @cached(skill="page", cache=SkillCache(url))
        def read(self) -> str:
            return "never"

    with pytest.raises(TypeError, match="the argument self is a Page, which is no value: leave it out"):
        Page().read()


def test_a_result_of_none_is_kept_only_when_asked(url: str) -> None:
    runs = []
    with SkillCache(url) as cache:

        def find() -> None:
            runs.append(1)

        forgotten = cached(skill="forgotten", cache=cache)(find)
        kept = cached(skill="kept", negative_ttl=60, cache=cache)(find)
        for function in (forgotten, forgotten, kept, kept):
            assert function() is None
    assert len(runs) == 3


def test_what_it_raises_passes_and_is_not_kept(url: str) -> None:
    runs = []
    with SkillCache(url) as cache:

        @cached(skill="fail", cache=cache)
        def fail() -> None:
            runs.append(1)
            raise LookupError("mine")

        for _ in range(2):
            with pytest.raises(LookupError, match="mine"):
                fail()
    assert len(runs) == 2


def test_what_cannot_be_kept_is_refused_at_once(url: str) -> None:
    def items() -> Iterator[int]:
        yield 1

    async def more() -> AsyncIterator[int]:
        yield 1

    async def coroutine() -> int:
        return 1

    def function() -> int:
        return 1

    refused: list[tuple[Any, dict[str, Any]]] = [
        (items, {}),
        (more, {}),
        (coroutine, {"skill": "x", "cache": SkillCache(url)}),
        (function, {"skill": "x", "cache": AsyncSkillCache(url)}),
    ]
    for each, options in refused:
        with pytest.raises(TypeError):
            cached(**options)(each)
    for options in ({"ttl": 0}, {"team": "a:b"}, {"cache": SkillCache(url), "team": "acme"}):
        with pytest.raises(ValueError, match=r"."):
            cached(**options)


def test_without_a_cache_it_uses_the_store_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SKILLCACHE_REDIS_URL", "REDIS_URL", "REDIS_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    runs = []

    @cached(skill="add", team="acme")
    def add(one: int) -> int:
        runs.append(1)
        return one + 1

    for home in ("first", "second", "first"):
        monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path / home))
        assert add(1) == 2
        assert add(1) == 2
    assert len(runs) == 2
    assert add.key(1).startswith("team:cache:acme:add:")
    assert add.invalidate() == 1


def test_a_coroutine_function_outlives_its_event_loop(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if url.startswith("embedded:"):
        monkeypatch.setenv("SKILLCACHE_HOME", str(Path(url.removeprefix("embedded:")).parent))
        for name in ("SKILLCACHE_REDIS_URL", "REDIS_URL", "REDIS_HOST"):
            monkeypatch.delenv(name, raising=False)
    else:
        monkeypatch.setenv("SKILLCACHE_REDIS_URL", url)
    runs = []

    @cached(skill="slow")
    async def slow() -> int:
        runs.append(1)
        return 7

    for _ in range(3):
        assert asyncio.run(slow()) == 7
    assert asyncio.run(slow.invalidate()) == 1
    assert len(runs) == 1
