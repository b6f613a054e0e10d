"""What a hook costs: whole processes, interleaved in one run, medians and their ratios to a bare interpreter.

The budget is for a hit in Redis without the fingerprint, so one case has the capture replaced by its known answer.
"""

import argparse
import marshal
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median

from skillcache.call import make_call
from skillcache.claude_settings import Started
from skillcache.event import parse_tool_event
from skillcache.jsontext import dumps
from skillcache.lookup import look
from skillcache.runtime import World as Around
from tests.benchmarks.timing import interleave
from tests.conftest import start_redis
from tests.fidelity.hooks import event_after, event_before, run_command, run_hook
from tests.fidelity.world import World

_CHECKOUT = Path(__file__).parents[2]
_KNOWN_CAPTURE = Path(__file__).parent / "hook_with_known_capture.py"
_PYTHON = [os.path.realpath(sys.executable), "-I", "-S"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (server_folder := Path(folder) / "server").mkdir()
        server = start_redis(server_folder)
        try:
            for name, url in (("embedded", ""), ("redis", server.url)):
                (base := Path(folder) / name).mkdir()
                print(f"\n{name} store, {asked.rounds} rounds\n")
                print("| | median | to a bare interpreter |\n|---|---|---|")
                for case, milliseconds, ratio in measure(World(base, url, Random(1)), asked.rounds):
                    print(f"| {case} | {milliseconds:.1f} ms | {ratio:.2f} x |")
        finally:
            server.stop()


def measure(world: World, rounds: int) -> list[tuple[str, float, float]]:
    root = str(world.roots[0])
    environ = {**world.environ, "CLAUDE_PROJECT_DIR": root}
    record(root, environ, "pytest -q")
    captured = world.base / "captured"
    captured.write_bytes(capture(root, environ, "pytest -q"))
    hook = str(_CHECKOUT / "hooks/pre_tool_use.py")
    calls = iter(range(10**9))

    def ask(command: str, *argv: str) -> Callable[[], None]:
        return lambda: run(environ, event(root, command, f"b{next(calls)}"), *_PYTHON, *(argv or (hook,)))

    (nothing := world.base / "nothing.py").touch()

    def start(script: Path) -> Callable[[], None]:
        line = Started(_PYTHON[0], str(script)).line()
        return lambda: run(environ, b"", "/bin/sh", "-c", line)

    off = {**environ, "SKILLCACHE_DISABLE": "1"}
    cases: dict[str, Callable[[], None]] = {
        "bare interpreter (`python -I -S -c pass`)": lambda: run(environ, b"", *_PYTHON, "-c", "pass"),
        "the same, started by the line of an entry": start(nothing),
        "an entry whose script is gone": start(world.base / "gone.py"),
        "hit, without the fingerprint": ask("pytest -q", str(_KNOWN_CAPTURE), str(_CHECKOUT), str(captured)),
        "hit": ask("pytest -q"),
        "miss": ask("pytest --never-seen"),
        "a line that writes": ask("pytest > out.txt"),
        "a line that no rule names": ask("ls -la tests"),
        "switched off": lambda: run(off, event(root, "pytest -q", "off"), *_PYTHON, hook),
        "`git status --porcelain` there": lambda: run(environ, b"", "git", "-C", root, "status", "--porcelain"),
    }
    times = interleave(cases, rounds)
    bare = median(next(iter(times.values())))
    return [(name, median(values) * 1000, median(values) / bare) for name, values in times.items()]


def run(environ: dict[str, str], data: bytes, *argv: str) -> None:
    subprocess.run(argv, input=data, env=environ, stdout=subprocess.DEVNULL, check=True)


def event(root: str, command: str, call: str) -> bytes:
    return dumps(event_before(command, root, call, "bench")).encode("ascii")


def record(root: str, environ: dict[str, str], command: str) -> None:
    before = event_before(command, root, "record", "bench")
    run_hook("pre_tool_use.py", before, environ)
    script, after = event_after(before, run_command(command, root, environ), 2_000)
    run_hook(script, after, environ)


def capture(root: str, environ: dict[str, str], command: str) -> bytes:
    """The root and rows that the hook would capture, for `hook_with_known_capture.py`."""
    call = make_call(parse_tool_event(event(root, command, "capture")), Around(environ, time.time(), time.monotonic()))
    assert call is not None
    fingerprint = look(call.plan(), call.event, root, environ, seconds=10).fingerprint
    return marshal.dumps((fingerprint.root, fingerprint.rows))


if __name__ == "__main__":
    main()
