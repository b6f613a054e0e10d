"""What a call of the library costs beside a bare GET of redis-py: `python -m tests.benchmarks.library`.

Prints medians in microseconds, on a server of its own and on the embedded store.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import redis

from skillcache import SkillCache, generate_cache_key
from tests.conftest import start_redis

TIMES = 1_000
INPUTS = {"file": "a.md", "options": {"to": "pdf", "pages": [1, 2, 3]}}
VALUE = {"output": "x" * 1_000}


def micros(call: Callable[[], object], times: int = TIMES) -> float:
    taken = []
    for _ in range(times):
        began = perf_counter()
        call()
        taken.append(perf_counter() - began)
    return median(taken) * 1e6


def report(name: str, cache: SkillCache) -> None:
    cache.set("report", INPUTS, VALUE)
    fresh = iter(range(10**9))
    print(f"{name:9} get              {micros(lambda: cache.get('report', INPUTS)):8.0f}")
    print(f"{name:9} fetch, stored    {micros(lambda: cache.fetch('report', INPUTS, dict)):8.0f}")
    print(f"{name:9} fetch, computed  {micros(lambda: cache.fetch('new', next(fresh), lambda: VALUE), 300):8.0f}")


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    server = start_redis(folder / "redis")
    try:
        with redis.Redis.from_url(server.url) as client:
            client.set("x", b"x" * 1_000)
            print(f"redis-py  GET              {micros(lambda: client.get('x')):8.0f}")
        print(f"          key              {micros(lambda: generate_cache_key('report', INPUTS)):8.0f}")
        with SkillCache(server.url) as cache:
            report("redis", cache)
        with SkillCache(f"embedded:{folder}/store.sqlite3") as cache:
            report("embedded", cache)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
