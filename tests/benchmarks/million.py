"""A million entries: lookups stay as quick, and invalidating 100,000 of them holds nobody up.

On a server of its own, on loopback and without persistence: about 1 GB and two minutes. Lookups in stores of 100,
10,000 and 1,000,000 entries are measured by turns in one run, so that only their ratios count. A bystander in a process
of its own asks for an entry and pings all the while; what it waits is what any other client waits. Server and bystander
are given priority where that is allowed, so that they wait for each other and not for a processor; how far that goes is
seen beside a process that only computes.
"""

import argparse
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from statistics import median, quantiles

import redis

from skillcache.cache.invalidation import Selection, steps
from skillcache.stores import connection
from skillcache.stores import entry as key
from skillcache.stores.connection import Limits, SocketLink
from skillcache.stores.contract import NAMES_KEY, entry_key, project_name
from skillcache.stores.entry import Entry, decode, encode
from skillcache.stores.redis import RedisStore
from skillcache.stores.redis_url import parse_url
from skillcache.stores.scan import RedisHoldings, Steps, take
from tests.benchmarks.timing import timed
from tests.conftest import RedisServer, start_redis

_CHECKOUT = Path(__file__).parents[2]
_SIZES = {2: 100, 1: 10_000, 0: 1_000_000}  # by the number of the server's database
_NAMES = 10  # in the largest store: 100,000 entries each
_MOST = 600  # seconds
PROJECT = project_name("github.com/someone/something")
_PATIENT = Limits(connect=20, silence=20, operation=20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lookups", type=int, default=10_000, help="in each store")
    parser.add_argument("--connections", type=int, default=400, help="in each store")
    asked = parser.parse_args()
    signal.alarm(_MOST)
    with tempfile.TemporaryDirectory() as folder:
        server = start_redis(Path(folder), options=("--maxmemory", "1500mb", "--slowlog-log-slower-than", "500"))
        try:
            prefer(server.process.pid)
            begun = time.perf_counter()
            for database, size in _SIZES.items():
                fill(server, database, size)
            print(f"filled in {time.perf_counter() - begun:.0f} s, {len(value_of('bench-0'))} bytes a value\n")
            print_lookups(server, asked.lookups, asked.connections)
            print_invalidations(server)
        finally:
            server.stop()


def print_lookups(server: RedisServer, lookups: int, connections: int) -> None:
    """By turns: entries that nobody asked for lately, whose memory the processor must fetch, and the same 100."""
    random = Random(0)
    warm = {database: open_store(server, database) for database in _SIZES}
    times: dict[tuple[str, int], list[float]] = {}
    for turn in range(lookups):
        for database, size in _SIZES.items():
            for kind, number in (("any", random.randrange(size)), ("same", random.randrange(100))):
                times.setdefault((kind, database), []).append(timed(partial(look, warm[database], number)))
            if turn < connections:
                cold = open_store(server, database)
                times.setdefault(("cold", database), []).append(timed(partial(look, cold, random.randrange(size))))
                cold.close()
    print("| entries | new connection, any entry | | open connection, any entry | | the same 100 entries | |")
    print("|---|---|---|---|---|---|---|")
    for database, size in _SIZES.items():
        cells = [f"{size:,}"]
        for kind in ("cold", "any", "same"):
            took, least = median(times[kind, database]), median(times[kind, 2])
            cells += [f"{took * 1e6:.0f} µs", f"{took / least:.2f} x"]
        print(f"| {' | '.join(cells)} |")


def print_invalidations(server: RedisServer) -> None:
    print(
        "\n| invalidation of 100,000 in 1,000,000 | none is served after | all are removed after | a bystander waits at"
        " most, and in 999 of 1,000 | longest command |\n|---|---|---|---|---|"
    )
    slowest(server)
    with bystander(server) as waits:
        compute(10)
    print(f"| none, for 10 s | | | {told(waits)} | {slowest(server)} |")
    for text, name, selection in (
        ("by name", "bench-1", Selection(("bench-1",))),
        ("by a pattern of keys", "bench-2", Selection((), "skill_cache:bench-2:*")),
    ):
        with bystander(server) as waits:
            effect, whole = invalidate(server, name, selection)
        print(f"| {text} | {effect * 1000:.1f} ms | {whole:.1f} s | {told(waits)} | {slowest(server)} |")
    for option, name in (("--skill", "bench-3"), ("--pattern", "bench-4")):
        with bystander(server) as waits:
            begun = time.perf_counter()
            run_command(server, option, name)
            whole = time.perf_counter() - begun
        print(f"| `skillcache invalidate {option} {name}` | | {whole:.1f} s | {told(waits)} | {slowest(server)} |")


def told(waits: list[float]) -> str:
    return f"{max(waits) * 1000:.1f} ms, {quantiles(waits, n=1_000)[-1] * 1000:.1f} ms"


def compute(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


class Watched(RedisHoldings):
    """Knows when the generation was raised, and sees that from then on nothing of the name is served."""

    def __init__(self, server: RedisServer, name: str) -> None:
        self._server = server
        self._name = name
        self.raised = 0.0

    def raise_generations(self, names: Iterable[str]) -> Steps[dict[str, int]]:
        generations = yield from super().raise_generations(names)
        self.raised = time.perf_counter()
        store = open_store(self._server, 0)
        for number in Random(0).sample(range(_SIZES[0] // _NAMES), 200):
            found = store.get(place_of(number * _NAMES + int(self._name[-1])), (self._name,))
            assert found.entry is not None, "the entries are still there"
            assert decode(found.entry).names[self._name] < found.generations[0], "it would be served"
        store.close()
        return generations


def invalidate(server: RedisServer, name: str, selection: Selection) -> tuple[float, float]:
    """Seconds until none is served, and until all are removed."""
    client, holdings = client_of(server), Watched(server, name)
    begun = time.perf_counter()
    done = take(steps(holdings, selection), client)
    ended = time.perf_counter()
    client.close()
    assert done.entries == _SIZES[0] // _NAMES, done
    return holdings.raised - begun, ended - begun


def run_command(server: RedisServer, *words: str) -> None:
    environ = {**os.environ, "SKILLCACHE_REDIS_URL": server.url}
    command = [sys.executable, "-m", "skillcache", "invalidate", *words]
    said = subprocess.run(command, env=environ, cwd=_CHECKOUT, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[1].startswith("100,000 entries removed"), said


@contextmanager
def bystander(server: RedisServer) -> Iterator[list[float]]:
    """The waits of another client, in seconds, once the block has ended."""
    waits: list[float] = []
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=stand_by, args=(server.url, theirs))
    process.start()
    ours.recv()
    yield waits
    ours.send("enough")
    waits += ours.recv()
    process.join()


def stand_by(url: str, pipe: Connection) -> None:
    prefer(os.getpid())
    store = RedisStore(SocketLink(parse_url(url), _PATIENT))
    ask: tuple[Callable[[], object], ...] = (lambda: store.get(place_of(7), ("bench-7",)), store.ping)
    for call in ask:
        call()
    pipe.send("ready")
    waits = []
    while not pipe.poll():
        waits += [timed(call) for call in ask]
        time.sleep(0.0005)
    pipe.send(waits)
    store.close()


def prefer(process: int) -> None:
    with suppress(AttributeError, PermissionError):  # not everywhere, nor for everybody
        os.sched_setscheduler(process, os.SCHED_RR, os.sched_param(1))


def fill(server: RedisServer, database: int, size: int) -> None:
    names = [f"bench-{number}" for number in range(_NAMES)]
    values = [value_of(name) for name in names]
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(server.path))
        send(link, [("SELECT", str(database)), ("SADD", NAMES_KEY, *names, "Bash", PROJECT)])
        for begin in range(0, size, 1_000):
            numbers = range(begin, min(begin + 1_000, size))
            send(link, [("SET", place_of(number), values[number % _NAMES], "EX", "86400") for number in numbers])


def send(link: socket.socket, commands: list[tuple[str | bytes, ...]]) -> None:
    link.sendall(b"".join([connection.encode(command) for command in commands]))
    left = len(commands)
    while left:
        replies = link.recv(1 << 16)
        assert b"-" not in replies, replies
        left -= replies.count(b"\n")


def place_of(number: int) -> str:
    return entry_key(f"bench-{number % _NAMES}", f"{number:040x}")


def value_of(name: str) -> bytes:
    """About 600 bytes, as a short output of a command has them."""
    now = int(time.time() * 1000)
    return encode(
        Entry(
            key=key.text_of((("tool", "", "Bash"), ("command", "", f"{name} -q"), ("content", "", "0" * 40))),
            names={name: 0, "Bash": 0, PROJECT: 0},
            status=0,
            meaning="",
            failed=False,
            output=b"1 passed in 0.03s\n",
            directory=None,
            relocated=False,
            root="/w",
            project="github.com/someone/something",
            duration=2_000,
            started=now - 2_000,
            finished=now,
            writer={"user": "u", "host": "h"},
        )
    )


def look(store: RedisStore, number: int) -> None:
    found = store.get(place_of(number), (f"bench-{number % _NAMES}", "Bash", PROJECT))
    assert found.entry is not None


def open_store(server: RedisServer, database: int) -> RedisStore:
    return RedisStore(SocketLink(parse_url(f"{server.url.removesuffix('/0')}/{database}"), _PATIENT))


def client_of(server: RedisServer) -> "redis.Redis":
    return redis.Redis.from_url(server.url)


def slowest(server: RedisServer) -> str:
    """The longest time that one command has held the server, since the log was last emptied."""
    client = client_of(server)
    entries = client.slowlog_get(1_000)
    client.slowlog_reset()
    client.close()
    return f"{max(entry['duration'] for entry in entries) / 1000:.1f} ms" if entries else "under 0.5 ms"


if __name__ == "__main__":
    main()
