"""`skillcache invalidate`, over both stores."""

from __future__ import annotations

import pytest

from skillcache.stores.contract import entry_key, project_name, team_name
from skillcache.stores.entry import encode
from tests.cli.conftest import Person
from tests.sessions.test_repository import git
from tests.shelf import Shelf, digest_of
from tests.stores.test_entry import make


def place_of(shelf: Shelf) -> str:
    if shelf.target.startswith("embedded:"):
        return f"the embedded store {shelf.target.removeprefix('embedded:')}"
    return f"Redis at {shelf.target.removeprefix('redis://').removesuffix('/0')}, database 0"


def said(shelf: Shelf, names: str, entries: str) -> tuple[int, str, str]:
    return 0, f"Invalidated: {names}.\n{entries} removed from {place_of(shelf)}.\n", ""


@pytest.mark.parametrize("option", ["--skill", "--tool", "--rule"])
def test_what_was_stored_of_a_name_goes(person: Person, shelf: Shelf, option: str) -> None:
    shelf.put("pytest", "Bash")
    shelf.put("ruff", "Bash", "pytest")
    shelf.put("mypy", "Bash")

    assert person.skillcache("invalidate", option, "pytest") == said(shelf, "pytest", "2 entries")

    assert not shelf.holds("pytest")
    assert shelf.holds("mypy")
    assert person.skillcache("invalidate", option, "Bash") == said(shelf, "Bash", "1 entry")


def test_a_project_is_the_one_the_person_is_in(person: Person, shelf: Shelf) -> None:
    for name in ("here", "there"):
        folder = person.home / name
        folder.mkdir()
        git(folder, "init", "--quiet")
        git(folder, "remote", "add", "origin", f"git@github.com:someone/{name}.git")
        shelf.put(name, project_name(f"github.com/someone/{name}"))

    ran = person.skillcache("invalidate", "--project", folder=person.home / "here")

    assert ran == said(shelf, "the project github.com/someone/here", "1 entry")
    assert shelf.holds("there")


def test_a_team_is_the_one_that_is_set(person: Person, shelf: Shelf) -> None:
    shelf.put("report")
    for team in ("acme", "other"):
        shelf.put("report", team_name(team), team=team)

    assert person.skillcache("invalidate", "--team") == (
        1,
        "",
        (
            'skillcache: no team is set. Set SKILLCACHE_TEAM, or write team = "NAME" into'
            f" {person.home}/.config/skillcache/config.toml, then: skillcache invalidate --team\n"
        ),
    )
    person.variables["SKILLCACHE_TEAM"] = "acme"
    assert person.skillcache("invalidate", "--team") == said(shelf, "the team acme", "1 entry")
    assert shelf.holds("report")
    assert shelf.holds("report", team="other")


def test_a_pattern_is_of_names_or_of_keys(person: Person, shelf: Shelf) -> None:
    for name in ("report-day", "report-week", "digest"):
        shelf.put(name)

    assert person.skillcache("invalidate", "--pattern", "report-*") == said(
        shelf, "report-day, report-week", "2 entries"
    )
    assert person.skillcache("invalidate", "--pattern", "skill_cache:digest:*") == said(shelf, "digest", "1 entry")
    assert person.skillcache("invalidate", "--pattern", "nothing-*") == (
        0,
        f"No name is like nothing-*.\n0 entries removed from {place_of(shelf)}.\n",
        "",
    )


def test_several_options_are_each_of_them(person: Person, shelf: Shelf) -> None:
    for number, name in enumerate(("pytest", "report-day", "digest", "mypy")):
        shelf.put(name, number=number)

    ran = person.skillcache("invalidate", "--rule", "pytest", "--skill", "digest", "--pattern", "report-*")

    assert ran == said(shelf, "digest, pytest, report-day", "3 entries")
    assert shelf.holds("mypy", 3)


def test_of_many_names_the_first_are_told(person: Person, shelf: Shelf) -> None:
    for number in range(8):
        shelf.put(f"report-{number}")

    ran = person.skillcache("invalidate", "--pattern", "report-?")

    assert ran == said(shelf, "report-0, report-1, report-2, report-3, report-4, 3 more", "8 entries")


