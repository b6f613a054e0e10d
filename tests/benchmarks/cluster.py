"""Agents on a cluster whose nodes fail: `python -m tests.benchmarks.cluster [--agents N] [--seconds S] [--every S]`.

Three masters with a replica each, on this machine. An agent is a process that asks as hooks do, over a connection of
its own for each call: is there a result, else may it run, then stores it. What the results depend on changes all the
time, and is invalidated. In turn: nothing fails; a master is killed every so often, and comes back; a master hangs,
which takes connections and answers nothing; each reply of a node is 50 ms late.

p50, p99: of calls that were served; longest: of all; added: beyond the longest where nothing fails. lost: calls that
came to no end of their own within twenty seconds, or to another fault than one of the store, after which a hook runs
the command. wrong: results from before an invalidation that somebody had been told of. without: calls that went on
without the store. trips: what the nodes were asked for results, and who has them, for each call.

Then `--entries` are stored, and it is counted where they lie, and what each takes in memory.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from skillcache.core.outcomes import StoreError
from skillcache.stores import open_store
from skillcache.stores.cluster import Slots
from skillcache.stores.contract import stamp
from skillcache.stores.nodes import slots_file
from skillcache.stores.redis_keys import entry_key
from skillcache.stores.redis_py import connect
from skillcache.stores.redis_url import parse_url
from tests.clusters import Cluster
from tests.conftest import start_redis, until

NAMES, KEYS = 4, 60  # what is invalidated, and results that depend on each
SIZE = 1_500  # bytes of a result
SLOW = 0.05  # seconds
BOUND = 20.0  # seconds in which a call comes to its end, however busy the machine is
_PAUSE = 0.2  # seconds between two changes of what results depend on


class Row(NamedTuple):
    what: str
    calls: int
    served: int
    per_second: float
    median: float  # milliseconds
    late: float  # of 99 in 100
    longest: float
    without: int
    lost: int
    wrong: int
    trips: float


class World:
    """What results depend on: of each name a version that is there, and one of which an invalidation was told."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 16 * NAMES)

    def version(self, name: int) -> int:
        return int(struct.unpack_from("q", self._shared, 16 * name)[0])

    def told(self, name: int) -> int:
        return int(struct.unpack_from("q", self._shared, 16 * name + 8)[0])

    def change(self, name: int, invalidate: Callable[[], object]) -> None:
        struct.pack_into("q", self._shared, 16 * name, self.version(name) + 1)
        invalidate()
        struct.pack_into("q", self._shared, 16 * name + 8, self.version(name))


def agent(url: str, world: World, seconds: float, seed: int) -> dict[str, Any]:
    chance, found, times, longest = Random(seed), Counter[str](), [], 0.0
    ends = time.monotonic() + seconds
    while (begun := time.monotonic()) < ends:
        name, number = chance.randrange(NAMES), chance.randrange(KEYS)
        told = world.told(name)
        try:
            outcome, version = call(url, world, name, number, f"{os.getpid()}-{begun}")
        except StoreError:
            outcome, version = "without", told
        except Exception as fault:  # noqa: BLE001 - it is what is counted
            outcome, version = f"lost: {type(fault).__name__}", told
        took = time.monotonic() - begun
        found[outcome] += 1
        found["wrong"] += outcome == "served" and version < told
        found["lost: late"] += took > BOUND
        longest = max(longest, took)
        if outcome == "served":
            times.append(took)
    return {"found": found, "times": times, "longest": longest}


def call(url: str, world: World, name: int, number: int, owner: str) -> tuple[str, int]:
    """What became of it, and the version that was served."""
    digest = f"{name:08x}{number:032x}"
    key, names = entry_key(f"name-{name}", digest), (f"name-{name}", "@project:p")
    store = open_store(url, now=time.time())
    try:
        looked = store.get(key, names)
        if looked.entry is not None:
            version, generation = map(int, looked.entry[16:40].split())
            if generation == looked.generations[0]:
                return "served", version
        if store.claim(digest, owner, 5).holder:
            return "another runs", 0
        version, started = world.version(name), int(time.time() * 1000)
        value = stamp(started) + b"%11d %11d " % (version, looked.generations[0]) + b"x" * SIZE
        store.put(key, value, ttl=600, started=started, names=names, generations=looked.generations)
        store.release(digest, owner)
        return "ran", version
    finally:
        store.close()


