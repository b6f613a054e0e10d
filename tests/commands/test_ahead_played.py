"""The arithmetic of `python -m tests.benchmarks.ahead`, on sequences that are worked out by hand."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.ahead import Machine, Told, read

CHECKS = ("ruff", 2.0), ("mypy", 6.0), ("pytest", 10.0)


def step(at: float, kind: str, seconds: float = 0.0, *, passed: bool = True) -> Told:
    """Of the session s: when, what, and of a check its seconds and whether it passed."""
    if seconds:
        return Told(at, "s", "p", "check", kind, seconds, passed)
    return Told(at, "s", "p", kind)


def line(at: float, *, passes: bool = True) -> list[Told]:
    """`ruff && mypy && pytest`."""
    found = []
    for number, (command, seconds) in enumerate(CHECKS):
        later = tuple(name for name, _ in CHECKS[number + 1 :])
        found.append(Told(at, "s", "p", "check", command, seconds, passes, later))
        at += seconds
        if not passes:
            break
    return found


def played(steps: list[Told]) -> dict[str, tuple[int, int, float, float]]:
    """Runs ahead, those used, seconds hidden and wasted, by reason, of those that were."""
    outcome = Machine().play(steps)
    return {
        why: (each.runs, each.used, round(each.hidden, 6), round(each.wasted, 6))
        for why, each in outcome.by_reason.items()
        if each.runs
    }


def habit(times: int) -> list[Told]:
    """ruff, four seconds of thought, pytest, an edit; each time in twenty seconds."""
    found = []
    for begun in range(0, 20 * times, 20):
        found += [step(begun, "ruff", 2), step(begun + 6, "pytest", 10), step(begun + 18, "edit")]
    return found


def test_a_line_of_three_takes_little_more_than_its_longest() -> None:
    # mypy runs while ruff does; whoever joins it after two seconds lets pytest begin, which is joined after four.
    assert played(line(0.0)) == {"line": (2, 2, 6.0, 0.0)}


def test_what_is_hidden_makes_later_steps_earlier_and_keeps_the_pauses() -> None:
    # The line ends after 12 of its 18 seconds, so the pause of 4 begins then; the other's edit comes at 15.
    steps = [*line(0.0), step(22, "ruff", 2), Told(15.0, "t", "p", "edit")]
    assert Machine().play(steps).checks == 4
    assert Machine().play([*line(0.0), step(20, "ruff", 2), Told(15.0, "t", "p", "edit")]).checks == 3


def test_what_stood_behind_a_failure_is_wasted_until_the_next_edit() -> None:
    assert played([*line(0.0, passes=False), step(5, "edit")]) == {"line": (1, 0, 0.0, 5.0)}


def test_a_result_that_nobody_asks_for_is_wasted_whole() -> None:
    assert played([*line(0.0, passes=False), step(50, "edit")]) == {"line": (2, 0, 0.0, 12.0)}


def test_the_usual_next_one_runs_while_the_model_thinks() -> None:
    assert played(habit(5)) == {}
    assert played(habit(6)) == {"next": (1, 1, 4.0, 0.0)}


def test_who_thinks_for_longer_finds_all_of_it_done() -> None:
    assert played([*habit(5), step(100, "ruff", 2), step(120, "pytest", 10)]) == {"next": (1, 1, 10.0, 0.0)}


@pytest.mark.parametrize("kind", ["edit", "other"])
def test_an_edit_or_another_call_ends_it(kind: str) -> None:
    steps = [*habit(5), step(100, "ruff", 2), step(105, kind), step(130, "pytest", 10)]
    assert played(steps) == {"next": (1, 0, 0.0, 3.0)}


def test_another_check_ends_it() -> None:
    steps = [*habit(5), step(100, "ruff", 2), step(105, "mypy", 6), step(130, "pytest", 10)]
    assert played(steps) == {"next": (1, 0, 0.0, 3.0)}


def test_an_edit_of_another_session_ends_it_and_one_in_another_project_does_not() -> None:
    steps = habit(6)
    assert played([*steps, Told(105.0, "t", "p", "edit")]) == {"next": (1, 0, 0.0, 3.0)}
    assert played([*steps, Told(105.0, "t", "q", "edit")]) == {"next": (1, 1, 4.0, 0.0)}


def test_a_check_that_has_passed_on_this_content_is_a_replay() -> None:
    steps = [step(0, "pytest", 10), step(20, "pytest", 10), step(40, "edit"), step(50, "pytest", 10)]
    outcome = Machine().play(steps)
    assert (outcome.checks, outcome.foreground) == (2, 20.0)


def test_a_check_that_has_failed_is_none() -> None:
    outcome = Machine().play([step(0, "pytest", 10, passed=False), step(20, "pytest", 10, passed=False)])
    assert (outcome.checks, outcome.foreground) == (2, 20.0)


def test_a_run_that_is_over_the_hours_allowance_is_not_begun() -> None:
    steps = [*habit(5), step(9_000, "ruff", 2), step(9_006, "pytest", 10)]
    assert played(steps) == {}


def test_what_stands_in_the_line_has_no_such_bound() -> None:
    assert played([*habit(5), *line(9_000)]) == {"line": (2, 2, 6.0, 0.0)}


def test_a_guess_after_an_edit_follows_the_record() -> None:
    steps = []
    for begun in range(0, 140, 20):
        steps += [step(begun, "pytest", 10, passed=False), step(begun + 15, "edit")]
    # After the sixth edit the five before it were followed; what runs then for five seconds is joined.
    assert played(steps) == {"edit": (2, 1, 5.0, 10.0)}


def test_a_start_follows_the_record() -> None:
    steps = []
    for number in range(6):
        steps += [
            Told(100.0 * number, f"s{number}", "p", "start"),
            Told(100.0 * number + 30, f"s{number}", "p", "check", "pytest", 10.0),
            Told(100.0 * number + 50, f"s{number}", "p", "edit"),
        ]
    assert played(steps) == {"start": (1, 1, 10.0, 0.0)}


def test_files_are_read_and_a_table_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    of_all = '"session": "a", "project": "p", "kind": "check"'
    path.write_text(
        f'{{"at": 0, {of_all}, "command": "ruff", "seconds": 2, "later": ["mypy"]}}\n'
        f'{{"at": 2, {of_all}, "command": "mypy", "seconds": 6}}\n'
    )
    assert [each.command for each in read(path)] == ["ruff", "mypy"]
    words = [sys.executable, "-m", "tests.benchmarks.ahead", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert "line        1      1       2 s       0 s           0.00               25.0%" in done.stdout


@pytest.mark.parametrize("text", ["[]", "{", '{"at": 1}', '{"at": 1, "session": "a", "project": "p", "kind": "walk"}'])
def test_a_line_of_another_form_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=":1: "):
        list(read(path))
