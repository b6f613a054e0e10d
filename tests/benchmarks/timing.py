"""How the benchmarks take times: cases in turn, so that whatever else the machine does falls on all of them alike."""

import time
from collections.abc import Callable, Mapping


def timed(case: Callable[[], object]) -> float:
    """Seconds."""
    begun = time.perf_counter()
    case()
    return time.perf_counter() - begun


def interleave(cases: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every run of every case."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            times[name].append(timed(case))
    return times
