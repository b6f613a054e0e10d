"""One computation for all who ask, in many processes, threads and tasks, and whatever becomes of its owner."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from skillcache import AsyncSkillCache, SkillCache
from skillcache.library import fetching
from skillcache.library.fetching import LEASE
from skillcache.library.keys import Place
from skillcache.library.options import PATIENCE
from skillcache.library.records import Found
from skillcache.library.source import AsyncSource
from skillcache.stores import open_store

HERE = Path(__file__).parent
INPUTS = {"q": 1}


def test_64_processes_compute_once(url: str, tmp_path: Path) -> None:
    log = tmp_path / "computations"

    done = subprocess.run(
        [sys.executable, str(HERE / "crowd.py"), url, "64", str(log), "0.5"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    got = json.loads(done.stdout)
    assert log.read_bytes() == b"."
    assert len(got) == 64
    assert len({data for data, _, _ in got}) == 1
    assert sorted(cached for _, cached, _ in got) == [False] + [True] * 63
    assert [errors for _, _, errors in got] == [0] * 64


def test_nobody_waits_for_a_process_that_is_gone_from_this_machine(url: str) -> None:
    code = "from skillcache.core import processes; print(processes.holder_of('x'))"
    gone = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout[:-1]
    place = Place("report", INPUTS, None, None)
    store = open_store(url, now=time.time())
    store.claim(place.claim, gone, 600)
    store.close()
    with SkillCache(url) as cache:
        assert cache.fetch("report", INPUTS, lambda: 7) == (7, False)


def test_32_threads_compute_once(url: str) -> None:
    computed = []

    def compute() -> int:
        computed.append(1)
        time.sleep(0.3)
        return 7

    with SkillCache(url) as cache, ThreadPoolExecutor(32) as pool:
        got = list(pool.map(lambda _: cache.fetch("report", INPUTS, compute), range(32)))

    assert computed == [1]
    assert sorted(got) == [(7, False), *[(7, True)] * 31]
    assert (cache.hits, cache.misses, cache.errors) == (31, 1, 0)


def test_256_tasks_compute_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LEASE", 3600)
    computed = []

    async def compute() -> int:
        computed.append(1)
        await asyncio.sleep(0.3)
        return 7

    async def main() -> list[tuple[int, bool]]:
        async with AsyncSkillCache(url) as cache:
            return list(await asyncio.gather(*[cache.fetch("report", INPUTS, compute) for _ in range(256)]))

    began = time.monotonic()
    got = asyncio.run(main())

    assert computed == [1]
    assert sorted(got) == [(7, False), *[(7, True)] * 255]
    assert time.monotonic() - began < PATIENCE / 2  # nobody slept through the release


def test_when_the_owner_is_killed_another_takes_over(url: str) -> None:
    owner = subprocess.Popen([sys.executable, str(HERE / "owner.py"), url], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "computing\n"
    computed = []

    def compute() -> str:
        computed.append(1)
        return "from the one who took over"

    with SkillCache(url) as cache, ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(cache.fetch, "report", INPUTS, compute) for _ in range(8)]
        owner.send_signal(signal.SIGKILL)
        began = time.monotonic()
        got = [each.result(timeout=60) for each in waiting]
        took = time.monotonic() - began
    owner.wait(10)
    owner.stdout.close()

    assert computed == [1]
    assert {data for data, _ in got} == {"from the one who took over"}
    assert took < PATIENCE / 2  # and not when the others' patience was at its end


@pytest.mark.long
def test_an_owner_that_takes_longer_than_its_lease_keeps_it(url: str) -> None:
    began = threading.Event()
    computed = []

    def compute() -> str:
        computed.append(1)
        began.set()
        time.sleep(LEASE * 1.3)
        return "late"

    with SkillCache(url) as cache, ThreadPoolExecutor(2) as pool:
        owner = pool.submit(cache.fetch, "report", INPUTS, compute)
        assert began.wait(30)
        other = pool.submit(cache.fetch, "report", INPUTS, compute)
        assert owner.result(60) == ("late", False)
        assert other.result(60) == ("late", True)
    assert computed == [1]


@pytest.mark.long
def test_a_task_that_takes_longer_than_its_lease_keeps_it(url: str) -> None:
    computed = []

    async def compute() -> str:
        computed.append(1)
        await asyncio.sleep(LEASE * 1.3)
        return "late"

    async def main() -> None:
        async with AsyncSkillCache(url) as cache:
            got = await asyncio.gather(*[cache.fetch("report", INPUTS, compute) for _ in range(3)])
            assert sorted(got) == [("late", False), ("late", True), ("late", True)]

    asyncio.run(main())
    assert computed == [1]


def test_a_cancelled_computation_gives_its_turn_away(url: str) -> None:
    async def main() -> None:
        started = asyncio.Event()

        async def never() -> str:
            started.set()
            await asyncio.sleep(600)
            return ""

        async def soon() -> str:
            return "soon"

        async with AsyncSkillCache(url) as cache:
            first = asyncio.create_task(cache.fetch("report", INPUTS, never))
            await started.wait()
            second = asyncio.create_task(cache.fetch("report", INPUTS, soon))
            await asyncio.sleep(0.1)
            assert not second.done()
            first.cancel()
            async with asyncio.timeout(PATIENCE / 2):
                assert await second == ("soon", False)
            with pytest.raises(asyncio.CancelledError):
                await first

    asyncio.run(main())


def test_patience_ends(url: str) -> None:
    holds, over = threading.Event(), threading.Event()

    def hang() -> str:
        holds.set()
        over.wait(60)
        return "hung"

    with SkillCache(url) as patient, SkillCache(url, patience=0.2) as impatient, ThreadPoolExecutor(1) as pool:
        owner = pool.submit(patient.fetch, "report", INPUTS, hang)
        assert holds.wait(30)
        assert impatient.fetch("report", INPUTS, lambda: "mine") == ("mine", False)
        assert impatient.get("report", INPUTS) == "mine"
        over.set()
        assert owner.result(60) == ("hung", False)
        # What was begun later is the newer truth.
        assert impatient.get("report", INPUTS) == "mine"


def test_what_took_no_time_or_is_asked_for_without_beta_waits_for_its_end(url: str) -> None:
    with SkillCache(url) as cache:
        cache.fetch("report", INPUTS, lambda: "computed")
        assert cache.fetch("report", INPUTS, lambda: "new", beta=0) == ("computed", True)
        cache.set("report", INPUTS, "set")
        assert cache.fetch("report", INPUTS, lambda: "new", beta=1e12) == ("set", True)


@pytest.mark.parametrize(
    ("now", "duration", "beta", "draw", "due"),
    [
        (1_000, 100, 1.0, 1.0, False),
        (9_999, 100, 1.0, 1.0, False),
        (10_000, 100, 1.0, 1.0, True),  # the end itself
        (9_000, 1_000, 1.0, 0.37, False),  # -ln 0.37 is 0.994
        (9_000, 1_000, 1.0, 0.36, True),  # -ln 0.36 is 1.022
        (9_000, 1_000, 0.0, 1e-9, False),
        (9_000, 500, 2.0, 0.36, True),
        (9_000, 500, 1.0, 0.36, False),
        (1_000, 0, 1e9, 1e-9, False),
    ],
)
def test_the_nearer_the_end_and_the_longer_the_computation_the_likelier(
    now: int, duration: int, beta: float, draw: float, due: bool
) -> None:
    found = Found("x", started=0, duration=duration, expires=10_000, pinned=False)

    assert found.is_due(now, beta, draw) is due
    assert not Found("x", started=0, duration=duration, expires=10_000, pinned=True).is_due(now, beta, draw)


def test_those_who_asked_after_an_invalidation_get_no_older_value(url: str) -> None:
    began, over = threading.Event(), threading.Event()

    def old() -> str:
        began.set()
        over.wait(60)
        return "old"

    with SkillCache(url) as cache, ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.fetch, "report", INPUTS, old)
        assert began.wait(30)
        cache.invalidate_skill("report")
        second = pool.submit(cache.fetch, "report", INPUTS, lambda: "new")
        over.set()
        assert first.result(60) == ("old", False)
        assert second.result(60) == ("new", False)
        assert cache.get("report", INPUTS) == "new"


def test_a_lease_is_nobodys_when_the_work_is_done(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An extension that comes after the release would hold up the next for a whole lease."""
    monkeypatch.setattr(fetching, "LEASE", 3600)
    with SkillCache(url) as cache:
        began = time.monotonic()
        for _ in range(20):
            assert cache.fetch("report", INPUTS, lambda: None).cached is False
        assert time.monotonic() - began < PATIENCE