def crowd(url: str, world: World, count: int, seconds: float) -> list[dict[str, Any]]:
    """What each of so many agents has seen. They end themselves."""
    pipes = []
    for number in range(count):
        reading, writing = os.pipe()
        if os.fork() == 0:
            signal.alarm(int(seconds + 30))
            said = json.dumps(agent(url, world, seconds, number)).encode()
            while said:
                said = said[os.write(writing, said) :]
            os._exit(0)
        os.close(writing)
        pipes.append(reading)
    told = [bytearray() for _ in pipes]
    left = dict(zip(pipes, told, strict=True))
    while left:
        for pipe in select.select(list(left), [], [])[0]:
            piece = os.read(pipe, 1 << 16)
            left[pipe] += piece
            if not piece:
                os.close(pipe)
                del left[pipe]
    for _ in pipes:
        os.wait()
    return [json.loads(bytes(each)) for each in told if each]


@contextmanager
def repeating(seconds: float, do: Callable[[int], None]) -> Iterator[None]:
    """Meanwhile, with the number of the turn."""
    over = threading.Event()

    def go_on() -> None:
        turn = 0
        while not over.wait(seconds):
            do(turn)
            turn += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def changing(url: str, world: World) -> Iterator[None]:
    """Something changes all the time; whoever invalidates goes on until it is told that it is done."""

    def invalidate(name: str) -> None:
        for _ in range(3_000):
            store = open_store(url, now=time.time())
            try:
                store.invalidate(name)
                return
            except StoreError:
                time.sleep(0.01)
            finally:
                store.close()

    def change(turn: int) -> None:
        name = turn % NAMES
        world.change(name, lambda: invalidate(f"name-{name}"))

    with repeating(_PAUSE, change):
        yield


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
    master = cluster.master_now(number)
    master.process.send_signal(signal.SIGSTOP)
    time.sleep(3)  # longer than it takes the others to put its replica in its place
    master.process.send_signal(signal.SIGCONT)
    until(lambda: b"role:slave" in master.command("INFO", "replication"))


