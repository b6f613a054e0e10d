"""What a fingerprint costs, against `git status --porcelain` in the same repository, interleaved in one run.

    python tests/benchmarks/fingerprint.py [--files 100 50000] [--rounds 41 9] [--tool WORD]

warm: capture() in an interpreter that has done it before; whole: a `python -I -S` process that captures once, less one
that does nothing. Medians; the ratios count, not the milliseconds.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from skillcache.core.processes import gather, start
from skillcache.fingerprint.capture import Request, capture

_TOP = Path(__file__).parents[2]
_CAPTURE = """
import sys, time, os
sys.path.insert(0, sys.argv[1])
from skillcache.fingerprint.capture import Request, capture
tools = tuple((word, sys.argv[2]) for word in sys.argv[3:])
capture(Request(sys.argv[2], os.environ, time.monotonic() + 60, executables=tools))
"""


def make(top: Path, files: int) -> None:
    for number in range(files):
        folder = top / f"part_{number // 2500:03}" / f"module_{number // 50 % 50:02}"
        if number % 50 == 0:
            folder.mkdir(parents=True)
        (folder / f"file_{number:05}.py").write_text(f"VALUE = {number}\n" * 20)
    (top / ".gitignore").write_text("__pycache__/\n.env\n")
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for command in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-qm", "files")):
        run("git", "-C", str(top), *command)


def run(*argv: str) -> None:
    path = shutil.which(argv[0])
    child = start(path or argv[0], list(argv), dict(os.environ))
    gather([child], time.monotonic() + 600)
    if child.status:
        sys.exit(f"{' '.join(argv)} ended with {child.status}")


def medians(rounds: int, ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Milliseconds of each way, taken in turns."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(rounds):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) * 1000 for name, values in times.items()}


def measure(top: str, rounds: int, tools: tuple[str, ...]) -> dict[str, float]:
    executables = tuple((word, top) for word in tools)
    python = (os.path.realpath(sys.executable), "-I", "-S", "-c")
    return medians(
        rounds,
        {
            "git status": lambda: run("git", "-C", top, "status", "--porcelain"),
            "warm": lambda: capture(Request(top, os.environ, time.monotonic() + 60)),
            "warm with tools": lambda: capture(
                Request(top, os.environ, time.monotonic() + 60, executables=executables)
            ),
            "bare": lambda: run(*python, "pass"),
            "whole": lambda: run(*python, _CAPTURE, str(_TOP), top, *tools),
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[100, 50_000])
    parser.add_argument("--rounds", type=int, nargs="+", default=[41, 9])
    parser.add_argument("--tool", nargs="*", default=["python3"])
    chosen = parser.parse_args()
    print(f"{'files':>8}{'git status':>14}{'warm':>18}{'with tools':>18}{'whole process':>20}")
    for files, rounds in zip(chosen.files, chosen.rounds, strict=True):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            make(Path(folder), files)
            found = measure(os.path.realpath(folder), rounds, tuple(chosen.tool))
        status = found["git status"]
        cells = [found["warm"], found["warm with tools"], found["whole"] - found["bare"]]
        row = "".join(f"{value:9.1f} ms {value / status:4.2f} x" for value in cells)
        print(f"{files:8}{status:11.1f} ms{row}")


if __name__ == "__main__":
    main()
