"""Redis Cluster: whoever has our slot now is found, by hooks and by redis-py alike, and all of ours lies there."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from skillcache import AsyncSkillCache, SharedState, SkillCache, get_redis_client
from skillcache.core.outcomes import STORE_REFUSED, STORE_TIMEOUT, STORE_UNREACHABLE, ConfigError, StoreError
from skillcache.stores import open_store
from skillcache.stores.cluster import SLOT, TAG, tagged
from skillcache.stores.connection import Limits, SocketLink
from skillcache.stores.contract import Store
from skillcache.stores.redis import RedisStore
from skillcache.stores.redis_keys import LUA_NAMES
from skillcache.stores.redis_py import connect
from skillcache.stores.redis_url import parse_url
from tests.clusters import Cluster
from tests.conftest import RedisServer, until
from tests.events.conftest import Place
from tests.stores.conftest import KEY, NOW, Impostor, failure_of, open_patiently, open_pooled, put, value_of

KINDS = ["hook", "redis-py"]
Serving = Callable[[Callable[[socket.socket, Impostor], None]], Impostor]


@pytest.fixture
def passing(tmp_path: Path) -> Iterator[Cluster]:
    """One with a replica, whose owner may be killed, and whose nodes ask for a password."""
    made = Cluster(tmp_path / "cluster", password="s3cret", replica=True)
    yield made
    made.stop()


def opened(url: str, kind: str) -> Store:
    return open_patiently(url) if kind == "hook" else open_pooled(url, now=NOW)


def hang(_: socket.socket, server: Impostor) -> None:
    server.over.wait(30)


def keys_of(server: RedisServer) -> set[bytes]:
    return set(server.command("KEYS", "*").split(b"\r\n")[2::2])


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("GET", "a"), ["GET", "{skillcache}a"]),
        ((b"get", b"a"), [b"get", b"{skillcache}a"]),
        (("SET", "a", "b", "EX", 5), ["SET", "{skillcache}a", "b", "EX", 5]),
        (("MGET", "a", b"b"), ["MGET", "{skillcache}a", b"{skillcache}b"]),
        (("MSET", "a", "1", "b", "2"), ["MSET", "{skillcache}a", "1", "{skillcache}b", "2"]),
        (("DEL", "a", "b"), ["DEL", "{skillcache}a", "{skillcache}b"]),
        (("PING",), ["PING"]),
        (("CLIENT SETINFO", "LIB-NAME", "x"), ["CLIENT", "SETINFO", "LIB-NAME", "x"]),
        (("PUBLISH", "channel", "a"), ["PUBLISH", "channel", "a"]),
        (("EVAL", "return 1", 2, "a", "b", "c"), ["EVAL", "return 1", 2, "{skillcache}a", "{skillcache}b", "c"]),
        (("EVAL", b"return 1", b"0", "c"), ["EVAL", b"return 1", b"0", "c"]),
        (
            ("XREAD", "COUNT", 1, "BLOCK", 5, "STREAMS", "a", "b", "0-0", "$"),
            ["XREAD", "COUNT", 1, "BLOCK", 5, "STREAMS", "{skillcache}a", "{skillcache}b", "0-0", "$"],
        ),
        (("MEMORY USAGE", "a"), ["MEMORY", "USAGE", "{skillcache}a"]),
        (("XGROUP", "CREATE", "a", "g", "$"), ["XGROUP", "CREATE", "{skillcache}a", "g", "$"]),
        (("SCAN", 0, "MATCH", "a*", "COUNT", 9), ["SCAN", 0, "MATCH", "{skillcache}a*", "COUNT", 9]),
        (("SCAN", "0", "COUNT", 9), ["SCAN", "0", "COUNT", 9, "MATCH", "{skillcache}*"]),
    ],
)
def test_the_keys_of_a_command_are_given_the_tag(command: tuple[object, ...], expected: list[object]) -> None:
    assert tagged(command) == expected


def test_a_script_that_names_keys_itself_is_given_the_tag() -> None:
    for script in (LUA_NAMES, LUA_NAMES.encode()):
        _, told, _ = tagged(("EVAL", script, "0"))
        text = told.decode() if isinstance(told, bytes) else told
        assert text.startswith("local tag = '{skillcache}'\n")
        assert type(told) is type(script)


def test_what_has_the_tag_lies_in_the_slot_that_is_looked_for(redis_cluster: Cluster) -> None:
    assert redis_cluster.owner.command("CLUSTER", "KEYSLOT", f"{TAG}{KEY}") == b":%d\r\n" % SLOT


@pytest.mark.parametrize("kind", KINDS)
def test_the_owner_of_the_slot_is_found_by_any_node(redis_cluster: Cluster, kind: str) -> None:
    for server in redis_cluster.servers:
        redis_cluster.owner.command("FLUSHALL")
        store = opened(redis_cluster.url_of(server.port), kind)
        assert put(store, KEY, 1000, Bash=0)
        assert store.get(KEY, ("Bash",)).entry == value_of(1000)
        store.close()
        assert keys_of(redis_cluster.owner) == {f"{TAG}{key}".encode() for key in (KEY, "skillcache:names")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_that_is_gone_is_passed_over(redis_cluster: Cluster, kind: str) -> None:
    store = opened(redis_cluster.url_of(1, redis_cluster.owner.port), kind)
    store.ping()
    store.close()


def test_a_node_that_hangs_leaves_time_for_the_next(redis_cluster: Cluster, impostor: Serving) -> None:
    silent = impostor(hang)
    limits = Limits(connect=4, silence=20, operation=20)
    store = RedisStore(SocketLink(parse_url(redis_cluster.url_of(silent.port, redis_cluster.owner.port)), limits))
    store.ping()
    store.close()
    assert silent.connections == 1


def test_nodes_that_all_hang_cost_no_more_than_a_server_that_does(impostor: Serving) -> None:
    silent = impostor(hang)
    store = open_store(f"redis+cluster://127.0.0.1:{silent.port},127.0.0.1:{silent.port}", now=NOW)
    began = time.monotonic()
    assert failure_of(store).outcome is STORE_TIMEOUT
    assert silent.connections == 2
    assert time.monotonic() - began < 30  # they were asked, and given up


def test_a_node_that_says_something_else_is_passed_over(redis_cluster: Cluster, impostor: Serving) -> None:
    answers = [
        b"+OK\r\n",
        b"*0\r\n",
        b"*1\r\n:1\r\n",
        b"*1\r\n*3\r\n:0\r\n:16383\r\n:1\r\n",
        b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n:1\r\n:2\r\n",
        b"*1\r\n*3\r\n$1\r\n0\r\n:16383\r\n*2\r\n$1\r\nx\r\n:2\r\n",
        b"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\nx\r\n:2\r\n",
        b"-ERR This instance has cluster support disabled\r\n",
        b"HTTP\r\n",
    ]

    def serve(link: socket.socket, server: Impostor) -> None:
        server.hear(link)
        link.sendall(answers[server.connections - 1])

    odd = impostor(serve)
    for _ in answers:
        store = open_patiently(redis_cluster.url_of(odd.port, redis_cluster.owner.port))
        store.ping()
        store.close()
    assert odd.connections == len(answers)


@pytest.mark.parametrize("host", [b"$-1\r\n", b"$0\r\n\r\n", b"$1\r\n?\r\n"])
def test_a_node_that_does_not_know_its_own_name_is_reached_by_the_one_in_the_url(
    redis_cluster: Cluster, impostor: Serving, host: bytes
) -> None:
    def serve(link: socket.socket, server: Impostor) -> None:
        server.hear(link)
        link.sendall(b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n" + host + b":%d\r\n" % redis_cluster.owner.port)

    store = open_patiently(redis_cluster.url_of(impostor(serve).port))
    store.ping()
    store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_in_no_cluster_refuses(redis_server: RedisServer, kind: str) -> None:
    fault = failure_of(opened(f"redis+cluster://127.0.0.1:{redis_server.port}", kind))
    assert fault.outcome is (STORE_REFUSED if kind == "hook" else STORE_UNREACHABLE)


@pytest.mark.parametrize(
    "url",
    ["redis+cluster://", "redis+cluster:///", "redis+cluster://a,b/2", "redis+cluster://a?db=1", "redis+cluster://a:x",
     "rediss+cluster://a?ssl_cert_reqs=maybe"],
)  # fmt: skip
def test_a_url_that_is_none_says_so_without_its_password(url: str) -> None:
    for place in (url, url.replace("://", "://:hunter2@")):
        with pytest.raises(ConfigError) as caught:
            parse_url(place)
        assert "hunter2" not in str(caught.value)


def test_what_a_url_says_of_a_cluster() -> None:
    address = parse_url("rediss+cluster://user:p%40ss@a,b:7000,[::1]:7001/0?ssl_ca_certs=/ca.crt")
    assert address.nodes == (("a", 6379), ("b", 7000), ("::1", 7001))
    node = address.at(("10.0.0.7", 6380))
    assert (node.host, node.port, node.nodes, node.db) == ("10.0.0.7", 6380, (), 0)
    assert node.greeting() == (("AUTH", "user", "p@ss"),)
    assert node.tls == {"ssl_ca_certs": "/ca.crt", "ssl_cert_reqs": "required"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_cluster_is_reached_over_tls(redis_with_tls: RedisServer, tmp_path: Path, kind: str) -> None:
    cluster = Cluster(tmp_path / "cluster", certificates=redis_with_tls.certificates)
    options = f"ssl_ca_certs={redis_with_tls.certificates}/ca.crt&ssl_check_hostname=no"  # they go by their numbers
    url = cluster.url_of(options=f"?{options}").replace("redis+", "rediss+")
    store = opened(url, kind)
    assert put(store, KEY, 1000)
    store.close()
    assert keys_of(cluster.owner) == {f"{TAG}{KEY}".encode()}
    refused = opened(url.replace("&ssl_check_hostname=no", ""), kind)
    assert failure_of(refused).outcome is STORE_UNREACHABLE
    cluster.stop()


def test_a_slot_that_moves_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that was open then is the last to fail."""
    cluster = Cluster(tmp_path / "cluster")
    monkeypatch.setenv("SKILLCACHE_REDIS_URL", cluster.url)
    store, cache, client = open_pooled(cluster.url, now=NOW), SkillCache(cluster.url), get_redis_client()
    aio, runner = AsyncSkillCache(cluster.url), asyncio.Runner()
    store.ping()
    cache.set("report", "a", "before", 60)
    runner.run(aio.set("report", "b", "before", 60))
    client.set("x", "1")
    hook = open_patiently(cluster.url)
    hook.get(KEY, ())

    cluster.move_slot(cluster.others[0])

    assert failure_of(hook).outcome is STORE_REFUSED  # a hook's process lives for one call
    assert failure_of(store).outcome in (STORE_UNREACHABLE, STORE_REFUSED)
    assert put(store, KEY, 1000)
    cache.get("report", "a")
    cache.set("report", "a", "after", 60)
    runner.run(aio.get("report", "b"))
    runner.run(aio.set("report", "b", "after", 60))
    with pytest.raises(redis.ConnectionError):
        client.get("x")
    client.set("x", "2")
    assert (client.get("x"), cache.get("report", "a"), runner.run(aio.get("report", "b"))) == ("2", "after", "after")
    another = open_patiently(cluster.url)
    assert another.get(KEY, ()).entry == value_of(1000)

    for each in (store, cache, client, another):
        each.close()
    runner.run(aio.close())
    runner.close()
    cluster.stop()


