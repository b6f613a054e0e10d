"""Many values in one round trip."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from tests.conftest import RedisServer
from tests.library.conftest import Cache

Open = Callable[..., Cache]


def test_they_come_in_the_order_they_are_asked_for(cache: Cache) -> None:
    for number in (1, 2, 3):
        cache.set("double", number, 2 * number)
    cache.set("double", 4, None)
    assert cache.get_many("double", [3, 9, 1, 1, 4], "nothing") == [6, "nothing", 2, 2, None]
    assert cache.get_many("double", iter(())) == []
    assert cache.get_many("double", (number for number in (2, 9))) == [4, None]
    assert (cache.hits, cache.misses, cache.errors) == (5, 2, 0)


def test_they_are_as_many_as_one_likes(cache: Cache) -> None:
    for number in (0, 1_234):
        cache.set("double", number, 2 * number)
    found = cache.get_many("double", range(1_500))
    assert {at: value for at, value in enumerate(found) if value is not None} == {0: 0, 1_234: 2_468}
    assert len(found) == 1_500


def test_they_are_of_a_type_a_version_and_a_namespace(open_cache: Open) -> None:
    cache = open_cache(namespace="billing")
    cache.set("holiday", "de", date(2024, 10, 3), type=date, version=2)
    assert cache.get_many("holiday", ["de"], type=date, version=2) == [date(2024, 10, 3)]
    assert cache.get_many("holiday", ["de"], type=date) == [None]
    assert open_cache().get_many("holiday", ["de"], type=date, version=2) == [None]


def test_what_was_taken_back_is_not_among_them(open_cache: Open) -> None:
    cache, team = open_cache(), open_cache(team="acme")
    cache.set("double", 1, 2)
    team.set("double", 1, 3)
    assert (cache.get_many("double", [1]), team.get_many("double", [1])) == ([2], [3])
    cache.invalidate_skill("double")
    assert (cache.get_many("double", [1]), team.get_many("double", [1])) == ([None], [None])


def test_one_question_is_asked(redis_server: RedisServer, aio: bool) -> None:
    cache = Cache(redis_server.url, aio=aio)
    cache.set("double", 1, 2)
    redis_server.command("CONFIG", "RESETSTAT")
    cache.get_many("double", range(100))
    said = redis_server.command("INFO", "commandstats").decode()
    cache.close()
    asked = [line.partition(",")[0] for line in said.splitlines() if line.startswith("cmdstat_")]
    assert "cmdstat_mget:calls=1" in asked
    assert not [line for line in asked if line.startswith(("cmdstat_get:", "cmdstat_eval"))]
