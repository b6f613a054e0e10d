"""One process that computes a value and does not come to an end: `owner.py URL`. Prints a line when it has begun."""

import sys
import time

from skillcache import SkillCache


def compute() -> None:
    sys.stdout.write("computing\n")
    sys.stdout.flush()
    time.sleep(600)


SkillCache(sys.argv[1]).fetch("report", {"q": 1}, compute)
