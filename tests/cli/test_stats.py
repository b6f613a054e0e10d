from __future__ import annotations

import json

from skillcache.cache import quarantine
from skillcache.core import counts
from skillcache.core.outcomes import (
    COMMAND_WRITES,
    CONFIRMED,
    DISK,
    FAILURE,
    NO_ENTRY,
    REFUTED,
    REPLAYED,
    STORED,
    UNDONE,
    WAITED,
    Outcome,
)
from tests.cli.conftest import Person

NOON = 1_700_000_000


def count(person: Person, outcome: Outcome, times: int = 1, *, run: int = 0, spent: int = 0) -> None:
    for number in range(times):
        counts.record(str(person.cache), NOON + number, outcome, "pytest", run=run, spent=spent)


def test_says_when_no_call_was_seen(person: Person) -> None:
    ran = person.skillcache("stats")

    assert ran == (0, "The hooks have seen no call yet. Are they installed? Check with: skillcache doctor\n", "")


def test_shows_the_hits_the_time_saved_and_every_outcome(person: Person) -> None:
    person.variables["TZ"] = "UTC"
    count(person, REPLAYED, 3, run=30_000, spent=40)
    count(person, NO_ENTRY, spent=60)
    count(person, STORED, run=31_000, spent=120)
    count(person, COMMAND_WRITES, 2, spent=15)
    count(person, DISK)

    assert person.skillcache("stats").out == (
        "Calls seen since 2023-11-14 22:13\n"
        "\n"
        "  hits        75 %: 3 hits in 4 lookups\n"
        "  time saved  1 min 30 s: 1 min 30 s of runs not repeated, less 330 ms that skillcache took\n"
        "\n"
        "  count    run time    own time  outcome\n"
        "      3  1 min 30 s      120 ms  hit     replayed: served from the cache\n"
        "      1           -       60 ms  miss    no_entry: nothing stored for this call on these inputs\n"
        "      2           -       30 ms  bypass  command_writes: the command fixes, writes, builds, installs or"
        " watches\n"
        "      1      31.0 s      120 ms  store   stored: the result was stored\n"
        "      1           -        0 ms  error   disk: a file of ours could not be written or read\n"
    )


def test_below_six_hits_in_ten_lookups_it_names_what_costs_most(person: Person) -> None:
    count(person, REPLAYED, run=5_000, spent=40)
    count(person, NO_ENTRY, 4, spent=60)
    count(person, STORED, 3, run=5_000, spent=60)
    count(person, FAILURE, run=70_000, spent=15)
    count(person, COMMAND_WRITES, 100, spent=15)

    assert person.skillcache("stats").out.endswith(
        "\nLess than 60 % of the lookups are hits. The runs that took most time:"
        " failure (1 min 10 s), stored (15.0 s).\n"
    )


def test_time_lost_is_not_called_saved(person: Person) -> None:
    count(person, NO_ENTRY, 4, spent=500)
    count(person, REPLAYED, run=100)

    said = "\n  time saved  none: 100 ms of runs not repeated, and skillcache took 2.0 s\n"
    assert said in person.skillcache("stats").out


def test_a_hit_that_was_undone_counts_as_the_miss_that_it_was(person: Person) -> None:
    count(person, REPLAYED, 2, run=3_000, spent=20)
    count(person, UNDONE, run=3_000, spent=5)
    count(person, UNDONE, run=9_000, spent=5)  # of a hit that is no longer in the file

    found = json.loads(person.skillcache("stats", "--json").out)

    assert (found["hits"], found["misses"], found["saved_ms"], found["spent_ms"]) == (1, 2, 3_000, 50)
    assert found["outcomes"] == [
        {"name": "replayed", "class": "hit", "count": 1, "run_ms": 3_000, "spent_ms": 20},
        {"name": "undone", "class": "miss", "count": 2, "run_ms": 0, "spent_ms": 30},
    ]


def test_shows_verified_runs_and_rules_at_rest(person: Person) -> None:
    person.variables["TZ"] = "UTC"
    count(person, CONFIRMED, 9)
    count(person, REFUTED)
    quarantine.begin(str(person.cache), "/home/me/my project", "eslint", 4_000_000_000)

    out = person.skillcache("stats").out

    assert "  verified    10 runs: 1 differed from the stored result\n" in out
    assert (
        "The rule eslint rests in /home/me/my project until 2096-10-03 07:06: a result was wrong there, or may be.\n"
        in out
    )


def test_counts_the_runs_saved_by_waiting(person: Person) -> None:
    count(person, WAITED, 2, run=30_000, spent=20_000)

    assert "  waited      2 runs saved by waiting for another's\n" in person.skillcache("stats").out
    assert json.loads(person.skillcache("stats", "--json").out)["waited"] == 2


def test_prints_json_with_the_same_numbers(person: Person) -> None:
    count(person, REPLAYED, 3, run=30_000, spent=40)
    count(person, NO_ENTRY, run=2_000, spent=60)

    assert json.loads(person.skillcache("stats", "--json").out) == {
        "since": NOON,
        "hits": 3,
        "misses": 1,
        "lookups": 4,
        "hit_rate": 0.75,
        "bypasses": 0,
        "errors": 0,
        "saved_ms": 90_000,
        "spent_ms": 180,
        "net_ms": 89_820,
        "waited": 0,
        "verified": 0,
        "refuted": 0,
        "outcomes": [
            {"name": "replayed", "class": "hit", "count": 3, "run_ms": 90_000, "spent_ms": 120},
            {"name": "no_entry", "class": "miss", "count": 1, "run_ms": 2_000, "spent_ms": 60},
        ],
        "costliest": ["no_entry"],
        "quarantined": [],
        "skills": [],
    }


def test_lines_it_does_not_understand_are_passed_over(person: Person) -> None:
    count(person, REPLAYED)
    with (person.cache / "outcomes.log").open("ab") as file:
        file.write(b"half a li\n\xff\xfe\n1\t9999\tx\t1\t1\n")

    assert json.loads(person.skillcache("stats", "--json").out)["hits"] == 1


def test_a_count_file_that_cannot_be_read_is_one_clear_line(person: Person) -> None:
    person.cache.mkdir(parents=True, mode=0o700)
    (person.cache / "outcomes.log").symlink_to("outcomes.log")

    ran = person.skillcache("stats")

    assert ran.status == 1
    assert ran.err == "skillcache: {}: Too many levels of symbolic links\n".format(person.cache / "outcomes.log")
