"""What others may have written into a shared store: it is told in harmless words or called unreadable, never obeyed."""

from __future__ import annotations

import json

import pytest

from skillcache.stores import entry
from skillcache.stores.contract import entry_key
from skillcache.stores.entry import File, encode
from tests.cli.conftest import Person, Ran
from tests.shelf import Shelf, digest_of
from tests.stores.test_entry import make

ODD = "\x1b]0;x\x07\x1b[2J\r\n\x9b31m\u202eevil\u2066\x00\ud800<b>\u200b"
UTF8 = ODD.replace("\ud800", "")
HUGE = 10**400


def keyed(text: str) -> str:
    return entry.text_of((("tool", "", "Bash"), ("command", text, text), (text, text, text)))


def header(**fields: object) -> bytes:
    """An entry whose header says that, whatever the encoder would write."""
    first, text, rest = encode(make()).split(b"\n", 2)
    return b"\n".join((first, json.dumps({**json.loads(text), **fields}).encode(), rest))


READABLE = {
    "text": encode(make(key=ODD, names={UTF8: 0}, project=ODD, root="/" + ODD, writer={"user": ODD, "host": ODD})),
    "rows": encode(make(key=keyed(ODD), output=UTF8.encode(), files=(File(ODD[1:4], 0o644, b"x"),))),
    "large": encode(make(key=keyed("x" * 100_000), output=b"y" * 2_000_000)),
}
UNREADABLE = {
    "little": b"0",
    "lines": b"\n\n\n",
    "bytes": bytes(range(256)) * 9,
    "later": encode(make()).replace(b"skillcache 1\n", b"skillcache 2\n"),
    "names": header(names=["report"]),
    "writer": header(writer=["u"]),
    "writers": header(writer={"user": ["u"]}),
    "duration": header(duration=HUGE),
    "long": header(duration=1 << 62),
    "short": header(duration=-1),
    "finished": header(finished=-HUGE),
    "status": header(status=HUGE),
    "generation": header(names={"report": HUGE}),
    "name": header(names={"\ud800": 1}),
    "fields": header()[:17] + b"skillcache 1\n[1]\n",
    "deep": header()[:17] + b"skillcache 1\n" + b"[" * 5_000 + b"\n",
    "number": header()[:17] + b'skillcache 1\n{"key":1e999,"names":NaN}\n',
}


@pytest.fixture
def hostile(shelf: Shelf) -> Shelf:
    values = [*READABLE.values(), *UNREADABLE.values()]
    shelf.fill({entry_key("report", digest_of(number)): value for number, value in enumerate(values)})
    shelf.fill({entry_key(UTF8, digest_of(99), "acme"): encode(make(key=keyed(ODD)))})
    return shelf


def harmless(ran: Ran, status: int = 0) -> str:
    said = ran.out + ran.err
    assert ran.status == status, said
    assert "Traceback" not in said
    assert all(char == "\n" or char.isprintable() for char in said), ascii(said)
    return said


@pytest.mark.usefixtures("hostile")
def test_a_list_tells_what_is_readable_and_what_is_not(person: Person) -> None:
    said = harmless(person.skillcache("entries", "list", "--all"))

    assert said.count("unreadable") == len(UNREADABLE)
    for ran in person.each([("entries", "list", "--all", "--sort", order) for order in ("age", "size", "saved")]):
        harmless(ran)
    listed = json.loads(harmless(person.skillcache("entries", "list", "--all", "--json")))
    assert len(listed) == len(READABLE) + len(UNREADABLE) + 1


@pytest.mark.usefixtures("hostile")
def test_each_is_shown_and_pinned_or_refused_in_one_line(person: Person) -> None:
    for ran in person.each(commands(range(len(READABLE)))):
        harmless(ran)
    for ran in person.each(commands(range(len(READABLE), len(READABLE) + len(UNREADABLE)))):
        assert harmless(ran, 1).count("\n") == 1
    harmless(person.skillcache("entries", "show", digest_of(99)))


def commands(numbers: range) -> list[tuple[str, ...]]:
    return [("entries", command, digest_of(number)) for number in numbers for command in ("show", "pin")]


def test_all_of_it_can_be_taken_out(person: Person, hostile: Shelf) -> None:
    harmless(person.skillcache("invalidate", "--project", "--dry-run"))
    harmless(person.skillcache("invalidate", "--skill", "report"))
    harmless(person.skillcache("entries", "remove", digest_of(99)))
    harmless(person.skillcache("invalidate", "--pattern", "report"))

    assert harmless(person.skillcache("entries", "list", "--all")) == "0 entries, 0 bytes.\n"
    assert hostile.generation("report") > 0


def test_a_bystander_is_invalidated_beside_them(person: Person, hostile: Shelf) -> None:
    hostile.put("words", number=77)

    harmless(person.skillcache("invalidate", "--skill", "words"))

    assert not hostile.holds("words", 77)


def test_a_project_s_words_are_told_in_harmless_ones(person: Person) -> None:
    folder = person.home / "a\x1b[2Jb\x9b\u202e"
    file = folder / ".claude/skillcache.toml"
    file.parent.mkdir(parents=True)
    file.write_text('"\\u001b[2J" = 1\n')
    assert "is not a setting" in harmless(person.skillcache("doctor", folder=folder), 1)
    file.write_text("x = ")
    assert "is not TOML" in harmless(person.skillcache("explain", "pytest", folder=folder), 1)
