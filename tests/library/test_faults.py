"""A store that fails is as if it were empty, soon; only what takes back stored values says so."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from skillcache import SkillCache, StoreError
from tests.conftest import RedisServer, free_port
from tests.library.conftest import Cache

BOUND = 30.0  # seconds: far from the patience that one has with another's computation


@pytest.fixture(autouse=True)
def patience() -> None:
    """As others have it: these are about time."""


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"redis://:s3cret@127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture(params=["refused", "silent", "wrong password", "damaged", "no folder"])
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "refused":
        return f"redis://127.0.0.1:{free_port()}/0"
    if request.param == "silent":
        url: str = request.getfixturevalue("silent_server")
        return url
    if request.param == "wrong password":
        server: RedisServer = request.getfixturevalue("redis_with_password")
        return f"redis://:s3cret@127.0.0.1:{server.port}/0"
    if request.param == "damaged":
        (tmp_path / "store.sqlite3").mkdir()
        return f"embedded:{tmp_path}/store.sqlite3"
    (tmp_path / "file").write_text("")
    return f"embedded:{tmp_path}/file/store.sqlite3"


@pytest.fixture
def cache(broken: str, aio: bool) -> Iterator[Cache]:
    cache = Cache(broken, aio=aio)
    yield cache
    cache.close()


def timed(call: Callable[[], object]) -> object:
    began = time.monotonic()
    result = call()
    assert time.monotonic() - began < BOUND
    return result


@pytest.mark.table
def test_nothing_is_found_everything_is_computed_and_nobody_waits(cache: Cache) -> None:
    assert timed(lambda: cache.get("report", 1, "default")) == "default"
    assert timed(lambda: cache.fetch("report", 1, lambda: "computed")) == ("computed", False)
    assert timed(lambda: cache.get_or_compute("report", 1, lambda: None, negative_ttl=5)) is None
    assert timed(lambda: cache.set("report", 1, "x")) == "skill_cache:report:6b86b273ff34fce19d6b804eff5a3f5747ada4ea"
    assert cache.errors == 4
    assert cache.hits == 0


@pytest.mark.table
def test_what_takes_back_a_value_tells(cache: Cache) -> None:
    for call in (
        lambda: cache.delete("report", 1),
        lambda: cache.invalidate_skill("report"),
        lambda: cache.invalidate("skill_cache:report:*"),
    ):
        with pytest.raises(StoreError) as told:
            timed(call)
        assert "s3cret" not in str(told.value)


def test_what_is_not_json_is_refused_all_the_same(cache: Cache) -> None:
    with pytest.raises(TypeError):
        cache.fetch("report", 1, lambda: (1, 2))
    with pytest.raises(TypeError):
        cache.set("report", 1, {1})


def test_what_a_computation_raises_passes_all_the_same(cache: Cache) -> None:
    def fail() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        cache.fetch("report", 1, fail)


def test_a_server_that_dies_while_a_value_is_computed(redis_factory: Callable[..., RedisServer], aio: bool) -> None:
    server = redis_factory()
    cache = Cache(server.url, aio=aio)

    def compute() -> str:
        server.process.kill()
        server.process.wait(10)
        return "computed"

    assert timed(lambda: cache.fetch("report", 1, compute)) == ("computed", False)
    assert cache.errors > 0
    cache.close()


def test_a_server_that_hangs_while_a_value_is_computed(redis_factory: Callable[..., RedisServer], aio: bool) -> None:
    server = redis_factory()
    cache = Cache(server.url, aio=aio)

    def compute() -> str:
        os.kill(server.process.pid, signal.SIGSTOP)
        return "computed"

    began = time.monotonic()
    assert cache.fetch("report", 1, compute) == ("computed", False)
    assert time.monotonic() - began < 2 * BOUND  # to store it, and to release the claim
    os.kill(server.process.pid, signal.SIGCONT)
    cache.close()


def test_a_server_that_comes_back_is_used_again(redis_factory: Callable[..., RedisServer], aio: bool) -> None:
    server = redis_factory()
    cache = Cache(server.url, aio=aio)
    cache.set("report", 1, "stored")
    os.kill(server.process.pid, signal.SIGSTOP)
    assert timed(lambda: cache.get("report", 1)) is None
    os.kill(server.process.pid, signal.SIGCONT)
    assert cache.get("report", 1) == "stored"
    cache.close()


def test_those_who_wait_compute_when_the_server_dies(redis_factory: Callable[..., RedisServer], aio: bool) -> None:
    server = redis_factory()
    cache = Cache(server.url, aio=aio)
    begun, over = threading.Event(), threading.Event()

    def hold() -> str:
        begun.set()
        over.wait(60)
        return "owner's"

    with SkillCache(server.url) as owner, ThreadPoolExecutor(2) as pool:
        first = pool.submit(owner.fetch, "report", 1, hold)
        assert begun.wait(30)
        second = pool.submit(cache.fetch, "report", 1, lambda: "mine")
        while b"blocked_clients:1" not in server.command("INFO", "clients"):
            assert not second.done()
        server.process.kill()
        server.process.wait(10)
        assert second.result(30) == ("mine", False)
        over.set()
        assert first.result(30) == ("owner's", False)
    cache.close()


def test_a_user_who_may_only_read_finds_and_computes(redis_server: RedisServer, aio: bool) -> None:
    with redis.Redis.from_url(redis_server.url) as client, SkillCache(redis_server.url) as writer:
        writer.set("report", 1, "stored")
        client.acl_setuser(
            "reader", enabled=True, nopass=True, keys=["*"], commands=["+@read", "+@connection"], reset=True
        )
        cache = Cache(redis_server.url.replace("redis://", "redis://reader:x@"), aio=aio)
        assert cache.fetch("report", 1, lambda: "computed") == ("stored", True)
        assert cache.fetch("report", 2, lambda: "computed") == ("computed", False)
        cache.close()
        client.acl_deluser("reader")
