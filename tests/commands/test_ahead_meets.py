"""What a line goes on with never meets a run ahead, whatever has become of its checks and of who keeps that run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from skillcache.commands.ahead import ledger, log, policy, running
from skillcache.core import processes
from tests.commands.ahead import RULES, SAID, Place
from tests.conftest import until

# Says whether a check is there.
LOOK = """#!/bin/sh
exec 2>/dev/null
for words in /proc/[0-9]*/cmdline; do
    tr '\\0' ' ' <"$words" | grep -q "^/bin/sh $CHECKS" && echo "check is there" && exit 1
done
echo alone
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.environ["CHECKS"] = f"{place.bin}/check"
    place.tool("look", LOOK)
    return place


def earn(place: Place) -> None:
    """An hour in which the project's checks have taken long, so that guesses are allowed."""
    cache, project, now = str(place.cache), log.place_of(str(place.project)), time.time()
    for number in range(10):
        words = ("check", f"{number}")
        log.note(cache, project, "before", policy.CHECK, now - 100, words=words, passed=True, milliseconds=60_000)


def test_a_wish_for_a_fresh_run_ends_the_run_ahead_of_the_same(place: Place) -> None:
    place.ahead("check one")
    number = place.command()
    with place.calling("check one # fresh") as call:
        until(lambda: place.runs() == 2)
        assert not processes.parent_of(number)
        place.open("one")
        assert call.communicate()[0] == SAID


def test_after_a_failure_that_was_served_the_rest_of_the_line_meets_nothing(place: Place) -> None:
    """`two` has failed ahead while `one` ran; what comes behind it then is left out, and was begun already."""
    place.open("two", 3)
    with place.calling("check one && check two && check three; look") as call:
        until(lambda: place.runs() == 3)
        place.open("one")
        assert call.communicate()[0] == f"{SAID}two is done\nalone\n"


def test_a_line_that_joins_one_does_not_meet_the_next(place: Place) -> None:
    """Of checks that are only usual the next would begin beside the one that was joined."""
    earn(place)
    place.ahead("check one", "check three", why="next")
    with place.calling("check one && look") as call:
        until(lambda: running.current(str(place.cache)) is None)
        place.open("one")
        assert call.communicate()[0] == f"{SAID}alone\n"
    place.settle()
    assert place.runs() == 1


def test_one_whose_call_was_killed_is_gone_at_once(place: Place) -> None:
    place.ahead("check one")
    number = place.command()
    with place.calling("check one") as call:
        until(lambda: running.current(str(place.cache)) is None)
        for pid in place.processes("/.stand_in.py"):
            os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        until(lambda: not processes.parent_of(number))
        call.kill()
    place.settle()
    assert place.became() == ["killed"]
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("who", ["keeper", "first", "way", "first of a killed keeper"])
def test_one_that_was_stopped_is_gone_all_the_same(place: Place, who: str) -> None:
    place.ahead("check one")
    run = place.current()
    number = {"keeper": run.pid, "way": run.group}.get(who, processes.parent_of(run.group))
    os.kill(number, signal.SIGSTOP)
    if who.endswith("keeper") and who != "keeper":
        os.kill(run.pid, signal.SIGKILL)
    assert place.call("look").stdout == "alone\n"
    until(lambda: not place.processes())
    began = time.process_time()
    running.stop(str(place.cache))
    assert time.process_time() - began < 0.1


@pytest.mark.parametrize("alive", [True, False])
def test_records_of_nobody_end_nobody_and_hold_nobody_up(place: Place, alive: bool) -> None:
    place.open("one")
    place.ahead("check one")
    place.settle()
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as other:
        start = processes.describe(other.pid)["pid_start"] if alive else "1"
        named = running.Running(other.pid, start, other.pid, "", "", "/", ("x",), True, "", "line", "")
        running.keep(str(place.cache), named)
        assert place.call("look").stdout == "alone\n"
        assert other.poll() is None
        other.kill()
    assert not (place.cache / "ahead/running").exists()


def test_a_lock_that_a_stranger_holds_holds_up_one_call(place: Place) -> None:
    place.open("one")
    place.ahead("check one")
    place.settle()
    handle = running.lock(str(place.cache))
    assert handle is not None
    running.keep(str(place.cache), running.Running(2**22 + 1, "1", 0, "", "", "/", ("x",), True, "", "line", ""))
    assert place.call("look").stdout == "alone\n"
    assert not (place.cache / "ahead/running").exists()
    os.close(handle)


@pytest.mark.parametrize("why", ["line", "next", "start", "edit"])
@pytest.mark.parametrize("rule", ["Bash", "Bash(check:*)", "Bash(check *)", "Bash(check two)", "Bash(ch*)"])
def test_what_the_persons_rules_deny_is_not_run_ahead(place: Place, rule: str, why: str) -> None:
    permit(place, deny=[rule])
    earn(place)
    place.ahead("check two", why=why, begins=False)
    place.settle()
    assert place.runs() == 0


@pytest.mark.parametrize(("why", "runs"), [("line", 1), ("next", 0)])
def test_what_they_ask_for_is_run_where_the_line_says_so(place: Place, why: str, runs: int) -> None:
    permit(place, ask=["Bash(check:*)"])
    earn(place)
    place.open("two")
    place.ahead("check two", why=why, begins=False)
    place.settle()
    assert place.runs() == runs


