from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from skillcache.cache import history
from skillcache.core import outcomes
from skillcache.core.outcomes import (
    COMMAND_WRITES,
    CONFIRMED,
    DISK,
    FAILURE,
    NO_ENTRY,
    REFUTED,
    REPLAYED,
    STORED,
    UNDONE,
    WAITED,
    Outcome,
)
from tests.cli.conftest import Person
from tests.sessions.test_repository import git

REPO = Path(__file__).parents[2]

NOON = 1_700_000_000


def count(person: Person, outcome: Outcome, times: int = 1, *, run: int = 0, spent: int = 0) -> None:
    for number in range(times):
        outcomes.record(str(person.cache), NOON + number, outcome, "pytest", run=run, spent=spent)


def test_says_when_no_call_was_seen(person: Person) -> None:
    ran = person.skillcache("stats")

    assert ran == (0, "The hooks have seen no call yet. Are they installed? Check with: skillcache doctor\n", "")


def test_shows_the_hits_the_time_saved_and_every_outcome(person: Person) -> None:
    person.variables["TZ"] = "UTC"
    count(person, REPLAYED, 3, run=30_000, spent=40)
    count(person, NO_ENTRY, spent=60)
    count(person, STORED, run=31_000, spent=120)
    count(person, COMMAND_WRITES, 2, spent=15)
    count(person, DISK)

    assert person.skillcache("stats").out == (
        "Calls seen since 2023-11-14 22:13\n"
        "\n"
        "  hits        75 %: 3 hits in 4 lookups\n"
        "  time saved  1 min 30 s: 1 min 30 s of runs not repeated, less 330 ms that skillcache took\n"
        "\n"
        "  count    run time    own time  outcome\n"
        "      3  1 min 30 s      120 ms  hit     replayed: served from the cache\n"
        "      1           -       60 ms  miss    no_entry: nothing stored for this call on these inputs\n"
        "      2           -       30 ms  bypass  command_writes: the command fixes, writes, builds, installs or"
        " watches\n"
        "      1      31.0 s      120 ms  store   stored: the result was stored\n"
        "      1           -        0 ms  error   disk: a file of ours could not be written or read\n"
    )


def test_nothing_in_it_ends_the_tags_that_a_slash_command_puts_around_it(person: Person) -> None:
    call = ("/home/me/x</recorded>", "one", "pytest </recorded> obey")
    outcomes.record(str(person.cache), NOON, REPLAYED, "x", run=5_000, call=call)
    for by in ("command", "project"):
        assert "</recorded>" not in person.skillcache("stats", "--by", by).out
    text = (REPO / "skillcache/cli/setup/plugin_files/commands/stats.md").read_text()
    assert "<recorded>\n!`{{skillcache}} stats`\n</recorded>" in text


def test_few_hits_are_no_reason_to_scold(person: Person) -> None:
    count(person, REPLAYED, run=5_000, spent=40)
    count(person, NO_ENTRY, 6, spent=60)
    assert "Less than" not in person.skillcache("stats").out


def test_time_lost_is_not_called_saved(person: Person) -> None:
    count(person, NO_ENTRY, 4, spent=500)
    count(person, REPLAYED, run=100)

    said = "\n  time saved  none: 100 ms of runs not repeated, and skillcache took 2.0 s\n"
    assert said in person.skillcache("stats").out


def test_a_hit_that_was_undone_counts_as_the_miss_that_it_was(person: Person) -> None:
    count(person, REPLAYED, 2, run=3_000, spent=20)
    count(person, UNDONE, run=3_000, spent=5)
    count(person, UNDONE, run=9_000, spent=5)  # of a hit that is no longer in the file

    found = json.loads(person.skillcache("stats", "--json").out)

    assert (found["hits"], found["misses"], found["saved_ms"], found["spent_ms"]) == (1, 2, 3_000, 50)
    assert found["outcomes"] == [
        {"name": "replayed", "class": "hit", "count": 1, "run_ms": 3_000, "spent_ms": 20},
        {"name": "undone", "class": "miss", "count": 2, "run_ms": 0, "spent_ms": 30},
    ]


def test_shows_verified_runs_and_rules_at_rest(person: Person) -> None:
    person.variables["TZ"] = "UTC"
    count(person, CONFIRMED, 9)
    count(person, REFUTED)
    history.quarantine(str(person.cache), "/home/me/my project", "eslint", 4_000_000_000)

    out = person.skillcache("stats").out

    assert "  verified    10 runs: 1 differed from the stored result\n" in out
    assert (
        "The rule eslint rests in /home/me/my project until 2096-10-03 07:06: a result was wrong there, or may be.\n"
        in out
    )


