"""What is kept of sequences and of runs ahead, in a cache folder, between processes and damaged ones."""

import os
from pathlib import Path

import pytest

from skillcache.commands.ahead import ledger, log
from skillcache.commands.ahead.policy import CHECK, EDIT, FAILED, JUDGED, KILLED, LINE, NEXT, START, STORED, UNFIT

NOW = 1_700_000_000.0
DAY = 86_400
KEY, OTHER = "a" * 40, "b" * 40


def test_steps_come_back_as_they_were_noted(tmp_path: Path) -> None:
    cache = str(tmp_path)
    log.note(cache, "p", "s", START, NOW)
    log.note(
        cache, "p", "s", CHECK, NOW + 1.5, words=("pytest", "-k", "a b"), below="sub", passed=True, milliseconds=2500
    )
    log.note(cache, "p", "s", EDIT, NOW + 3)
    log.note(cache, "other", "s", EDIT, NOW)
    log.note(cache, "p", "t", CHECK, NOW + 4, words=["ruff"], joined=False)

    start, check, edit, last = log.steps(cache, "p")
    assert (start.kind, start.at, start.session, start.command) == (START, NOW, "s", "")
    assert log.parted(check.command) == ("sub", ("pytest", "-k", "a b"))
    assert (check.at, check.passed, check.seconds, check.joined) == (NOW + 1.5, True, 2.5, True)
    assert (edit.kind, edit.at) == (EDIT, NOW + 3)
    assert (last.session, last.passed, last.seconds, last.joined) == ("t", False, 0.0, False)
    assert log.parted(last.command) == ("", ("ruff",))
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "ahead/log").iterdir()} == {0o600}


def test_one_check_has_one_name() -> None:
    names = [log.named(*each) for each in (("", ["a", "b"]), ("", ["a b"]), ("a", ["b"]), ("", ["a", "", "b"]))]
    assert len(set(names)) == len(names)


def test_no_steps_are_known_of_a_project_that_is_new(tmp_path: Path) -> None:
    assert log.steps(str(tmp_path), "p") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "[1,2",
        "[]",
        '[1,"s","check",[],"",true,1,true]',
        '[1,"s","edit",["x"],"",true,1,true]',
        '[1,"s","other",[],"",true,1,true]',
        '[1,"s","check",["x"],"/etc",true,1,true]',
        '[1,"s","check",["x"],"a/../..",true,1,true]',
        '[1,"s","check",["x\\u0000y"],"",true,1,true]',
        '[1,"s","check",[1],"",true,1,true]',
        '["1","s","edit",[],"",false,0,true]',
        '[1,null,"edit",[],"",false,0,true]',
        '[1,"s","edit",[],"",false,0]',
        "\udcff\x00",
    ],
)
def test_a_damaged_line_is_passed_over(line: str, tmp_path: Path) -> None:
    cache = str(tmp_path)
    log.note(cache, "p", "s", EDIT, NOW)
    (path,) = (tmp_path / "ahead/log").iterdir()
    with path.open("ab") as file:
        file.write(os.fsencode(line) + b"\n")
    log.note(cache, "p", "s", START, NOW)
    assert [step.kind for step in log.steps(cache, "p")] == [EDIT, START]


def test_only_the_newest_steps_are_kept(tmp_path: Path) -> None:
    cache = str(tmp_path)
    words = ["pytest", "x" * 3_000]
    for number in range(2 * log.MOST // 3_000 + 10):
        log.note(cache, "p", "s", CHECK, NOW + number, words=words)
    log.note(cache, "p", "s", CHECK, NOW, words=["pytest", "x" * 5_000])  # too long to be kept

    found = log.steps(cache, "p")
    (path,) = (tmp_path / "ahead/log").iterdir()
    assert log.MOST - 4_096 < path.stat().st_size <= log.MOST
    assert len(found) == log.MOST // (path.stat().st_size // len(found))
    assert [step.at for step in found] == [NOW + number for number in range(int(found[0].at - NOW), number + 1)]
    assert [step.at for step in log.steps(cache, "p")] == [step.at for step in found]


def test_a_folder_that_nobody_may_write_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "ahead").write_bytes(b"")
    log.note(str(tmp_path), "p", "s", EDIT, NOW)
    assert ledger.used(str(tmp_path), KEY, NOW) is None


