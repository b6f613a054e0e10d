"""What a cache object promises: the same for both kinds, over both stores."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings

from skillcache import SkillCache, generate_cache_key
from skillcache.core.outcomes import ConfigError
from skillcache.stores.entry import JSON as JSON_FORM
from skillcache.stores.entry import decode
from tests.conftest import RedisServer
from tests.library.conftest import Cache
from tests.library.test_keys import JSON

Open = Callable[..., Cache]


def refuse() -> Any:
    raise AssertionError("computed although a value is stored")


def test_a_value_is_computed_once_and_then_served(cache: Cache) -> None:
    computed = []

    def compute() -> list[int]:
        computed.append(1)
        return [1, 2]

    assert cache.fetch("report", {"q": 1}, compute) == ([1, 2], False)
    assert cache.fetch("report", {"q": 1}, compute) == ([1, 2], True)
    assert cache.get_or_compute("report", {"q": 1}, compute) == [1, 2]
    assert computed == [1]
    assert cache.get("report", {"q": 1}) == [1, 2]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON)
def test_any_json_value_comes_back_with_its_types(cache: Cache, value: Any) -> None:
    cache.set("report", "x", value)

    assert json.dumps(cache.get("report", "x", refuse)) == json.dumps(value)


def test_a_value_belongs_to_its_skill_inputs_and_version(cache: Cache) -> None:
    cache.set("report", {"q": 1}, "it")
    for skill, inputs, version in (("other", {"q": 1}, None), ("report", {"q": 2}, None), ("report", {"q": 1}, 2)):
        assert cache.get(skill, inputs, "nothing", version=version) == "nothing"
    assert cache.get("report", {"q": 1}) == "it"
    cache.set("report", {"q": 1}, "new", version=2)
    assert cache.get("report", {"q": 1}) == "it"
    assert cache.get("report", {"q": 1}, version=2) == "new"


def test_teams_are_apart(open_cache: Open) -> None:
    mine, acme, other = open_cache(), open_cache(team="acme"), open_cache(team="other")
    assert acme.set("report", 1, "theirs").startswith("team:cache:acme:report:")
    assert mine.get("report", 1) is None
    assert other.get("report", 1) is None
    assert acme.get("report", 1) == "theirs"
    mine.set("report", 1, "mine")
    assert acme.get("report", 1) == "theirs"
    assert mine.invalidate("team:cache:acme:*") == 1
    assert acme.get("report", 1) is None
    assert mine.get("report", 1) == "mine"


def test_set_gives_the_key_and_replaces(cache: Cache) -> None:
    assert cache.set("report", {"q": 1}, "old") == generate_cache_key("report", {"q": 1})
    assert cache.set("report", {"q": 1}, "new", version=3) == generate_cache_key("report", {"q": 1}, 3)
    cache.set("report", {"q": 1}, "newer")
    assert cache.get("report", {"q": 1}) == "newer"


def test_a_stored_none_is_told_from_nothing(cache: Cache) -> None:
    assert cache.get("report", 1, "default") == "default"
    cache.set("report", 1, None)
    assert cache.get("report", 1, "default") is None
    assert cache.fetch("report", 1, refuse) == (None, True)


def test_a_result_of_none_is_kept_only_when_asked(cache: Cache) -> None:
    assert cache.fetch("report", 1, lambda: None) == (None, False)
    assert cache.fetch("report", 1, lambda: None, negative_ttl=50) == (None, False)
    assert cache.fetch("report", 1, refuse) == (None, True)


def test_what_a_computation_raises_passes_and_leaves_nothing(cache: Cache) -> None:
    for fault in (KeyError("x"), StopIteration(), KeyboardInterrupt()):

        def fail(fault: BaseException = fault) -> None:
            raise fault

        if cache.runner is None or isinstance(fault, KeyError):  # coroutines cannot raise the others
            with pytest.raises(type(fault)):
                cache.fetch("report", 1, fail)
        assert cache.get("report", 1, "nothing") == "nothing"
    assert cache.fetch("report", 1, lambda: "at last") == ("at last", False)


@pytest.mark.parametrize("value", [(1, 2), {1: 2}, b"x", object(), {"x": {1}}])
def test_a_result_that_would_come_back_otherwise_is_refused(cache: Cache, value: Any) -> None:
    with pytest.raises(TypeError):
        cache.fetch("report", 1, lambda: value)
    with pytest.raises(TypeError):
        cache.set("report", 1, value)
    assert cache.get("report", 1, "nothing") == "nothing"
    assert cache.fetch("report", 1, lambda: "text") == ("text", False)


def test_a_deleted_value_is_gone(cache: Cache) -> None:
    cache.set("report", 1, "one")
    cache.set("report", 2, "two")
    cache.delete("report", 1)
    cache.delete("report", 1, version=7)
    assert cache.get("report", 1) is None
    assert cache.get("report", 2) == "two"


def test_a_skill_is_invalidated_with_all_its_versions_and_teams(open_cache: Open) -> None:
    mine, team = open_cache(), open_cache(team="acme")
    for cache in (mine, team):
        cache.set("report", 1, "one")
        cache.set("report", 1, "two", version=2)
        cache.set("reporter", 1, "another skill's")
    assert mine.invalidate_skill("report") == 4
    for cache in (mine, team):
        assert cache.get("report", 1) is None
        assert cache.get("report", 1, version=2) is None
        assert cache.get("reporter", 1) == "another skill's"
    assert mine.invalidate_skill("report") == 0
    mine.set("report", 1, "again")
    assert mine.get("report", 1) == "again"


def test_a_skill_s_name_is_taken_as_it_is(cache: Cache) -> None:
    names = ["report", "repor*", "repor?", "[r]eport", "report:weekly", "\\report", "skill_cache:report", "é漢", "v1"]
    for name in names:
        cache.set(name, 1, name)
        cache.set(name, 1, name, version=1)
    for position, name in enumerate(names):
        assert cache.invalidate_skill(name) == 2
        left = [each for each in names if cache.get(each, 1) == cache.get(each, 1, version=1) == each]
        assert left == names[position + 1 :]


@pytest.mark.parametrize("pattern", ["report*", "skill_cache:report*", "skill_cache:rep*:*"])
def test_a_pattern_reaches_every_skill_it_matches(cache: Cache, pattern: str) -> None:
    for skill in ("report", "report:weekly", "rest"):
        cache.set(skill, 1, skill)
        cache.set(skill, 1, skill, version=2)
    assert cache.invalidate(pattern) == 4
    assert [cache.get(skill, 1) for skill in ("report", "report:weekly", "rest")] == [None, None, "rest"]
    assert cache.get("report", 1, version=2) is None


@pytest.mark.parametrize("how", ["skill", "skill_cache:report:*", "report", "rep*"])
def test_an_invalidation_keeps_out_what_was_being_computed(open_cache: Open, how: str) -> None:
    cache, other = open_cache(), open_cache()
    cache.set("report", "known", 1)

    def compute() -> str:
        assert cache.runner is None or cache.runner.get_loop().is_running()
        invalidate_elsewhere(other, how)
        return "old"

    assert cache.fetch("report", 1, compute) == ("old", False)
    assert cache.get("report", 1, "nothing") == "nothing"
    assert cache.fetch("report", 1, lambda: "new") == ("new", False)
    assert cache.get("report", 1) == "new"


def test_the_first_value_of_a_skill_is_kept_out_too(open_cache: Open) -> None:
    cache, other = open_cache(), open_cache()

    def compute() -> str:
        invalidate_elsewhere(other, "skill_cache:report:*")
        return "old"

    assert cache.fetch("report", 1, compute) == ("old", False)
    assert cache.get("report", 1, "nothing") == "nothing"


def invalidate_elsewhere(other: Cache, how: str) -> None:
    """From outside of the event loop that computes."""
    target = other.wrapped._source
    url = target.place if other.runner is None else target._target
    with SkillCache(url) if isinstance(url, str) else SkillCache(client=url) as cache:
        _ = cache.invalidate_skill("report") if how == "skill" else cache.invalidate(how)


def test_reads_are_counted(cache: Cache) -> None:
    assert cache.hit_rate() is None
    cache.get("report", 1)
    cache.fetch("report", 1, lambda: 1)
    cache.fetch("report", 1, refuse)
    cache.get("report", 1)
    assert (cache.hits, cache.misses, cache.errors) == (2, 2, 0)
    assert cache.hit_rate() == pytest.approx(0.5)


@pytest.mark.parametrize("ttl", [0, -1, 10**12])
def test_a_time_to_live_is_positive_and_bounded(cache: Cache, ttl: int) -> None:
    for call in (
        lambda: cache.set("report", 1, 1, ttl),
        lambda: cache.fetch("report", 1, refuse, ttl),
        lambda: cache.fetch("report", 1, refuse, negative_ttl=ttl),
        lambda: SkillCache(ttl=ttl),
    ):
        with pytest.raises(ValueError, match="expiry"):
            call()


def test_a_time_to_live_is_whole(cache: Cache) -> None:
    for ttl in (1.5, b"60", True):
        with pytest.raises(TypeError):
            cache.set("report", 1, 1, ttl)


def test_arguments_that_make_no_sense_are_refused(cache: Cache) -> None:
    with pytest.raises(ValueError, match="beta"):
        cache.fetch("report", 1, refuse, beta=-1)
    with pytest.raises(ValueError, match="team"):
        SkillCache(team="a:b")
    with pytest.raises(ValueError, match="team"):
        SkillCache(team="")
    with pytest.raises(ValueError, match="patience"):
        SkillCache(patience=-1)
    with pytest.raises(ValueError, match="not both"):
        SkillCache("redis://localhost", client=redis.Redis())
    with pytest.raises(ConfigError):
        SkillCache("http://localhost")
    with pytest.raises(TypeError):
        cache.get("report", (1,))


def test_a_closed_cache_can_be_used_again(cache: Cache) -> None:
    cache.set("report", 1, "one")
    cache._run(cache.wrapped.close)
    assert cache.get("report", 1) == "one"


@pytest.mark.parametrize("damage", [b"", b"x", b"9" * 16, b"0000000000000001 skillcache 9\n{}\n", None])
def test_what_is_not_an_entry_of_these_inputs_is_no_hit(redis_server: RedisServer, aio: bool, damage: bytes) -> None:
    cache = Cache(redis_server.url, aio=aio)
    with redis.Redis.from_url(redis_server.url) as client:
        for value in (damage, client.get(cache.set("other", 1, "x"))):
            client.set(generate_cache_key("report", 1), value or b'{"a guide": "stored this"}')
            assert cache.get("report", 1, "nothing") == "nothing"
            assert cache.fetch("report", 1, lambda: "new") == ("new", False)
            if value and value[:16] != b"9" * 16:
                assert cache.get("report", 1) == "new"
    cache.close()


def test_an_entry_says_what_it_is_and_expires(redis_server: RedisServer, aio: bool) -> None:
    cache = Cache(redis_server.url, aio=aio)
    cache.fetch("report", {"b": 1, "a": "é"}, lambda: {"z": 1, "a": [1.0]}, 500)
    key = generate_cache_key("report", {"a": "é", "b": 1})
    with redis.Redis.from_url(redis_server.url) as client:
        assert 490 < client.ttl(key) <= 500
        entry = decode(client.get(key) or b"", details=True)
        cache.fetch("report", None, lambda: None, 500, negative_ttl=40)
        assert 30 < client.ttl(generate_cache_key("report", None)) <= 40
        assert client.smembers("skillcache:names") == {b"report"}
    assert entry.key == '{"a":"é","b":1}'
    assert entry.form == JSON_FORM
    assert json.loads(entry.output) == {"z": 1, "a": [1.0]}
    assert entry.names == {"report": 0}
    assert entry.details == {"expires": entry.finished + 500_000}
    assert entry.finished - entry.started == entry.duration >= 1
    assert entry.writer["host"]
    cache.close()


@pytest.mark.parametrize("options", [{}, {"decode_responses": True}, {"protocol": 3, "decode_responses": True}])
def test_any_client_will_do(redis_server: RedisServer, options: dict[str, Any]) -> None:
    with redis.Redis.from_url(redis_server.url, **options) as client:
        cache = SkillCache(client=client)
        assert cache.fetch("report", 1, lambda: "é" * 5000) == ("é" * 5000, False)
        assert cache.fetch("report", 1, refuse) == ("é" * 5000, True)
        assert cache.invalidate("skill_cache:report:*") == 1
        assert cache.invalidate_skill("report") == 0
        cache.close()
        assert client.ping()


def test_nothing_but_entries_is_ever_removed(redis_server: RedisServer, aio: bool) -> None:
    cache = Cache(redis_server.url, aio=aio)
    with redis.Redis.from_url(redis_server.url) as client:
        kept = {"mine": b"1", "skill_session:x": b"2", "skillcache:pending:x": b"3", "other:report:1": b"4"}
        client.mset(kept)
        cache.set("report", 1, 1)
        cache.invalidate("*")
        cache.invalidate_skill("report")
        assert {name: client.get(name) for name in kept} == kept
    cache.close()
