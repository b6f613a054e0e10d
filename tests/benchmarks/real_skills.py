"""Skills of public collections in sessions: how many repeats are answered, and that every answer is a fresh run's.

python -m tests.benchmarks.real_skills COLLECTIONS_DIR [--cases tests/data/real_skills.jsonl] [--only NAME] [--client]

COLLECTIONS_DIR holds checkouts of public repositories, each in a folder `owner+name`; a case whose skill is not there
is passed over. What a case is: see tests/skill/trial.py.
"""

import argparse
import json
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.e2e.client import find_client
from tests.skill.client_trial import client_trial
from tests.skill.trial import Trial, Unsteady

_CASES = Path(__file__).parents[1] / "data/real_skills.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", type=Path)
    parser.add_argument("--cases", type=Path, default=_CASES)
    parser.add_argument("--only", default="", help="cases whose skill or script has this in it")
    parser.add_argument("--client", action="store_true", help="in sessions of the real client, but for plugins")
    given = parser.parse_args()
    total: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    print("| skill | calls | hits | wrong | repeats that ran |\n|---|---|---|---|---|")
    for line in given.cases.read_text().splitlines():
        case = json.loads(line)
        name = f"{case['skill'].rpartition('/')[2]}: {case['program']} {case['script']} {' '.join(case['arguments'])}"
        if given.only not in name or not (given.collections / case["collection"] / case["skill"]).is_dir():
            continue
        if given.client:
            total += _in_client(case, name, given.collections.absolute())
            continue
        with tempfile.TemporaryDirectory() as base:
            programs = {name: path for name in ("uv", "node") if (path := shutil.which(name))}
            trial = Trial(case, given.collections.absolute(), Path(base).resolve(), programs)
            try:
                trial.run()
            except Unsteady:
                print(f"| {name} | two runs differ | | | |")
                continue
        passed_by = ", ".join(f"{count} {why}" for why, count in trial.passed_by.items())
        print(f"| {name} | {trial.calls} | {trial.hits} | {len(trial.wrong)} | {passed_by} |", flush=True)
        for wrong in trial.wrong:
            print(f"  WRONG {wrong}")
        total += Counter(skills=1, calls=trial.calls, hits=trial.hits, wrong=len(trial.wrong))
        reasons += trial.passed_by
    print(dict(total))
    print(dict(reasons))


def _in_client(case: dict[str, Any], name: str, collections: Path) -> Counter[str]:
    client = find_client()
    if case["layout"] == "plugin" or client is None:
        return Counter()
    with tempfile.TemporaryDirectory() as base:
        calls, hits, wrong = client_trial(case, collections, Path(base).resolve(), client)
    print(
        f"| {name} | {calls} | {hits} | {len(wrong)} | |", *[f"  WRONG {each}" for each in wrong], sep="\n", flush=True
    )
    return Counter(skills=1, calls=calls, hits=hits, wrong=len(wrong))


if __name__ == "__main__":
    main()
