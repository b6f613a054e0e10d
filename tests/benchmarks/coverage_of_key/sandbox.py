"""One tool on a machine that is thrown away: `sandbox.py TOOL FOLDER SCRATCH MODE`.

The whole file system lies under an overlay, so that anything may be made, changed and removed to see whether the key
knows of it: in the folders above the project, at home, in /etc, and the programs themselves.
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time

LOOK, BRIEF = "look", "brief"


def enter(scratch: str) -> None:
    """Puts this process, which must be in a mount namespace of its own, on a file system that is thrown away."""
    top = f"{scratch}/root"
    _mount("-t", "tmpfs", "none", scratch)
    for name in ("upper", "work", "root"):
        os.mkdir(f"{scratch}/{name}")
    layers = f"lowerdir=/,upperdir={scratch}/upper,workdir={scratch}/work"
    _mount("-t", "overlay", "overlay", "-o", layers, top)
    for name in ("proc", "dev"):
        _mount("--rbind", f"/{name}", f"{top}/{name}")
    os.chroot(top)
    os.chdir("/")


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def forget_checkout() -> None:
    """Takes the editable install from the tests' environment, here alone: it leads to all that our text names."""
    packages = sysconfig.get_path("purelib")
    for path in glob.glob(f"{packages}/*skillcache*.pth") + glob.glob(f"{packages}/skillcache-*"):
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def main(name: str, tools: str, scratch: str, mode: str) -> int:
    enter(scratch)
    forget_checkout()
    from tests.benchmarks.coverage_of_key.bench import Bench
    from tests.benchmarks.coverage_of_key.probing import examine

    begun = time.monotonic()
    bench = Bench(name, tools)
    bench.build()
    done = bench.run()
    found = examine(bench, done.trace, ask=mode != LOOK, briefly=mode == BRIEF)
    report = {
        "tool": name,
        "status": done.status,
        "expected": bench.tool.status,
        "output": done.output,
        "key": found.key,
        "counts": found.counts,
        "asked": found.asked,
        "wanting": found.wanting,
        "exempt": found.exempt,
        "spoken_to": done.trace.others(),
        "run": round(done.seconds, 1),
        "whole": round(time.monotonic() - begun, 1),
        "looked": sorted((path, sorted(what.kinds)) for path, what in done.trace.seen.items()),
    }
    json.dump(report, sys.stdout, default=list)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
