"""Redis Sentinel: the master is found wherever it is now, by hooks and by redis-py alike."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from skillcache import AsyncSkillCache, SharedState, SkillCache, get_redis_client
from skillcache.core.outcomes import STORE_REFUSED, STORE_TIMEOUT, STORE_UNREACHABLE, ConfigError, StoreError
from skillcache.stores import open_store
from skillcache.stores.connection import Limits, SocketLink
from skillcache.stores.contract import Store
from skillcache.stores.redis import RedisStore
from skillcache.stores.redis_py import aio_connect
from skillcache.stores.redis_url import parse_url
from tests.conftest import RedisServer, until
from tests.events.conftest import Place
from tests.stores.conftest import KEY, NOW, Impostor, failure_of, open_patiently, open_pooled, put, value_of
from tests.stores.sentinels import Service, TlsSentinel


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("service"))
    yield made
    made.stop()


@pytest.fixture
def passing(tmp_path: Path) -> Iterator[Service]:
    """One whose master may be killed, and whose Sentinels ask for a password."""
    made = Service(tmp_path / "service", "s3cret")
    yield made
    made.stop()


@pytest.fixture
def silent() -> Iterator[Impostor]:
    """Takes every connection and says nothing."""

    def serve(link: socket.socket, impostor: Impostor) -> None:
        impostor.hear(link)
        impostor.over.wait(30)

    impostor = Impostor(serve)
    yield impostor
    impostor.stop()


def opened(url: str, kind: str) -> Store:
    return open_patiently(url) if kind == "hook" else open_pooled(url, now=NOW)


@pytest.mark.parametrize("kind", ["hook", "redis-py"])
def test_the_master_is_asked(service: Service, kind: str) -> None:
    service.master.command("FLUSHALL")
    store = opened(service.url(options="/3"), kind)
    assert put(store, KEY, 1000, Bash=0)
    assert store.invalidate("Bash") == 1
    assert store.get(KEY, ("Bash",)).entry == value_of(1000)
    assert store.claim("d", "me", 20).holder == ""
    assert store.wait("d", store.claim("d", "you", 20).mark, 0.05) is False
    assert store.release("d", "me")
    store.close()
    assert service.master.command("SELECT", "3") == b"+OK\r\n"
    assert b"db3:keys" in service.master.command("INFO", "keyspace")


@pytest.mark.parametrize("kind", ["hook", "redis-py"])
def test_a_sentinel_that_is_gone_is_passed_over(service: Service, kind: str) -> None:
    store = opened(service.url(1, *service.sentinels), kind)
    store.ping()
    store.close()


def test_a_sentinel_that_hangs_leaves_time_for_the_next(service: Service, silent: Impostor) -> None:
    limits = Limits(connect=4, silence=20, operation=20)
    store = RedisStore(SocketLink(parse_url(service.url(silent.port, *service.sentinels)), limits))
    store.ping()
    store.close()
    assert silent.connections == 1


def test_sentinels_that_all_hang_cost_no_more_than_a_server_that_does(silent: Impostor) -> None:
    store = open_store(f"redis+sentinel://127.0.0.1:{silent.port},127.0.0.1:{silent.port}/results", now=NOW)
    began = time.monotonic()
    assert failure_of(store).outcome is STORE_TIMEOUT
    assert silent.connections == 2
    assert time.monotonic() - began < 30  # they were asked, and given up


@pytest.mark.parametrize("kind", ["hook", "redis-py"])
def test_a_service_that_no_sentinel_knows_is_out_of_reach(service: Service, kind: str) -> None:
    fault = failure_of(opened(service.url(service="another"), kind))
    assert fault.outcome is STORE_UNREACHABLE
    assert "another" not in str(fault)


def test_a_sentinel_that_says_something_else_is_passed_over(service: Service) -> None:
    answers = [
        b"+OK\r\n",
        b"*2\r\n:1\r\n:2\r\n",
        b"*2\r\n$1\r\nx\r\n$3\r\nabc\r\n",
        b"-ERR unknown\r\n",
        b"*0\r\n",
        b"HTTP\r\n",
    ]

    def serve(link: socket.socket, impostor: Impostor) -> None:
        impostor.hear(link)
        link.sendall(answers[impostor.connections - 1])

    impostor = Impostor(serve)
    for _ in answers:
        store = open_patiently(service.url(impostor.port, *service.sentinels))
        store.ping()
        store.close()
    impostor.stop()
    assert impostor.connections == len(answers)


@pytest.mark.parametrize(
    "url",
    ["redis+sentinel:///results", "redis+sentinel://a,b", "redis+sentinel://a/", "redis+sentinel://a:x/results",
     "redis+sentinel://a/results/x", "rediss+sentinel://a/results?ssl_cert_reqs=maybe"],
)  # fmt: skip
def test_a_url_that_is_none_says_so_without_its_password(url: str) -> None:
    for place in (url, url.replace("://", "://:hunter2@")):
        with pytest.raises(ConfigError) as caught:
            parse_url(place)
        assert "hunter2" not in str(caught.value)


def test_what_a_url_says_of_server_and_sentinels() -> None:
    options = "sentinel_username=guard&sentinel_password=p%2Fw&ssl_ca_certs=/ca.crt&socket_timeout=3"
    address = parse_url(f"rediss+sentinel://user:p%40ss@a,b:7000,[::1]:7001/my%20service/5?{options}")
    assert address.sentinels == (("a", 26379), ("b", 7000), ("::1", 7001))
    assert (address.service, address.db) == ("my service", 5)
    master = address.at(("10.0.0.7", 6380))
    assert (master.host, master.port, master.sentinels) == ("10.0.0.7", 6380, ())
    assert master.greeting() == (("AUTH", "user", "p@ss"), ("SELECT", "5"))
    guard = address.of_sentinel(("a", 26379))
    assert guard.greeting() == (("AUTH", "guard", "p/w"),)
    assert master.tls == guard.tls == {"ssl_ca_certs": "/ca.crt", "ssl_cert_reqs": "required"}


def test_after_a_failover_everything_that_lived_before_works_again(
    passing: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its data: what was written before it was copied to the replica."""
    url = passing.url(options="?sentinel_password=s3cret")
    monkeypatch.setenv("SKILLCACHE_REDIS_URL", url)
    (tmp_path / "place").mkdir()
    place = Place(tmp_path / "place")
    place.environ["SKILLCACHE_REDIS_URL"] = url
    assert place.call("pytest -q")[1] is False
    assert place.call("pytest -q")[1] is True

    store, cache, state, client = (
        open_pooled(url, now=NOW),
        SkillCache(url),
        SharedState("steps", url=url),
        get_redis_client(),
    )
    runner = asyncio.Runner()
    aio = AsyncSkillCache(url)
    assert put(store, KEY, 1000)
    cache.set("report", "a", "before", 60)
    state.set("stage", 1)
    client.set("x", "1")
    runner.run(aio.set("report", "b", "before", 60))
    heard = client.pubsub()  # type: ignore[no-untyped-call]
    heard.subscribe("channel")
    hook = open_patiently(url)
    hook.ping()
    until(lambda: passing.replica.command("GET", "x") == b"$1\r\n1\r\n")

    passing.fail_over()

    assert failure_of(hook).outcome in (STORE_UNREACHABLE, STORE_REFUSED)  # a hook's process lives for one call
    until(lambda: _works(lambda: store.get(KEY, ()).entry == value_of(1000)))
    until(lambda: _works(lambda: cache.get("report", "a") == "before"))
    until(lambda: _works(lambda: runner.run(aio.get("report", "b")) == "before"))
    until(lambda: _works(lambda: state.get("stage") == 1))
    until(lambda: _works(lambda: client.get("x") == "1"))
    assert put(store, KEY, 2000)
    state.set("stage", 2)
    cache.set("report", "a", "after", 60)
    runner.run(aio.set("report", "b", "after", 60))
    assert runner.run(aio.get("report", "b")) == cache.get("report", "a") == "after"
    assert place.call("pytest -q")[1] is True
    assert place.call("pytest -q sub")[1] is False
    assert place.call("pytest -q sub")[1] is True

    for each in (store, cache, heard, client):
        each.close()
    runner.run(aio.close())
    runner.close()


