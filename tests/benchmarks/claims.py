"""What a claim, its release and its wake-up cost, against a bare Redis round trip, interleaved in one run.

A wake-up is the time from the call that releases in one process to the end of the wait in another, which has waited
for 0.1 to 0.3 s. Medians and 95th percentiles; the ratios count, not the milliseconds.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from random import Random
from statistics import quantiles

from skillcache.stores import open_store
from skillcache.stores.contract import Store
from tests.benchmarks.timing import interleave
from tests.conftest import start_redis
from tests.stores.conftest import open_pooled

_DIGEST, _HELD = "a" * 40, "b" * 40
_LEASE = 600.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--wakes", type=int, default=40)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = start_redis(Path(folder) / "redis")
        try:
            targets = {"embedded": f"embedded:{folder}/cache/store.sqlite", "Redis": server.url}
            stores = {name: open_store(target, now=time.time()) for name, target in targets.items()}
            stores["Redis, pooled"] = open_pooled(server.url, now=time.time())
            times = measure(stores, asked.rounds) | wake(targets, asked.wakes)
            for store in stores.values():
                store.close()
        finally:
            server.stop()
    bare = quantiles(next(iter(times.values())), n=20)[9]
    print("| | median | 95 % below | median to a round trip |\n|---|---|---|---|")
    for case, values in times.items():
        cuts = quantiles(values, n=20)
        print(f"| {case} | {cuts[9] * 1000:.3f} ms | {cuts[18] * 1000:.3f} ms | {cuts[9] / bare:.1f} x |")


def measure(stores: dict[str, Store], rounds: int) -> dict[str, list[float]]:
    cases: dict[str, Callable[[], object]] = {"bare round trip (`PING`)": stores["Redis"].ping}
    for name, store in stores.items():
        store.claim(_HELD, "keeper", _LEASE)
        cases[f"{name}: claim"] = lambda store=store: store.claim(_DIGEST, "us", _LEASE)  # type: ignore[misc]
        cases[f"{name}: claim refused"] = lambda store=store: store.claim(_HELD, "us", _LEASE)  # type: ignore[misc]
        cases[f"{name}: release"] = lambda store=store: store.release(_DIGEST, "us")  # type: ignore[misc]
    return interleave(cases, rounds)


def wake(targets: dict[str, str], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {f"{name}: wake-up": [] for name in targets}
    random = Random(1)
    context = multiprocessing.get_context("spawn")
    for name, target in targets.items():
        ours, theirs = context.Pipe()
        waiter = context.Process(target=wait, args=(target, theirs, rounds))
        waiter.start()
        store = open_store(target, now=time.time())
        for _ in range(rounds):
            store.claim(_DIGEST, "keeper", _LEASE)
            ours.send("claimed")
            ours.recv()
            time.sleep(random.uniform(0.1, 0.3))
            begun = time.monotonic()
            store.release(_DIGEST, "keeper")
            times[f"{name}: wake-up"].append(ours.recv() - begun)
        store.close()
        waiter.join()
    return times


def wait(target: str, pipe: Pipe, rounds: int) -> None:
    """The other process: is refused, waits, and tells when it was woken."""
    store = open_store(target, now=time.time())
    for _ in range(rounds):
        pipe.recv()
        mark = store.claim(_DIGEST, "waiter", _LEASE).mark
        pipe.send("refused")
        store.wait(_DIGEST, mark, _LEASE)
        pipe.send(time.monotonic())
    store.close()


if __name__ == "__main__":
    main()
