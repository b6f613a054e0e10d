"""Globs are read as Redis reads them, and the names that one touches are all that it can match an entry of."""

from __future__ import annotations

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillcache.stores.contract import entry_key
from skillcache.stores.patterns import Pattern, compile_glob
from tests.conftest import RedisServer

ASCII = "ab*?[]^-\\:\n"  # a range that ends beyond it differs between servers
ALPHABET = f"{ASCII}é"
DIGEST = "0" * 40
NAMES = ["report-day", "report-week", "report", "a[b]", "a?b", "a\\b", "WebFetch", "plugin:skill", "é", "-"]


@given(pattern=st.text(ASCII, max_size=8), texts=st.lists(st.text(ALPHABET, min_size=1, max_size=6), max_size=20))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_glob_matches_what_it_matches_in_redis(redis_server: RedisServer, pattern: str, texts: list[str]) -> None:
    client = redis.Redis.from_url(redis_server.url, db=9)
    client.flushdb()
    for text in texts:
        client.set(text, "")

    matched = {text for text in texts if compile_glob(pattern).fullmatch(text.encode())}

    assert matched == {key.decode() for key in client.scan_iter(match=pattern)}
    client.close()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("pattern", ["*a" * 30 + "*b", "a*" * 30 + "b", "*[ab]?" * 10 + "c"])
def test_a_glob_takes_linear_time_on_what_others_wrote(pattern: str) -> None:
    assert compile_glob(pattern).fullmatch(b"a" * 100_000) is None
    assert compile_glob(pattern).fullmatch(b"a" * 50_000 + b"bc") is None or pattern.endswith("c")


@given(
    pattern=st.text(ALPHABET, max_size=6).map(lambda text: f"skill_cache:{text}")
    | st.text(ALPHABET, max_size=8).map(lambda text: f"team:cache:{text}")
    | st.text(ALPHABET, max_size=5),
    name=st.text("ab[]\\é:", min_size=1, max_size=4),
    team=st.sampled_from(["", "a", "ab", "b-"]),
    digest=st.sampled_from([DIGEST, "a" * 40, "b"]),
)
@settings(max_examples=400)
def test_no_key_that_a_glob_matches_is_of_a_name_that_it_does_not_touch(
    pattern: str, name: str, team: str, digest: str
) -> None:
    key = entry_key(name, digest, team or None)

    meant = Pattern(pattern)

    if meant.means(key):
        assert any(compile_glob(glob).fullmatch(key.encode()) for glob in meant.globs)
        assert meant.touched([name, f"@team:{team}"])


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("report-*", ["report-day", "report-week"]),
        ("report", ["report"]),
        ("*", sorted(NAMES)),
        ("skill_cache:report:*", ["report"]),
        ("skill_cache:report*", ["report", "report-day", "report-week"]),
        ("skill_cache:report:00*", ["report"]),
        ("skill_cache:rep[ao]rt-?ay:*", ["report-day"]),
        ("skill_cache:new:*", ["new"]),
        ("skill_cache:new-?:*", []),
        ("team:cache:acme:new:*", ["new"]),
        ("new", ["new"]),
        ("Bash", []),
        ("team:cache:acme:report:*", ["report"]),
        ("team:cache:*:report:*", ["report"]),
        (r"a\[b\]", ["a[b]"]),
        (r"a\?b", ["a?b"]),
        (r"a\\b", ["a\\b"]),
        ("a[[]b]", ["a[b]"]),
        ("plugin:*", ["plugin:skill"]),
        ("?", ["-"]),  # é has two bytes
        ("user:*", []),
        ("[]", []),
    ],
)
def test_the_names_that_a_glob_touches(pattern: str, names: list[str]) -> None:
    assert Pattern(pattern).touched([*NAMES, "Bash", "@project:p", "@team:acme"]) == names


def test_all_that_a_team_has_is_the_name_of_the_team() -> None:
    names = ["report", "@team:acme", "@team:acme2", "@team:other"]

    assert Pattern("team:cache:acme:*").touched(names) == ["@team:acme"]
    assert Pattern("team:cache:a*").touched(names) == ["@team:acme", "@team:acme2"]
    assert Pattern("team:cache:new:*").touched(names) == ["@team:new"]
    assert Pattern("team:cache:*").touched(names) == ["@team:acme", "@team:acme2", "@team:other"]
