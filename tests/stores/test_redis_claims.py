"""Claims in Redis: what is kept, and a server that goes away while somebody waits."""

import signal
import threading
import time
from collections.abc import Callable

import pytest
import redis

from skillcache.core import outcomes
from skillcache.core.outcomes import StoreError
from skillcache.stores import open_store
from skillcache.stores.contract import Store, claim_key, wake_key
from skillcache.stores.pooled import PooledLink
from skillcache.stores.redis import RedisStore
from tests.conftest import RedisServer
from tests.stores.conftest import NOW, Looped, measure, open_patiently

DIGEST = "0" * 40
CLAIM, WAKE = claim_key(DIGEST), wake_key(DIGEST)
BOUND = 20.0  # seconds; the limits are far below, and a busy machine is slow

OPENERS: dict[str, Callable[[str], Store]] = {
    "hot": lambda url: open_store(url, now=NOW),
    "pooled": lambda url: RedisStore(PooledLink(redis.Redis.from_url(url, socket_timeout=0.5))),
    "async": lambda url: Looped(f"{url}?socket_timeout=0.5"),
}


def number(reply: bytes) -> int:
    assert reply.startswith(b":")
    return int(reply[1:])


def test_keys_and_expiry_are_as_the_layout_says(redis_server: RedisServer) -> None:
    store = open_patiently(redis_server.url)
    store.claim(DIGEST, "first", 100)
    assert redis_server.command("GET", CLAIM) == b"$5\r\nfirst\r\n"
    assert 90_000 < number(redis_server.command("PTTL", CLAIM)) <= 100_000
    assert redis_server.command("DBSIZE") == b":1\r\n"
    for _ in range(3):
        store.claim(DIGEST, "first", 100)
        store.release(DIGEST, "first")
    assert redis_server.command("XLEN", WAKE) == b":1\r\n"
    assert 50_000 < number(redis_server.command("PTTL", WAKE)) <= 60_000
    assert redis_server.command("DBSIZE") == b":1\r\n"
    store.close()


def test_a_release_after_the_clock_was_set_back_is_heard(redis_server: RedisServer) -> None:
    future = f"{int(time.time() * 1000) + 3_600_000}-0"
    redis_server.command("XADD", WAKE, future, "released", "1")
    redis_server.command("EXPIRE", WAKE, "1")
    store = open_patiently(redis_server.url)
    store.claim(DIGEST, "first", 100)
    refused = store.claim(DIGEST, "second", 100)
    assert refused.mark == future
    assert number(redis_server.command("TTL", WAKE)) > 100
    store.release(DIGEST, "first")
    assert store.wait(DIGEST, refused.mark, 0)
    store.close()


@pytest.mark.parametrize("words", [("SET", CLAIM, "somebody"), ("SET", CLAIM, "", "EX", "60")])
def test_what_is_no_claim_of_ours_gives_way(redis_server: RedisServer, words: tuple[str, ...]) -> None:
    redis_server.command(*words)
    store = open_patiently(redis_server.url)
    assert store.claim(DIGEST, "first", 60).holder == ""
    assert store.claim(DIGEST, "second", 60).holder == "first"
    store.close()


class Waiting:
    """A store whose thread waits for a claim that nobody releases; `end` gives what became of the wait."""

    def __init__(self, server: RedisServer, opener: Callable[[str], Store], seconds: float) -> None:
        self.failures: list[StoreError] = []
        self._ready = threading.Barrier(2)
        self._thread = threading.Thread(target=self._wait, args=(opener, server.url, seconds))
        self._thread.start()
        self._ready.wait(20)
        deadline = time.monotonic() + 20
        while b"blocked_clients:1" not in server.command("INFO", "clients"):
            assert time.monotonic() < deadline

    def _wait(self, opener: Callable[[str], Store], url: str, seconds: float) -> None:
        store = opener(url)
        store.claim(DIGEST, "first", 60)
        mark = store.claim(DIGEST, "second", 60).mark
        self._ready.wait(20)
        try:
            store.wait(DIGEST, mark, seconds)
        except StoreError as error:
            self.failures.append(error)
        store.close()
        if isinstance(store, Looped):
            store.end()

    def end(self) -> StoreError:
        self._thread.join(60)
        assert not self._thread.is_alive()
        (failure,) = self.failures
        return failure


@pytest.mark.parametrize("opener", OPENERS.values(), ids=OPENERS)
def test_a_server_that_dies_ends_the_wait(
    redis_factory: Callable[..., RedisServer], opener: Callable[[str], Store]
) -> None:
    server = redis_factory()
    waiting = Waiting(server, opener, 60)
    server.process.kill()
    assert measure(waiting.end) < BOUND
    assert waiting.failures[0].outcome is outcomes.STORE_UNREACHABLE


@pytest.mark.parametrize("opener", OPENERS.values(), ids=OPENERS)
def test_a_server_that_says_nothing_more_ends_the_wait(
    redis_factory: Callable[..., RedisServer], opener: Callable[[str], Store]
) -> None:
    server = redis_factory()
    waiting = Waiting(server, opener, 60)
    server.process.send_signal(signal.SIGSTOP)
    try:
        assert measure(waiting.end) < BOUND
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert waiting.failures[0].outcome is outcomes.STORE_TIMEOUT


@pytest.mark.parametrize("opener", OPENERS.values(), ids=OPENERS)
def test_a_wait_outlasts_the_limits_of_a_call(redis_server: RedisServer, opener: Callable[[str], Store]) -> None:
    store = opener(redis_server.url)
    store.claim(DIGEST, "first", 60)
    mark = store.claim(DIGEST, "second", 60).mark
    heard: list[bool] = []
    assert measure(lambda: heard.append(store.wait(DIGEST, mark, 0.7))) > 0.65
    assert heard == [False]
    store.ping()
    store.close()
    if isinstance(store, Looped):
        store.end()
