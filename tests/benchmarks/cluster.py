"""Agents on a cluster whose masters are killed: `python -m tests.benchmarks.cluster [--agents N] [--seconds S] ...`.

Three masters with a replica each, on this machine; first nothing fails, for twenty seconds, then a master is killed
every so often, its replica takes its place, and it comes back as the replica of that. What the figures mean is in
`tests/benchmarks/work.py`. Five and a half minutes.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.work import Row, World, bound, changing, crowd, repeating, row, table, verdict
from tests.clusters import Cluster
from tests.conftest import until

_QUIET = 20.0  # seconds


@contextmanager
def failing(cluster: Cluster, seconds: float, fail: Callable[[int], None]) -> Iterator[None]:
    with repeating(seconds, lambda turn: fail(turn % 3)):
        yield
    until(lambda: len({cluster.master_now(number).port for number in range(3)}) == 3)


def kill(cluster: Cluster, number: int) -> None:
    master = cluster.master_now(number)
    master.process.kill()
    master.process.wait(10)
    until(lambda: cluster.master_now(number).port != master.port)
    cluster.revive(master)


def hang(cluster: Cluster, number: int) -> None:
    """For longer than it takes the others to put its replica in its place."""
    master = cluster.master_now(number)
    master.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(3)
    finally:
        master.process.send_signal(signal.SIGCONT)
    until(lambda: b"role:slave" in master.command("INFO", "replication"))


def quiet(url: str, agents: int, seconds: float, pace: float) -> Row:
    world = World(agents)
    with changing(url, world):
        return row("nothing fails", crowd(url, world, seconds, pace=pace), seconds, pace)


def under_kills(cluster: Cluster, url: str, agents: int, seconds: float, every: float, pace: float = 0) -> Row:
    world = World(agents)
    with changing(url, world), failing(cluster, every, lambda number: kill(cluster, number)):
        return row(f"a master killed every {every:g} s", crowd(url, world, seconds, pace=pace), seconds, pace)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=40)
    parser.add_argument("--pace", type=float, default=0.5, help="seconds between two calls of one")
    parser.add_argument("--seconds", type=float, default=300, help="in which masters are killed")
    parser.add_argument("--every", type=float, default=10, help="seconds between two kills")
    given = parser.parse_args(words)
    bound(given.seconds + 300)
    with tempfile.TemporaryDirectory(prefix="c") as name:
        os.environ["SKILLCACHE_HOME"] = f"{name}/home"
        cluster = Cluster(Path(name) / "cluster", replicas=True)
        url = cluster.url_of(*[server.port for server in cluster.servers])
        try:
            rows = [quiet(url, given.agents, min(_QUIET, given.seconds), given.pace)]
            rows.append(under_kills(cluster, url, given.agents, given.seconds, given.every, given.pace))
        finally:
            cluster.stop()
    print(f"{given.agents} agents, a call of each every {given.pace:g} s")
    print(table(rows))
    return verdict(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
