"""Clients that are given: those of a cluster work, and what would be passed by is refused when it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import redis
import redis.asyncio

from skillcache import AsyncSkillCache, SharedState, SkillCache, generate_cache_key, load_session_state
from skillcache.library.source import url_of
from tests.clusters import Cluster
from tests.conftest import RedisServer
from tests.library.conftest import Cache


def _client(cluster: Cluster, *, aio: bool) -> Any:
    kind: Any = redis.asyncio.RedisCluster if aio else redis.RedisCluster
    return kind(host="127.0.0.1", port=cluster.others[0].port, decode_responses=True)


def test_a_client_of_a_cluster_works(redis_cluster: Cluster, aio: bool) -> None:
    cache = Cache(aio=aio, client=_client(redis_cluster, aio=aio))
    assert cache.fetch("report", 1, lambda: "value") == ("value", False)
    assert cache.fetch("report", 1, lambda: "other") == ("value", True)
    assert cache.get_many("report", [1, 2]) == ["value", None]
    with SkillCache(redis_cluster.url) as by_url:  # what hooks and other programs see
        assert by_url.get("report", 1) == "value"
    cache.delete("report", 1)
    cache.set("report", 2, "two")
    cache.set("rebate", 2, "two")
    assert cache.invalidate_skill("report") == 1
    assert cache.invalidate("re*") == 1
    assert cache.errors == 0
    cache.close()


def test_a_cluster_s_slot_may_move(redis_cluster: Cluster) -> None:
    with SkillCache(client=_client(redis_cluster, aio=False)) as cache:
        cache.set("report", 1, "value")
        source = redis_cluster.master_of(generate_cache_key("report", 1))
        other = next(server for server in redis_cluster.masters if server is not source)
        redis_cluster.move_slots(source, other)
        try:
            assert cache.fetch("report", 1, lambda: "lost with the slot") == ("lost with the slot", False)
            cache.set("report", 1, "again")
            assert cache.get("report", 1) == "again"
        finally:
            redis_cluster.move_slots(other, source, of=source)


def test_shared_values_lie_in_a_cluster(redis_cluster: Cluster) -> None:
    with SharedState("release", client=_client(redis_cluster, aio=False)) as state:
        version = state.set("stage", "test")
        assert state.set("stage", "ship", version=version) > version
        assert state.increment("tries") == 1
    with SharedState("release", url=redis_cluster.url) as state:
        assert {key: held.value for key, held in state.items().items()} == {"stage": "ship", "tries": 1}

    async def main() -> tuple[Any, int]:
        state = SharedState("release", client=_client(redis_cluster, aio=True))
        return await state.aio_get("stage"), await state.aio_increment("tries")

    assert asyncio.run(main()) == ("ship", 2)


def test_a_session_takes_the_url_of_a_cluster(redis_cluster: Cluster) -> None:
    client = _client(redis_cluster, aio=False)
    with pytest.raises(TypeError, match="load_session_state takes no client of a cluster: give url='"):
        load_session_state(client, "workflow-12")


class Prefixed(redis.Redis):
    def execute_command(self, *words: Any, **options: Any) -> Any:
        return super().execute_command(words[0], f"mine:{words[1]}", *words[2:], **options)  # type: ignore[no-untyped-call]


class AioPrefixed(redis.asyncio.Redis):
    async def execute_command(self, *words: Any, **options: Any) -> Any:
        return await super().execute_command(words[0], f"mine:{words[1]}", *words[2:], **options)  # type: ignore[no-untyped-call]


MAKERS: tuple[Callable[[Any], object], ...] = (
    lambda client: SkillCache(client=client),
    lambda client: SharedState("release", client=client),
)


@pytest.mark.parametrize("make", MAKERS, ids=["cache", "state"])
def test_a_client_that_renames_keys_is_refused(redis_server: RedisServer, make: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=r"Prefixed has its own execute_command.*namespace="):
        make(Prefixed.from_url(redis_server.url))
    wrapped = redis.Redis.from_url(redis_server.url)
    wrapped.execute_command = lambda *_, **__: None  # type: ignore[method-assign]
    with pytest.raises(TypeError, match="own execute_command"):
        make(wrapped)
    with pytest.raises(TypeError, match=r"a client is a redis\.Redis or a redis\.RedisCluster, not str"):
        make(redis_server.url)


def test_so_is_one_of_the_other_kind(redis_server: RedisServer) -> None:
    plain, aio = redis.Redis.from_url(redis_server.url), redis.asyncio.Redis.from_url(redis_server.url)
    prefixed: Any = AioPrefixed.from_url(redis_server.url)
    with pytest.raises(TypeError, match=r"a client is a redis\.Redis or .*, not redis\.asyncio\.client\.Redis"):
        SkillCache(client=aio)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"a client is a redis\.asyncio\.Redis or .*, not redis\.client\.Redis"):
        AsyncSkillCache(client=plain)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="own execute_command"):
        AsyncSkillCache(client=prefixed)


def test_a_cluster_is_named_with_all_that_reaches_it() -> None:
    kind: Any = redis.asyncio.RedisCluster
    bounds: dict[str, Any] = {"socket_timeout": 2, "socket_connect_timeout": 1.5}
    said = "?socket_timeout=2&socket_connect_timeout=1.5"
    plain = kind(host="127.0.0.1", port=7000, **bounds)
    assert url_of(plain) == f"redis+cluster://127.0.0.1:7000{said}"
    login = kind(host="::1", port=7000, username="me", password="a:@/ b", **bounds)
    assert url_of(login) == f"redis+cluster://me:a%3A%40%2F%20b@[::1]:7000{said}"
    tls = kind(host="cache.test", port=7000, ssl=True, ssl_ca_certs="/ca.crt", ssl_check_hostname=True, **bounds)
    more = "&ssl_ca_certs=%2Fca.crt&ssl_cert_reqs=required&ssl_check_hostname=true"
    assert url_of(tls) == f"rediss+cluster://cache.test:7000{said}{more}"
    with pytest.raises(TypeError, match="a RedisCluster with ssl_ca_data cannot be followed: give the URL"):
        url_of(kind(host="localhost", port=7000, ssl=True, ssl_ca_data="x"))
