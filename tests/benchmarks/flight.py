"""What single-flight costs in hooks: whole processes, interleaved in one run, medians and ratios to a bare interpreter.

A wake-up is the time from the end of the first's PostToolUse hook to the answer of the second's PreToolUse hook, which
has waited for it; it then looks again at what the call depends on, as any hit does. `--overlap SECONDS` instead lets
calls overlap for so long in a project that is being edited, and counts wrong hits.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

from skillcache.jsontext import dumps
from tests.benchmarks.timing import interleave
from tests.conftest import start_redis
from tests.flight.conftest import LINE, Scene
from tests.flight.overlap import Overlap
from tests.handlers.conftest import HOOKS

_PYTHON = [os.path.realpath(sys.executable), "-I", "-S"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--wakes", type=int, default=30)
    parser.add_argument("--overlap", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        redis = start_redis(Path(folder) / "server")
        try:
            for name, server in (("embedded", None), ("redis", redis)):
                (base := Path(folder) / name).mkdir()
                if asked.overlap:
                    wrong += overlap(Overlap(base, server, asked.seed), name, asked.overlap)
                else:
                    show(name, measure(Scene(base, server), asked.rounds, asked.wakes))
        finally:
            redis.stop()
    return 1 if wrong else 0


def show(name: str, times: dict[str, list[float]]) -> None:
    print(f"\n{name} store\n\n| | median | 95 % below | median to a bare interpreter |\n|---|---|---|---|")
    bare = quantiles(next(iter(times.values())), n=20)[9]
    for case, values in times.items():
        cuts = quantiles(values, n=20)
        print(f"| {case} | {cuts[9] * 1000:.1f} ms | {cuts[18] * 1000:.1f} ms | {cuts[9] / bare:.2f} x |", flush=True)


def measure(scene: Scene, rounds: int, wakes: int) -> dict[str, list[float]]:
    numbers = iter(range(10**9))
    scene.call(LINE)  # makes the store

    def miss(wait: str) -> Callable[[], object]:
        def ask() -> None:
            event = scene.before(f"pytest -k n{next(numbers)}", session=f"s{next(numbers)}")
            ask_hook({**scene.around, "SKILLCACHE_WAIT": wait}, event)

        return ask

    cases: dict[str, Callable[[], object]] = {
        "bare interpreter (`python -I -S -c pass`)": lambda: subprocess.run([*_PYTHON, "-c", "pass"], check=True),
        "a hit": lambda: ask_hook(scene.around, scene.before(LINE, session="s2")),
        "a miss without a claim (`SKILLCACHE_WAIT=0`)": miss("0"),
        "a miss that claims": miss("300"),
    }
    times = interleave(cases, rounds)
    return times | wake(scene, wakes)


def ask_hook(environ: dict[str, str], event: dict[str, Any]) -> None:
    argv = [*_PYTHON, str(HOOKS / "pre_tool_use.py")]
    subprocess.run(argv, input=dumps(event).encode("ascii"), env=environ, stdout=subprocess.DEVNULL, check=True)


def wake(scene: Scene, rounds: int) -> dict[str, list[float]]:
    stored: list[float] = []
    woken: list[float] = []
    for number in range(rounds):
        (scene.root / "app.py").write_text(f"round {number}\n")
        first = scene.first()
        ran = scene.run(LINE)
        hook, _ = scene.waiting()
        begun = time.perf_counter()
        scene.tell(first, ran, duration=30_000)
        ended = time.perf_counter()
        assert hook.answer()
        woken.append(time.perf_counter() - ended)
        stored.append(ended - begun)
    return {"PostToolUse that stores and releases": stored, "from its end to the answer of who waited": woken}


def overlap(calls: Overlap, name: str, seconds: float) -> int:
    ends = time.monotonic() + seconds
    calls.go_on(lambda: time.monotonic() >= ends)
    outcomes = calls.outcomes()
    print(f"\n{name} store, {seconds:.0f} s: {calls.calls} calls, {calls.edits} edits, {calls.hits} hits,")
    print(f"{outcomes['waited']} of them after a wait, {len(calls.wrong)} wrong; {dict(outcomes)}", flush=True)
    for text in calls.wrong[:5]:
        print("\nWRONG", text)
    return len(calls.wrong)


if __name__ == "__main__":
    raise SystemExit(main())