def test_a_result_counts_as_hidden_for_the_first_who_asks_and_for_nobody_else(tmp_path: Path) -> None:
    cache = str(tmp_path)
    ledger.ended(cache, "pytest", "p", KEY, 4_000, STORED, NEXT, NOW)
    assert [(each.used, each.hidden, each.wasted) for each in ledger.totals(cache, NOW)] == [(0, 0, 4_000)]

    assert ledger.used(cache, OTHER, NOW) is None
    assert ledger.used(cache, KEY, NOW) == 4_000
    assert ledger.used(cache, KEY, NOW) is None
    assert [(each.used, each.hidden, each.wasted) for each in ledger.totals(cache, NOW)] == [(1, 4_000, 0)]


def test_who_has_waited_for_the_rest_was_spared_what_had_run_already(tmp_path: Path) -> None:
    cache = str(tmp_path)
    ledger.ended(cache, "pytest", "p", KEY, 4_000, STORED, NEXT, NOW)
    assert ledger.used(cache, KEY, NOW, waited=3_000) == 1_000
    (total,) = ledger.totals(cache, NOW)
    assert (total.hidden, total.wasted) == (1_000, 0)


def test_only_what_has_a_result_waits_to_be_asked_for(tmp_path: Path) -> None:
    cache = str(tmp_path)
    for what in (KILLED, UNFIT):
        ledger.ended(cache, "pytest", "p", KEY, 4_000, what, NEXT, NOW)
    ledger.ended(cache, "pytest", "p", "", 4_000, STORED, NEXT, NOW)
    assert [path.name for path in (tmp_path / "ahead").iterdir()] == ["runs"]
    assert ledger.used(cache, KEY, NOW) is None


