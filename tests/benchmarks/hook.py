"""What a hook costs: whole processes, interleaved in one run, medians and their ratios to a bare interpreter."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.fidelity.hooks import event_after, event_before, run_command, run_hook
from tests.fidelity.world import World

_HOOKS = Path(__file__).parents[2] / "hooks"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--redis", default="", help="URL of a Redis; the embedded store without it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), asked.redis, Random(1))
        for name, median, ratio in measure(world, asked.rounds):
            print(f"{name:58} {median:7.2f} ms  {ratio:5.2f} x")


def measure(world: World, rounds: int) -> list[tuple[str, float, float]]:
    root = str(world.roots[0])
    environ = {**world.environ, "CLAUDE_PROJECT_DIR": root}
    calls = iter(range(10**9))

    def hook(command: str) -> None:
        run_hook("pre_tool_use.py", event_before(command, root, f"b{next(calls)}", "bench"), environ)

    def record(command: str) -> None:
        before = event_before(command, root, f"b{next(calls)}", "bench")
        run_hook("pre_tool_use.py", before, environ)
        script, after = event_after(before, run_command(command, root, environ), 2_000)
        run_hook(script, after, environ)

    def bare(*program: str) -> Callable[[], None]:
        argv = [sys.executable, "-I", "-S", *program]
        return lambda: subprocess.run(argv, input="{}", text=True, check=True, capture_output=True) and None  # type: ignore[func-returns-value]

    def git() -> None:
        subprocess.run(["git", "status", "--porcelain"], cwd=root, env=environ, check=True, capture_output=True)

    record("pytest -q")
    cases: dict[str, Callable[[], None]] = {
        "bare interpreter": bare("-c", "pass"),
        "git status --porcelain (6 files)": git,
        "no rule": lambda: hook("ls -la"),
        "bypass (a line that writes)": lambda: hook("pytest > out.txt"),
        "miss": lambda: hook("pytest --never-seen"),
        "hit": lambda: hook("pytest -q"),
        "disabled": lambda: run_disabled(root, environ),
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            begun = time.perf_counter()
            case()
            times[name].append(time.perf_counter() - begun)
    medians = {name: statistics.median(values) * 1000 for name, values in times.items()}
    return [(name, value, value / medians["bare interpreter"]) for name, value in medians.items()]


def run_disabled(root: str, environ: dict[str, str]) -> None:
    run_hook("pre_tool_use.py", event_before("pytest -q", root, "d", "bench"), {**environ, "SKILLCACHE_DISABLE": "1"})


if __name__ == "__main__":
    json.dumps(None)
    main()
