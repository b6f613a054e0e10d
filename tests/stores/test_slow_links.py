"""Redis on other hosts, over wires that are cut without a word, or slow: each process is held up once, and goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from skillcache.core.outcomes import StoreError
from skillcache.stores import link_to, open_store
from skillcache.stores.connection import Limits
from skillcache.stores.contract import claim_key, entry_key
from skillcache.stores.redis import RedisStore
from tests.clusters import Cluster
from tests.conftest import RedisServer, start_redis, until
from tests.wires import Wires, address_of, wires

NAMES = ("Bash",)
ROUND = 0.05  # seconds there and back, of a slow link
LIMITS = Limits(connect=1, silence=1, operation=2)  # a busy machine must not decide a test that is not about time
BOUND = 5.0  # seconds: all limits are far below
US = 0  # the host that asks


@pytest.fixture(scope="module")
def hosts() -> Iterator[Wires]:
    with wires(5) as made:
        yield made


@pytest.fixture(autouse=True)
def whole(hosts: Wires, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path / "home"))
    yield
    hosts.heal()
    hosts.delay(US, 0)


@pytest.fixture(scope="module")
def alone(hosts: Wires, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = start_redis(tmp_path_factory.mktemp("r"), host=address_of(4), within=hosts.within(4))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def cluster(hosts: Wires, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("c"), wires=hosts)
    yield made
    made.stop()


def look(url: str, digest: str = "0" * 40, limits: Limits | None = LIMITS) -> str:
    """What became of a lookup: "found" whatever there is, else the outcome of the fault. limits: None as of a hook."""
    store = RedisStore(link_to(url, limits))
    try:
        store.get(entry_key("Bash", digest), NAMES)
        return "found"
    except StoreError as fault:
        return fault.outcome.name
    finally:
        store.close()


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.monotonic()
    return work(), time.monotonic() - begun


def test_a_cluster_over_a_slow_link_is_known_to_the_second_process(hosts: Wires, cluster: Cluster) -> None:
    hosts.delay(US, ROUND / 2)
    assert hosts.call(US, lambda: look(cluster.url, limits=None)) == "store_timeout"  # there was no time for both
    until(lambda: hosts.call(US, lambda: look(cluster.url, limits=None)) == "found")  # the machine may be slow, too


@pytest.mark.parametrize("kind", ["alone", "cluster"])
def test_a_host_that_is_cut_off_holds_each_process_up_once(
    hosts: Wires, alone: RedisServer, cluster: Cluster, kind: str
) -> None:
    url = alone.url if kind == "alone" else cluster.url
    assert hosts.call(US, lambda: look(url)) == "found"
    for number in range(1, 5):
        hosts.cut(number)

    def twice() -> list[Any]:
        store = open_store(url, now=time.time())
        found = []
        for _ in range(2):
            try:
                found.append(timed(lambda: store.get(entry_key("Bash", "0" * 40), NAMES))[0])
            except StoreError as fault:
                found.append(fault.outcome.name)
        return found

    said, took = hosts.call(US, lambda: timed(twice))
    assert said == ["store_timeout"] * 2
    assert took < BOUND
    hosts.heal()
    assert hosts.call(US, lambda: look(url)) == "found"


def test_a_node_that_is_cut_off_costs_its_share_alone(hosts: Wires, cluster: Cluster) -> None:
    digests = [f"{number:040x}" for number in range(12)]
    away = cluster.masters[2]
    hosts.cut(3, US)
    for digest in digests:
        is_there = cluster.master_of(claim_key(digest)) is not away
        said = hosts.call(US, partial(look, cluster.url, digest))
        assert (said == "found") is is_there


@pytest.mark.parametrize("kind", ["alone", "cluster"])
def test_a_connection_whose_other_end_is_gone_without_a_word(
    hosts: Wires, alone: RedisServer, cluster: Cluster, kind: str
) -> None:
    """Which a server that came back would say, and a host that is gone does not."""
    url = alone.url if kind == "alone" else cluster.url

    def work() -> list[Any]:
        opened: list[RedisStore] = []

        def answers() -> bool:  # the nodes may still be finding each other
            opened[:] = [RedisStore(link_to(url, LIMITS))]
            try:
                opened[0].get(entry_key("Bash", "0" * 40), NAMES)
            except StoreError:
                return False
            return True

        until(answers)
        for number in range(1, 5):
            hosts.cut(number)
        try:
            return list(timed(lambda: opened[0].get(entry_key("Bash", "0" * 40), NAMES)))
        except StoreError as fault:
            return [fault.outcome.name, 0.0]

    said, took = hosts.call(US, lambda: timed(work))
    assert said[0] == "store_timeout"
    assert took < BOUND