def test_only_the_newest_runs_are_kept(tmp_path: Path) -> None:
    cache, rule = str(tmp_path), "r" * 3_000
    for number in range(2 * ledger.MOST // 3_000 + 10):
        ledger.ended(cache, rule, "p", "", 1_000, KILLED, NEXT, NOW + number)
    found = ledger.runs(cache)
    assert ledger.MOST - 4_096 < (tmp_path / "ahead/runs").stat().st_size <= ledger.MOST
    assert [run.at for run in found] == [NOW + at for at in range(int(found[0].at - NOW), number + 1)]
    assert len(ledger.runs(cache)) == len(found)


def test_a_failure_is_taken_once(tmp_path: Path) -> None:
    cache = str(tmp_path)
    ledger.ended(cache, "pytest", "p", KEY, 4_000, FAILED, NEXT, NOW)
    assert ledger.used(cache, KEY, NOW) is None
    assert ledger.give(cache, KEY)
    assert not ledger.give(cache, KEY)
    assert ledger.used(cache, KEY, NOW) == 4_000
    assert ledger.used(cache, KEY, NOW) is None


def test_the_same_key_may_be_run_ahead_again(tmp_path: Path) -> None:
    cache = str(tmp_path)
    ledger.ended(cache, "pytest", "p", KEY, 700, KILLED, NEXT, NOW)
    ledger.ended(cache, "pytest", "p", KEY, 4_000, STORED, NEXT, NOW)
    ledger.used(cache, KEY, NOW)
    ledger.ended(cache, "pytest", "p", KEY, 5_000, STORED, NEXT, NOW)
    (total,) = ledger.totals(cache, NOW)
    assert (total.runs, total.used, total.hidden, total.wasted) == (3, 1, 4_000, 5_700)


def test_totals_are_by_rule_and_of_a_time(tmp_path: Path) -> None:
    cache = str(tmp_path)
    ledger.ended(cache, "ruff", "p", KEY, 1_000, STORED, NEXT, NOW - DAY)
    ledger.ended(cache, "mypy", "p", "", 3_000, UNFIT, NEXT, NOW)
    ledger.used(cache, KEY, NOW)
    ledger.ended(cache, "pytest", "p", OTHER, 1_500, STORED, NEXT, NOW - DAY)
    ledger.ended(cache, "pytest", "p", "", 500, KILLED, NEXT, NOW - DAY)
    ledger.used(cache, OTHER, NOW)
    found = [(each.rule, each.hidden, each.wasted) for each in ledger.totals(cache, NOW)]
    assert found == [("mypy", 0, 3_000), ("pytest", 1_500, 500), ("ruff", 1_000, 0)]
    assert [each.rule for each in ledger.totals(cache, NOW, since=NOW - 60)] == ["mypy"]


def test_what_was_spent_is_of_a_project(tmp_path: Path) -> None:
    cache = str(tmp_path)
    ledger.ended(cache, "ruff", "p", KEY, 1_500, STORED, NEXT, NOW)
    ledger.ended(cache, "mypy", "p", "", 250, KILLED, NEXT, NOW + 1)
    ledger.ended(cache, "mypy", "q", "", 9_000, KILLED, NEXT, NOW + 2)
    ledger.used(cache, KEY, NOW + 3)
    assert ledger.spent(cache, "p") == [(NOW, 1.5), (NOW + 1, 0.25)]


def test_a_rule_is_off_for_a_month_for_the_reason_for_which_it_wastes(tmp_path: Path) -> None:
    cache = str(tmp_path)
    for number in range(JUDGED):
        assert not ledger.is_off(cache, "ruff", NEXT, NOW)
        ledger.ended(cache, "ruff", "p", f"{number:040}", 1_000, STORED, NEXT, NOW)
        if number:
            ledger.ended(cache, "ruff", "p", "", 1_000, KILLED, LINE, NOW)
        ledger.ended(cache, "mypy", "p", f"{number:039}b", 1_000, STORED, NEXT, NOW)
        ledger.used(cache, f"{number:039}b", NOW)
    assert ledger.is_off(cache, "ruff", NEXT, NOW)
    assert not ledger.is_off(cache, "ruff", LINE, NOW)
    assert not ledger.is_off(cache, "mypy", NEXT, NOW)
    assert ledger.off(cache, NOW) == {"ruff": [NEXT]}
    assert {each.rule: each.off for each in ledger.totals(cache, NOW)} == {"ruff": [NEXT], "mypy": []}
    assert ledger.off(cache, NOW + 29 * DAY) == {"ruff": [NEXT]}
    assert ledger.off(cache, NOW + 31 * DAY) == {}


def test_nothing_is_known_where_nothing_ran(tmp_path: Path) -> None:
    cache = str(tmp_path)
    assert (ledger.totals(cache, NOW), ledger.spent(cache, "p"), ledger.off(cache, NOW)) == ([], [], {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", "[1", '[1,"r","p","d",5,"lost","next"]', '[1,"r","p",2,5,"stored","next"]', "\udcff"]
)
def test_a_damaged_line_of_the_ledger_is_passed_over(line: str, tmp_path: Path) -> None:
    cache = str(tmp_path)
    ledger.ended(cache, "ruff", "p", KEY, 1_000, STORED, NEXT, NOW)
    with (tmp_path / "ahead/runs").open("ab") as file:
        file.write(os.fsencode(line) + b"\n")
    ledger.used(cache, KEY, NOW)
    assert [run.hidden for run in ledger.runs(cache)] == [1.0]


def test_a_damaged_mark_hides_nothing(tmp_path: Path) -> None:
    cache = str(tmp_path)
    ledger.ended(cache, "ruff", "p", KEY, 1_000, STORED, NEXT, NOW)
    (tmp_path / "ahead/kept" / KEY).write_bytes(b"\xff")
    assert ledger.used(cache, KEY, NOW) is None
