"""What is served to calls that overlap equals a fresh run: a bounded share of tests/benchmarks/flight.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flight.overlap import Overlap

# Until so much has happened, however long that takes: a slow machine has seen as much as a quick one.
HITS, EDITS, WAITED, CHANGED = 20, 10, 3, 1


@pytest.mark.parametrize("store", ["embedded", "redis"])
def test_what_is_served_to_calls_that_overlap_is_never_wrong(
    tmp_path: Path, store: str, request: pytest.FixtureRequest
) -> None:
    overlap = Overlap(tmp_path, request.getfixturevalue("redis_server") if store == "redis" else None, seed=1)

    def is_enough() -> bool:
        if overlap.wrong:
            return True
        if overlap.hits < HITS or overlap.edits < EDITS:
            return False
        outcomes = overlap.outcomes()
        return outcomes["waited"] >= WAITED and outcomes["changed_inputs"] >= CHANGED

    overlap.go_on(is_enough)
    assert overlap.wrong == []
