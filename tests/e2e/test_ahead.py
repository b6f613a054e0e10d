"""Runs ahead in sessions of the real client: what the model surely asks next is there, and nothing is in its way."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from skillcache.cli.checks.messages_api import Request, ToolCall, Turn
from skillcache.commands import replayed
from skillcache.commands.ahead import log, policy
from skillcache.core import files
from skillcache.core.git import identity
from tests.e2e.project import CHECK_RULE, Place, after, as_turn

RULE = f'{CHECK_RULE}\n[[rules]]\nmatch = "Bash(./check:*)"\nahead = true\n'
# Leaves a line at its begin and at its end, and between them waits for the files that its words name. Where these lie
# is said by no variable and no whole word: what a value or a text names is an input.
CHECK = """\
#!/bin/sh
marks=${E2E_LOG%/*}/mar""ks
echo $$ >"$marks/process-$1"
echo "begin $1" >>"$E2E_LOG"
for wanted; do
    [ "$wanted" = "$1" ] || while [ ! -e "$marks/$wanted" ]; do sleep 0.02; done
done
: >"$marks/$1"
cat answer
echo "end $1" >>"$E2E_LOG"
[ ! -e "fail-$1" ]
"""


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def furnish(place: Place, rule: str = RULE) -> Path:
    """A check that can be held, by files in the folder that is given back."""
    marks = place.root / "marks"
    marks.mkdir()
    place.client.env["SKILLCACHE_AHEAD_LOAD"] = "1000"  # a busy machine decides no test
    place.write("check", CHECK)
    place.commit()
    place.configure(rule)
    keep(place, "one", "two", "three", "one two")
    return marks


def keep(place: Place, *words: str) -> None:
    """As if results of these checks had been stored before, on other content."""
    path = replayed.path_of(str(place.home / ".cache/skillcache"), identity(str(place.project)))
    for each in words:
        kept = [int(time.time() * 1000), "check", "0" * 40, "another", "", "", "", "", ["./check", *each.split()]]
        files.append(path, json.dumps(kept).encode() + b"\n")


def lines(place: Place) -> list[str]:
    return place.runs.read_text().splitlines() if place.runs.exists() else []


def ran(place: Place, name: str) -> int:
    return lines(place).count(f"begin {name}")


def test_the_later_checks_of_a_line_begin_with_the_first(place: Place) -> None:
    """The first ends only once the second has ended: one after the other would wait for ever."""
    furnish(place)
    session = place.play("./check one two && ./check two && ./check three")
    assert session.texts == ["all is well\nall is well\nall is well"]
    assert [ran(place, name) for name in ("one", "two", "three")] == [1, 1, 1]
    assert lines(place).index("begin two") < lines(place).index("end one")


def test_a_later_one_that_fails_is_served_once(place: Place) -> None:
    furnish(place)
    place.write("fail-two", "")
    place.commit()
    line = "./check one two; ./check two"
    session = place.play(line, line)
    assert session.texts == ["Exit code 1\nall is well\nall is well"] * 2
    assert ran(place, "two") == 2


def test_nothing_is_run_ahead_where_no_rule_says_so(place: Place) -> None:
    marks = furnish(place, CHECK_RULE)

    def release(_request: Request) -> Turn:
        return "done"

    (marks / "zero").touch()
    place.play("./check one zero && ./check two", release)
    assert lines(place) == ["begin one", "end one", "begin two", "end two"]
    assert not (place.home / ".cache/skillcache/ahead").exists()


def learn(place: Place) -> None:
    """That `two` has followed on `one` in this project, five times within the hour and a minute each."""
    cache, project, now = str(place.home / ".cache/skillcache"), log.place_of(str(place.project)), time.time()
    for number in range(10):
        words, at = ("./check", ("one", "two")[number % 2]), now - 600 + number
        log.note(cache, project, "before", policy.CHECK, at, words=words, passed=True, milliseconds=60_000)


def note(place: Place, *kinds: str, times: int = 5) -> None:
    """That these steps followed on each other in this project, so often within the hour, each check of a minute."""
    cache, project, now = str(place.home / ".cache/skillcache"), log.place_of(str(place.project)), time.time()
    for number, kind in enumerate(kinds * times):
        words = ("./check", "one") if kind == policy.CHECK else ()
        log.note(cache, project, "before", kind, now - 600 + number, words=words, passed=True, milliseconds=60_000)


def test_a_session_that_begins_on_other_content_finds_its_first_check_done(place: Place) -> None:
    furnish(place)
    place.play("./check one")
    place.write("answer", "another\n")
    note(place, policy.START, policy.CHECK, policy.EDIT)
    session = place.play(after(lambda: until(lambda: kept(place)), "./check one"))
    assert session.texts == ["another"]
    assert ran(place, "one") == 2


def test_a_repository_that_says_it_is_another_runs_nothing(place: Place) -> None:
    """What was learnt in one clone has no other one's code run: anybody may write an address into a `.git/config`."""
    furnish(place)
    place.git("remote", "add", "origin", "https://git.example.org/shop.git")
    note(place, policy.START, policy.CHECK, policy.EDIT)
    place.play("./check one")
    other = place.root / "unpacked"
    shutil.copytree(place.project, other)
    place.write("answer", "another\n", other)
    place.play("./check one", project=place.project)
    place.play("done", project=other)
    assert ran(place, "one") == 1
    assert len(list((place.home / ".cache/skillcache/ahead/log").iterdir())) == 2


def test_after_an_edit_the_check_that_usually_follows_is_there(place: Place) -> None:
    furnish(place)
    place.client.env["SKILLCACHE_RECORD_SESSIONS"] = "1"  # which tells of edits
    place.skillcache("install", "--scope", "user")
    note(place, policy.CHECK, policy.EDIT, times=6)
    edit = ToolCall("Write", {"file_path": str(place.project / "new.txt"), "content": "more\n"})
    session = place.play("./check one", [edit], after(lambda: until(lambda: kept(place)), "./check one"))
    assert [result.text for result in session.results][::2] == ["all is well"] * 2
    assert ran(place, "one") == 2


def test_the_usual_next_one_is_there_when_it_is_asked_for(place: Place) -> None:
    furnish(place)
    learn(place)

    def then(_request: Request) -> Turn:
        until(lambda: kept(place))
        return as_turn("./check two")

    session = place.play("./check one", then)
    assert session.texts == ["all is well", "all is well"]
    assert ran(place, "two") == 1
    assert [run["used"] for run in json.loads(place.skillcache("stats", "--json"))["ahead"]] == [1]


def kept(place: Place) -> list[str]:
    folder = place.home / ".cache/skillcache/ahead/kept"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def test_an_edit_in_the_middle_ends_it_and_the_fresh_run_is_right(place: Place) -> None:
    marks = furnish(place)
    learn(place)
    # From here on `two` waits for a file that comes only after the edit.
    place.write("check", CHECK.replace('[ "$wanted" = "$1" ]', '[ "$1" = one ]'))
    place.commit()

    def edit(_request: Request) -> Turn:
        until(lambda: ran(place, "two") == 1)
        place.write("answer", "another\n")
        until(lambda: not place.processes("./check"))
        (marks / "two").touch()
        return as_turn("./check two")

    session = place.play("./check one", edit)
    assert session.texts == ["all is well", "another"]
    assert ran(place, "two") == 2


def test_another_command_does_not_meet_it(place: Place) -> None:
    """Neither one of a rule nor one that we have never heard of."""
    marks = furnish(place)
    learn(place)
    place.write("check", CHECK.replace('[ "$wanted" = "$1" ]', '[ "$1" = one ]'))
    place.write("other", '#!/bin/sh\nkill -0 "$(cat "$1")" 2>/dev/null && echo "it is there" || echo "alone"\n')
    (place.project / "other").chmod(0o755)
    place.commit()

    def then(_request: Request) -> Turn:
        until(lambda: ran(place, "two") == 1)
        return as_turn(f"./other {marks}/process-two")

    session = place.play("./check one", then)
    assert session.texts == ["all is well", "alone"]


def test_nothing_is_left_when_the_session_ends(place: Place) -> None:
    furnish(place)
    learn(place)
    place.write("check", CHECK.replace('[ "$wanted" = "$1" ]', '[ "$1" = one ]'))
    place.commit()
    place.play("./check one", after(lambda: until(lambda: ran(place, "two") == 1), "done"))
    until(lambda: not place.processes("./check"))
    assert not place.processes("ahead")
