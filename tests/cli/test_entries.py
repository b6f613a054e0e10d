"""`skillcache entries list`, over both stores."""

from __future__ import annotations

import json
import sqlite3
import time

import pytest

from skillcache.stores import entry
from skillcache.stores.contract import entry_key, team_name
from skillcache.stores.entry import encode
from tests.cli.conftest import Person, Ran
from tests.shelf import STARTED, Shelf, digest_of
from tests.stores.test_entry import make

SECRET = "ghp_" + "a1B2c3D4e5F6" * 3


def bash(command: str) -> str:
    return entry.text_of((("tool", "", "Bash"), ("command", "", command), ("env", "LANG", "C")))


def here(person: Person) -> str:
    """The project of who works in their home folder."""
    return str(person.home.resolve())


def ago(seconds: float) -> int:
    return int((time.time() - seconds) * 1000)


def lines(ran: Ran) -> list[list[str]]:
    """The words of each line; none is told from its neighbours by one blank only."""
    assert (ran.status, ran.err) == (0, "")
    return [[word for word in line.split("  ") if word] for line in ran.out.splitlines()]


@pytest.mark.usefixtures("shelf")
def test_an_empty_store_says_so(person: Person) -> None:
    assert person.skillcache("entries", "list") == (0, "0 entries of this project, 0 bytes.\n", "")
    assert person.skillcache("entries", "list", "--all", "--json") == (0, "[]\n", "")


def test_the_list_has_a_line_for_each_entry_of_this_project(person: Person, shelf: Shelf) -> None:
    old, new, other = ago(7_300), ago(130), ago(5)
    shelf.put("pytest", number=1, ttl=86_000, key=bash("pytest -q"), project=here(person), finished=old, duration=2_300)
    shelf.put("report", number=2, ttl=7_300, key='{"day":1}', project=here(person), finished=new, status=3, form="json")
    shelf.put("other", number=3, project="elsewhere", finished=other)

    ran = person.skillcache("entries", "list")

    size = sum(len(shelf.read(name, number) or b"") for name, number in (("pytest", 1), ("report", 2)))
    sizes = [f"{len(shelf.read(name, number) or b'')} bytes" for name, number in (("report", 2), ("pytest", 1))]
    assert [[word.strip() for word in line] for line in lines(ran)] == [
        ["digest", "name", "stored", "expires", "size", "run", "status", "form", "by", "call"],
        ["000000000000", "report", "2 min ago", "in 2 h", sizes[0], "2.3 s", "3", "json", "u@h", '{"day":1}'],
        ["000000000000", "pytest", "2 h ago", "in 23 h", sizes[1], "2.3 s", "0", "text", "u@h", "pytest -q"],
        [],
        [f"2 entries of this project, {size / 1000:.1f} kB. 1 other with: skillcache entries list --all"],
    ]


def test_all_are_listed_with_what_a_team_shares_and_what_is_pinned_or_unreadable(person: Person, shelf: Shelf) -> None:
    shelf.put("report", team_name("acme"), team="acme", finished=ago(60), pinned=True, duration=61_000)
    shelf.put("report", finished=ago(30))
    shelf.put("report", number=7, value=b"%016d skillcache 1\n{damaged" % STARTED)

    listed = lines(person.skillcache("entries", "list", "--all"))

    assert [line[1].strip() for line in listed[1:4]] == ["report", "report (team acme)", "report"]
    assert [line[3].strip() for line in listed[1:3]] == ["in 9 min", "pinned"]
    assert listed[3][-1].strip() == "unreadable"
    assert listed[-1][0].startswith("3 entries, ")


def test_what_is_unreadable_is_listed_in_every_project(person: Person, shelf: Shelf) -> None:
    shelf.put("report", value=b"%016d skillcache 1\n{}\n" % STARTED)

    assert "unreadable" in person.skillcache("entries", "list").out
    (found,) = json.loads(person.skillcache("entries", "list", "--json").out)
    assert found["readable"] is False
    assert found["name"] == "report"


