"""A cache and its functions go to other processes by what they were made with."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

from skillcache import AsyncSkillCache, CacheEvent, SkillCache
from tests.conftest import RedisServer
from tests.library import typed

SCRIPT = """
import multiprocessing, sys
from skillcache import SkillCache, cached

cache = SkillCache(sys.argv[2], namespace="mine", ttl="10m")

@cached(cache=cache)
def double(number):
    print("ran", flush=True)
    return 2 * number

def ask(cache, function):
    return function(2), cache.get("report", 1), cache.namespace, cache.misses

if __name__ == "__main__":
    cache.set("report", 1, "value")
    cache.get("report", 2)
    double(2)
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(pool.starmap(ask, [(cache, double)] * 2))
"""


def _told(_: CacheEvent) -> None:
    pass


@pytest.mark.parametrize("kind", [SkillCache, AsyncSkillCache])
def test_a_cache_is_made_anew(url: str, kind: Any) -> None:
    cache = kind(url, team="acme", namespace="mine", ttl="10m", patience=3, on_event=_told)
    again = pickle.loads(pickle.dumps(cache))  # noqa: S301 - its own
    assert type(again) is kind
    assert (again.team, again.namespace, again._options.ttl, again._options.patience) == ("acme", "mine", 600, 3)
    assert again._options.on_event is _told
    assert again._source.name == cache._source.name


def test_a_function_of_a_module_is_itself() -> None:
    assert pickle.loads(pickle.dumps(typed.bare)) is typed.bare  # noqa: S301 - its own


def test_a_client_stays_where_it_is(redis_server: RedisServer) -> None:
    plain, aio = redis.Redis.from_url(redis_server.url), redis.asyncio.Redis.from_url(redis_server.url)
    for cache in (SkillCache(client=plain), AsyncSkillCache(client=aio)):
        with pytest.raises(TypeError, match="SkillCache over a client cannot be pickled: give it a URL"):
            pickle.dumps(cache)


@pytest.mark.table
@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_workers_share_what_it_holds(url: str, method: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    words = [sys.executable, str(tmp_path / "script.py"), method, url]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120)
    *ran, said = done.stdout.splitlines()
    assert ran == ["ran"]
    assert said == "[(4, 'value', 'mine', 0), (4, 'value', 'mine', 0)]" or method == "fork"
    assert said.count("(4, 'value', 'mine'") == 2
