"""Whatever is served equals what a fresh run gives now: a bounded share of tests/benchmarks/fidelity.py."""

from pathlib import Path
from random import Random

from tests.fidelity.lines import LINES
from tests.fidelity.world import World


def test_each_line_is_served_as_a_fresh_run_would_give_it(tmp_path: Path) -> None:
    """Every line twice in one place: what is safe to serve is served the second time."""
    world = World(tmp_path, "", Random(1))
    for line in LINES:
        for _ in range(2):
            world.call_at(line, 0, calm=line.calm)
    report = world.report
    assert report.wrong == []
    assert report.missed == {}
    assert report.hits > len(LINES) / 2


def test_a_long_mixed_day_is_served_well_and_never_wrongly(tmp_path: Path) -> None:
    world = World(tmp_path, "", Random(1))
    for _ in range(80):
        world.step()
    report = world.report
    assert report.wrong == []
    assert report.safe_served >= 0.9 * report.safe_repeats, report.missed
    assert report.hits > 5
