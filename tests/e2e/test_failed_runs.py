"""Failed runs: run again by default; where a rule says so, replayed to whoever has not seen the failure yet."""

from __future__ import annotations

from skillcache.probe.api import Turn
from tests.e2e.project import PYTEST, Place, after, agent

FAILURES = '[[rules]]\nmatch = "Bash(./check:*)"\nfailures = true\n'

FAILING_TEST = """\
import os


def test_sum() -> None:
    with open(os.environ["E2E_RUNS"], "a") as runs:
        runs.write("pytest\\n")
    assert 1 + 1 == 3
"""

FAILED = {
    "plain": (1, "one thing is wrong\n"),
    "silent": (3, ""),
    "blanks": (2, "\n\n  indented, after blank lines\nExit code 7\n\n"),
    "control": (139, "é\x1b[31mred\x1b[0m\r\n"),
    "long": (4, "".join(f"line {number}\n" for number in range(1_000))),
}


def test_a_failing_command_runs_again(place: Place) -> None:
    place.write("test_sum.py", FAILING_TEST)
    session = place.play(PYTEST, PYTEST, f"{PYTEST} | tail -3", f"{PYTEST} | tail -3")
    assert place.count() == 4, place.outcomes()
    assert session.replays == []
    assert [result.is_error for result in session.results] == [True, True, False, False]


def test_where_a_rule_says_so_a_failure_is_replayed_to_another_session_only(place: Place) -> None:
    place.configure(FAILURES)

    def failing(name: str) -> Turn:
        status, output = FAILED[name]

        def fail() -> None:
            place.write("status", f"{status}\n")
            place.write("answer", output)

        return after(fail, f"./check {name}")

    seen = place.play(*map(failing, FAILED), *map(failing, FAILED))
    assert place.count() == 2 * len(FAILED), place.outcomes()
    assert seen.replays == []

    other = place.play(*map(failing, FAILED), *map(failing, FAILED))
    assert place.count() == 3 * len(FAILED), place.outcomes()
    assert len(other.replays) == len(FAILED)
    for name, fresh, replayed in zip(FAILED, seen.results, other.results, strict=False):
        assert fresh.is_error
        assert (name, *replayed[1:]) == (name, *fresh[1:])


def test_a_resumed_session_has_still_seen_its_failures(place: Place) -> None:
    place.configure(FAILURES)
    place.write("status", "1\n")
    first = place.play("./check")
    resumed = place.play("./check", resume=first.id)
    assert resumed.id == first.id
    assert place.count() == 2, place.outcomes()
    assert resumed.replays == []


def test_a_failure_that_the_client_cuts_comes_out_the_same(place: Place) -> None:
    """The client shows the model the two ends of a long failure: what another session gets must be just that."""
    place.configure(FAILURES)
    place.write("status", "1\n")
    place.write("answer", "".join(f"line {number}\n" for number in range(5_000)))
    fresh, second = (place.play("./check").results[0] for _ in range(2))
    assert "characters truncated" in fresh.text
    assert second[1:3] == fresh[1:3]


def test_a_replayed_failure_leaves_the_shell_where_a_failing_run_does(place: Place) -> None:
    place.configure('[[rules]]\nmatch = "Bash(../check:*)"\nfailures = true\n')
    place.write("status", "1\n")
    ran = place.play("cd sub && ../check", "pwd")
    replayed = place.play("cd sub && ../check", "pwd")
    assert place.count() == 1, place.outcomes()
    assert replayed.texts == ran.texts
    assert replayed.texts[1] == str(place.project)


def test_a_subagent_that_has_not_seen_the_failure_is_told(place: Place) -> None:
    place.configure(FAILURES)
    place.write("status", "1\n")
    task = "check the project for me"
    session = place.play("./check", agent(task), agents={task: ["./check", "./check"]})
    inner = session.api.of(task)[-1].results()
    assert [(result.text, result.is_error) for result in inner] == [(session.texts[0], True)] * 2
    assert place.count() == 2, place.outcomes()  # the subagent's second call: it has seen the failure by then
