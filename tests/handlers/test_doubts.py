"""A run that cannot be stored may still say that what is stored no longer holds."""

import sqlite3
import time

import pytest

from skillcache.entry import decode
from tests.fidelity.hooks import Ran
from tests.handlers.conftest import Place

LONG = "E   assert False\n" * 1_000 + "1 failed"


def test_a_failure_too_long_to_replay_takes_the_pass_back(place: Place) -> None:
    place.call("pytest -q")
    event = place.before("pytest -q # fresh")
    assert place.ask(event) == {}
    place.tell(event, Ran(1, LONG, str(place.root)))
    assert place.ask(place.before("pytest -q")) == {}
    assert place.counted() == ["no_entry", "stored", "fresh", "cut", "no_entry"]


def test_such_a_failure_refutes_the_pass_that_it_verifies(place: Place) -> None:
    place.call("pytest -q")
    place.environ["SKILLCACHE_VERIFY"] = "1"
    event = place.before("pytest -q")
    assert place.ask(event) == {}
    place.tell(event, Ran(1, LONG, str(place.root)))
    place.environ["SKILLCACHE_VERIFY"] = "0"
    assert place.ask(place.before("pytest -q")) == {}
    assert place.counted() == ["no_entry", "stored", "verify", "refuted", "quarantined"]


def test_such_a_failure_with_an_edit_under_way_says_nothing(place: Place) -> None:
    place.call("pytest -q")
    event = place.before("pytest -q # fresh")
    place.ask(event)
    (place.root / "app.py").write_text("two\n")
    place.tell(event, Ran(1, LONG, str(place.root)))
    (place.root / "app.py").write_text("one\n")
    assert place.ask(place.before("pytest -q"))


@pytest.mark.parametrize(("line", "outcome"), [("pytest -q # fresh", "failure"), ("pytest -q", "refuted")])
def test_a_quick_failure_takes_the_pass_back(place: Place, line: str, outcome: str) -> None:
    place.call("pytest -q")
    place.environ["SKILLCACHE_VERIFY"] = "1"
    event = place.before(line)
    assert place.ask(event) == {}
    place.tell(event, Ran(1, "1 failed", str(place.root)), duration=100)
    assert place.counted()[-1] == outcome


def test_what_a_clock_that_is_ahead_has_stamped_gives_way(place: Place) -> None:
    place.call("pytest -q", shift=50_000)
    place.call("pytest -q # fresh")
    assert place.counted() == ["no_entry", "stored", "fresh", "stored"]
    with sqlite3.connect(place.cache / "store.sqlite3") as file:
        ((value,),) = file.execute("SELECT value FROM entries WHERE key LIKE 'skill_cache:%'").fetchall()
    file.close()
    assert decode(value).started < (time.time() + 25_000) * 1000
