"""Failed runs: run again by default; where a rule says so, replayed to whoever has not seen the failure yet."""

from __future__ import annotations

import pytest

from tests.e2e.api import ToolCall, bash
from tests.e2e.project import PYTEST, Place

FAILURES = '[[rules]]\nmatch = "Bash(./check:*)"\nfailures = true\n'


def test_a_failing_command_runs_again(place: Place) -> None:
    place.write(
        "test_sum.py",
        "import os\n\n\ndef test_sum():\n    open(os.environ['E2E_RUNS'], 'a').write('run\\n')\n    assert 0\n",
    )
    session = place.play(PYTEST, PYTEST)
    assert place.count() == 2
    assert session.replays == []
    assert [result.is_error for result in session.results] == [True, True]


def test_a_line_that_hides_a_failure_runs_again(place: Place) -> None:
    place.write(
        "test_sum.py",
        "import os\n\n\ndef test_sum():\n    open(os.environ['E2E_RUNS'], 'a').write('run\\n')\n    assert 0\n",
    )
    session = place.play(f"{PYTEST} | tail -3", f"{PYTEST} | tail -3")
    assert place.count() == 2
    assert [result.is_error for result in session.results] == [False, False]


@pytest.mark.parametrize(
    ("status", "output"),
    [
        (1, "one thing is wrong\n"),
        (3, ""),
        (2, "\n\n  indented, after blank lines\nExit code 7\n\n"),
        (139, "é\x1b[31mred\x1b[0m\r\n"),
        (4, "".join(f"line {number}\n" for number in range(5_000))),
    ],
    ids=["plain", "silent", "blanks", "control", "cut"],
)
def test_where_a_rule_says_so_a_failure_is_replayed_to_another_session_only(
    place: Place, status: int, output: str
) -> None:
    place.configure(FAILURES)
    place.write("answer", output)
    place.write("status", f"{status}\n")
    seen = place.play("./check", "./check")
    assert place.count() == 2
    assert seen.replays == []

    other = place.play("./check", "./check")
    assert place.count() == 3
    assert len(other.replays) == 1
    fresh = seen.results[0]
    assert fresh.is_error
    for result in other.results:
        assert (result.text, result.is_error, result.structured) == (fresh.text, True, fresh.structured)


def test_a_replayed_failure_leaves_the_shell_where_a_failing_run_does(place: Place) -> None:
    place.configure('[[rules]]\nmatch = "Bash(../check:*)"\nfailures = true\n')
    place.write("status", "1\n")
    ran = place.play("cd sub && ../check", "pwd")
    replayed = place.play("cd sub && ../check", "pwd")
    assert place.count() == 1
    assert replayed.texts == ran.texts
    assert replayed.texts[1] == str(place.project)


def test_a_subagent_that_has_not_seen_the_failure_is_told(place: Place) -> None:
    place.configure(FAILURES)
    place.write("status", "1\n")
    task = ToolCall(
        "Agent",
        {
            "description": "check it",
            "prompt": "check the project for me",
            "subagent_type": "general-purpose",
            "run_in_background": False,
        },
    )
    session = place.play(
        "./check", task, agents={"check the project for me": [bash("./check"), bash("./check"), "done"]}
    )
    inner = session.api.of("check the project for me")[-1].results()
    assert [(result.text, result.is_error) for result in inner] == [(session.texts[0], True)] * 2
    assert place.count() == 2  # the subagent's second call runs: it has seen the failure by then
