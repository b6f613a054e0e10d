"""A million entries spread over a cluster: `python -m tests.benchmarks.spread [--entries N] [--sizes BYTES ...]`.

Where they lie on three masters without replicas, and what each takes in their memory, by the size of its value; then,
on a million of 600 bytes, what a person's commands take there and say, and what another client waits for meanwhile;
one that is not done after 90 s is ended. The servers may hold 3 GB in all, beyond which one refuses. Five minutes.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from skillcache.stores import link_to
from skillcache.stores.cluster import named, tag_of
from skillcache.stores.connection import PATIENT
from skillcache.stores.contract import NAMES_KEY, entry_key, generation_key, started_bytes
from skillcache.stores.redis import RedisStore
from skillcache.stores.redis_py import connect
from tests.benchmarks.million import PROJECT, send, value_of
from tests.benchmarks.work import bound
from tests.clusters import Cluster

_CHECKOUT = Path(__file__).parents[2]
_MOST = "1gb"  # of each node
_SAMPLE = 20_000  # entries, by which their memory is told
_NAMES = 10
_LONGEST = 90  # seconds of a command


class Told(NamedTuple):
    words: tuple[str, ...]
    seconds: float
    waits: list[float]  # seconds, of another client
    status: int
    last: str  # line that it said


def lie(cluster: Cluster, entries: int, size: int) -> tuple[str, float]:
    """The share of each node, and the bytes of memory for one."""
    before = sum(map(_memory, cluster.masters))
    _fill(cluster, [started_bytes(1) + os.urandom(size - 16)], entries)
    counts = [int(server.command("DBSIZE")[1:]) for server in cluster.masters]
    shares = ", ".join(f"{100 * count / sum(counts):.1f} %" for count in counts)
    return shares, (sum(map(_memory, cluster.masters)) - before) / entries


def _memory(server: object) -> int:
    said: bytes = server.command("INFO", "memory")  # type: ignore[attr-defined]
    return int(said.split(b"used_memory:")[1].split(b"\r\n")[0])


def _fill(cluster: Cluster, values: list[bytes], entries: int) -> None:
    """By turns of the names, whose values these are; straight to the node that each lies at."""
    with ExitStack() as kept:
        links = {server.port: kept.enter_context(socket.socket(socket.AF_UNIX)) for server in cluster.masters}
        for server in cluster.masters:
            links[server.port].connect(str(server.path))
        for first in range(0, entries, 3_000):
            commands: dict[int, list[tuple[str | bytes, ...]]] = {port: [] for port in links}
            for number in range(first, min(first + 3_000, entries)):
                key = place_of(number)
                command = ("SET", named(key, tag_of(key)), values[number % len(values)], "EX", "86400")
                commands[cluster.master_of(key).port].append(command)
            for port, those in commands.items():
                send(links[port], those)


def place_of(number: int) -> str:
    return entry_key(f"bench-{number % _NAMES}", f"{number * 7919:040x}")


def print_memory(cluster: Cluster, sizes: list[int]) -> None:
    print(f"| bytes of a value | bytes of memory for its entry | beyond the value | on each node, of {_SAMPLE:,} |")
    print("|---|---|---|---|")
    for size in sizes:
        cluster.flush()
        shares, each = lie(cluster, min(_SAMPLE, 500_000_000 // size), size)
        print(f"| {size:,} | {each:,.0f} | {each - size:,.0f} | {shares} |", flush=True)
    cluster.flush()


def print_commands(cluster: Cluster, entries: int) -> bool:
    """Whether each said something by its end."""
    begun = time.perf_counter()
    names = [f"bench-{number}" for number in range(_NAMES)]
    _fill(cluster, [value_of(name) for name in names], entries)
    client = connect(cluster.url)
    client.sadd(NAMES_KEY, *names, "Bash", PROJECT)
    client.set(generation_key("bench-9"), 0)
    client.close()
    print(f"\n{entries:,} entries of 600 bytes stored in {time.perf_counter() - begun:.0f} s\n")
    print("| command | seconds | another client waits at most | it says |\n|---|---|---|---|")
    commands = (("stats",), ("doctor",), ("entries", "list", "--all"),
                ("entries", "list", "--all", "--name", "bench-3"), ("entries", "show", f"{7 * 7919:040x}"),
                ("invalidate", "--pattern", "bench-2"), ("invalidate", "--skill", "bench-1"),
                ("clear", "--yes"))  # fmt: skip
    well = True
    for words in commands:
        told = tell(cluster.url, words)
        well = well and told.status >= 0
        waits = f"{max(told.waits) * 1000:.0f} ms" if told.waits else ""
        print(f"| `skillcache {' '.join(words)}` | {told.seconds:.1f} | {waits} | {told.last} |", flush=True)
    return well


def tell(url: str, words: tuple[str, ...]) -> Told:
    environ = {**os.environ, "SKILLCACHE_REDIS_URL": url}
    command = [sys.executable, "-m", "skillcache", *words]
    over, waits = threading.Event(), list[float]()
    beside = threading.Thread(target=_stand_by, args=(url, over, waits))
    beside.start()
    begun = time.perf_counter()
    try:
        done = subprocess.run(
            command, env=environ, cwd=_CHECKOUT, capture_output=True, text=True, timeout=_LONGEST, check=False
        )
        status, said = done.returncode, (done.stdout.strip() or done.stderr.strip())
    except subprocess.TimeoutExpired as ended:
        said = ended.stderr.decode().strip() if ended.stderr else ""
        status = 0 if said else -1
    seconds = time.perf_counter() - begun
    over.set()
    beside.join()
    return Told(words, seconds, waits, status, said.splitlines()[-1][:160] if said else "nothing")


def _stand_by(url: str, over: threading.Event, waits: list[float]) -> None:
    number = 0
    while not over.wait(0.02):
        number += 1
        store = RedisStore(link_to(url, PATIENT))
        begun = time.perf_counter()
        store.get(place_of(number), ("bench-7", "Bash"))
        waits.append(time.perf_counter() - begun)
        store.close()


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--sizes", type=int, nargs="*", default=[100, 600, 1_500, 5_000, 20_000, 100_000, 1_000_000])
    given = parser.parse_args(words)
    bound(900)
    with tempfile.TemporaryDirectory(prefix="s") as name:
        os.environ["SKILLCACHE_HOME"] = f"{name}/home"
        cluster = Cluster(Path(name) / "cluster")
        try:
            for server in cluster.masters:
                server.command("CONFIG", "SET", "maxmemory", _MOST)
            print_memory(cluster, given.sizes)
            well = print_commands(cluster, given.entries)
        finally:
            cluster.stop()
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
