"""What each lane adds to a call in the real client: for a command that no rule names, for a miss and for a hit.

    python -m tests.benchmarks.lanes [--calls 50] [--files 100]

Each round plays one session a lane; the figure is the lower quartile over all calls of a kind, as whatever else the
machine does only adds to it, less that without any hook. A hook of the obvious kind, in Python over redis-py, stands
beside ours.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

from skillcache.cli.checks.messages_api import Request, Turn, bash
from tests.conftest import start_redis
from tests.e2e.client import find_client
from tests.e2e.plugin import Plugged
from tests.e2e.project import Place

KINDS = ("no rule", "miss", "hit")
LANES = ("without", "shims", "plugin", "redis-py hook")
BATCH = 10  # calls of one kind in one session
WARMING = 3  # calls before them
THINKING = 0.1  # seconds that the model takes for a message; a real one takes longer
HOOK = Path(__file__).with_name("redis_hook.py")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=50, help="of each kind and lane")
    parser.add_argument("--files", type=int, default=100, help="in the project")
    parser.add_argument("--store", choices=["redis", "embedded"], default="redis")
    asked = parser.parse_args()
    client = find_client()
    if client is None:
        raise SystemExit("Claude Code was not found: set SKILLCACHE_TEST_CLAUDE to its path")
    with tempfile.TemporaryDirectory(prefix="sc-") as folder:
        server = start_redis(Path(folder))
        try:
            places = make(Path(folder), client, asked.files, server.url, asked.store)
            found: dict[str, dict[str, list[float]]] = {lane: {kind: [] for kind in KINDS} for lane in LANES}
            for number in range(-(-asked.calls // BATCH)):
                for lane, play in places.items():  # side by side, so that a busy moment meets them all
                    for kind, times in play(number).items():
                        found[lane][kind] += times
        finally:
            server.stop()
    print(f"| added to a call, {asked.files} files, {asked.store} | {' | '.join(KINDS)} |\n|---|---|---|---|")
    bare = {kind: quartile(found["without"][kind]) for kind in KINDS}
    print(f"| without any hook (all of the call) | {' | '.join(f'{bare[kind]:.1f} ms' for kind in KINDS)} |")
    for lane in LANES[1:]:
        cells = [f"{quartile(found[lane][kind]) - bare[kind]:+.1f} ms" for kind in KINDS]
        print(f"| {lane} | {' | '.join(cells)} |")


def quartile(times: list[float]) -> float:
    return quantiles(times, n=4)[0]


def make(
    folder: Path, client: str, files: int, url: str, store: str
) -> dict[str, Callable[[int], dict[str, list[float]]]]:
    """For each lane what plays one session."""
    bare = Place(folder / "bare", client)
    bare.make()
    bare.write("check", "#!/bin/sh\necho all is well\n")
    for number in range(files - 7):
        bare.write(f"src/d{number % 10}/file{number}.py", f"NUMBER = {number}\n")
    bare.commit()
    places: dict[str, Place] = {}
    for lane in LANES:
        root = folder / lane.replace(" ", "-")
        shutil.copytree(bare.root, root, symlinks=True)
        place = Plugged(root, client, folder) if lane == "plugin" else Place(root, client)
        if store == "redis":
            place.client.env["SKILLCACHE_REDIS_URL"] = f"{url[:-1]}{len(places)}"
        places[lane] = place
    places["shims"].skillcache("install")
    plugged = places["plugin"]
    assert isinstance(plugged, Plugged)
    plugged.lay_out()
    places["redis-py hook"].client.env["HOOK_REDIS_URL"] = f"{url[:-1]}9"
    entry = {"matcher": "Bash", "hooks": [{"type": "command", "command": sys.executable, "args": [str(HOOK)]}]}
    settings = places["redis-py hook"].home / ".claude/settings.json"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(json.dumps({"hooks": {"PreToolUse": [entry], "PostToolUse": [entry]}}))
    return {lane: player(place) for lane, place in places.items()}


def player(place: Place) -> Callable[[int], dict[str, list[float]]]:
    def play(number: int) -> dict[str, list[float]]:
        missing = [f"./check {number} {each}" for each in range(BATCH)]
        lines = [*(f"true {each}" for each in range(BATCH)), *missing, *missing]
        # The client is at work with itself for the first second of a session.
        session = place.play(*["true"] * WARMING, "sleep 1", *map(as_asked, lines))
        assert len(session.results) == len(lines) + WARMING + 1, session.texts
        times = [each - THINKING * 1_000 for each in session.times[WARMING + 1 :]]
        return {kind: times[at * BATCH : (at + 1) * BATCH] for at, kind in enumerate(KINDS)}

    return play


def as_asked(line: str) -> Turn:
    def turn(_request: Request) -> Turn:
        time.sleep(THINKING)
        return bash(line)

    return turn


if __name__ == "__main__":
    main()
