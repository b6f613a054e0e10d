"""Which checks are run ahead: tables of what sessions did."""

import pytest

from skillcache.commands.ahead.policy import (
    CHECK,
    EDIT,
    HOUR,
    JUDGED,
    LINE,
    NEXT,
    START,
    STORED,
    Run,
    Step,
    after_check,
    after_edit,
    allowance,
    at_start,
    is_off,
)

NOW = 1_700_000_000.0


def steps(*told: str, session: str = "s", at: float = NOW) -> list[Step]:
    """Of a session: "ruff", "ruff!" for one that fails, "-" for an edit, "^" for a start."""
    kinds = {"-": EDIT, "^": START}
    return [
        Step(
            at, session, kinds.get(each, CHECK), "" if each in kinds else each.rstrip("!"), not each.endswith("!"), 2.0
        )
        for each in told
    ]


def after(done: str, *told: str) -> list[str]:
    (last,) = steps(done)
    return after_check([*steps(*told), last], last)


def test_after_a_green_check_the_usual_next_one_runs() -> None:
    assert after("ruff", *["ruff", "pytest", "-"] * 5) == ["pytest"]


def test_what_came_four_times_may_be_chance() -> None:
    assert after("ruff", *["ruff", "pytest", "-"] * 4) == []


def test_after_a_red_check_none_runs() -> None:
    assert after("ruff!", *["ruff", "pytest", "-"] * 5) == []


def test_what_followed_a_red_check_says_nothing_of_a_green_one() -> None:
    assert after("ruff", *["ruff!", "pytest", "-"] * 5) == []


@pytest.mark.parametrize(("edits", "usual"), [(10, ["pytest"]), (11, [])])
def test_it_followed_one_time_in_three(edits: int, usual: list[str]) -> None:
    assert after("ruff", *["ruff", "pytest", "-"] * 5, *["ruff", "-"] * edits) == usual


def test_the_most_usual_comes_first_and_a_repeat_never() -> None:
    told = [*["ruff", "mypy", "-"] * 5, *["ruff", "pytest", "-"] * 6, *["ruff", "ruff", "-"]]
    assert after("ruff", *told) == ["pytest", "mypy"]


def test_what_another_session_did_next_did_not_follow() -> None:
    told = [each for _ in range(5) for each in (*steps("ruff"), *steps("pytest", session="t"))]
    assert after_check(told, told[0]) == []


def test_a_start_is_not_what_followed() -> None:
    assert after("ruff", *["ruff", "pytest", "-"] * 5, *["ruff", "^"] * 20) == ["pytest"]


def begun(*told: str, times: int = 1, asking: int = 0) -> list[Step]:
    found = [each for number in range(times) for each in steps("^", *told, session=str(number), at=NOW - 2 * HOUR)]
    return [*found, *(each for number in range(asking) for each in steps("^", session=f"new {number}"))]


def test_at_a_start_what_is_usual_before_the_first_edit_runs() -> None:
    told = begun("ruff", "pytest", "-", "mypy", times=5)
    assert at_start(told, ["pytest", "ruff", "mypy"]) == ["ruff", "pytest"]


def test_what_the_content_has_seen_does_not_run() -> None:
    assert at_start(begun("ruff", "pytest", "-", times=5), ["pytest"]) == ["pytest"]


def test_sessions_that_asked_for_nothing_count_against_it() -> None:
    asked = begun("pytest", times=5)
    idle = [each for number in range(11) for each in steps("^", session=f"idle {number}", at=NOW - 2 * HOUR)]
    assert at_start([*idle[1:], *asked, *steps("-")], ["pytest"]) == ["pytest"]
    assert at_start([*idle, *asked, *steps("-")], ["pytest"]) == []


def test_those_that_have_only_begun_do_not() -> None:
    assert at_start(begun("pytest", times=5, asking=20), ["pytest"]) == ["pytest"]


def test_a_check_that_one_session_repeats_counts_once() -> None:
    assert at_start([*begun("pytest", "pytest", times=4), *begun("-", times=10)], ["pytest"]) == []


def test_nothing_is_known_of_a_new_project() -> None:
    assert at_start([], ["pytest"]) == []
    assert after_edit([], "s") == []


RED, GREEN = ["mypy!", "-", "mypy", "-"], ["mypy", "-", "mypy", "-"]


@pytest.mark.parametrize(
    ("told", "usual"),
    [
        ([*RED * 5, "pytest!", "-"], ["pytest"]),
        ([*RED * 4, "pytest!", "-"], []),
        ([*RED * 5, "pytest!", "-", "-"], []),
        ([*RED * 5, "pytest!"], []),
        ([*RED * 5, "pytest", "-"], []),
        ([*RED * 5, "-"], []),
        ([*GREEN * 3, "pytest", "-"], ["pytest"]),
        ([*GREEN * 3, "pytest!", "-"], []),
        ([*RED * 5, *["mypy!", "-", "ruff", "-"] * 10, "pytest!", "-"], ["pytest"]),
        ([*RED * 5, *["mypy!", "-", "ruff", "-"] * 11, "pytest!", "-"], []),
        ([*RED * 5, *["mypy!", "-", "-", "mypy"] * 11, "pytest!", "-"], []),
    ],
)
def test_after_an_edit_the_check_right_before_it_runs_where_that_is_usual(told: list[str], usual: list[str]) -> None:
    assert after_edit(steps(*told), "s") == usual


def test_an_edit_is_of_its_session() -> None:
    known = steps(*RED * 5)
    assert after_edit([*known, *steps("pytest!", session="t"), *steps("-")], "t") == []
    assert after_edit([*known, *steps("pytest!", session="t"), *steps("ruff"), *steps("-", session="t")], "t") == [
        "pytest"
    ]


def test_background_takes_no_more_than_the_checks_of_an_hour() -> None:
    told = [*steps("ruff", at=NOW - HOUR), *steps("pytest", "mypy", "-", at=NOW - 60)]
    assert allowance(NEXT, told, [(NOW - HOUR, 90.0), (NOW - 5, 1.5)], NOW) == 2.5
    assert allowance(NEXT, told, [(NOW - 5, 5.0)], NOW) == 0.0


def test_what_stands_in_the_line_is_not_bounded() -> None:
    assert allowance(LINE, [], [(NOW - 5, 5.0)], NOW) == float("inf")


def run(hidden: float | None) -> Run:
    return Run(NOW, "pytest", "p", "d", 2.0, STORED, NEXT, hidden)


@pytest.mark.parametrize(
    ("used", "unused", "off"),
    [(0, JUDGED - 1, False), (0, JUDGED, True), (25, 25, False), (24, 26, True), (JUDGED, JUDGED, True)],
)
def test_a_rule_that_wastes_more_than_it_hides_is_off(used: int, unused: int, off: bool) -> None:
    assert is_off([*[run(2.0)] * used, *[run(None)] * unused]) is off


def test_what_a_run_has_hidden_counts_and_not_how_long_it_took() -> None:
    assert is_off([*[run(0.5)] * 30, *[run(None)] * 20])
