"""Claims in the embedded store: by its clock, and where its rows are not ours."""

import sqlite3
from pathlib import Path

from skillcache.stores.contract import claim_key, wake_key
from tests.stores.conftest import NOW, open_embedded

DIGEST = "0" * 40


def test_a_lease_is_over_by_the_time_given(path: Path) -> None:
    first = open_embedded(path)
    first.claim(DIGEST, "first", 60)
    assert open_embedded(path, NOW + 59).claim(DIGEST, "second", 60).holder == "first"
    later = open_embedded(path, NOW + 61)
    assert not later.release(DIGEST, "first")
    assert later.claim(DIGEST, "second", 60).holder == ""
    assert not first.release(DIGEST, "first")


def test_a_release_is_heard_of_for_a_while(path: Path) -> None:
    first = open_embedded(path)
    first.claim(DIGEST, "first", 60)
    mark = open_embedded(path).claim(DIGEST, "second", 60).mark
    first.release(DIGEST, "first")
    assert open_embedded(path, NOW + 50).wait(DIGEST, mark, 0)
    assert not open_embedded(path, NOW + 70).wait(DIGEST, mark, 0)


def test_waiting_makes_no_file(path: Path) -> None:
    assert not open_embedded(path).wait(DIGEST, "", 0.02)
    assert not path.parent.exists()


def test_rows_of_another_type_give_way(path: Path) -> None:
    store = open_embedded(path)
    store.write(claim_key(DIGEST), b"", 60)
    assert store.claim(DIGEST, "first", 60).holder == ""
    mark = store.claim(DIGEST, "second", 60).mark
    with sqlite3.connect(path) as db:
        db.execute("UPDATE records SET value = 1000000000000")
        db.execute("INSERT INTO records VALUES (?, 'text', 'never')", (wake_key(DIGEST),))
    db.close()
    assert not store.wait(DIGEST, mark, 0)
    assert store.claim(DIGEST, "second", 60).holder == ""
    assert store.release(DIGEST, "second")
    assert store.wait(DIGEST, mark, 0)
    store.close()
