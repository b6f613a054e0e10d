"""A skill in the real client: every spelling, whatever changes, as a fresh run."""

from __future__ import annotations

import json
from pathlib import Path

from tests.skill.client_trial import client_trial

DATA = Path(__file__).parents[1] / "data"
CASES = {case["skill"]: case for case in map(json.loads, (DATA / "own_skills.jsonl").read_text().splitlines())}


def test_a_skill_is_answered_in_every_spelling_as_a_fresh_run_would(tmp_path: Path, claude: str) -> None:
    """The others of these: tests/skill/test_trials."""
    # Of six calls on each content two run: the first from the project, and the first from the skill's folder.
    assert client_trial(CASES["skills/audit"], DATA, tmp_path, claude) == (12, 8, [])
