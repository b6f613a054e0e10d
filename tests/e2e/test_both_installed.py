"""The hooks in the settings and the plugin, at once: what one of them does the other does not do again."""

from __future__ import annotations

import pytest

from skillcache.cli.checks.client import Session
from tests.e2e.plugin import Plugged, notes
from tests.e2e.project import COUNT, after
from tests.e2e.test_sessions import everything_in


@pytest.fixture
def both(plugged: Plugged) -> Plugged:
    plugged.skillcache("install")
    return plugged


def files_of(place: Plugged, session: Session) -> list[str]:
    """What the client was given for each Bash call of the session."""
    folder = place.home / ".claude/session-env" / session.id
    return [path.read_text() for path in sorted(folder.iterdir())]


def test_a_command_and_a_call_are_answered_once_and_both_hooks_have_the_same_file_of_one_line(both: Plugged) -> None:
    """And each call is counted once, so that the next one is known for the next: it looks at a failure otherwise."""
    failing = after(lambda: both.write("status", "1\n"), "./check")
    session = both.play("./check", "./check", "echo $PATH", COUNT, COUNT, failing, "./check 2>&1 | wc -l")
    outcomes = [*["no_entry", "stored", "replayed"] * 2, "no_entry", "failure", "replayed"]
    assert both.outcomes() == outcomes
    assert both.count() == 3
    said = [session.texts[at] for at in (0, 1, 3, 4, 5, 6)]
    assert said == [*["all is well"] * 2, *["3 words"] * 2, "Exit code 1\nall is well", "1"]
    assert len(notes(session)) == 1
    path = session.texts[2].split(":")
    assert sum("/shims/" in folder for folder in path) == 1
    assert {(run.stderr, run.exit_code, run.outcome) for run in session.hooks} == {("", 0, "success")}
    told = [run for run in session.hooks if run.event == "Stop" and "./check replayed" in run.stdout]
    assert len(told) == 1

    files = files_of(both, session)
    assert len(files) == 2
    assert files[0] == files[1]
    assert files[0].count("\n") == 1
    both.write("status", "0\n")
    resumed = both.play("./check", resume=session.id)
    assert files_of(both, resumed) == files
    assert both.outcomes() == [*outcomes, "replayed"]


def test_the_model_is_told_once_and_a_session_is_recorded_once(both: Plugged) -> None:
    both.client.env["SKILLCACHE_RECORD_SESSIONS"] = "1"
    both.skillcache("install")
    both.lay_out()
    first = both.play("./check", "./check")
    second = both.play("./check")
    for session, brief in ((first, 0), (second, 1)):
        told = "\n".join(everything_in(session.requests[0]))
        assert told.count("skillcache replays the recorded output") == 1
        assert told.count("skillcache keeps a record") == brief
    story = both.skillcache("sessions", "show", first.id[:8])
    assert story.count(": ./check\n  ") == 2
    assert story.count("  ended (other)\n") + story.endswith("  ended (other)") == 1
