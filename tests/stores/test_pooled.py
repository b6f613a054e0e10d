"""What only the stores over redis-py have: another's client, more than one call at a time, a life after failures."""

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from skillcache import outcome
from skillcache.errors import ConfigError, StoreError
from skillcache.stores.pooled import PooledStore, open_pooled
from skillcache.stores.pooled_async import AsyncStore
from skillcache.stores.sqlite import SqliteStore
from tests.conftest import RedisServer, free_port, start_redis
from tests.stores.conftest import KEY, NOW, Impostor, put, value_of

SECRET = "s3cr3t"  # noqa: S105 - of no server
DIGEST = "0" * 40


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"decode_responses": True},
        {"protocol": 3},
        {"protocol": 3, "decode_responses": True},
        {"encoding": "latin-1", "decode_responses": True},
        {"socket_timeout": None},
        {"retry": Retry(NoBackoff(), 3)},
    ],
)
def test_any_client_will_do_and_keeps_its_ways(redis_server: RedisServer, settings: dict[str, object]) -> None:
    client = redis.Redis.from_url(f"redis://127.0.0.1:{redis_server.port}/2", **settings)
    store = PooledStore(client)
    value = value_of(1000, b"\xff\x00 not text")
    assert store.put(KEY, value, ttl=60, started=1000, names=("nämes",), generations=(0,))
    assert store.get(KEY, ("nämes",)).entry == value
    assert store.claim(DIGEST, "öwner", 60).holder == ""
    mark = store.claim(DIGEST, "other", 60).mark
    assert not store.wait(DIGEST, mark, 0.01)
    assert store.release(DIGEST, "öwner")
    assert store.wait(DIGEST, mark, 1)
    client.set("theirs", "é")
    assert client.get("theirs") == ("é" if "decode_responses" in settings else "é".encode())
    assert client.ping() is True
    store.close()
    client.close()


def test_a_client_of_the_unix_socket(redis_server: RedisServer) -> None:
    store = open_pooled(redis_server.unix_url.replace("unix://", "redis+socket://"), now=NOW)
    assert isinstance(store, PooledStore)
    put(store, KEY, 1000)
    store.close()
    assert redis_server.command("EXISTS", KEY) == b":1\r\n"


def test_stores_of_one_client_share_their_connections(redis_server: RedisServer) -> None:
    client = redis.Redis.from_url(redis_server.url)
    client.config_resetstat()
    for _ in range(20):
        PooledStore(client).ping()
    assert client.info("stats")["total_connections_received"] <= 1
    PooledStore(client).close()
    client.close()


def test_an_embedded_target_is_the_embedded_store(path: Path) -> None:
    store = open_pooled(f"embedded:{path}", now=NOW)
    assert isinstance(store, SqliteStore)
    assert put(store, KEY, 1)
    store.close()


def test_a_bad_url_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        open_pooled(f"http://user:{SECRET}@host", now=NOW)
    assert SECRET not in str(caught.value)


def test_threads_share_a_store(redis_server: RedisServer) -> None:
    store = open_pooled(redis_server.url, now=NOW)
    store.claim(DIGEST, "keeper", 60)
    mark = store.claim(DIGEST, "waiter", 60).mark
    heard: list[bool] = []
    threads = [threading.Thread(target=lambda: heard.append(store.wait(DIGEST, mark, 20))) for _ in range(8)]
    for thread in threads:
        thread.start()
    while b"blocked_clients:8" not in redis_server.command("INFO", "clients"):
        store.ping()
    assert store.release(DIGEST, "keeper")
    for thread in threads:
        thread.join(20)
    assert heard == [True] * 8
    store.close()


def failure(store: PooledStore) -> StoreError:
    with pytest.raises(StoreError) as caught:
        store.get(KEY, ("Bash",))
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.detail}"
    return caught.value


def test_a_store_works_again_when_its_server_does(tmp_path: Path) -> None:
    first = start_redis(tmp_path / "first")
    store = PooledStore(redis.Redis.from_url(first.url))
    try:
        put(store, KEY, 1000)
    finally:
        first.stop()
    assert failure(store).outcome is outcome.STORE_UNREACHABLE
    second = start_redis(tmp_path / "second", options=("--port", str(first.port)))
    try:
        assert store.get(KEY, ()).entry is None
        assert put(store, KEY, 1000)
        store.close()
    finally:
        second.stop()


