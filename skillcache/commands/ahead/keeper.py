"""The process that keeps runs ahead, from its start by `start.start` on: see `runs.Keeper`."""

import os
import time

from skillcache.commands.ahead import running
from skillcache.core import json, outcomes, processes
from skillcache.core.outcomes import INTERNAL
from skillcache.core.paths import package_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_CAP = 64 << 20
_TO_BE_NAMED = 1.0  # seconds
_TICK = 0.002  # seconds


def main(lock: int, cache: str) -> "NoReturn":
    """`lock`: a handle by which the lock of `running` is held."""
    os.set_inheritable(lock, False)
    try:
        if _is_named(cache):
            _leave_parent(cache)
            _keep(lock, cache)
    except Exception:  # noqa: BLE001 - nobody waits for it, and nobody would hear
        outcomes.record(cache, time.time(), INTERNAL)
    finally:
        os._exit(0)


def _is_named(cache: str) -> bool:
    """Whether who has started us has said so: from then on we can be asked to stop."""
    ends = time.monotonic() + _TO_BE_NAMED
    while time.monotonic() < ends:
        found = running.current(cache)
        if found is not None and found.pid == os.getpid():
            return True
        time.sleep(_TICK)
    return False


def _leave_parent(cache: str) -> None:
    """Go on as a process without forefathers: it is no part of the run of the command beside which it was started."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)
    found = running.current(cache)
    if found is None:
        os._exit(0)
    found.pid = os.getpid()
    found.start = processes.describe(found.pid).get("pid_start", "")
    running.keep(cache, found)
    os.close(writing)


def _keep(lock: int, cache: str) -> None:
    with open(0, "rb", closefd=False) as given:
        job = json.loads(given.read(_CAP))
    if not isinstance(job, dict):
        return
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    from skillcache.core import bytecode

    bytecode.use(package_folder(), ahead=True)
    from skillcache.commands.ahead.judging import Judging
    from skillcache.commands.ahead.runs import Keeper

    keeper = Keeper(cache, lock, Judging(cache, job))
    try:
        keeper.run()
    finally:
        keeper.leave()
