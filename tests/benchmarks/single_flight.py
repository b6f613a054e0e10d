"""One run for all while masters fail: `python -m tests.benchmarks.single_flight [--agents N] [--seconds S] ...`.

Three masters with a replica each. Every two seconds a third of the agents, each a process, wants the same result: who
gets the claim runs, for up to two seconds and now and then for longer than a claim holds without being renewed; the
others wait for that result. In turn: nothing fails; a master is killed every so often; one hangs for three seconds.

calls: of all agents; runs: with the claim, and without where the store was away; given: results of another's run;
twice: claims that were given while another's held, by what its owner was told and renewed; lapsed: those given after
another's had run out under a run that still went on; none: calls that came to no result at all; longest wait:
until a call was given a result or began to run, in seconds, of which nobody waits more than 10. Four minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from itertools import permutations
from math import inf
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from skillcache.cache.single_flight import LEASE, Passenger
from skillcache.core.outcomes import StoreError
from skillcache.stores import open_store
from skillcache.stores.connection import silent
from skillcache.stores.contract import Claim, Store, entry_key, started_bytes
from tests.benchmarks.cluster import failing, hang, kill
from tests.benchmarks.work import bound, forked
from tests.clusters import Cluster

PATIENCE = 10.0  # seconds, of who waits
ROUND = 2.0
KINDS = 3  # of results that are wanted in one round
_LONG = LEASE + 2  # seconds of a run that outlasts a lease
_BEYOND = 20.0  # seconds in which the last calls end


class Event(NamedTuple):
    """What an owner was told of a claim, between two moments of one clock. what: "claimed" or "released"."""

    what: str
    key: str
    owner: str
    begun: float
    ended: float


class Row(NamedTuple):
    what: str
    calls: int
    held: int
    without: int
    given: int
    twice: int
    lapsed: int
    none: int
    longest: float


class Told(Store):
    """A store that notes what it says of claims."""

    def __init__(self, store: Store, events: list[Event]) -> None:
        self._store = store
        self._events = events

    def claim(self, digest: str, owner: str, lease: float) -> Claim:
        begun = time.monotonic()
        claim = self._store.claim(digest, owner, lease)
        if not claim.holder:
            self._events.append(Event("claimed", digest, owner, begun, time.monotonic()))
        return claim

    def release(self, digest: str, owner: str) -> bool:
        self._events.append(Event("released", digest, owner, time.monotonic(), 0))
        return self._store.release(digest, owner)

    def wait(self, digest: str, mark: str, seconds: float) -> bool:
        return self._store.wait(digest, mark, seconds)

    def close(self) -> None:
        self._store.close()


def agent(url: str, number: int, begun: float, seconds: float) -> dict[str, Any]:
    events: list[Event] = []
    found: Counter[str] = Counter()
    runs: list[tuple[str, str, float, float]] = []
    longest, chance = 0.0, Random(number)
    while (now := time.monotonic() - begun) < seconds:
        turn = int(now / ROUND)
        time.sleep(max(turn * ROUND + chance.random() - now, 0))
        silent.clear()  # it is the call of another process
        key = f"{int(begun * 1000) + turn:032x}{number % KINDS:08x}"
        owner = f"elsewhere:{os.getpid()}:{turn}"
        took = Random(key).random() * ROUND if turn % 5 else _LONG
        asked = time.monotonic()
        try:
            became, waited = _call(url, key, owner, took, events, runs)
        except Exception as fault:  # noqa: BLE001 - it is what is counted
            became, waited = f"none: {type(fault).__name__}: {fault}", time.monotonic() - asked
        found[became] += 1
        longest = max(longest, waited)
        time.sleep(max((turn + 1) * ROUND - (time.monotonic() - begun), 0))
    return {"events": events, "found": found, "runs": runs, "longest": longest}


def _call(
    url: str, key: str, owner: str, took: float, events: list[Event], runs: list[tuple[str, str, float, float]]
) -> tuple[str, float]:
    """What became of it, and how long it waited for that."""

    def see() -> str | None:
        with closing(open_store(url, now=time.time())) as store:
            return key if store.get(entry_key("Bash", key), ()).entry is None else None

    asked = time.monotonic()
    passenger = Passenger(lambda: Told(open_store(url, now=time.time()), events), key, see, owner, lambda _holder: True)
    try:
        if see() is None:
            return "given", time.monotonic() - asked
        passenger.board(PATIENCE)
        is_given = passenger.held is None and see() is None
    except StoreError:
        is_given = False
    begins = time.monotonic()
    if is_given:
        return "given", begins - asked
    time.sleep(took)
    held = passenger.held
    if held is not None:
        runs.append((key, owner, begins, time.monotonic()))
    try:
        with closing(open_store(url, now=time.time())) as store:
            started = int(time.time() * 1000)
            store.put(
                entry_key("Bash", key), started_bytes(started), ttl=600, started=started, names=(), generations=()
            )
    except StoreError:
        pass  # who waits runs
    if held is None:
        return "without", begins - asked
    held.end()
    return "held", begins - asked


def crowd(url: str, agents: int, seconds: float) -> list[dict[str, Any]]:
    begun = time.monotonic()
    works = [partial(agent, url, number, begun, seconds) for number in range(agents)]
    lost = {"events": [], "found": {"none: agent": 1}, "runs": [], "longest": 0.0}
    return [each or lost for each in forked(works, seconds + PATIENCE + _LONG + _BEYOND)]


def row(what: str, told: list[dict[str, Any]]) -> Row:
    found: Counter[str] = sum((Counter(each["found"]) for each in told), Counter())
    none = {name: count for name, count in found.items() if name.startswith("none")}
    for name, count in none.items():
        print(f"{what}: {name}: {count}")
    events = [Event(*each) for agent in told for each in agent["events"]]
    runs = {(key, owner): ended for agent in told for key, owner, _, ended in agent["runs"]}
    twice, lapsed = _faults(events, runs)
    longest = max(each["longest"] for each in told)
    return Row(what, sum(found.values()), found["held"], found["without"], found["given"], twice, lapsed,
               sum(none.values()), longest)  # fmt: skip


def _faults(events: list[Event], runs: dict[tuple[str, str], float]) -> tuple[int, int]:
    """Claims of one key that were given while another's held, and after it had run out under a run."""
    given: dict[str, dict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
    released = {(each.key, each.owner): each.begun for each in events if each.what == "released"}
    for each in sorted(events, key=lambda each: each.begun):
        if each.what == "claimed":
            given[each.key][each.owner].append(each)
    twice = lapsed = 0
    for key, owners in given.items():
        for owner, other in permutations(owners, 2):
            got = owners[other][0]
            before = [each for each in owners[owner] if each.ended <= got.begun]  # that it was given was known by then
            if not before or released.get((key, owner), inf) <= got.ended:
                continue
            if got.ended < before[-1].begun + LEASE:
                twice += 1
            elif runs.get((key, owner), 0.0) > got.ended:
                lapsed += 1
    return twice, lapsed


def table(rows: list[Row]) -> str:
    names = ("calls", "runs", "without", "given", "twice", "lapsed", "none", "longest wait")
    lines = [f"{'':28}{''.join(name.rjust(14) for name in names)}"]
    for each in rows:
        numbers = (*map(str, each[1:8]), f"{each.longest:.1f} s")
        lines.append(f"{each.what:28}{''.join(number.rjust(14) for number in numbers)}")
    return "\n".join(lines)


def measure(cluster: Cluster, agents: int, seconds: float, every: float, only: str = "") -> list[Row]:
    """only: a word of the case."""
    url = cluster.url_of(*[server.port for server in cluster.servers])
    cases: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "nothing fails": nullcontext,
        f"a master killed every {every:g} s": lambda: failing(cluster, every, partial(kill, cluster)),
        f"a master hanging every {every:g} s": lambda: failing(cluster, every, partial(hang, cluster)),
    }
    rows = []
    for what, fault in [case for case in cases.items() if only in case[0]]:
        with fault():
            rows.append(row(what, crowd(url, agents, seconds)))
    return rows


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60, help="of each case")
    parser.add_argument("--every", type=float, default=7, help="seconds between two faults")
    given = parser.parse_args(words)
    bound(3 * given.seconds + 300)
    with tempfile.TemporaryDirectory(prefix="f") as name:
        os.environ["SKILLCACHE_HOME"] = f"{name}/home"
        cluster = Cluster(Path(name) / "cluster", replicas=True)
        try:
            rows = measure(cluster, given.agents, given.seconds, given.every)
        finally:
            cluster.stop()
    print(table(rows))
    return 1 if any(each.twice or each.none for each in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