def _works(act: Callable[[], bool]) -> bool:
    try:
        return act()
    except (StoreError, redis.RedisError):
        return False


@pytest.mark.parametrize("kind", ["hook", "redis-py"])
def test_sentinels_and_server_are_asked_over_tls(redis_with_tls: RedisServer, tmp_path: Path, kind: str) -> None:
    guard = TlsSentinel(tmp_path / "guard", redis_with_tls)
    options = f"ssl_ca_certs={redis_with_tls.certificates}/ca.crt&ssl_check_hostname=no"  # they name it by its number
    place = f"rediss+sentinel://localhost:{guard.port}/results"
    store = opened(f"{place}?{options}", kind)
    store.ping()
    store.close()
    refused = opened(f"{place}?ssl_ca_certs={redis_with_tls.certificates}/ca.crt", kind)
    assert failure_of(refused).outcome is STORE_UNREACHABLE
    guard.stop()


@pytest.mark.parametrize("kind", ["hook", "redis-py"])
def test_sentinels_and_server_that_ask_for_a_certificate_are_shown_one(
    redis_with_tls: RedisServer, redis_factory: Callable[..., RedisServer], tmp_path: Path, kind: str
) -> None:
    held = redis_with_tls.certificates
    server = redis_factory(certificates=held, options=("--tls-auth-clients", "yes"))
    guard = TlsSentinel(tmp_path / "guard", server, clients=True)
    url = f"rediss+sentinel://localhost:{guard.port}/results?ssl_ca_certs={held}/ca.crt&ssl_check_hostname=no"
    try:
        bare = opened(url, kind)
        assert failure_of(bare).outcome is STORE_UNREACHABLE
        bare.close()
        store = opened(f"{url}&ssl_certfile={held}/server.crt&ssl_keyfile={held}/server.key", kind)
        assert put(store, KEY, 1000, Bash=0)
        assert store.invalidate("Bash") == 1
        store.close()
    finally:
        guard.stop()


def test_messages_are_heard_through_sentinels(service: Service) -> None:
    async def talk() -> str:
        client = aio_connect(service.url(), decode_responses=True, socket_timeout=5)
        async with client, client.pubsub() as heard:
            await heard.subscribe("channel")
            await client.publish("channel", "hello")
            async for said in heard.listen():
                if said["type"] == "message":
                    return str(said["data"])
        return ""

    assert asyncio.run(talk()) == "hello"


def test_threads_share_the_connections(service: Service) -> None:
    store = open_pooled(service.url(), now=NOW)
    faults: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(20):
                store.ping()
        except StoreError as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    assert faults == []
