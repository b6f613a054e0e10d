"""Whatever is served equals what a fresh run gives now: a bounded share of tests/benchmarks/fidelity.py."""

import os
import time
from pathlib import Path
from random import Random

import pytest

from skillcache.commands.ahead import ledger
from tests.fidelity.lines import LINES, LISTS, Line
from tests.fidelity.world import World

pytestmark = pytest.mark.long


def test_each_line_is_served_as_a_fresh_run_would_give_it(tmp_path: Path) -> None:
    """Every line in one place, and once more where something of it has run: what is safe to serve is served then."""
    world = World(tmp_path, "", Random(1))
    for line in LINES:
        (call,) = world.call_at(line, 0, calm=line.calm)
        if call.really:
            world.call_at(line, 0, calm=line.calm)
    report = world.report
    assert report.wrong == []
    assert report.missed == {}
    assert report.hits > len(LINES) / 2


def test_a_long_mixed_day_is_served_well_and_never_wrongly(tmp_path: Path) -> None:
    world = World(tmp_path, "", Random(1))
    for _ in range(40):
        world.step()
    report = world.report
    assert report.wrong == []
    assert report.safe_served >= 0.9 * report.safe_repeats, report.missed
    assert report.hits > 5


def test_what_runs_ahead_of_a_line_is_what_a_fresh_run_would_give(tmp_path: Path) -> None:
    """Lists of checks, between steps of any kind: each call is held against a fresh run."""
    world = World(tmp_path, "", Random(1), ahead=True)
    for line in (*LISTS, *LISTS):  # what was never kept does not run ahead
        world.random.choice(world.changes())()
        world.call_at(line, 0, calm=line.calm, cwd=str(world.roots[0]))
    assert world.report.wrong == []
    assert sum(total.used for total in ledger.totals(world.cache, time.time())) > 1


# Lines that show a kind of step which only one of the tools sees.
_CONCERNED = {
    "edit_at_home": 'for tool in "ruff check ." "mypy sub"; do $tool; done',
    "edit_at_home_alone": "flake8 sub",
    "exclude_in_git": "ruff check .",
    "upgrade_behind_a_task": "make lint",  # with no suite in it, which would be given, so that its task is not kept
    "upgrade_behind_a_script": "mypy sub",
}
_OTHERWISE = ("pytest -q", "ruff check .", "bash -c 'pytest -q'")
_SEED = "SKILLCACHE_WALK_SEED"


def test_what_happens_around_a_project_runs_it_again_and_nothing_else_does(tmp_path: Path) -> None:
    """Each kind of step of surroundings.py, in any order, between calls of one line."""
    seed = int(os.environ.get(_SEED, "1"))
    print(f"{_SEED}={seed}")  # noqa: T201 - with which it is the same again
    random = Random(seed)
    world = World(tmp_path, "", random)
    kinds = list(world.around.kinds())
    random.shuffle(kinds)
    for kind in kinds:
        number = random.randrange(len(world.roots))
        line = Line(_CONCERNED.get(kind.__name__) or random.choice(_OTHERWISE))
        place = str(world.roots[number])
        world.call_at(line, number, cwd=place)
        while not kind(world.roots[number]):
            pass
        world.took(kind)
        world.call_at(line, number, cwd=place)
        missed = world.report.missed.copy()
        world.call_at(line, number, cwd=place)
        assert world.report.wrong == [], kind.__name__
        assert world.report.missed == missed, kind.__name__
    report = world.report
    assert report.hits >= len(kinds), report.table()
    assert report.kinds["set idle variable"]["hits"] >= 2, report.table()
