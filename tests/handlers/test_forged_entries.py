"""Entries that no run of ours can have made, as whoever may write to a shared store can put them there."""

import sqlite3
from collections.abc import Mapping

import pytest

from skillcache.entry import decode, encode
from tests.handlers.conftest import Place

RULE = '[[rules]]\nmatch = "Bash(pytest:*)"\nfailures = true\n'


def forge(place: Place, changes: Mapping[str, object]) -> None:
    """Change fields of the one entry in the store."""
    with sqlite3.connect(place.cache / "store.sqlite3") as file:
        rows = file.execute("SELECT key, value FROM entries WHERE key LIKE 'skill_cache:%'").fetchall()
        ((key, value),) = rows
        entry = decode(value)
        for name, field in changes.items():
            setattr(entry, name, field)
        file.execute("UPDATE entries SET value = ? WHERE key = ?", (encode(entry), key))
    file.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"directory": "../elsewhere"},
        {"directory": "/etc"},
        {"directory": "tests"},
        {"status": -5},
        {"status": 256},
        {"meaning": "No matches found"},
        {"relocated": True, "output": b"\0Q"},
        {"relocated": True, "output": b"text\0"},
    ],
    ids=repr,
)
def test_a_forged_entry_is_not_served_and_is_replaced(place: Place, changes: Mapping[str, object]) -> None:
    place.settings(RULE)
    first, _ = place.call("cd sub && pytest -q")
    forge(place, changes)
    again, served = place.call("cd sub && pytest -q", session="s2")
    assert (again, served) == (first, False)
    assert place.call("cd sub && pytest -q", session="s3") == (first, True)
    assert place.counted() == ["no_entry", "stored", "unreadable_entry", "stored", "replayed"]
