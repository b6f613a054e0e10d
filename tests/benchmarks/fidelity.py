"""Runs a long random day through the real hooks and counts wrong hits: `fidelity.py --steps 10000 [--seed N]`."""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from skillcache import tally
from skillcache.outcome import BYPASS, ERROR, STORE
from tests.fidelity.world import World


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--redis", default="", help="URL of a Redis to use instead of the embedded store")
    asked = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), asked.redis, Random(asked.seed))
        for number in range(1, asked.steps + 1):
            world.step()
            if number % 500 == 0:
                print(f"  {number} steps, {world.report.hits} hits, {len(world.report.wrong)} wrong", flush=True)
        counts = Counter(count.outcome for count in tally.read(world.environ["SKILLCACHE_HOME"]))
    report = world.report
    share = 100 * report.safe_served / max(1, report.safe_repeats)
    print(f"\nseed {asked.seed}, {time.monotonic() - begun:.0f} s")
    print("| steps | calls | hits | wrong hits | safe repeats | served of these | hits of flaky commands |")
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {report.steps} | {report.calls} | {report.hits} | {len(report.wrong)} | {report.safe_repeats}"
        f" | {report.safe_served} ({share:.1f} %) | {report.flaky_hits} |\n"
    )
    for outcome, count in sorted(counts.items(), key=lambda item: (item[0].kind, -item[1])):
        if outcome.kind in {BYPASS, STORE, ERROR}:
            print(f"{count:6}  {outcome.kind:6}  {outcome.name}")
    if report.missed:
        print("safe repeats that were not served:", dict(report.missed))
    for text in report.wrong[:10]:
        print("\nWRONG", text)
    return 1 if report.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
