"""Six skills of the forms that people write, through a session: no answer differs from a fresh run's.

The same, with skills of public collections: tests/benchmarks/real_skills.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import require_program
from tests.fidelity.hooks import bare_python
from tests.skill.trial import Trial

pytestmark = pytest.mark.long

DATA = Path(__file__).parents[1] / "data"
CASES = [json.loads(line) for line in (DATA / "own_skills.jsonl").read_text().splitlines()]
# Where a script writes outside the directory it runs in, or its output is that of another input.
_ALLOWED = {"convert": {"call: no_entry undeclared", "input table.csv back: unfit stored"}}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["skill"])
def test_every_repeat_is_answered_and_every_answer_is_a_fresh_run_s(case: dict[str, Any], tmp_path: Path) -> None:
    programs = {"node": require_program("node")} if case["program"] == "node" else {}
    if case["program"].startswith("uv"):
        uv = tmp_path / "uv"
        uv.write_text(f'#!/bin/sh\nshift 2\nexec {bare_python(tmp_path / "python")} "$@"\n')
        uv.chmod(0o755)
        programs = {"uv": str(uv)}
    trial = Trial(case, DATA, tmp_path, programs)
    trial.run()
    assert trial.wrong == []
    assert trial.passed_by.keys() <= _ALLOWED.get(Path(case["skill"]).name, set())
    assert trial.hits >= 15, trial.hits
