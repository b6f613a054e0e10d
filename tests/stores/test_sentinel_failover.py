"""The master of a service is killed: what somebody was told of holds, and what goes on meanwhile comes to its end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from skillcache import SkillCache
from skillcache.cli.invalidate import contents_of
from skillcache.messages.opening import over
from skillcache.stores import link_to
from skillcache.stores.contract import entry_key
from tests.benchmarks.cluster import quiet
from tests.messages.conftest import letter
from tests.messages.passing import BOUND, MESSAGES, Passing
from tests.stores.conftest import open_patiently, open_pooled, put
from tests.stores.sentinels import Service

DIGEST = "0" * 40
NOW = 1_700_000_000.0


@pytest.fixture
def passing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path / "home"))
    made = Service(tmp_path / "service")
    yield made
    made.stop()


def waits(service: Service) -> int:
    """How often the master was asked to wait for its replica."""
    said = service.master.command("INFO", "commandstats").partition(b"cmdstat_wait:calls=")[2]
    return int(said.partition(b",")[0] or 0)


@pytest.mark.parametrize("kind", ["hook", "redis-py"])
def test_a_replica_has_what_is_to_last_before_anybody_is_told(passing: Service, kind: str) -> None:
    store = open_patiently(passing.url()) if kind == "hook" else open_pooled(passing.url(), now=NOW)
    assert put(store, entry_key("Bash", DIGEST), 1000)
    assert waits(passing) == 0  # which is recorded anew if it is lost
    assert store.invalidate("Bash") == 1
    assert store.claim(DIGEST, "first", 60).holder == ""
    assert waits(passing) == 2
    store.close()
    with closing(over(link_to(passing.url(), BOUND), None)) as post:
        assert post.send([letter("1"), letter("2")]) == [0, 0]
        (first, _) = post.take("b", 10).deliveries
        post.settle("b", [(first.entry, "1")])
    assert waits(passing) == 4
    with closing(contents_of(passing.url())) as contents:
        contents.take(contents.holdings.raise_generations(["Bash"]))
    assert waits(passing) == 5

    passing.fail_over()  # with nothing between

    store = open_patiently(passing.url())
    assert store.claim(DIGEST, "second", 60).holder == "first"
    assert store.get(entry_key("Bash", DIGEST), ("Bash",)).generations == (2,)
    store.close()


def test_a_replica_that_hangs_or_is_gone_keeps_nobody(passing: Service) -> None:
    passing.replica.process.send_signal(signal.SIGSTOP)
    try:
        store = open_patiently(passing.url())
        assert store.invalidate("Bash") == 1
        store.close()
    finally:
        passing.replica.process.send_signal(signal.SIGCONT)
    before = waits(passing)
    passing.replica.stop()
    while b"connected_slaves:0" not in passing.master.command("INFO", "replication"):
        time.sleep(0.02)
    store = open_patiently(passing.url())
    assert store.invalidate("Bash") == 2
    assert waits(passing) == before
    store.close()
    with SkillCache(passing.url()) as cache:
        cache.set("report", 1, "value")
        assert cache.get("report", 1) == "value"


def test_of_many_calls_and_messages_none_is_lost_or_wrong_while_the_master_is_killed(passing: Service) -> None:
    """Results that are invalidated all the time, claims to them, and messages: each once, in order."""
    messages = Passing(passing.url())
    passage = threading.Thread(target=messages.run, args=(passing.fail_over,))
    passage.start()
    found = quiet(passing.url(), agents=4, seconds=8, pace=0)
    passage.join(60)
    assert (found.lost, found.wrong) == (0, 0)
    assert found.calls > 0
    assert found.without > 0  # it was away
    assert messages.lost == []
    assert messages.heard == [str(number) for number in range(MESSAGES)]
    assert messages.longest < 3 * (BOUND.connect + BOUND.operation)  # two Sentinels, and the master
