"""What only the stores over redis-py have: another's client, more than one call at a time, a life after failures."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from skillcache.core import outcomes
from skillcache.core.outcomes import ConfigError, StoreError
from skillcache.stores.pooled import TURNS, AsyncStore, Hearings, PooledLink
from skillcache.stores.redis import RedisStore
from skillcache.stores.sqlite import SqliteStore
from tests.conftest import RedisServer, free_port, start_redis
from tests.stores.conftest import KEY, NOW, Impostor, open_pooled, put, value_of

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
    store = RedisStore(PooledLink(client))
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
    assert isinstance(store, RedisStore)
    put(store, KEY, 1000)
    store.close()
    assert redis_server.command("EXISTS", KEY) == b":1\r\n"


def test_stores_of_one_client_share_their_connections(redis_server: RedisServer) -> None:
    client = redis.Redis.from_url(redis_server.url)
    client.config_resetstat()
    for _ in range(20):
        RedisStore(PooledLink(client)).ping()
    assert client.info("stats")["total_connections_received"] <= 1
    RedisStore(PooledLink(client)).close()
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


def failure(store: RedisStore) -> StoreError:
    with pytest.raises(StoreError) as caught:
        store.get(KEY, ("Bash",))
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.detail}"
    return caught.value


def test_a_store_works_again_when_its_server_does(tmp_path: Path) -> None:
    first = start_redis(tmp_path / "first")
    store = RedisStore(PooledLink(redis.Redis.from_url(first.url)))
    try:
        put(store, KEY, 1000)
    finally:
        first.stop()
    assert failure(store).outcome is outcomes.STORE_UNREACHABLE
    second = start_redis(tmp_path / "second", options=("--port", str(first.port)))
    try:
        assert store.get(KEY, ()).entry is None
        assert put(store, KEY, 1000)
        store.close()
    finally:
        second.stop()


def test_a_refused_connection() -> None:
    error = failure(RedisStore(PooledLink(redis.Redis(port=free_port(), password=SECRET))))
    assert error.outcome is outcomes.STORE_UNREACHABLE


def test_a_wrong_password_is_refused(redis_with_password: RedisServer) -> None:
    error = failure(RedisStore(PooledLink(redis.Redis(port=redis_with_password.port, password=SECRET))))
    assert error.outcome is outcomes.STORE_REFUSED


def test_a_command_that_fails_is_a_refusal_and_no_more(redis_server: RedisServer) -> None:
    store = open_pooled(redis_server.url, now=NOW)
    redis_server.command("RPUSH", "skill_cache_gen:Bash", SECRET)
    with pytest.raises(StoreError) as caught:
        store.invalidate("Bash")
    assert caught.value.outcome is outcomes.STORE_REFUSED
    store.ping()
    store.close()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", outcomes.STORE_GARBAGE),
        (b"$abc\r\n", outcomes.STORE_GARBAGE),
        (b"*1\r\n$-1\r\n", outcomes.STORE_GARBAGE),
        (b"*2\r\n$-1\r\n:1\r\n", outcomes.STORE_GARBAGE),
        (b"", outcomes.STORE_UNREACHABLE),
        (f"-ERR {SECRET}\r\n".encode(), outcomes.STORE_REFUSED),
    ],
)
def test_a_server_of_another_kind(
    impostor: Callable[[Callable[[socket.socket, Impostor], None]], Impostor], data: bytes, expected: outcomes.Outcome
) -> None:
    def serve(link: socket.socket, server: Impostor) -> None:
        while (heard := server.hear(link)) and data:
            link.sendall(data if b"MGET" in heard else b"+OK\r\n" * heard.count(b"*"))

    assert failure(RedisStore(PooledLink(redis.Redis(port=impostor(serve).port, password=SECRET)))).outcome is expected


def test_a_server_that_hangs_is_left_in_time(
    impostor: Callable[[Callable[[socket.socket, Impostor], None]], Impostor],
) -> None:
    def hang(_: socket.socket, server: Impostor) -> None:
        server.over.wait()

    server = impostor(hang)
    store = RedisStore(PooledLink(redis.Redis(port=server.port, socket_timeout=0.2)))
    assert failure(store).outcome is outcomes.STORE_TIMEOUT


def waiters(server: RedisServer) -> int:
    """How many of the connections called `waiter` wait for a release."""
    lines = server.command("CLIENT", "LIST").decode().splitlines()
    return sum("name=waiter" in line and "flags=b" in line for line in lines)


async def begin_waits(server: RedisServer, store: AsyncStore, count: int) -> "list[asyncio.Task[bool]]":
    """Waits for a claim that `keeper` has; returns when the server holds their connections."""
    await store.claim(DIGEST, "keeper", 60)
    mark = (await store.claim(DIGEST, "waiter", 60)).mark
    waits = [asyncio.create_task(store.wait(DIGEST, mark, 60)) for _ in range(count)]
    while not waiters(server):
        assert not [wait.result() for wait in waits if wait.done()]
        await store.ping()
    return waits


def open_waiter(server: RedisServer, max_connections: int | None = None) -> AsyncStore:
    return AsyncStore(redis.asyncio.Redis.from_url(server.url, client_name="waiter", max_connections=max_connections))


def test_a_wait_that_is_cancelled_leaves_no_reply_to_the_next_call(redis_server: RedisServer) -> None:
    async def cancel() -> None:
        store = open_waiter(redis_server)
        waits = await begin_waits(redis_server, store, 3)
        for wait in waits:
            wait.cancel()
        cancelled = await asyncio.gather(*waits, return_exceptions=True)
        assert [type(each) for each in cancelled] == [asyncio.CancelledError] * 3
        assert await store.release(DIGEST, "keeper")
        lookups = await asyncio.gather(*[store.get(KEY, ("a", "b")) for _ in range(10)])
        assert [(lookup.entry, lookup.generations) for lookup in lookups] == [(None, (0, 0))] * 10
        await store.close()

    asyncio.run(cancel())


def test_a_wait_ends_though_its_exchange_swallowed_the_cancelling() -> None:
    """As one of redis-py may that is answered at the same moment: what nobody hears does not ask again."""

    async def hear(_digest: str, _mark: str) -> bool:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.05)
        return False

    async def cancel() -> bool:
        wait = asyncio.create_task(Hearings(hear).wait(DIGEST, "0-0", 3600))
        await asyncio.sleep(0.01)
        wait.cancel()
        await asyncio.wait({wait}, timeout=30)
        return wait.cancelled()

    assert asyncio.run(cancel())


def test_a_wait_goes_on_when_another_for_the_same_is_cancelled(redis_server: RedisServer) -> None:
    async def cancel() -> bool:
        store = open_waiter(redis_server)
        first, second = await begin_waits(redis_server, store, 2)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert await store.release(DIGEST, "keeper")
        heard = await second
        await store.close()
        return heard

    assert asyncio.run(cancel())


def test_waits_for_the_same_end_each_at_its_own_time(redis_server: RedisServer) -> None:
    async def wait() -> list[bool]:
        store = open_waiter(redis_server)
        (long,) = await begin_waits(redis_server, store, 1)
        mark = (await store.claim(DIGEST, "waiter", 60)).mark
        assert not await store.wait(DIGEST, mark, 0.01)
        assert not long.done()
        assert await store.release(DIGEST, "keeper")
        heard = [await long, await store.wait(DIGEST, mark, 30), await store.wait(DIGEST, mark, 0)]
        await store.close()
        return heard

    assert asyncio.run(wait()) == [True] * 3


def test_many_coroutines_wait_at_once_over_one_connection(redis_server: RedisServer) -> None:
    async def wait() -> list[bool]:
        store = open_waiter(redis_server, max_connections=2)
        waits = await begin_waits(redis_server, store, 150)
        await asyncio.gather(*[store.ping() for _ in range(500)])
        assert waiters(redis_server) == 1
        await store.release(DIGEST, "keeper")
        heard = await asyncio.gather(*waits)
        await store.close()
        return heard

    assert asyncio.run(wait()) == [True] * 150


def test_a_crowd_of_coroutines_opens_few_connections(redis_server: RedisServer) -> None:
    async def ask() -> None:
        store = open_waiter(redis_server)
        before = received(redis_server)
        await asyncio.gather(*[store.get(KEY, ()) for _ in range(300)])
        assert received(redis_server) - before <= TURNS + 2  # and those that ask how many there were
        await store.close()

    asyncio.run(ask())


def received(server: RedisServer) -> int:
    """The connections that the server has taken so far."""
    (line,) = [line for line in server.command("INFO", "stats").splitlines() if b"total_connections_received" in line]
    return int(line.partition(b":")[2])


def test_a_crowd_of_coroutines_leaves_a_server_that_hangs_together(
    impostor: Callable[[Callable[[socket.socket, Impostor], None]], Impostor],
) -> None:
    asked = []

    def hang(_: socket.socket, server: Impostor) -> None:
        asked.append(1)
        server.over.wait()

    server = impostor(hang)

    async def ask() -> "list[object]":
        store = AsyncStore(redis.asyncio.Redis(port=server.port, socket_timeout=0.5))
        return list(await asyncio.gather(*[store.get(KEY, ()) for _ in range(300)], return_exceptions=True))

    failures = asyncio.run(ask())
    assert {getattr(each, "outcome", each) for each in failures} == {outcomes.STORE_TIMEOUT}
    assert len(failures) == 300
    assert len(asked) <= TURNS
