"""What people are told of runs ahead: seconds hidden and wasted by rule, and rules that are off."""

from __future__ import annotations

import json
import time

import pytest

from skillcache.cli.checks import Finding, Place
from skillcache.cli.checks.folder import check_folder
from skillcache.commands.ahead import ledger
from skillcache.commands.ahead.policy import JUDGED, KILLED, LINE, NEXT, STORED
from skillcache.core import outcomes
from skillcache.core.outcomes import REPLAYED
from tests.cli.conftest import Person
from tests.cli.test_config import configure
from tests.cli.test_report import require_pygal

KEY = "a" * 40
OFF = "the rule pytest runs nothing ahead after another check: its last 50 such runs wasted more than they hid"


def ran(person: Person, *, wasted: int = 0) -> float:
    """One run of ruff that hid three of its four seconds, one of pytest that was killed, and more of it for nothing."""
    cache, now = str(person.cache), time.time()
    outcomes.record(cache, now, REPLAYED, "ruff", run=4_000)
    ledger.ended(cache, "ruff", "p", KEY, 4_000, STORED, LINE, now)
    ledger.used(cache, KEY, now, waited=1_000)
    ledger.ended(cache, "pytest", "p", "", 700, KILLED, NEXT, now)
    for _ in range(wasted):
        ledger.ended(cache, "pytest", "p", "", 1_000, KILLED, NEXT, now)
    return now


def test_stats_show_what_was_hidden_and_wasted_by_rule(person: Person) -> None:
    ran(person)
    table = (
        "\n"
        "  runs  asked for      hidden      wasted  run ahead\n"
        "     1          1       3.0 s        0 ms  ruff\n"
        "     1          0        0 ms      700 ms  pytest\n"
    )
    assert person.skillcache("stats").out.endswith(table)
    assert json.loads(person.skillcache("stats", "--json").out)["ahead"] == [
        {"rule": "ruff", "runs": 1, "used": 1, "hidden_ms": 3_000, "wasted_ms": 0, "off": []},
        {"rule": "pytest", "runs": 1, "used": 0, "hidden_ms": 0, "wasted_ms": 700, "off": []},
    ]


def test_stats_are_of_the_time_that_was_asked_for(person: Person) -> None:
    now = ran(person)
    ledger.ended(str(person.cache), "mypy", "p", "", 9_000, KILLED, NEXT, now - 7_200)
    found = json.loads(person.skillcache("stats", "--json", "--since", "1h").out)["ahead"]
    assert [each["rule"] for each in found] == ["ruff", "pytest"]


def test_nothing_is_said_where_nothing_ran_ahead(person: Person) -> None:
    outcomes.record(str(person.cache), time.time(), REPLAYED, "ruff", run=4_000)
    assert "ahead" not in person.skillcache("stats").out
    assert [each.subject for each in check_folder(Place(person.variables, str(person.home), time.time()))] == ["folder"]
    assert [path.name for path in person.cache.iterdir()] == ["outcomes.log"]


def test_a_rule_that_has_switched_itself_off_is_told_in_stats_and_begins_anew_with_the_counts(person: Person) -> None:
    ran(person, wasted=JUDGED)
    ruff = "     1          1       3.0 s        0 ms  ruff"
    assert person.skillcache("stats").out.endswith(f"  pytest\n{ruff}\nT{OFF[1:]}.\n")

    person.skillcache("stats", "reset", "--yes")
    assert ledger.off(str(person.cache), time.time()) == {}
    assert "pytest" not in person.skillcache("stats").out


def test_doctor_notes_it(person: Person) -> None:
    now = ran(person, wasted=JUDGED)
    found = check_folder(Place(person.variables, str(person.home), now))
    assert Finding("note", "ahead", f"{OFF}, which counts for 30 days, or until: skillcache stats reset") in found


def test_rules_tell_it_of_those_that_run_ahead(person: Person) -> None:
    configure(
        person, '[[rules]]\nmatch = "Bash(pytest:*)"\nahead = true\n[[rules]]\nmatch = "Bash(mypy:*)"\nreads = ["x"]\n'
    )
    assert "Off:" not in person.skillcache("rules").out
    ran(person, wasted=JUDGED)

    assert person.skillcache("rules").out.endswith(f"\n\nOff: {OFF}\n")
    assert '  ahead_off     ["next"]\n' in person.skillcache("rules", "pytest").out
    own = json.loads(person.skillcache("rules", "--json").out)["own"]
    assert {each["name"]: each["ahead_off"] for each in own} == {"pytest": ["next"], "mypy": []}


def test_rules_that_do_not_run_ahead_say_nothing_of_it(person: Person) -> None:
    configure(person, '[[rules]]\nmatch = "Bash(pytest:*)"\nreads = ["x"]\n')
    ran(person, wasted=JUDGED)
    assert "ahead" not in person.skillcache("rules").out
    assert "ahead" not in person.skillcache("rules", "pytest").out


@pytest.mark.parametrize("wasted", [0, JUDGED])
def test_the_report_has_a_chart_and_a_table_of_it(person: Person, wasted: int) -> None:
    require_pygal()
    ran(person, wasted=wasted)
    page = person.skillcache("report", "--output", "-").out
    assert '<h2 id="running-ahead">Running ahead</h2>' in page
    assert '<th scope="row" class="prose">ruff</th><td>1</td><td>1</td><td>3.0 s</td><td>0 ms</td>' in page
    assert (f"<p>Off: {OFF}.</p>" in page) is bool(wasted)


def test_the_report_has_none_where_nothing_ran_ahead(person: Person) -> None:
    require_pygal()
    outcomes.record(str(person.cache), time.time(), REPLAYED, "ruff", run=4_000)
    assert "ahead" not in person.skillcache("report", "--output", "-").out.lower()