def test_after_a_failover_everything_that_lived_before_works_again(
    passing: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its data: what was written before it was copied to the replica."""
    url = passing.url_of(login=":s3cret@")
    monkeypatch.setenv("SKILLCACHE_REDIS_URL", url)
    (tmp_path / "place").mkdir()
    place = Place(tmp_path / "place")
    place.environ["SKILLCACHE_REDIS_URL"] = url
    assert place.call("pytest -q")[1] is False
    assert place.call("pytest -q")[1] is True

    store, cache, state = open_pooled(url, now=NOW), SkillCache(url), SharedState("steps", url=url)
    runner, aio = asyncio.Runner(), AsyncSkillCache(url)
    assert put(store, KEY, 1000)
    cache.set("report", "a", "before", 60)
    runner.run(aio.set("report", "b", "before", 60))
    state.set("stage", 1)
    until(lambda: keys_of(passing.replica) == keys_of(passing.owner))

    passing.fail_over()

    until(lambda: _works(lambda: store.get(KEY, ()).entry == value_of(1000)))
    until(lambda: _works(lambda: cache.get("report", "a") == "before"))
    until(lambda: _works(lambda: runner.run(aio.get("report", "b")) == "before"))
    until(lambda: _works(lambda: state.get("stage") == 1))
    assert put(store, KEY, 2000)
    state.set("stage", 2)
    assert place.call("pytest -q")[1] is True
    assert place.call("pytest -q sub")[1] is False
    assert place.call("pytest -q sub")[1] is True

    for each in (store, cache, state):
        each.close()
    runner.run(aio.close())
    runner.close()


def _works(act: Callable[[], bool]) -> bool:
    try:
        return act()
    except (StoreError, redis.RedisError):
        return False


def test_a_client_names_keys_as_elsewhere(redis_cluster: Cluster) -> None:
    client = connect(redis_cluster.url)
    client.mset({"a": "1", "b": "2"})
    with client.pipeline() as pipe:
        pipe.set("c", "3")
        pipe.incr("n")
        pipe.mget("a", "b")
        assert pipe.execute() == [True, 1, [b"1", b"2"]]
    assert sorted(client.scan_iter("*")) == [b"a", b"b", b"c", b"n"]
    assert list(client.scan_iter("a*")) == [b"a"]
    assert client.unlink("a", "b") == 2
    client.close()
    assert keys_of(redis_cluster.owner) == {b"{skillcache}c", b"{skillcache}n"}
    assert [keys_of(server) for server in redis_cluster.others] == [set(), set()]