def test_a_refused_connection() -> None:
    error = failure(PooledStore(redis.Redis(port=free_port(), password=SECRET)))
    assert error.outcome is outcome.STORE_UNREACHABLE


def test_a_wrong_password_is_refused(redis_with_password: RedisServer) -> None:
    error = failure(PooledStore(redis.Redis(port=redis_with_password.port, password=SECRET)))
    assert error.outcome is outcome.STORE_REFUSED


def test_a_command_that_fails_is_a_refusal_and_no_more(redis_server: RedisServer) -> None:
    store = open_pooled(redis_server.url, now=NOW)
    redis_server.command("RPUSH", "skill_cache_gen:Bash", SECRET)
    with pytest.raises(StoreError) as caught:
        store.invalidate("Bash")
    assert caught.value.outcome is outcome.STORE_REFUSED
    store.ping()
    store.close()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", outcome.STORE_GARBAGE),
        (b"$abc\r\n", outcome.STORE_GARBAGE),
        (b"*1\r\n$-1\r\n", outcome.STORE_GARBAGE),
        (b"*2\r\n$-1\r\n:1\r\n", outcome.STORE_GARBAGE),
        (b"", outcome.STORE_UNREACHABLE),
        (f"-ERR {SECRET}\r\n".encode(), outcome.STORE_REFUSED),
    ],
)
def test_a_server_of_another_kind(
    impostor: Callable[[Callable[[socket.socket, Impostor], None]], Impostor], data: bytes, expected: outcome.Outcome
) -> None:
    def serve(link: socket.socket, server: Impostor) -> None:
        while (heard := server.hear(link)) and data:
            link.sendall(data if b"MGET" in heard else b"+OK\r\n" * heard.count(b"*"))

    assert failure(PooledStore(redis.Redis(port=impostor(serve).port))).outcome is expected


def test_a_server_that_hangs_is_left_in_time(
    impostor: Callable[[Callable[[socket.socket, Impostor], None]], Impostor],
) -> None:
    def hang(_: socket.socket, server: Impostor) -> None:
        server.over.wait()

    server = impostor(hang)
    store = PooledStore(redis.Redis(port=server.port, socket_timeout=0.2))
    assert failure(store).outcome is outcome.STORE_TIMEOUT


def test_a_wait_that_is_cancelled_leaves_no_reply_to_the_next_call(redis_server: RedisServer) -> None:
    async def cancel() -> None:
        store = AsyncStore(redis.asyncio.Redis.from_url(redis_server.url))
        await store.claim(DIGEST, "keeper", 60)
        mark = (await store.claim(DIGEST, "waiter", 60)).mark
        waits = [asyncio.create_task(store.wait(DIGEST, mark, 60)) for _ in range(3)]
        while b"blocked_clients:3" not in redis_server.command("INFO", "clients"):
            await store.ping()
        for wait in waits:
            wait.cancel()
        assert await asyncio.gather(*waits, return_exceptions=True) != [True, True, True]
        assert await store.release(DIGEST, "keeper")
        lookups = await asyncio.gather(*[store.get(KEY, ("a", "b")) for _ in range(10)])
        assert [(lookup.entry, lookup.generations) for lookup in lookups] == [(None, (0, 0))] * 10
        await store.close()

    asyncio.run(cancel())


def test_many_coroutines_wait_at_once(redis_server: RedisServer) -> None:
    async def wait() -> list[bool]:
        store = AsyncStore(redis.asyncio.Redis.from_url(redis_server.url, max_connections=2))
        await store.claim(DIGEST, "keeper", 60)
        mark = (await store.claim(DIGEST, "waiter", 60)).mark
        waits = [asyncio.create_task(store.wait(DIGEST, mark, 60)) for _ in range(150)]
        while b"blocked_clients:150" not in redis_server.command("INFO", "clients"):
            await store.ping()
        await store.release(DIGEST, "keeper")
        heard = await asyncio.gather(*waits)
        await store.close()
        return heard

    assert asyncio.run(wait()) == [True] * 150