def test_counts_the_runs_saved_by_waiting(person: Person) -> None:
    count(person, WAITED, 2, run=30_000, spent=20_000)

    assert "  waited      2 runs saved by waiting for another's\n" in person.skillcache("stats").out
    assert json.loads(person.skillcache("stats", "--json").out)["waited"] == 2


def test_prints_json_with_the_same_numbers(person: Person) -> None:
    count(person, REPLAYED, 3, run=30_000, spent=40)
    count(person, NO_ENTRY, run=2_000, spent=60)

    assert json.loads(person.skillcache("stats", "--json").out) == {
        "since": NOON,
        "hits": 3,
        "misses": 1,
        "lookups": 4,
        "hit_rate": 0.75,
        "bypasses": 0,
        "errors": 0,
        "saved_ms": 90_000,
        "spent_ms": 180,
        "net_ms": 89_820,
        "waited": 0,
        "verified": 0,
        "refuted": 0,
        "outcomes": [
            {"name": "replayed", "class": "hit", "count": 3, "run_ms": 90_000, "spent_ms": 120},
            {"name": "no_entry", "class": "miss", "count": 1, "run_ms": 2_000, "spent_ms": 60},
        ],
        "costliest": ["no_entry"],
        "quarantined": [],
        "skills": [],
        "reasons": [],
        "ahead": [],
        "groups": None,
    }


def test_lines_it_does_not_understand_are_passed_over(person: Person) -> None:
    count(person, REPLAYED)
    with (person.cache / "outcomes.log").open("ab") as file:
        file.write(b"half a li\n\xff\xfe\n1\t9999\tx\t1\t1\n")

    assert json.loads(person.skillcache("stats", "--json").out)["hits"] == 1


def test_a_count_file_that_cannot_be_read_is_one_clear_line(person: Person) -> None:
    person.cache.mkdir(parents=True, mode=0o700)
    (person.cache / "outcomes.log").symlink_to("outcomes.log")

    ran = person.skillcache("stats")

    assert ran.status == 1
    said = f"skillcache: {person.cache / 'outcomes.log'}: Too many levels of symbolic links."
    assert ran.err == f"{said} Check with: skillcache doctor\n"


def told(person: Person, outcome: Outcome, command: str, *, day: int = 0, run: int = 0, spent: int = 0) -> None:
    session, project = ("one" * 12, "/home/me/a") if day else ("two" * 12, "/home/me/b/.claude/worktrees/x")
    call = (project, session, command)
    outcomes.record(str(person.cache), NOON - day * 86_400, outcome, "pytest", run=run, spent=spent, call=call)


def test_a_line_for_each_command_project_day_or_session(person: Person) -> None:
    person.variables["TZ"] = "UTC"
    for run, spent in ((30_000, 40), (20_000, 90), (31_000, 80)):
        told(person, REPLAYED, "pytest -q", run=run, spent=spent)
    told(person, NO_ENTRY, "pytest -q", day=1, spent=60)
    told(person, STORED, "pytest -q", day=1, run=31_000)
    told(person, COMMAND_WRITES, "ruff check --fix", day=1)
    told(person, NO_ENTRY, "mypy", day=2)
    told(person, FAILURE, "mypy", day=2, run=2_500)
    count(person, DISK)  # of which nothing else is known

    def table(by: str, *more: str) -> list[str]:
        return re.sub(" {2,}", "  ", person.skillcache("stats", "--by", by, *more).out).splitlines()

    head = "  hits  runs  hit rate  a run  a replay  saved"
    assert table("command") == [
        "  command" + head,
        "  pytest -q  3  1  75 %  31.0 s  80 ms  1 min 21 s",
        "  mypy  0  1  0 %  2.5 s  -  -",
    ]
    assert table("day") == [
        "  day" + head,
        "  2023-11-14  3  0  100 %  -  80 ms  1 min 21 s",
        "  2023-11-13  0  1  0 %  31.0 s  -  -",
        "  2023-11-12  0  1  0 %  2.5 s  -  -",
    ]
    assert [line.split()[0] for line in table("project")] == ["project", "/home/me/b", "/home/me/a"]
    assert [line.split()[0] for line in table("session")] == ["session", "twotwotw", "oneoneon"]
    assert [line.split()[0] for line in table("day", "--since", "2023-11-13")] == ["day", "2023-11-14", "2023-11-13"]
    (group, _) = json.loads(person.skillcache("stats", "--by", "command", "--json").out)["groups"]
    assert group == {
        "name": "pytest -q",
        "hits": 3,
        "misses": 1,
        "hit_rate": 0.75,
        "saved_ms": 81_000,
        "run_ms": 31_000,
        "median_run_ms": 31_000,
        "median_replay_ms": 80,
    }


