"""Runs a long random day in shells with the shims, and counts wrong hits: `fidelity.py --steps 10000 [--seed N]`."""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from skillcache.core import counts as tally
from skillcache.core.outcomes import BYPASS, ERROR, STORE
from tests.fidelity.world import World


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--redis", default="", help="URL of a Redis to use instead of the embedded store")
    parser.add_argument("--ahead", action="store_true", help="half of the rules have `ahead`: each call is compared")
    asked = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), asked.redis, Random(asked.seed), ahead=asked.ahead)
        told = 0
        for number in range(1, asked.steps + 1):
            world.step()
            for text in world.report.wrong[told:]:
                print(f"\nWRONG at step {number}: {text}", flush=True)
            told = len(world.report.wrong)
            if number % 50 == 0:
                known = world.report
                served = f"{known.safe_served} of {known.safe_repeats} safe repeats served"
                print(f"  {number} steps, {known.hits} hits, {len(known.wrong)} wrong, {served}", flush=True)
        counts = Counter(count.outcome for count in tally.read(world.cache))
    report = world.report
    share = 100 * report.safe_served / max(1, report.safe_repeats)
    print(f"\nseed {asked.seed}, {time.monotonic() - begun:.0f} s")
    print("| steps | lines | commands | hits | wrong | safe repeats | served of these | other looks at a failure |")
    print("|---|---|---|---|---|---|---|---|")
    print(
        f"| {report.steps} | {report.lines} | {report.commands} | {report.hits} | {len(report.wrong)}"
        f" | {report.safe_repeats} | {report.safe_served} ({share:.1f} %) | {report.looks} |\n"
    )
    print(report.table() + "\n")
    for outcome, count in sorted(counts.items(), key=lambda item: (item[0].kind, -item[1])):
        if outcome.kind in {BYPASS, STORE, ERROR}:
            print(f"{count:6}  {outcome.kind:6}  {outcome.name}")
    for missed, count in report.missed.most_common():
        print(f"{count:6}  safe, not served: {missed}")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
