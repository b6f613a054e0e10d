"""The short forms of the benchmarks of load and faults: what they count as lost or wrong is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks import cluster, load, network, single_flight, spread
from tests.clusters import Cluster
from tests.wires import wires


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("c"), replicas=True)
    yield made
    made.stop()


def url_of(copied: Cluster) -> str:
    return copied.url_of(*[server.port for server in copied.servers])


def test_agents_at_a_pace_are_served_in_one_round_trip(copied: Cluster) -> None:
    found = load.measure(url_of(copied), agents=8, seconds=4, pace=0.1)
    assert (found.lost, found.wrong) == (0, 0)
    assert found.heard > 0
    assert found.hits > 0
    assert found.trips < 1.5  # one, but for who has to ask which node has what


@pytest.mark.parametrize("fault", [cluster.kill, cluster.hang])
def test_of_those_who_want_one_result_one_runs_at_a_time_and_each_comes_to_one(copied: Cluster, fault: object) -> None:
    what = {cluster.kill: "killed", cluster.hang: "hanging"}[fault]  # type: ignore[index]
    found = single_flight.measure(copied, agents=6, seconds=8, every=2, only=what)
    assert [(each.twice, each.none) for each in found] == [(0, 0)]
    assert found[0].held > 0


def test_hosts_that_are_cut_off_or_slow_lose_nothing_and_nothing_is_printed(tmp_path: Path) -> None:
    with wires(network.ALONE + 1) as between:
        servers = network.Servers(tmp_path, between)
        try:
            for rows in network.calls(servers, agents=4, seconds=2, pace=0.1, faults=("nothing fails", network.CUT)):
                assert [(each.lost, each.wrong) for each in rows] == [(0, 0)] * 2
            assert network.whole_processes(servers, tmp_path, rounds=1)
        finally:
            servers.stop()


def test_entries_lie_on_all_nodes_and_commands_say_what_they_found(redis_cluster: Cluster) -> None:
    shares, each = spread.lie(redis_cluster, 3_000, 1_000)
    assert all(25 < float(share.removesuffix(" %")) < 42 for share in shares.split(", "))
    assert 1_000 < each < 3_000
    told = spread.tell(redis_cluster.url, ("entries", "list", "--all"))
    assert told.last.startswith("3,000 entries, ")