class Late:
    """A way to a node, whose replies come late."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                one = self._server.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._carry, args=(one,), daemon=True).start()

    def _carry(self, one: socket.socket) -> None:
        with one, socket.create_connection(("127.0.0.1", self._to)) as other:
            while ready := select.select([one, other], [], [], 30)[0]:
                for link in ready:
                    piece = link.recv(1 << 16)
                    if not piece:
                        return
                    if link is other:
                        time.sleep(SLOW)
                    (one if link is other else other).sendall(piece)

    def close(self) -> None:
        self._server.close()


@contextmanager
def late(cluster: Cluster, url: str) -> Iterator[None]:
    """The map that agents remember leads over ways that are slow."""
    ways = {server.port: Late(server.port) for server in (cluster.master_now(number) for number in range(3))}
    path = Path(slots_file(parse_url(url)))
    runs = ((0, 5_460), (5_461, 10_922), (10_923, 16_383))
    places = [ways[cluster.master_now(number).port].port for number in range(3)]
    slots = Slots([(*run, ("127.0.0.1", port)) for run, port in zip(runs, places, strict=True)])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"skillcache slots 1\n{slots.text()}end\n")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        for way in ways.values():
            way.close()


def asked(cluster: Cluster) -> int:
    """How often nodes were asked for results, or which has them."""
    total = 0
    for server in cluster.servers:
        for line in server.command("INFO", "commandstats").decode().splitlines():
            if line.startswith(("cmdstat_mget:", "cmdstat_cluster|slots:")):
                total += int(line.split("calls=")[1].split(",")[0])
    return total


def row(what: str, told: list[dict[str, Any]], seconds: float, trips: int) -> Row:
    found: Counter[str] = sum((Counter(each["found"]) for each in told), Counter())
    times = sorted(took * 1000 for each in told for took in each["times"])
    calls = sum(found[name] for name in ("served", "another runs", "ran", "without"))
    lost = sum(count for name, count in found.items() if name.startswith("lost"))
    served = len(times)
    longest = max(each["longest"] for each in told) * 1000

    def point(share: float) -> float:
        return float(times[min(int(share * served), served - 1)]) if times else 0.0

    return Row(what, calls, served, served / seconds, point(0.5), point(0.99), longest, found["without"], lost,
               found["wrong"], trips / max(calls, 1))  # fmt: skip


def measure(folder: Path, agents: int, seconds: float, every: float) -> list[Row]:
    alone = start_redis(folder / "alone")
    try:
        rows = [one("one server", alone.url, agents, seconds)]
    finally:
        alone.stop()
    cluster = Cluster(folder / "cluster", replicas=True)
    url = cluster.url_of(*[server.port for server in cluster.servers])
    try:
        rows.append(one("a cluster", url, agents, seconds, cluster))
        rows.append(under_kills(cluster, url, agents, seconds, every))
        with failing(cluster, every, lambda number: hang(cluster, number)):
            rows.append(one(f"a master hanging every {every:g} s", url, agents, seconds))
        with late(cluster, url):
            rows.append(one(f"replies {SLOW * 1000:.0f} ms late", url, agents, seconds, cluster))
    finally:
        cluster.stop()
    return rows


def under_kills(cluster: Cluster, url: str, agents: int, seconds: float, every: float) -> Row:
    with failing(cluster, every, lambda number: kill(cluster, number)):
        return one(f"a master killed every {every:g} s", url, agents, seconds)


def one(what: str, url: str, agents: int, seconds: float, cluster: Cluster | None = None) -> Row:
    """What agents have seen of the store meanwhile."""
    world = World()
    before = asked(cluster) if cluster else 0
    with changing(url, world):
        told = crowd(url, world, agents, seconds)
    trips = asked(cluster) - before if cluster else 0
    return row(what, told, seconds, max(trips, 0))


def lie(folder: Path, entries: int) -> str:
    """Where so many entries lie, and what they take."""
    cluster = Cluster(folder / "spread")
    client = connect(cluster.url)
    try:
        before = [_memory(server.command("INFO", "memory")) for server in cluster.masters]
        value = stamp(1) + os.urandom(SIZE)
        for first in range(0, entries, 1_000):
            with client.pipeline(transaction=False) as pipe:
                for number in range(first, min(first + 1_000, entries)):
                    pipe.set(entry_key("Bash", f"{number * 7919:040x}"), value, ex=86_400)
                pipe.execute()
        counts = [int(server.command("DBSIZE")[1:]) for server in cluster.masters]
        after = [_memory(server.command("INFO", "memory")) for server in cluster.masters]
    finally:
        client.close()
        cluster.stop()
    each = (sum(after) - sum(before)) / entries
    shares = ", ".join(f"{100 * count / entries:.1f} %" for count in counts)
    return f"{entries:,} entries of {SIZE:,} bytes: {shares} on each node, {each:,.0f} bytes of memory for one"


def _memory(said: bytes) -> int:
    return int(said.split(b"used_memory:")[1].split(b"\r\n")[0])


def table(rows: list[Row]) -> str:
    names = ("calls", "hits/s", "p50 ms", "p99 ms", "longest", "added", "without", "lost", "wrong", "trips")
    lines = [f"{'':30}{''.join(name.rjust(9) for name in names)}"]
    for each in rows:
        added = max(each.longest - rows[1].longest, 0)
        numbers = [f"{each.calls:,}", f"{each.per_second:,.0f}", f"{each.median:.2f}", f"{each.late:.1f}"]
        numbers += [f"{each.longest:.0f}", f"{added:.0f}", f"{each.without:,}", str(each.lost), str(each.wrong)]
        numbers += [f"{each.trips:.2f}" if each.trips else ""]
        lines.append(f"{each.what:30}{''.join(number.rjust(9) for number in numbers)}")
    return "\n".join(lines)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20, help="of each case")
    parser.add_argument("--every", type=float, default=5, help="seconds between two faults")
    parser.add_argument("--entries", type=int, default=20_000)
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="c") as name:
        os.environ["SKILLCACHE_HOME"] = f"{name}/home"
        rows = measure(Path(name), given.agents, given.seconds, given.every)
        spread = lie(Path(name), given.entries) if given.entries else ""
    print(f"{given.agents} agents, {given.seconds:g} s each")
    print(table(rows))
    print(spread)
    return 1 if any(each.lost or each.wrong for each in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
