"""Claims as they are used: by many processes, which die when they like."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from skillcache.stores.contract import Store
from tests.conftest import empty_redis
from tests.stores.claimant import DIGEST, open_here

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("claimant.py")
SECONDS = 60  # for a process to end; far beyond what it takes

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(params=["embedded", "redis", "cluster"])
def target(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path / "home"))
    if request.param == "embedded":
        return f"embedded:{tmp_path}/cache/store.sqlite"
    return empty_redis(request, request.param)


@pytest.fixture
def store(target: str) -> Iterator[Store]:
    opened = open_here(target)
    yield opened
    opened.close()


@pytest.fixture
def start(target: str) -> Iterator[Start]:
    """Starts a claimant with the words of its part; ends those that are left."""
    with ExitStack() as started:

        def begin(*words: str, given: int, told: int = subprocess.PIPE) -> "subprocess.Popen[bytes]":
            argv = [sys.executable, "-I", "-S", str(SCRIPT), str(ROOT), target, *words]
            process = started.enter_context(subprocess.Popen(argv, stdin=given, stdout=told, bufsize=0))
            started.callback(process.kill)
            return process

        yield begin


@pytest.mark.long
def test_of_64_processes_one_has_the_claim(start: Start, store: Store) -> None:
    store.ping()
    gate, opener = os.pipe()
    processes = [start("once", f"owner-{number}", given=gate) for number in range(64)]
    os.close(gate)
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"r"
    os.close(opener)  # for all of them at once
    holders = [process.communicate(timeout=SECONDS)[0].decode().strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * 64
    (winner,) = [number for number, holder in enumerate(holders) if holder == ""]
    assert {holder for holder in holders if holder} == {f"owner-{winner}"}


@pytest.mark.long
def test_no_release_is_missed_in_1000_rounds(start: Start) -> None:
    to_keeper, from_waiter = os.pipe()
    to_waiter, from_keeper = os.pipe()
    keeper = start("keep", "1000", given=to_keeper, told=from_keeper)
    waiter = start("wait", "1000", given=to_waiter, told=from_waiter)
    for end in (to_waiter, from_keeper, from_waiter):
        os.close(end)
    assert waiter.wait(SECONDS) == 0
    assert keeper.wait(SECONDS) == 0
    assert os.read(to_keeper, 100) == b"0\n"
    os.close(to_keeper)


def test_the_claim_of_a_killed_process_falls_with_its_lease(start: Start, store: Store) -> None:
    owner = start("hold", "2", given=subprocess.DEVNULL)
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"\n"
    refused = store.claim(DIGEST, "next", 60)
    assert refused.holder == "killed"
    owner.kill()
    owner.wait(SECONDS)
    assert 0 < refused.left <= 2
    assert not store.wait(DIGEST, refused.mark, refused.left + 0.1)
    assert store.claim(DIGEST, "next", 60).holder == ""


def test_a_release_wakes_all_who_wait(start: Start, store: Store) -> None:
    store.claim(DIGEST, "keeper", 60)
    waiters = []
    for _ in range(4):
        to_waiter, to_us = os.pipe(), os.pipe()
        process = start("wait", "1", given=to_waiter[0], told=to_us[1])
        os.close(to_waiter[0])
        os.close(to_us[1])
        os.write(to_waiter[1], b"c")
        assert os.read(to_us[0], 1) == b"r"
        waiters.append((process, to_waiter[1], to_us[0]))
    began = time.monotonic()
    assert store.release(DIGEST, "keeper")
    for process, giving, reading in waiters:
        assert process.wait(SECONDS) == 0
        assert os.read(reading, 100) == b"w0\n"
        os.close(giving)
        os.close(reading)
    assert time.monotonic() - began < 8  # less than their patience
