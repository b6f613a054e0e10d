"""What a process can lack, and what happens to a claim: a call gives its value all the same, and nobody waits."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from skillcache import AsyncSkillCache, CacheEvent, SkillCache, cached
from skillcache.library import runs
from skillcache.library.keys import Place
from skillcache.stores import open_store
from tests.library.conftest import Cache
from tests.library.steps import SECONDS, Waiters


def test_threads_of_an_event_loop_are_left_alone(url: str) -> None:
    """All of them may be busy, with what waits for this very call, or be there no more."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with AsyncSkillCache(url) as cache:

            @cached(skill="plain", cache=cache)
            async def plain(number: int) -> int:
                return number

            def view(number: int) -> int:
                return asyncio.run_coroutine_threadsafe(plain(number), loop).result()

            most = min(32, (os.cpu_count() or 1) + 4)
            views = [asyncio.to_thread(view, number) for number in range(most)]
            assert await asyncio.wait_for(asyncio.gather(*views), SECONDS) == list(range(most))
            await loop.shutdown_default_executor()
            assert await plain(0) == 0
            assert await plain.invalidate() == most

    asyncio.run(main())


def test_without_threads_a_value_is_computed(url: str, aio: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(url, aio=aio)
    monkeypatch.setattr(runs, "_threads", runs._Threads())

    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert cache.fetch("report", 1, lambda: "new") == ("new", False)
    assert cache.fetch("report", 1, lambda: "newer") == ("new", True)
    monkeypatch.undo()
    cache.close()


def test_nobody_waits_for_what_is_not_stored(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKILLCACHE_TEAM_MODE", "read")
    both = threading.Barrier(2)
    got = []
    with SkillCache(url, team="acme") as cache:

        def ask(*, refresh: bool) -> None:
            got.append(cache.fetch("report", 1, lambda: both.wait(SECONDS) is not None, refresh=refresh))

        for refresh in (False, True):
            threads = [threading.Thread(target=ask, kwargs={"refresh": refresh}) for _ in range(2)]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
    assert got == [(True, False)] * 4


DYING = """
import sys, time
from skillcache import SkillCache
from skillcache.library import fetching
fetching.LEASE = 3600.0  # nothing but its death frees its claim
def compute():
    print("computing", flush=True)
    time.sleep(600)
SkillCache(sys.argv[1]).fetch("report", 1, compute)
"""


def test_a_death_is_noticed_by_who_waits_already(url: str, aio: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    waiters = Waiters(monkeypatch)
    cache = Cache(url, aio=aio, patience=3600.0)
    words = [sys.executable, "-c", DYING, url]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "computing\n"

        def kill() -> None:
            waiters.await_(1)
            owner.kill()
            owner.wait()

        killer = threading.Thread(target=kill)
        killer.start()
        assert cache.fetch("report", 1, lambda: "mine") == ("mine", False)
        killer.join()
    cache.close()


@pytest.mark.parametrize("how", ["none", "raises", "value"])
def test_who_is_told_may_ask_for_the_same(url: str, aio: bool, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waiters = Waiters(monkeypatch)
    told: list[str] = []
    other = SkillCache(url)

    def compute() -> str | None:
        if how == "raises":
            raise LookupError("nothing")
        return "value" if how == "value" else None

    def hear(event: CacheEvent) -> None:
        told.append(event.kind)
        assert other.fetch("report", 1, lambda: "again").data == ("value" if how == "value" else "again")

    cache = Cache(url, aio=aio, on_event=hear)
    if how == "raises":
        with pytest.raises(LookupError):
            cache.fetch("report", 1, compute)
    else:
        assert cache.fetch("report", 1, compute).data == compute()
    assert told == ["miss"]
    assert waiters.count == 0
    cache.close()
    other.close()


def test_a_hook_that_ends_the_process_leaves_no_claim(url: str) -> None:
    def leave(_: CacheEvent) -> None:
        raise SystemExit(3)

    with SkillCache(url, on_event=leave) as cache, pytest.raises(SystemExit):
        cache.fetch("report", 1, lambda: None)
    store = open_store(url, now=time.time())
    assert store.claim(Place("report", 1, None, None).claim, "other", 1).holder == ""
    store.close()


FORKING = """
import os, sys, time
from skillcache import SkillCache
from skillcache.library.keys import Place
from skillcache.stores import open_store
def compute():
    if os.fork() == 0:
        sys.exit(0)
    os.wait()
    store = open_store(sys.argv[1], now=time.time())
    held = store.claim(Place("report", 1, None, None).claim, "other", 1).holder
    store.close()
    return bool(held)
with SkillCache(sys.argv[1]) as cache:
    print(cache.fetch("report", 1, compute).data)
"""


def test_a_child_gives_no_claim_of_its_parent_back(url: str, tmp_path: Path) -> None:
    words = [sys.executable, "-c", FORKING, url]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True\n"
