"""A hit as the model sees it: from the call it asks for to the request that carries the result, in the real client."""

import argparse
import shutil
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

from skillcache.probe.api import Request, Turn, bash
from tests.e2e.client import find_client
from tests.e2e.project import Place

_SLOW = "#!/bin/sh\nsleep 2\necho all is well\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20)
    asked = parser.parse_args()
    client = find_client()
    if client is None:
        raise SystemExit("Claude Code was not found: set SKILLCACHE_TEST_CLAUDE to its path")
    with tempfile.TemporaryDirectory() as folder:
        bare = Place(Path(folder) / "bare", client)
        bare.make()
        bare.write("check", _SLOW)
        bare.commit()
        shutil.copytree(bare.root, Path(folder) / "installed", symlinks=True)
        installed = Place(Path(folder) / "installed", client)
        installed.skillcache("install")
        rows = {
            "a trivial call without skillcache": times(bare, ["true"] * asked.calls),
            "a trivial call with skillcache": times(installed, ["true"] * asked.calls),
            "the run": times(installed, ["./check"]),
            "its replay": times(installed, ["./check"] * asked.calls),
        }
    print("| from call to result, in the client | median |\n|---|---|")
    for name, milliseconds in rows.items():
        print(f"| {name} | {median(milliseconds):.0f} ms |")


def times(place: Place, commands: list[str]) -> list[float]:
    """Milliseconds from each answered call to the next request."""
    stamps: list[float] = []

    def turn_of(command: str) -> Turn:
        def turn(_: Request) -> Turn:
            stamps.append(time.perf_counter())
            return bash(command)

        return turn

    def last(_: Request) -> Turn:
        stamps.append(time.perf_counter())
        return "done"

    place.play(*[turn_of(command) for command in commands], last, mode="bypassPermissions")
    return [(after - before) * 1000 for before, after in pairwise(stamps)]


if __name__ == "__main__":
    main()
