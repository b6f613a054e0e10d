"""`skillcache entries show`, `pin` and `remove`, over both stores."""

from __future__ import annotations

import sqlite3
import time

import redis

from skillcache.cache.relocation import relocate
from skillcache.stores.contract import MAX_TTL, entry_key, project_name, team_name
from skillcache.stores.entry import STREAMS, File, encode
from tests.cli.conftest import Person
from tests.cli.test_entries import ago, bash
from tests.shelf import Shelf, digest_of
from tests.stores.test_entry import make

SECRET = "ghp_" + "a1B2c3D4e5F6" * 3


def left_of(shelf: Shelf, name: str, number: int = 0) -> float:
    place = entry_key(name, digest_of(number))
    if shelf.target.startswith("embedded:"):
        with sqlite3.connect(shelf.target.removeprefix("embedded:")) as db:
            (expires,) = db.execute("SELECT expires FROM entries WHERE key = ?", (place,)).fetchone()
        db.close()
        return float(expires - time.time())
    client = redis.Redis.from_url(shelf.target)
    left = client.ttl(place)
    client.close()
    assert isinstance(left, int)
    return left


def test_an_entry_is_shown(person: Person, shelf: Shelf) -> None:
    output, relocated = relocate(b"ok in /w/src\n\nred \x1b[31m\n", "/w")
    assert relocated
    shelf.put(
        "pytest",
        project_name("p"),
        number=0xABC,
        ttl=7_300,
        key=bash("pytest -q"),
        output=output,
        relocated=True,
        files=(File("out/a.txt", 0o640, b"12345"),),
        finished=ago(130),
        writer={"user": "ada", "host": "vm", "session": "s1"},
    )

    ran = person.skillcache("entries", "show", f"{digest_of(0xABC)}")

    assert ran == (
        0,
        f"""\
skill_cache:pytest:{digest_of(0xABC)}
  stored   2 min ago by ada@vm, session s1
  expires  in 2 h
  run      2.3 s, exit status 0
  output   text, {len(output)} bytes; {len(shelf.read("pytest", 0xABC) or b"")} bytes stored
  project  github.com/someone/something
  root     /w
  current  yes: nothing has invalidated it

names: generation
  pytest: 0
  @project:p: 0

key
  tool: Bash
  command: pytest -q
  env LANG: C

files
  out/a.txt: 640, 5 bytes

output
  ok in /w/src

  red [31m
""",
        "",
    )


def test_what_was_invalidated_is_told_from_what_would_be_served(person: Person, shelf: Shelf) -> None:
    shelf.put("pytest", "Bash")
    store = shelf.open()
    store.invalidate("Bash")
    store.close()

    out = person.skillcache("entries", "show", "0").out

    assert "  current  no: invalidated by Bash\n" in out
    assert "  pytest: 0\n  Bash: 0, now 1\n" in out


def test_the_whole_output_is_printed_as_the_run_printed_it(person: Person, shelf: Shelf) -> None:
    text = "".join(f"/w/line {number}\n" for number in range(1_000)).encode()
    output, relocated = relocate(text, "/w")
    shelf.put("pytest", root="/w", output=output, relocated=relocated, form=STREAMS)

    assert person.skillcache("entries", "show", "0", "--output") == (0, text.decode(), "")
    assert "  ... 980 more lines: --output prints them all\n" in person.skillcache("entries", "show", "0").out


def test_a_digest_must_be_of_one_entry(person: Person, shelf: Shelf) -> None:
    shelf.put("report", number=1)
    shelf.put("report", number=2)
    shelf.put("report", team_name("acme"), number=2, team="acme")

    assert person.skillcache("entries", "show", "f") == (
        1,
        "",
        "skillcache: no entry begins with f. List them with: skillcache entries list --all\n",
    )
    assert person.skillcache("entries", "show", digest_of(2)) == (
        1,
        "",
        (
            f"skillcache: 2 entries begin with {digest_of(2)}: skill_cache:report:{digest_of(2)},"
            f" team:cache:acme:report:{digest_of(2)}. Name one by its whole key, as in: skillcache"
            f" entries show skill_cache:report:{digest_of(2)}\n"
        ),
    )
    assert person.skillcache("entries", "show", "0").status == 1
    assert person.skillcache("entries", "show", digest_of(1)).status == 0
    assert person.skillcache("entries", "show", f"team:cache:acme:report:{digest_of(2)}").status == 0
    assert person.skillcache("entries", "show", "*").status == 1


def test_a_pinned_entry_stays_for_years_and_an_unpinned_one_ages_again(person: Person, shelf: Shelf) -> None:
    person.variables["SKILLCACHE_TTL"] = "3600"
    shelf.put("report", number=4, output=b"x" * 9_000, files=(File("a", 0o600, b"1"),))
    before = shelf.entry("report", 4)

    assert person.skillcache("entries", "pin", digest_of(4)) == (
        0,
        f"skill_cache:report:{digest_of(4)} is pinned.\n",
        "",
    )

    entry = shelf.entry("report", 4)
    assert entry.pinned
    assert (entry.output, entry.key, entry.names, entry.details) == (
        before.output,
        before.key,
        before.names,
        before.details,
    )
    assert [file.content for file in entry.files] == [b"1"]
    assert MAX_TTL - 60 < left_of(shelf, "report", 4) <= MAX_TTL
    assert "pinned" in person.skillcache("entries", "list", "--all").out
    assert "  expires  pinned: served whatever its age\n" in person.skillcache("entries", "show", "0").out

    assert person.skillcache("entries", "pin", "--unpin", digest_of(4)).out == (
        f"skill_cache:report:{digest_of(4)} is no longer pinned.\n"
    )
    assert not shelf.entry("report", 4).pinned
    assert 3_500 < left_of(shelf, "report", 4) <= 3_600


def test_what_is_unreadable_can_be_removed_but_not_pinned(person: Person, shelf: Shelf) -> None:
    shelf.put("report", number=0xF, value=encode(make(output=b"as it was")).replace(b"as it was", b"otherwise"))
    name = f"skill_cache:report:{digest_of(0xF)}"

    shown = person.skillcache("entries", "show", digest_of(0xF))
    assert (shown.status, shown.out) == (1, "")
    assert shown.err.startswith(f"skillcache: {name}: ")
    assert shown.err.endswith(f". Take it out with: skillcache entries remove {digest_of(0xF)}\n")
    assert person.skillcache("entries", "pin", digest_of(0xF)).status == 1
    assert person.skillcache("entries", "remove", digest_of(0xF)).status == 0
    assert not shelf.holds("report", 0xF)


def test_exactly_the_named_entries_are_removed(person: Person, shelf: Shelf) -> None:
    for number in range(4):
        shelf.put("report", number=number)
    shelf.put("report", team_name("acme"), number=3, team="acme")

    missing = person.skillcache("entries", "remove", digest_of(1), "f")
    assert missing.status == 1
    assert shelf.holds("report", 1)

    ran = person.skillcache("entries", "remove", digest_of(1), digest_of(2), f"team:cache:acme:report:{digest_of(3)}")

    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("3 entries removed from ")
    assert [shelf.holds("report", number) for number in range(4)] == [True, False, False, True]
    assert not shelf.holds("report", 3, "acme")
    assert person.skillcache("entries", "remove").status == 2