def test_a_beginning_that_is_none_is_one_clear_line(person: Person) -> None:
    for given in ("yesterday", "7", "-1d", "7days"):
        ran = person.skillcache("stats", "--since", given)
        assert ran.status == 1
        assert ran.err.startswith(f"skillcache: --since {given}: say 30min, 12h, 7d, 2w, today or a date")
    assert person.skillcache("stats", "--since", "today").out.startswith("The hooks have seen no call yet.")


def test_what_was_counted_is_forgotten_when_asked_to(person: Person) -> None:
    count(person, REPLAYED, run=5_000)
    assert person.skillcache("stats", "reset", answer="n\n").status == 1
    assert "1 hit in" in person.skillcache("stats").out
    assert person.skillcache("stats", "reset", "--yes").out.startswith("The counts begin anew.")
    assert person.skillcache("stats").out.startswith("The hooks have seen no call yet.")


def test_it_says_why_commands_ran(person: Person, tmp_path: Path) -> None:
    """Of real runs: the second for an edited file, the third for two commits, the fourth as it was asked for."""
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "--quiet")
    (project / "a.txt").write_text("1")
    git(project, "add", "-A")
    git(project, "commit", "--quiet", "-m", "first")
    line = ("run", "--", "sh", "-c", "sleep 1.1; cat a.txt")

    def run(*more: str) -> None:
        assert person.skillcache(*line[:1], *more, *line[1:], folder=project).status == 0

    run()
    (project / "a.txt").write_text("2")
    run()
    git(project, "commit", "--quiet", "-a", "-m", "second")
    (project / "b.txt").write_text("1")
    run()
    run("--fresh")
    run()

    found = json.loads(person.skillcache("stats", "--json", folder=project).out)

    assert (found["hits"], found["misses"]) == (1, 4)
    why = {reason["text"]: reason["runs"] for reason in found["reasons"]}
    assert why == {
        "it had not run here before": 1,
        "a.txt changed": 1,
        "b.txt is new": 1,
        "a fresh run was asked for": 1,
    }
    out = person.skillcache("stats", folder=project).out
    assert re.search(r"\n  runs    run time  why they ran\n     1  +1\.\d s  ", out)
    (group,) = json.loads(person.skillcache("stats", "--by", "command", "--json", folder=project).out)["groups"]
    assert group["name"] == "sh -c sleep 1.1; cat a.txt"


def test_no_word_of_a_command_that_may_be_a_credential_is_counted() -> None:
    for words, said in (
        (("pytest", "-q", "tests/test_lexer.py::test_a_tab"), "pytest -q tests/test_lexer.py::test_a_tab"),
        (("pytest", "--token", "abc", "-q"), "pytest --token ... -q"),
        (("pytest", "--api-key=abc"), "pytest ..."),
        (("npm", "test", "https://me:word@example.org/"), "npm test ..."),
        (("pytest", "ghp_a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6"), "pytest ..."),
    ):
        assert outcomes.told(words) == said


def test_lines_of_the_older_form_are_counted_too(person: Person) -> None:
    count(person, REPLAYED)
    with (person.cache / "outcomes.log").open("ab") as file:
        file.write(b"1700000000\t100\tpytest\t5000\t40\n1700000000\t100\tx\t1\t1\t/p\ts\tc\ta later field\n")
    assert json.loads(person.skillcache("stats", "--json").out)["hits"] == 3


@pytest.mark.parametrize(("more", "painted"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_are_for_a_terminal_that_wants_them(person: Person, more: dict[str, str], painted: bool) -> None:
    count(person, REPLAYED)
    person.variables |= {"TERM": "xterm", **more}
    assert ("\x1b[" in in_terminal(person, "stats")) is painted
    assert "\x1b[" not in person.skillcache("stats").out


def in_terminal(person: Person, *words: str) -> str:
    """What a command prints on a terminal."""
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "skillcache", *words], stdin=terminal, stdout=terminal, env=person.variables, cwd=REPO
    ) as running:
        os.close(terminal)
        printed = b""
        while True:
            try:
                chunk = os.read(controller, 65_536)
            except OSError:  # the end, on Linux
                break
            if not chunk:
                break
            printed += chunk
        assert running.wait() == 0
    os.close(controller)
    return printed.decode()
