"""A master of a cluster is killed: what somebody was told of holds, and what goes on meanwhile comes to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from skillcache.messages.inbox import Letter, Post
from skillcache.messages.message import Message
from skillcache.messages.opening import over
from skillcache.stores import link_to
from skillcache.stores.connection import Limits
from skillcache.stores.contract import claim_key, entry_key, inbox_key, talk_key
from tests.benchmarks.cluster import under_kills
from tests.clusters import Cluster
from tests.stores.conftest import open_patiently, put

LIMITS = Limits(connect=2, silence=2, operation=5)
KINDS = 8  # of digests, so that some lie with the one that is killed


@pytest.fixture
def passing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path / "home"))
    made = Cluster(tmp_path / "cluster", replica=True)
    yield made
    made.stop()


def post_to(cluster: Cluster) -> Post:
    return over(link_to(cluster.url, LIMITS), None)


def letter(number: int, to: str, project: str) -> Letter:
    fields = {"id": f"m{number}", "kind": "text", "from": "a", "from_name": "a", "to": to, "project": project}
    return Letter(Message({**fields, "text": str(number), "form": "text"}), ttl=600)


def test_what_was_told_before_the_kill_holds_after_it(passing: Cluster) -> None:
    store, post = open_patiently(passing.url), post_to(passing)
    digests = [f"{number:040x}" for number in range(40)]
    ours = [each for each in digests if passing.master_of(claim_key(each)) is passing.owner]
    assert len(ours) > 5
    for digest in ours:
        assert put(store, entry_key("Bash", digest), 1000, Bash=0)
    names = [f"b{number}" for number in range(40)]
    reader = next(name for name in names if passing.master_of(inbox_key(name)) is passing.owner)
    project = next(name for name in names if passing.master_of(talk_key(name)) is passing.owner)
    assert post.send([letter(1, reader, project), letter(2, reader, project)]) == [0, 0]
    (first, _) = post.take(reader, 10).deliveries
    post.settle(reader, [(first.entry, "m1")])
    assert [store.claim(digest, "first", 60).holder for digest in ours] == [""] * len(ours)
    assert store.invalidate("Bash") == 1
    told = passing.owner.command("INFO", "commandstats").partition(b"cmdstat_wait:calls=")[2]
    assert told.partition(b",")[0] == b"%d" % (len(ours) + 4)  # a replica had each before anybody was told

    passing.fail_over()  # with nothing between

    store.close()
    store = open_patiently(passing.url)
    assert [store.claim(digest, "second", 60).holder for digest in ours] == ["first"] * len(ours)
    assert {store.get(entry_key("Bash", digest), ("Bash",)).generations for digest in ours} == {(1,)}
    assert store.release(ours[0], "first")
    assert store.claim(ours[0], "second", 60).holder == ""
    post.close()
    post = post_to(passing)
    assert [_id_of(each.text) for each in post.take(reader, 10).deliveries] == ["m2"]
    post.close()
    store.close()


def _id_of(text: str) -> str:
    return text.replace(" ", "").partition('"id":"')[2].partition('"')[0]


def test_of_many_calls_none_is_lost_or_wrong_while_masters_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short form of the benchmark: results that are invalidated all the time, and every master is killed once."""
    monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path / "home"))
    cluster = Cluster(tmp_path / "cluster", replicas=True)
    try:
        found = under_kills(cluster, cluster.url_of(*[s.port for s in cluster.servers]), agents=4, seconds=9, every=1)
    finally:
        cluster.stop()
    assert (found.lost, found.wrong) == (0, 0)
    assert found.hits > 10
    assert found.without > 0  # some were away
