"""What a Bash call takes in the real client, from the model's call to the request with its result: with us and without.

    python -m tests.benchmarks.client_hit [--rounds 6] [--files 100]

Each round plays one session without skillcache and one with it, in turn; every kind of call is in each of them.
Medians, and lower quartiles, as whatever else the machine does only adds.
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from statistics import median

from tests.benchmarks.lanes import THINKING, WARMING, as_asked, quartile
from tests.e2e.client import find_client
from tests.e2e.project import Place
from tests.e2e.stubs import tool

BATCH = 6  # calls of one kind in one session
KINDS = {
    "no rule: a program without a shim": "true {}",
    "no rule: a shim that sees so by itself": "ruff clean {}",
    "no rule: a shim that has to ask": "ruff format {}",
    "a miss: it runs and is recorded": "pytest -k {}",
    "a hit": "pytest -k {}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--files", type=int, default=100, help="in the project")
    asked = parser.parse_args()
    client = find_client()
    if client is None:
        raise SystemExit("Claude Code was not found: set SKILLCACHE_TEST_CLAUDE to its path")
    with tempfile.TemporaryDirectory() as folder:
        bare, installed = make(Path(folder), client, asked.files)
        found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
        for number in range(asked.rounds):
            without, with_us = play(bare, number), play(installed, number)
            for kind in KINDS:
                found[kind] += zip(without[kind], with_us[kind], strict=True)
        calls = BATCH * asked.rounds
        assert (bare.count(), installed.count()) == (4 * calls, 3 * calls), installed.outcomes()
    print("| from call to result, in the client | without | with skillcache | added |\n|---|---|---|---|")
    for kind, pairs in found.items():
        cells = []
        for typical in (median, quartile):
            without_us, ours = (typical([pair[side] for pair in pairs]) for side in (0, 1))
            cells.append((f"{without_us:.0f}", f"{ours:.0f}", f"{ours - without_us:+.1f}"))
        print(f"| {kind} | {' | '.join(f'{one} ({other}) ms' for one, other in zip(*cells, strict=True))} |")


def make(folder: Path, client: str, files: int) -> tuple[Place, Place]:
    """The same project, without skillcache and with it."""
    bare = Place(folder / "bare", client)
    bare.make()
    for number in range(files - 7):
        bare.write(f"src/d{number % 10}/file{number}.py", f"NUMBER = {number}\n")
    bare.commit()
    shutil.copytree(bare.root, folder / "installed", symlinks=True)
    installed = Place(folder / "installed", client)
    for place in (bare, installed):
        place.client.env["PATH"] = f"{place.root / 'bin'}:{place.client.env['PATH']}"
        for name in ("pytest", "ruff"):
            tool(place.root / "bin" / name, '#!/bin/sh\necho "$0" >>"$E2E_LOG"\necho all is well\n')
    installed.skillcache("install")
    return bare, installed


def play(place: Place, number: int) -> dict[str, list[float]]:
    """Milliseconds of each call, by kind."""
    lines = [line.format(f"{number}-{each}") for each in range(BATCH) for line in KINDS.values()]
    # The client is at work with itself for the first second of a session.
    session = place.play(*["true"] * WARMING, "sleep 1", *map(as_asked, lines))
    assert len(session.results) == len(lines) + WARMING + 1, session.texts
    times = [each - THINKING * 1_000 for each in session.times[WARMING + 1 :]]
    return {kind: times[at :: len(KINDS)] for at, kind in enumerate(KINDS)}


if __name__ == "__main__":
    main()
