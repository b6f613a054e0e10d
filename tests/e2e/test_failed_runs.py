"""Failed runs: run again by default; where a rule says so, replayed to whoever has not seen the failure yet."""

from __future__ import annotations

from skillcache.probe.api import Turn
from tests.e2e.project import PYTEST, Place, after, agent

FAILURES = """
[[rules]]
match = "Bash(./check:*)"
failures = true

[[rules]]
match = "Bash(../check:*)"
failures = true
"""

FAILING_TEST = """\
import os


def test_sum() -> None:
    with open(os.environ["E2E_RUNS"], "a") as runs:
        runs.write("pytest\\n")
    assert 1 + 1 == 3
"""

# The client shows the model the two ends of it: what another session gets must be just that.
CUT = (1, "".join(f"line {number}\n" for number in range(5_000)))
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
        status, output = FAILED.get(name, CUT)

        def fail() -> None:
            place.write("status", f"{status}\n")
            place.write("answer", output)

        return after(fail, f"./check {name}")

    moving = ["cd sub && ../check", "pwd"]  # a failing run leaves the shell where it was
    turns = [*map(failing, FAILED), *map(failing, FAILED), *moving, failing("cut")]
    seen = place.play(*turns)
    ran = place.count()
    assert ran == 2 * len(FAILED) + 2, place.outcomes()
    assert seen.replays == []

    other = place.play(*turns)
    assert place.count() - ran == len(FAILED) + 1, place.outcomes()  # what they see again, and what is cut
    assert len(other.replays) == len(FAILED) + 1
    for name, fresh, replayed in zip(FAILED, seen.results, other.results, strict=False):
        assert fresh.is_error
        assert (name, *replayed[1:]) == (name, *fresh[1:])
    assert other.texts[-3:] == seen.texts[-3:]
    assert other.texts[-2] == str(place.project)
    assert "characters truncated" in other.texts[-1]

    ran = place.count()
    resumed = place.play(failing("plain"), resume=seen.id)  # it has still seen its failures
    assert resumed.id == seen.id
    assert place.count() == ran + 1, place.outcomes()
    assert resumed.replays == []


def test_a_subagent_that_has_not_seen_the_failure_is_told(place: Place) -> None:
    place.configure(FAILURES)
    place.write("status", "1\n")
    task = "check the project for me"
    session = place.play("./check", agent(task), agents={task: ["./check", "./check"]})
    inner = session.api.of(task)[-1].results()
    assert [(result.text, result.is_error) for result in inner] == [(session.texts[0], True)] * 2
    assert place.count() == 2, place.outcomes()  # the subagent's second call: it has seen the failure by then
