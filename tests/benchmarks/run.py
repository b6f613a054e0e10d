"""What `skillcache run` costs: whole processes, interleaved in one run, medians and their ratios.

To a bare interpreter, whose start a replay cannot do without, and to the command itself, which prints what it printed
at once: the least that a command can take.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tests.benchmarks.timing import interleave
from tests.conftest import start_redis

_RUN = (sys.executable, "-m", "skillcache", "run")
_FILES = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (server_folder := Path(folder) / "server").mkdir()
        server = start_redis(server_folder)
        try:
            for name, url in (("embedded", ""), ("redis", server.url)):
                (base := Path(folder) / name).mkdir()
                print(f"\n{name} store, {asked.rounds} rounds, a worktree of {_FILES} files\n")
                print("| | median | to a bare interpreter | to the bare command |\n|---|---|---|---|")
                for case, milliseconds, to_python, to_command in measure(base, url, asked.rounds):
                    print(f"| {case} | {milliseconds:.1f} ms | {to_python:.2f} x | {to_command:.1f} x |")
        finally:
            server.stop()


def measure(base: Path, store: str, rounds: int) -> list[tuple[str, float, float, float]]:
    root = base / "project"
    root.mkdir()
    environ = {
        "HOME": str(base),
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        **({"SKILLCACHE_REDIS_URL": store} if store else {}),
    }
    for number in range(_FILES):
        (root / f"{number}.txt").write_text(f"{number}\n" * 100)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run(["git", "add", "-A"], check=True, cwd=root)

    def start(*words: str, more: dict[str, str] | None = None) -> Callable[[], None]:
        def once() -> None:
            subprocess.run(
                words, cwd=root, env={**environ, **(more or {})}, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, check=True,
            )  # fmt: skip

        return once

    command = ("cat", "0.txt")
    cases = {
        "bare interpreter (`python -c pass`)": start(sys.executable, "-c", "pass"),
        "bare command (`cat`)": start(*command),
        "hit": start(*_RUN, "--", *command),
        "run and store": start(*_RUN, "--fresh", "--", *command),
        "switched off": start(*_RUN, "--", *command, more={"SKILLCACHE_DISABLE": "1"}),
        "`skillcache --help`": start(*_RUN[:3], "--help"),
    }
    cases["run and store"]()
    times = interleave(cases, rounds)
    python, bare = (median(values) for values in list(times.values())[:2])
    return [
        (name, median(values) * 1000, median(values) / python, median(values) / bare) for name, values in times.items()
    ]


if __name__ == "__main__":
    main()