def test_a_dry_run_says_what_would_go_and_changes_nothing(person: Person, shelf: Shelf) -> None:
    shelf.put("report-day")
    shelf.put("report-week")
    size = 2 * len(shelf.read("report-day") or b"")
    assert 1_000 < size < 9_999

    ran = person.skillcache("invalidate", "--pattern", "report-*", "--skill", "report-day", "--dry-run")

    assert ran == (
        0,
        (
            "Would be invalidated: report-day, report-week.\n"
            f"2 entries ({size / 1000:.1f} kB) would be removed from {place_of(shelf)}.\n"
        ),
        "",
    )
    assert shelf.generation("report-day") == 0
    assert shelf.holds("report-day")
    assert shelf.holds("report-week")


def test_without_a_selector_they_are_listed(person: Person, shelf: Shelf) -> None:
    shelf.put("report")

    ran = person.skillcache("invalidate")

    assert (ran.status, ran.out) == (2, "")
    assert ran.err.endswith("Error: say what: --skill, --tool, --rule, --project, --team or --pattern\n")
    assert shelf.holds("report")


@pytest.mark.parametrize("option", ["--tool", "--rule", "--skill"])
def test_what_is_like_many_names_is_a_pattern(person: Person, option: str) -> None:
    ran = person.skillcache("invalidate", option, "mcp__words__*")
    assert ran.status == 2
    assert "give --pattern 'mcp__words__*'" in ran.err


def test_a_store_that_cannot_be_made_is_named(person: Person) -> None:
    person.variables["SKILLCACHE_HOME"] = "/proc/nowhere"
    ran = person.skillcache("invalidate", "--rule", "x")
    assert ran.status == 1
    assert ran.err == (
        "skillcache: the embedded store /proc/nowhere/store.sqlite3: a file of ours could not be written or read:"
        " No such file or directory. Mend: see that there is room, and that the folder is yours: ls -ld /proc/nowhere\n"
    )


def test_a_run_that_began_before_stores_nothing(person: Person, shelf: Shelf) -> None:
    store = shelf.open()
    key = entry_key("report", digest_of(0))
    before = store.get(key, ("report",)).generations

    assert person.skillcache("invalidate", "--skill", "report") == said(shelf, "report", "0 entries")

    value = encode(make(names={"report": before[0]}, started=5))
    assert not store.put(key, value, ttl=60, started=5, names=("report",), generations=before)
    store.close()


def test_a_damaged_entry_stops_nothing(person: Person, shelf: Shelf) -> None:
    shelf.put("report", number=1, value=b"0001790000000000 skillcache 1\n{damaged")
    shelf.put("report", number=2)

    assert person.skillcache("invalidate", "--skill", "report") == said(shelf, "report", "1 entry")
    assert person.skillcache("invalidate", "--pattern", "report") == said(shelf, "report", "1 entry")


def test_ten_thousand_go(person: Person, shelf: Shelf) -> None:
    value = encode(make(names={"report": 0}))
    shelf.fill({entry_key("report", digest_of(number)): value for number in range(10_000)})

    assert person.skillcache("invalidate", "--skill", "report") == said(shelf, "report", "10,000 entries")


def test_names_of_others_reach_no_terminal_as_they_are(person: Person, shelf: Shelf) -> None:
    shelf.put("report\x1b[31m")

    assert person.skillcache("invalidate", "--pattern", "report*") == said(shelf, "report[31m", "1 entry")


def test_a_store_out_of_reach_is_one_line(person: Person) -> None:
    person.variables["SKILLCACHE_REDIS_URL"] = "redis://:hunter2@127.0.0.1:1/3"

    assert person.skillcache("invalidate", "--skill", "report") == (
        1,
        "",
        (
            "skillcache: Redis at 127.0.0.1:1, database 3: the store could not be reached: ECONNREFUSED."
            " Mend: start the server, or correct SKILLCACHE_REDIS_URL. Check with: skillcache doctor\n"
        ),
    )


def test_a_damaged_store_is_one_line(person: Person) -> None:
    person.cache.mkdir(parents=True, mode=0o700)
    (person.cache / "store.sqlite3").write_bytes(b"not a database, however long one looks at it" * 100)

    ran = person.skillcache("invalidate", "--skill", "report")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(
        f"skillcache: the embedded store {person.cache}/store.sqlite3: the store's answer was not "
    )
    assert ": the file is damaged; a new one takes its place. Mend: try again: " in ran.err
    assert person.skillcache("invalidate", "--skill", "report").status == 0
