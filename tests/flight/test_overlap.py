"""What is served to calls that overlap equals a fresh run: a bounded share of tests/benchmarks/flight.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flight.overlap import Overlap

SECONDS = 15


@pytest.mark.parametrize("store", ["embedded", "redis"])
def test_what_is_served_to_calls_that_overlap_is_never_wrong(
    tmp_path: Path, store: str, request: pytest.FixtureRequest
) -> None:
    overlap = Overlap(tmp_path, request.getfixturevalue("redis_server") if store == "redis" else None, seed=1)
    overlap.go_on(SECONDS)
    assert overlap.wrong == []
    outcomes = overlap.outcomes()
    assert outcomes["waited"] >= 3
    assert outcomes["changed_inputs"] >= 1
    assert overlap.edits >= 10