def test_the_list_can_be_ordered_cut_and_narrowed(person: Person, shelf: Shelf) -> None:
    shelf.put("aa", finished=ago(10), duration=1_000, key="x" * 5_000)
    shelf.put("ab", finished=ago(20), duration=9_000)
    shelf.put("b[1]", finished=ago(5), duration=5_000, key="x" * 3_000)

    def names(*words: str) -> list[str]:
        return [
            found["name"] for found in json.loads(person.skillcache("entries", "list", "--all", "--json", *words).out)
        ]

    assert names() == ["b[1]", "aa", "ab"]
    assert names("--sort", "saved") == ["ab", "b[1]", "aa"]
    assert names("--sort", "size", "--limit", "2") == ["aa", "b[1]"]
    assert names("--name", "a?") == ["aa", "ab"]
    assert names("--name", r"b\[1\]") == ["b[1]"]
    assert " kB; 1 shown.\n" in person.skillcache("entries", "list", "--all", "--limit", "1").out


def test_json_tells_all_of_it(person: Person, shelf: Shelf) -> None:
    shelf.put("report", team_name("acme"), number=5, team="acme", key=bash("make report"), finished=STARTED, ttl=600)

    (found,) = json.loads(person.skillcache("entries", "list", "--all", "--json").out)

    assert 590 <= found.pop("expires_s") <= 600
    assert found == {
        "key": f"team:cache:acme:report:{digest_of(5)}",
        "name": "report",
        "digest": digest_of(5),
        "team": "acme",
        "bytes": len(shelf.read("report", 5, "acme") or b""),
        "readable": True,
        "project": "github.com/someone/something",
        "finished_ms": STARTED,
        "duration_ms": 2300,
        "status": 0,
        "failed": False,
        "form": "text",
        "pinned": False,
        "writer": {"user": "u", "host": "h"},
        "call": "make report",
    }


def test_a_credential_of_a_call_is_not_told(person: Person, shelf: Shelf) -> None:
    shelf.put("report", key=bash(f"report --token {SECRET}"), output=f"it is {SECRET}".encode())

    for words in (("list", "--all"), ("list", "--all", "--json"), ("show", "0")):
        ran = person.skillcache("entries", *words)
        assert ran.status == 0
        assert "[redacted:" in ran.out
        assert SECRET not in ran.out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            entry.text_of((("tool", "", "WebFetch"), ("url", "", "https://a.example/"), ("prompt", "", "p"))),
            "https://a.example/",
        ),
        (entry.text_of((("tool", "", "run"), ("command", "", '["make","a b"]'))), "make 'a b'"),
        (entry.text_of((("tool", "", "other"), ("what", "", "this"))), "this"),
        ('{"a":"\\u001b[31m"}', '{"a":"\\u001b[31m"}'),
        ("two\nlines\x1b[31m", "two lines[31m"),
    ],
)
def test_a_call_is_told_in_one_line(person: Person, shelf: Shelf, text: str, told: str) -> None:
    shelf.put("report", key=text)

    assert lines(person.skillcache("entries", "list", "--all"))[1][-1].strip() == told


def test_expired_entries_are_not_listed(person: Person) -> None:
    shelf = Shelf(f"embedded:{person.cache}/store.sqlite3")
    shelf.put("report")
    with sqlite3.connect(shelf.target.removeprefix("embedded:")) as db:
        db.execute("UPDATE entries SET expires = ?", (time.time() - 1,))
    db.close()

    assert person.skillcache("entries", "list", "--all").out == "0 entries, 0 bytes.\n"
    assert person.skillcache("entries", "show", "0").status == 1


def test_ten_thousand_are_walked_through(person: Person, shelf: Shelf) -> None:
    value = encode(make(names={"report": 0}))
    shelf.fill({entry_key("report", digest_of(number)): value for number in range(10_000)})

    ran = person.skillcache("entries", "list", "--all", "--limit", "3")

    assert ran.out.splitlines()[-1] == f"10,000 entries, {10_000 * len(value) / 1e6:.1f} MB; 3 shown."


def test_a_store_out_of_reach_is_one_line(person: Person) -> None:
    person.variables["SKILLCACHE_REDIS_URL"] = "redis://:hunter2@127.0.0.1:1/3"

    for words in (("list",), ("show", "0"), ("pin", "0"), ("remove", "0")):
        assert person.skillcache("entries", *words) == (
            1,
            "",
            (
                "skillcache: Redis at 127.0.0.1:1, database 3: the store could not be reached: ECONNREFUSED."
                " Mend: start the server, or correct SKILLCACHE_REDIS_URL. Check with: skillcache doctor\n"
            ),
        )
