"""What became of each call is told to whoever asked to be told, and that cannot break the call."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from skillcache import CacheEvent, SkillCache, StoreError, cached, generate_cache_key
from tests.conftest import free_port
from tests.library.conftest import Cache

Open = Callable[..., Cache]


def test_hits_and_misses_are_told(open_cache: Open) -> None:
    events: list[CacheEvent] = []
    cache = open_cache(on_event=events.append)
    error = LookupError()

    def fail() -> None:
        raise error

    cache.get("report", 1)
    cache.fetch("report", 1, lambda: "value")
    cache.fetch("report", 1, lambda: "value")
    cache.get("report", 1)
    cache.get_many("report", [1, 2])
    with pytest.raises(LookupError):
        cache.fetch("report", 3, fail)
    one, two, three = (generate_cache_key("report", number) for number in (1, 2, 3))
    assert [(each.kind, each.key, each.error) for each in events] == [
        ("miss", one, None),
        ("miss", one, None),
        ("hit", one, None),
        ("hit", one, None),
        ("hit", one, None),
        ("miss", two, None),
        ("miss", three, error),
    ]
    assert {each.skill for each in events} == {"report"}
    assert all(each.seconds >= 0 for each in events)


def test_a_store_that_fails_is_told(aio: bool) -> None:
    events: list[CacheEvent] = []
    cache = Cache(f"redis://127.0.0.1:{free_port()}/0", aio=aio, on_event=events.append)
    cache.get("report", 1)
    cache.get_many("report", [1, 2])
    cache.set("report", 1, "value")
    cache.fetch("report", 1, lambda: "value")
    assert [each.kind for each in events] == ["error", "error", "error", "error", "miss"]
    assert {type(each.error) for each in events[:4]} == {StoreError}
    assert cache.errors == 4
    cache.close()


def test_functions_tell_too(url: str) -> None:
    events: list[CacheEvent] = []
    with SkillCache(url, on_event=events.append) as cache:

        @cached(skill="double", cache=cache)
        def double(number: int) -> int:
            return 2 * number

        assert (double(2), double(2)) == (4, 4)
        assert [(each.kind, each.skill, each.key) for each in events] == [
            ("miss", "double", double.key(2)),
            ("hit", "double", double.key(2)),
        ]


def test_who_listens_breaks_nothing(open_cache: Open, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: CacheEvent) -> None:
        raise LookupError("listener")

    cache = open_cache(on_event=fail)
    assert cache.fetch("report", 1, lambda: "value") == ("value", False)
    assert cache.fetch("report", 1, lambda: "value") == ("value", True)
    assert [each.getMessage() for each in caplog.records] == [
        "on_event failed for the miss of report",
        "on_event failed for the hit of report",
    ]