def test_rules_for_other_commands_keep_nothing_from_running(place: Place) -> None:
    permit(place, deny=["Bash(checks:*)", "Bash(rm:*)", "Bash(check one)", "Read(data)"])
    earn(place)
    place.open("two")
    place.ahead("check two", why="next")
    place.settle()
    assert place.became() == ["stored"]


def permit(place: Place, **rules: list[str]) -> None:
    (place.home / ".claude").mkdir()
    (place.home / ".claude/settings.json").write_text(json.dumps({"permissions": rules}))


def test_what_could_not_be_kept_is_not_run_ahead_again(place: Place) -> None:
    """Who joins it waits for its end and then for their own run."""
    place.tool("check", '#!/bin/sh\necho "$*" >>"$COUNTER"\necho ghp_"16C7e42F292c6912E7710c838347Ae178B4a"\n')
    for _ in range(2):
        place.ahead("check one", begins=False)
        place.settle()
    assert [run.what for run in ledger.runs(str(place.cache))] == ["unfit"]
    assert place.runs() == 1


@pytest.mark.parametrize(("line", "runs"), [("wait-for x", 0), ("cat data | cat && sleep 1000", 1)])
def test_what_is_only_usual_does_not_begin_beside_a_call(place: Place, line: str, runs: int) -> None:
    """Such a call may have begun while it was looked up what is usual, as behind an edit."""
    place.tool("wait-for", '#!/bin/sh\ntouch "$GATES/waits"\nexec sleep 1000\n')
    earn(place)
    place.within  # noqa: B018 - before that call
    with place.calling(line) as call:
        until(lambda: os.listdir(place.cache / "calls") and call.pid in begun(place))
        if line.startswith("wait"):
            until((place.gates / "waits").exists)
        place.open("one")
        place.ahead("check one", why="edit", begins=False)
        until(lambda: running.current(str(place.cache)) is None)
        text = place.counter.read_text() if place.counter.exists() else ""
        for pid in place.processes("sleep"):
            os.kill(pid, signal.SIGKILL)
        call.kill()
    assert text.split().count("one") == runs


def begun(place: Place) -> list[int]:
    return [int(number) for number in (place.cache / "calls/one").read_text().split()]


def test_a_call_that_comes_between_two_of_a_list_ends_it(place: Place) -> None:
    """Nothing runs then, but the next one is about to."""
    earn(place)
    names = [f"n{number}" for number in range(40)]
    for name in names:
        place.open(name)
    place.ahead(*(f"check {name}" for name in names), why="next")
    for _ in range(3):
        assert place.call("look").stdout == "alone\n"
        count = place.runs()
        assert place.call("look").stdout == "alone\n"
        assert place.runs() == count
    place.settle()
    assert count < len(names)


def test_a_failure_is_given_to_nobody_where_the_look_was_cut_short(place: Place) -> None:
    place.open("one", 3)
    place.ahead("check one")
    place.settle()
    place.open("one", 0)
    with place.calling("other x") as call:
        until(lambda: place.processes("/stop_ahead.py"))
        for number in place.processes("/stop_ahead.py"):
            os.kill(number, signal.SIGKILL)
        assert call.communicate()[0] == "other says x\n"
    assert place.call("check one").returncode == 0


@pytest.mark.parametrize("name", ["", "running", "lock"])
def test_one_that_nobody_can_see_any_more_ends(place: Place, name: str) -> None:
    place.ahead("check one")
    subprocess.run(["rm", "-rf", str(place.cache / "ahead" / name)], check=True)
    place.call("look")
    until(lambda: not place.processes())


def test_what_a_line_comes_to_ends_with_the_line(place: Place) -> None:
    """It was interrupted: nobody will ask for the rest."""
    with place.calling("check one && check two") as call:
        until(lambda: place.runs() == 2)
        for number in [*place.processes("/.stand_in.py"), call.pid]:
            os.kill(number, signal.SIGKILL)
    place.settle()
    assert place.became() == ["killed"]


TAKING = {
    "file of a process": "[ ! -e server.pid ] || exit 1; echo $$ >server.pid",
    "link to a process": 'ln -s "here:$$" data.lock',
    "file by another name": "set -C; echo $$ >data.lck",
}


@pytest.mark.parametrize("thing", TAKING)
def test_no_mark_of_a_killed_one_is_left(place: Place, thing: str) -> None:
    (place.project / ".gitignore").write_text("*.pid\n*.lck\n*.lock\n")
    place.tool(
        "check",
        f"""#!/bin/sh
trap '' INT
{{ {TAKING[thing]}; }} || exit 1
echo "$*" >>"$COUNTER"
while [ "$1" = one ]; do sleep 0.02; done
""",
    )
    place.ahead("check one")
    assert place.call("check two").returncode == 0


def test_a_session_that_began_before_the_rule_has_nothing_run_ahead(tmp_path: Path) -> None:
    """Its lines would have nothing make way."""
    place = Place(tmp_path, RULES.replace("ahead = true\n", ""))
    (place.home / ".config/skillcache/config.toml").write_text(RULES)
    for name in ("one", "two"):
        place.open(name)
    assert place.call("check one && check two").stdout == f"{SAID}two is done\n"
    assert (place.runs(), place.became()) == (2, [])
    assert not (place.cache / "ahead/log").exists()
