"""Two hundred agents on a cluster: `python -m tests.benchmarks.load [--agents N] [--seconds S] [--pace S ...]`.

Three masters with a replica each, on this machine. Each agent is a process, and all are there at once; how often each
asks is the pace, row by row, in the end as fast as it goes. What the figures mean is in `tests/benchmarks/work.py`;
what an entry takes in memory is said at last. Two and a half minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.spread import lie
from tests.benchmarks.work import SIZE, Row, World, bound, changing, crowd, row, table, verdict
from tests.clusters import Cluster

_ENTRIES = 20_000


def measure(url: str, agents: int, seconds: float, pace: float) -> Row:
    world = World(agents)
    with changing(url, world):
        told = crowd(url, world, seconds, pace=pace)
    return row(f"{agents} agents, each every {pace:g} s" if pace else f"{agents} agents at once", told, seconds, pace)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument(
        "--pace", type=float, nargs="+", default=[5, 2, 1, 0.5, 0], help="seconds; 0: as fast as it goes"
    )
    parser.add_argument("--seconds", type=float, default=20, help="of each row")
    given = parser.parse_args(words)
    bound(600)
    with tempfile.TemporaryDirectory(prefix="c") as name:
        os.environ["SKILLCACHE_HOME"] = f"{name}/home"
        cluster = Cluster(Path(name) / "cluster", replicas=True)
        url = cluster.url_of(*[server.port for server in cluster.servers])
        try:
            rows = [measure(url, given.agents, given.seconds, pace) for pace in given.pace]
            cluster.flush()
            shares, each = lie(cluster, _ENTRIES, SIZE)
        finally:
            cluster.stop()
    print(table(rows))
    print(f"{_ENTRIES:,} entries of {SIZE:,} bytes: {shares} on each node, {each:,.0f} bytes of memory for one")
    return verdict(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
