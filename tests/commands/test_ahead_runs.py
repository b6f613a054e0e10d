"""A run ahead is a run like any other: its result is there for the call, or the call joins it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from skillcache.cache import history
from skillcache.commands.ahead import ledger, log, running, tree
from skillcache.commands.ahead.start import is_busy, is_on_battery
from skillcache.core import processes
from skillcache.settings.in_force import load
from tests.commands.ahead import CHECK, RULES, SAID, Place
from tests.conftest import until


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    yield (made := Place(tmp_path))
    running.stop(str(made.cache))


def test_its_result_is_given_to_the_call(place: Place) -> None:
    place.open("one")
    place.ahead("check one")
    place.settle()
    assert place.became() == ["stored"]

    done = place.call("check one")

    assert (done.stdout, done.returncode) == (SAID, 0)
    assert place.runs() == 1


def test_nothing_of_the_session_is_counted(place: Place) -> None:
    place.open("one")
    place.ahead("check one")
    checks = {path: path.read_bytes() for path in (place.cache / "checks").iterdir()}
    place.settle()
    kept = {path.name for path in place.cache.iterdir()} - {"ahead", "shims", "calls", "compiled", "store.sqlite3"}
    assert not kept & {"outcomes.log", "misses.log", "seen", "failed", "called", "replayed", "fault.txt"}
    assert {path: path.read_bytes() for path in (place.cache / "checks").iterdir()} == checks
    assert [*(place.cache / "runs").iterdir()] == []


def test_what_was_never_kept_does_not_run_ahead(place: Place) -> None:
    """It may change something, and would change it twice."""
    for name in ("one", "first"):
        place.open(name)
    assert place.call("check one && check first").stdout == f"{SAID}first is done\n"
    place.settle()
    assert (place.runs(), place.became()) == (2, [])


def test_the_call_joins_the_run_that_is_under_way(place: Place) -> None:
    place.ahead("check one")
    with place.calling("check one") as call:
        until((place.cache / "called").exists)
        place.open("one")
        assert call.communicate()[0] == SAID
    place.settle()
    assert place.runs() == 1


PROMOTING = """
import sys
from skillcache.commands.ahead.running import promote
promote(sys.argv[1])
print("joined", flush=True)
sys.stdin.read()
"""


@contextmanager
def joined(place: Place) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has joined the run ahead and waits."""
    words = [sys.executable, "-c", PROMOTING, str(place.cache)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process


def test_one_that_was_joined_is_the_calls_own(place: Place) -> None:
    """It gets the usual priority, and no other command ends it."""
    place.ahead("check one")
    check = place.command()
    assert os.sched_getscheduler(check) == os.SCHED_IDLE
    with joined(place) as process:
        until(lambda: os.sched_getscheduler(check) == os.SCHED_OTHER)
        until(lambda: running.current(str(place.cache)) is None)
        assert place.call("other").stdout == "other says \n"
        assert processes.describe(check)
        place.open("one")
        place.settle_but(process)
    assert place.became() == ["stored"]


def test_it_has_the_least_weight_as_a_session_too(place: Place) -> None:
    """Where a processor is shared out by sessions first, a class within one is of no avail."""
    place.tool("check", CHECK.replace("while", "setsid sleep 1000 &\nwhile", 1))
    place.ahead("check one")
    file = Path(f"/proc/{place.command()}/autogroup")
    if not file.exists():
        return
    assert file.read_text().endswith("nice 19\n")
    until(lambda: any(os.getsid(number) == number for number in tree.descendants(place.command())))
    (daemon,) = [number for number in tree.descendants(place.command()) if os.getsid(number) == number]
    until(lambda: Path(f"/proc/{daemon}/autogroup").read_text().endswith("nice 19\n"))
    assert Path(f"/proc/{place.current().group}/autogroup").read_text().endswith("nice 0\n")
    with joined(place):
        until(lambda: file.read_text().endswith("nice 0\n"))


def test_one_that_was_joined_ends_with_the_call(place: Place) -> None:
    place.ahead("check one")
    with joined(place):
        until(lambda: running.current(str(place.cache)) is None)
    place.settle()
    assert place.became() == ["killed"]


def test_the_next_one_begins_beside_one_that_was_joined(place: Place) -> None:
    place.ahead("check one", "check two")
    with joined(place) as process:
        until(lambda: place.runs() == 2)
        until(lambda: place.current().words == ("check", "two"))
        place.open("one")
        place.open("two")
        place.settle_but(process)
    assert place.became() == ["stored", "stored"]


def test_between_two_of_them_it_can_be_asked_to_stop(place: Place) -> None:
    """Whenever something still is to begin, lines of the model's find who would begin it."""
    place.ahead("check one", "check two")
    place.open("one")
    file = place.cache / "ahead/running"
    while place.runs() == 1:
        assert file.exists()
    running.stop(str(place.cache))
    place.settle()
    assert place.became() == ["stored", "killed"]


def test_they_run_one_after_the_other(place: Place) -> None:
    place.ahead("check one", "check two")
    assert place.counter.read_text() == "one\n"
    place.open("one")
    until(lambda: place.counter.read_text() == "one\ntwo\n")
    place.open("two")
    place.settle()
    assert place.became() == ["stored", "stored"]


def test_what_takes_longest_of_a_line_begins_first(place: Place) -> None:
    """So that the line has come to it by the time that it ends."""
    for name, milliseconds in (("one", 1_000), ("two", 9_000)):
        history.learn(str(place.cache), str(place.project), f"check {name}", milliseconds)
    place.ahead("check one", "check two")
    assert place.counter.read_text() == "two\n"


def test_one_at_a_time(place: Place) -> None:
    place.ahead("check one")
    place.ahead("check two", begins=False)
    place.open("one")
    place.settle()
    assert place.counter.read_text() == "one\n"


def test_what_has_a_result_does_not_run(place: Place) -> None:
    place.open("one")
    place.call("check one")
    place.ahead("check one", begins=False)
    place.settle()
    assert (place.runs(), place.became()) == (1, [])


def test_what_runs_already_does_not_run_twice(place: Place) -> None:
    with place.calling("check one") as call:
        until(lambda: place.runs() == 1)
        place.ahead("check one", "check two", begins=False)
        until(lambda: place.counter.read_text() == "one\ntwo\n")
        place.open("one")
        place.open("two")
        assert call.communicate()[0] == SAID
    place.settle()
    assert (place.runs(), place.became()) == (2, ["stored"])


@pytest.mark.parametrize("line", ["other one", "unknown one", "check one e2e", "check tests/integration"])
def test_some_never_run_ahead(place: Place, line: str) -> None:
    place.open("one")
    place.ahead(line, begins=False)
    place.settle()
    assert (place.runs(), place.became()) == (0, [])


@pytest.mark.parametrize("more", ["live = true", "live = 60", "ahead = false"])
def test_a_rule_that_says_otherwise_has_none(tmp_path: Path, more: str) -> None:
    more_rules = f'{RULES}[[rules]]\nmatch = "Bash(check:*)"\n{more}\n'
    place = Place(tmp_path, more_rules)
    place.open("one")
    place.ahead("check one", begins=False)
    place.settle()
    assert place.runs() == 0


def test_what_no_rule_names_ends_a_list(place: Place) -> None:
    """It may change what those behind it report on."""
    for name in ("one", "two"):
        place.open(name)
    place.ahead("other x", "check one", "unknown x", "check two")
    place.settle()
    assert place.counter.read_text() == "one\n"


@pytest.mark.parametrize("environ", [{"SKILLCACHE_FRESH": "1"}, {"SKILLCACHE_DISABLE": "1"}, {"HOME": ""}])
def test_some_calls_start_none(place: Place, environ: dict[str, str]) -> None:
    place.ahead("check one", begins=False, **environ)
    assert place.is_idle()
    assert place.runs() == 0


def test_only_as_long_as_checks_have_taken(place: Place) -> None:
    """What is only usual; what a line says is no guess."""
    place.open("one")
    place.ahead("check one", why="next", begins=False)
    place.settle()
    assert place.runs() == 0
    project = log.place_of(str(place.project))
    settings = load(place.environ, str(place.project))
    log.note(
        settings.cache, project, "one", "check", time.time(), words=["check", "one"], passed=True, milliseconds=60_000
    )
    place.ahead("check one", why="next")
    place.settle()
    assert place.became() == ["stored"]


def test_none_runs_for_longer_than_a_call_would_wait(place: Place) -> None:
    place.ahead("check one", begins=False, SKILLCACHE_WAIT="1")
    place.settle()
    assert place.became() == ["killed"]
    place.ahead("check two", begins=False, SKILLCACHE_WAIT="0")
    place.settle()
    assert place.became() == ["killed"]


def test_on_battery_none_is_started(tmp_path: Path) -> None:
    assert not is_on_battery(str(tmp_path / "missing"))
    for name, kind, status in (("AC", "Mains", None), ("BAT0", "Battery", "Charging\n"), ("BAT1", "Battery", "Full\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "type").write_text(f"{kind}\n")
        if status:
            (tmp_path / name / "status").write_text(status)
    assert not is_on_battery(str(tmp_path))
    (tmp_path / "BAT1/status").write_text("Discharging\n")
    assert is_on_battery(str(tmp_path))


def test_above_a_load_none_is_started(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load({**place.environ, "SKILLCACHE_AHEAD_LOAD": "1"}, str(place.project))
    processors = os.cpu_count() or 1
    for load_, busy in ((processors - 0.5, False), (processors + 0.5, True)):
        monkeypatch.setattr(os, "getloadavg", lambda load_=load_: (load_, 0.0, 0.0))
        assert is_busy(settings) is busy
    assert not is_busy(settings, own=1)
    place.ahead("check one", begins=False, SKILLCACHE_AHEAD_LOAD="1")
    assert place.is_idle()
    assert place.runs() == 0


def test_it_runs_where_and_as_the_call_would(place: Place) -> None:
    """In a folder that the line goes to, without what tells calls apart, with no descriptor of the caller's."""
    below = place.project / "below"
    below.mkdir()
    place.tool("check", '#!/bin/sh\necho x >>"$COUNTER"; { pwd; env; ls -l /proc/$$/fd; } >"$GATES/seen"\n')
    handle = os.open(place.counter.parent / "mine", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(handle, True)
    try:
        place.ahead("check one", begins=False, cwd=str(below))
        place.settle()
    finally:
        os.close(handle)
    seen = (place.gates / "seen").read_text()
    assert seen.startswith(f"{below}\n")
    assert f"\nPWD={below}\n" in seen
    assert "SKILLCACHE_CALL=" not in seen
    assert "CLAUDE_CODE_SESSION_ID=one\n" in seen
    assert "/mine" not in seen
    assert "/ahead" not in seen


def test_its_failure_is_given_once(place: Place) -> None:
    """However many ask at the same time."""
    place.open("one", 3)
    place.ahead("check one")
    place.settle()
    assert place.became() == ["failed"]
    place.gates.joinpath("one").unlink()
    with place.calling("check one") as first, place.calling("check one") as second:
        until(lambda: first.poll() is not None or second.poll() is not None)
        given, other = (first, second) if first.poll() is not None else (second, first)
        until(lambda: place.runs() == 2)
        assert other.poll() is None
        place.open("one", 0)
        assert (given.communicate()[0], given.returncode) == (SAID, 3)
        assert (other.communicate()[0], other.returncode) == (SAID, 0)
    (run,) = ledger.runs(str(place.cache))
    assert run.hidden


def test_a_failure_that_a_run_has_shown_is_not_given(place: Place) -> None:
    place.open("one", 3)
    place.ahead("check one")
    place.settle()
    for runs, line in ((2, "check one # fresh"), (3, "check one")):
        assert place.call(line).returncode == 3
        assert place.runs() == runs


@pytest.mark.parametrize(("line", "runs"), [("other x", 2), ("cat data", 1), ("check two", 2)])
def test_a_failure_is_withdrawn_by_what_may_mend_it(place: Place, line: str, runs: int) -> None:
    for name in ("one", "two"):
        place.open(name, 3 if name == "one" else 0)
    place.ahead("check one")
    place.settle()
    place.call(line)
    before = place.counter.read_text().count("two")
    assert place.call("check one").returncode == 3
    assert place.runs() - before == runs


def test_with_the_clients_end_all_ends(place: Place) -> None:
    with subprocess.Popen(["sleep", "1000"]) as client:
        place.ahead("check one", CLAUDE_PID=str(client.pid))
        client.send_signal(signal.SIGKILL)
        client.wait()
        place.settle()
    assert place.became() == ["killed"]


@pytest.mark.parametrize(
    "line",
    [
        "check one && check two",
        pytest.param("make -s ci", marks=pytest.mark.skipif(not shutil.which("make"), reason="no make")),
        pytest.param("npm run -s ci", marks=pytest.mark.skipif(not shutil.which("npm"), reason="no npm")),
    ],
)
def test_what_a_line_or_a_task_comes_to_runs_beside_its_first_command(place: Place, line: str) -> None:
    (place.project / "Makefile").write_text("ci:\n\tcheck one\n\tcheck two\n")
    (place.project / "package.json").write_text('{"scripts": {"ci": "check one && check two"}}\n')
    with place.calling(line) as call:
        until(lambda: place.runs() == 2)
        place.open("two")
        until(lambda: place.became() == ["stored"])
        place.open("one")
        assert call.communicate()[0] == "one is done\ntwo is done\n"
    place.settle()
    assert place.runs() == 2
