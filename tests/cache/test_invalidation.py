"""What is invalidated is served no more from that moment on, and its room is given back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

from skillcache.cache.invalidation import Invalidated, Selection, aio_invalidate, invalidate, steps
from skillcache.stores.contract import entry_key, project_name, team_name
from skillcache.stores.entry import encode
from skillcache.stores.redis_py import connect
from skillcache.stores.scan import EmbeddedHoldings, RedisHoldings, Steps, take
from tests.conftest import empty_redis
from tests.shelf import Shelf
from tests.stores.test_entry import make


@pytest.fixture(params=["embedded", "redis", "cluster"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    if request.param == "embedded":
        return Shelf(f"embedded:{tmp_path}/cache/store.sqlite3")
    return Shelf(empty_redis(request, request.param))


def test_what_is_bound_to_a_name_goes_and_the_rest_stays(shelf: Shelf) -> None:
    shelf.put("pytest", "Bash", project_name("p"))
    shelf.put("ruff", "Bash", "pytest", project_name("p"))
    shelf.put("mypy", "Bash", project_name("q"))
    shelf.put("report", team_name("acme"), team="acme")

    assert invalidate(shelf.target, Selection(("pytest",))) == Invalidated(("pytest",), 2)

    assert not shelf.holds("pytest")
    assert not shelf.holds("ruff")
    assert shelf.holds("mypy")
    assert shelf.generation("pytest") == 1
    assert shelf.generation("Bash") == 0

    assert invalidate(shelf.target, Selection((project_name("q"), team_name("acme")))).entries == 2
    assert not shelf.holds("mypy")
    assert not shelf.holds("report", team="acme")


def test_a_name_of_nothing_is_raised_all_the_same(shelf: Shelf) -> None:
    """A first run may be under way."""
    assert invalidate(shelf.target, Selection(("report",))) == Invalidated(("report",), 0)
    assert shelf.generation("report") == 1


@pytest.mark.parametrize("how", ["names", "rep*", "report", "skill_cache:report:*"])
def test_a_run_that_began_before_cannot_store(shelf: Shelf, how: str) -> None:
    if "rep*" in how:
        shelf.put("report", number=1)  # so that the name is known
    store = shelf.open()
    (before,) = store.get("skill_cache:report:x", ("report",)).generations

    if how == "names":
        invalidate(shelf.target, Selection(("report",)))
    else:
        invalidate(shelf.target, Selection((), how))

    value = encode(make(names={"report": before}, started=5))
    key = entry_key("report", "0" * 40)
    assert not store.put(key, value, ttl=60, started=5, names=("report",), generations=(before,))
    assert store.put(key, value, ttl=60, started=5, names=("report",), generations=(before + 1,))
    store.close()


def sweep(shelf: Shelf, selection: Selection, *, after: str, work: Callable[[], object]) -> Invalidated:
    """An invalidation during which something happens: once, right after that step of it."""
    embedded = shelf.target.startswith("embedded:")
    base: Any = EmbeddedHoldings if embedded else RedisHoldings
    left = [work]

    class Watched(base):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            found = super().__getattribute__(name)
            return watched(found) if name == after else found

    def watched(step: Callable[..., Steps[object]]) -> Callable[..., Steps[object]]:
        def steps_and_work(*arguments: object) -> Steps[object]:
            result = yield from step(*arguments)
            if left:
                left.pop()()
            return result

        return steps_and_work

    if embedded:
        holdings = Watched(shelf.target.removeprefix("embedded:"), time.time())
        done = take(steps(holdings, selection))
        holdings.close()
        return done
    client = connect(shelf.target)
    done = take(steps(Watched(), selection), client)
    client.close()
    return done


def test_what_was_stored_after_the_raise_stays(shelf: Shelf) -> None:
    shelf.put("report", number=1)

    done = sweep(shelf, Selection(("report",)), after="raise_generations", work=lambda: shelf.put("report", number=2))

    assert done == Invalidated(("report",), 1)
    assert shelf.holds("report", 2)


def test_a_name_that_appears_during_the_sweep_of_a_pattern_is_raised_too(shelf: Shelf) -> None:
    shelf.put("report-day")

    done = sweep(shelf, Selection((), "report-*"), after="keys", work=lambda: shelf.put("report-new"))

    assert done == Invalidated(("report-day", "report-new"), 2)
    assert shelf.generation("report-new") == 1


def test_a_pattern_on_names_and_one_on_keys(shelf: Shelf) -> None:
    for number in range(3):
        shelf.put("report-day", number=number)
        shelf.put("report-week", number=number)
        shelf.put("digest", number=number)

    assert invalidate(shelf.target, Selection((), "report-*")) == Invalidated(("report-day", "report-week"), 6)
    assert invalidate(shelf.target, Selection((), "skill_cache:digest:*1")) == Invalidated(("digest",), 1)
    assert shelf.holds("digest", 0)
    assert shelf.generation("digest") == 1, "a pattern of some keys raises the whole name"


def test_a_pattern_reaches_what_is_shared_and_one_of_a_team_only_that(shelf: Shelf) -> None:
    for team in ("acme", "other"):
        shelf.put("report", team_name(team), team=team)
    shelf.put("report")

    assert invalidate(shelf.target, Selection((), "team:cache:acme:*")) == Invalidated((team_name("acme"),), 1)
    assert shelf.holds("report", team="other")
    assert invalidate(shelf.target, Selection((), "report")) == Invalidated(("report",), 2)


@pytest.mark.parametrize("name", ["a[b]", "a?b", "a*b", "a\\b", "a]b", "[^a]", "plugin:skill", "über"])
def test_names_may_hold_what_is_special_in_a_glob(shelf: Shelf, name: str) -> None:
    shelf.put(name)
    shelf.put("axb")
    escaped = "".join(f"\\{letter}" if letter in "[]?*\\^" else letter for letter in name)

    assert invalidate(shelf.target, Selection((), escaped)) == Invalidated((name,), 1)
    assert shelf.holds("axb")
    shelf.put(name)
    assert invalidate(shelf.target, Selection((name,))).entries == 1
    assert shelf.holds("axb")


def test_ten_thousand_go_in_batches(shelf: Shelf) -> None:
    value = encode(make(names={"report": 0}, started=5))
    shelf.fill({entry_key("report", f"{number:040x}"): value for number in range(10_000)})
    shelf.put("other")

    assert invalidate(shelf.target, Selection(("report",))) == Invalidated(("report",), 10_000)
    assert shelf.holds("other")


def test_what_is_no_entry_stays_unless_a_pattern_names_it(shelf: Shelf) -> None:
    shelf.put("report", number=1, value=b"%016d" % 1_790_000_000_000 + b"not what we write")
    shelf.put("report", number=2)

    assert invalidate(shelf.target, Selection(("report",))).entries == 1
    assert shelf.holds("report", 1)
    assert invalidate(shelf.target, Selection((), "report")).entries == 1
    assert not shelf.holds("report", 1)


def test_a_header_longer_than_most_is_read_whole(shelf: Shelf) -> None:
    shelf.put("report", key="k" * 100_000)

    assert invalidate(shelf.target, Selection(("report",))).entries == 1


def test_names_and_pattern_together_are_each_of_them(shelf: Shelf) -> None:
    shelf.put("pytest", "Bash")
    shelf.put("report-day")
    shelf.put("digest")

    rehearsed = invalidate(shelf.target, Selection(("Bash", "digest"), "report-*"), rehearse=True)
    assert rehearsed.names == ("Bash", "digest", "report-day")
    assert rehearsed.entries == 3
    assert rehearsed.bytes > 1_000
    assert shelf.generation("digest") == 0
    assert shelf.holds("digest")

    assert invalidate(shelf.target, Selection(("Bash", "digest"), "report-*")).entries == 3


@pytest.mark.parametrize("decode", [False, True])
@pytest.mark.parametrize("protocol", [2, 3])
def test_any_client_of_redis_will_do(redis_server: object, decode: bool, protocol: int) -> None:
    url: str = redis_server.url  # type: ignore[attr-defined]
    shelf = Shelf(url)
    client = redis.Redis.from_url(url, decode_responses=decode, protocol=protocol)

    async def meanwhile(work: Callable[[redis.asyncio.Redis], object]) -> Invalidated:
        own = redis.asyncio.Redis.from_url(url, decode_responses=decode, protocol=protocol)
        try:
            return await work(own)  # type: ignore[misc,no-any-return]
        finally:
            await own.aclose()

    for invalidated in (
        lambda: invalidate(client, Selection(("report",))),
        lambda: invalidate(client, Selection((), "rep*")),
        lambda: asyncio.run(meanwhile(lambda own: aio_invalidate(own, Selection(("report",))))),
        lambda: asyncio.run(meanwhile(lambda own: aio_invalidate(own, Selection((), "rep*")))),
    ):
        shelf.put("report", value=b"")
        assert invalidated() == Invalidated(("report",), 1)  # type: ignore[no-untyped-call]
    client.close()


def test_a_target_will_do_for_asyncio_too(shelf: Shelf) -> None:
    shelf.put("report")

    assert asyncio.run(aio_invalidate(shelf.target, Selection((), "report"))) == Invalidated(("report",), 1)
    assert shelf.generation("report") == 1
