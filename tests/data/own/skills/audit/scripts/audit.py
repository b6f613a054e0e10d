"""Names the lines of a page that are too long; 1 when there are some."""

import argparse
import os
import sys
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("page", type=Path)
parser.add_argument("--strict", action="store_true")
given = parser.parse_args()
limit = int(os.environ.get("AUDIT_LIMIT", "20"))
allowed = (Path(__file__).parents[1] / "references/allowed.txt").read_text().split("\n")
lines = given.page.read_text().split("\n")
found = [number for number, line in enumerate(lines, 1) if len(line) > limit and line not in allowed]
for number in found:
    print(f"{given.page.name}:{number}: {len(lines[number - 1])} characters")
print(f"{len(found)} of {len(lines)} lines", file=sys.stderr)
sys.exit(1 if found and given.strict else 0)