def test_who_is_cancelled_again_and_again_gives_its_turn_away(
    url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """As in a scope of anyio, where each await of a cancelled task is cancelled, those of its farewell too."""
    monkeypatch.setattr(fetching, "LEASE", 3600)

    def cut() -> None:
        """The release needs a connection of its own, which takes some turns of the event loop."""
        if url.startswith("redis:"):
            request.getfixturevalue("redis_server").command("CLIENT", "KILL", "TYPE", "normal")

    async def main() -> None:
        started = asyncio.Event()

        async def never() -> str:
            started.set()
            await asyncio.sleep(600)
            return ""

        async def soon() -> str:
            return "soon"

        async with AsyncSkillCache(url) as cache:
            first = asyncio.create_task(cache.fetch("report", INPUTS, never))
            await started.wait()
            cut()
            await asyncio.sleep(0.1)
            while not first.done():
                first.cancel()
                await asyncio.sleep(0)
            assert first.cancelled()
            async with asyncio.timeout(PATIENCE / 2):
                assert await cache.fetch("report", INPUTS, soon) == ("soon", False)

    asyncio.run(main())


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_who_is_interrupted_gives_its_turn_away(
    url: str, signal_: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LEASE", 3600)

    def end(*_: object) -> None:
        raise KeyboardInterrupt if signal_ is signal.SIGINT else SystemExit

    before = signal.signal(signal_, end)
    try:
        with SkillCache(url, patience=PATIENCE / 2) as cache:
            with pytest.raises((KeyboardInterrupt, SystemExit)):
                cache.fetch("report", INPUTS, lambda: signal.raise_signal(signal_))
            began = time.monotonic()
            assert cache.fetch("report", INPUTS, lambda: 7) == (7, False)
            assert time.monotonic() - began < PATIENCE / 2
    finally:
        signal.signal(signal_, before)


@pytest.mark.parametrize("refresh", [False, True])
def test_who_is_cancelled_while_asking_for_its_turn_gives_it_away(
    url: str, monkeypatch: pytest.MonkeyPatch, refresh: bool
) -> None:
    monkeypatch.setattr(fetching, "LEASE", 3600)
    take = AsyncSource.take

    async def compute() -> str:
        return "computed"

    async def main() -> None:
        claimed = asyncio.Event()

        async def hold(self: AsyncSource, step: Any) -> Any:
            given = await take(self, step)
            if getattr(step, "__name__", "") == "extend":
                claimed.set()
                await asyncio.sleep(600)
            return given

        async with AsyncSkillCache(url) as cache:
            with monkeypatch.context() as patched:
                patched.setattr(AsyncSource, "take", hold)
                first = asyncio.create_task(cache.fetch("report", INPUTS, compute, refresh=refresh))
                await claimed.wait()
                first.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await first
            async with asyncio.timeout(PATIENCE / 2):
                assert await cache.fetch("report", INPUTS, compute) == ("computed", False)

    asyncio.run(main())


def test_of_all_whose_patience_is_at_its_end_one_computes(url: str) -> None:
    holds, over = threading.Event(), threading.Event()
    computed = []

    def hang() -> str:
        holds.set()
        over.wait(60)
        return "hung"

    def compute() -> str:
        computed.append(1)
        time.sleep(0.5)
        return "late"

    with SkillCache(url) as patient, SkillCache(url, patience=2) as impatient, ThreadPoolExecutor(9) as pool:
        owner = pool.submit(patient.fetch, "report", INPUTS, hang)
        assert holds.wait(30)
        others = [pool.submit(impatient.fetch, "report", INPUTS, compute) for _ in range(8)]
        got = sorted(each.result(60) for each in others)
        over.set()
        owner.result(60)
    assert got == [("late", False), *[("late", True)] * 7]
    assert computed == [1]
