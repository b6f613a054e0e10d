"""Failed runs run again but where a rule says otherwise; of who looks at one through another filter, see test_shims."""

from __future__ import annotations

from skillcache.cli.checks.messages_api import Turn
from tests.e2e.project import Place, after, agent

FAILURES = """
[[rules]]
match = "Bash(./check:*)"
failures = true

[[rules]]
match = "Bash(../check:*)"
failures = true
"""

# The client shows the model the two ends of it: what another session gets must be just that.
CUT = (1, "".join(f"line {number}\n" for number in range(5_000)))
FAILED = {
    "plain": (1, "one thing is wrong\n"),
    "silent": (3, ""),
    "blanks": (2, "\n\n  indented, after blank lines\nExit code 7\n\n"),
    "control": (99, "é\x1b[31mred\x1b[0m\r\n"),
    "long": (4, "".join(f"line {number}\n" for number in range(1_000))),
}


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
    assert place.replayed() == 0

    other = place.play(*turns)
    assert place.count() - ran == len(FAILED), place.outcomes()  # what they see again
    assert place.replayed() == len(FAILED) + 2
    for name, fresh, replayed in zip(FAILED, seen.results, other.results, strict=False):
        assert fresh.is_error
        assert (name, *replayed[1:]) == (name, *fresh[1:])
    assert other.texts[-3:] == seen.texts[-3:]
    assert other.texts[-2] == str(place.project)
    assert "characters truncated" in other.texts[-1]

    ran, before = place.count(), place.replayed()
    resumed = place.play(failing("plain"), resume=seen.id)  # it has still seen its failures
    assert resumed.id == seen.id
    assert (place.count(), place.replayed()) == (ran + 1, before), place.outcomes()


def test_a_subagent_shares_its_session_and_what_that_has_seen_fail(place: Place) -> None:
    place.configure(FAILURES)
    place.write("status", "1\n")
    task = "check the project for me"
    session = place.play("./check", agent(task), agents={task: ["./check", "./check"]})
    inner = session.api.of(task)[-1].results()
    assert [(result.text, result.is_error) for result in inner] == [(session.texts[0], True)] * 2
    assert place.count() == 3, place.outcomes()
