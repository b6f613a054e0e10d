"""The embedded store by its clock, its cap, and many processes at once."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from skillcache.core import outcomes
from skillcache.core.outcomes import StoreError
from skillcache.stores import open_store
from skillcache.stores.contract import MAX_TTL, entry_key, record_key
from skillcache.stores.sqlite import SqliteStore
from skillcache.stores.sqlite_file import LARGEST
from tests.stores.conftest import KEY, NOW, failure_of, open_embedded, put, put_one, value_of

ROOT = Path(__file__).resolve().parents[2]
RECORD = record_key("quarantine", "project")


def test_reading_makes_no_file(path: Path) -> None:
    store = open_embedded(path)
    assert store.get(KEY, ("Bash",)).generations == (0,)
    assert store.read((RECORD,)) == (None,)
    assert not path.parent.exists()


def test_a_file_appears_between_a_readers_calls(path: Path) -> None:
    reader = open_embedded(path)
    assert reader.get(KEY, ()).entry is None
    put_one(path)
    assert reader.get(KEY, ()).entry == value_of(1000)
    reader.close()


def test_entries_and_records_expire_by_the_time_given(path: Path) -> None:
    store = open_embedded(path)
    put(store, KEY, 1000, ttl=10)
    store.write(RECORD, b"1", 10)
    store.close()
    for now, entry, record in ((NOW + 9.9, value_of(1000), b"1"), (NOW + 10, None, None)):
        later = open_embedded(path, now)
        assert later.get(KEY, ()).entry == entry
        assert later.read((RECORD,)) == (record,)
        later.close()


def test_an_expired_value_holds_nobody_back(path: Path) -> None:
    put_one(path)
    later = open_embedded(path, NOW + 61)
    assert put(later, KEY, 500)
    later.close()


def count(path: Path, table: str) -> int:
    connection = sqlite3.connect(path)
    try:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
    finally:
        connection.close()
    return found


def test_putting_drops_expired_rows_a_batch_at_a_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from skillcache.stores import sqlite

    monkeypatch.setattr(sqlite, "EXPIRY_BATCH", 3)
    store = open_embedded(path)
    for number in range(5):
        put(store, entry_key("Bash", str(number)), 1000, ttl=10)
        store.write(record_key("pending", str(number)), b"1", 10)
    store.close()
    later = open_embedded(path, NOW + 20)
    later.get(KEY, ())
    assert (count(path, "entries"), count(path, "records")) == (5, 5)
    put(later, KEY, 2000)
    assert (count(path, "entries"), count(path, "records")) == (3, 2)
    put(later, KEY, 2000)
    assert (count(path, "entries"), count(path, "records")) == (1, 0)
    later.close()


def test_over_the_cap_what_was_stored_longest_ago_goes(path: Path) -> None:
    store = SqliteStore(str(path), now=NOW, cap=400_000)
    store.write(RECORD, b"kept", 1000)
    keys = [entry_key("Bash", str(number)) for number in range(100)]
    for number, key in enumerate(keys):
        assert put(store, key, number, text=os.urandom(20_000))
        if number > 1:
            assert put(store, keys[0], number, text=b"stored again and again")
    held = [store.get(key, ()).entry is not None for key in keys]
    assert held[0]
    first = held.index(True, 1)
    assert all(held[first:])
    assert 10 < len(keys) - first <= 20
    assert store.read((RECORD,)) == (b"kept",)
    store.close()
    assert path.stat().st_size < 600_000


def test_over_the_cap_what_is_pinned_stays(path: Path) -> None:
    store = SqliteStore(str(path), now=NOW, cap=400_000)
    put(store, KEY, 1, ttl=MAX_TTL)
    for number in range(100):
        assert put(store, entry_key("Bash", str(number)), number, text=os.urandom(20_000))
    assert store.get(KEY, ()).entry is not None
    assert store.get(entry_key("Bash", "1"), ()).entry is None
    store.close()


def test_a_value_over_the_cap_leaves_itself(path: Path) -> None:
    store = SqliteStore(str(path), now=NOW, cap=100_000)
    put(store, entry_key("Bash", "1"), 1)
    assert put(store, KEY, 1000, text=b"x" * 500_000)
    assert store.get(KEY, ()).entry is not None
    assert store.get(entry_key("Bash", "1"), ()).entry is None
    store.close()


def test_a_file_that_is_held_ends_in_time(path: Path) -> None:
    put_one(path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    reader = open_embedded(path)
    assert reader.get(KEY, ()).entry == value_of(1000)  # a reader does not wait for a writer
    assert failure_of(reader, writing=True).outcome is outcomes.STORE_TIMEOUT
    assert failure_of(reader).outcome is outcomes.STORE_TIMEOUT
    holder.close()


WRITER = """
import sys
root, path, number, now = sys.argv[1:]
sys.path.insert(0, root)
from skillcache.stores.contract import started_bytes
from skillcache.stores import open_store
sys.stdin.read(1)
store = open_store("embedded:" + path, now=float(now))
name, key = "Bash", "skill_cache:Bash:" + number
seen = store.get(key, (name,))
assert store.put(key, started_bytes(1) + b"x" * 20000, ttl=60, started=1, names=(name,), generations=seen.generations)
store.write("skillcache:pending:" + number, b"1", 60)
store.invalidate("counted")
assert store.get(key, ()).entry
store.close()
"""


def test_many_processes_at_once_lose_nothing(path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", WRITER, str(ROOT), str(path), str(number), str(NOW)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(64)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
        process.stdin = None
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert set(errors) == {b""}
    assert (count(path, "entries"), count(path, "records")) == (64, 64)
    store = open_embedded(path)
    assert store.get(KEY, ("counted",)).generations == (64,)
    store.close()
    assert [file.name for file in path.parent.iterdir()] == ["store.sqlite"]


def test_a_call_cut_short_by_an_alarm_ends_the_store(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Alarm(BaseException):
        pass

    def ring(*_: object) -> None:
        raise Alarm

    store = open_embedded(path)
    monkeypatch.setattr(store, "_evict", ring)
    with pytest.raises(Alarm):
        put(store, KEY, 1000)
    assert failure_of(store).outcome is outcomes.STORE_UNREACHABLE
    store.close()
    assert open_embedded(path).get(KEY, ()).entry is None


def test_a_lookup_imports_no_more_than_it_needs(path: Path) -> None:
    put_one(path)
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import os, stat; bare = set(sys.modules)\n"
        "from skillcache.stores import open_store\n"
        f"print(open_store({f'embedded:{path}'!r}, now={NOW}).get({KEY!r}, ('a',)).entry is not None)\n"
        "print(*sorted(m for m in set(sys.modules) - bare if not m.startswith('skillcache')))"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, check=True, timeout=60)
    found, *modules = ran.stdout.decode().split()
    assert found == "True"
    assert set(modules) <= {"_sqlite3", "_functools", "errno", "_blake2"}


def test_sqlite3_works_after_the_store_was_used_first(path: Path) -> None:
    put_one(path)
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from skillcache.stores import open_store\n"
        f"store = open_store({f'embedded:{path}'!r}, now={NOW}); store.ping(); store.close()\n"
        "import functools, sqlite3\n"
        "assert functools.lru_cache(maxsize=2)(len)('ab') == 2\n"
        "connection = sqlite3.connect(':memory:', cached_statements=2)\n"
        "print([connection.execute(f'SELECT {n % 4}').fetchone()[0] for n in range(8)])\n"
        "connection.close()"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, check=True, timeout=60)
    assert ran.stdout.decode().strip() == "[0, 1, 2, 3, 0, 1, 2, 3]"


def test_an_embedded_target_is_opened_by_its_path(path: Path) -> None:
    store = open_store(f"embedded:{path}", now=NOW)
    store.ping()
    store.close()
    assert path.exists()


@pytest.mark.parametrize("table", ["entries", "records"])
def test_a_value_that_is_larger_than_any_of_ours_is_not_read(path: Path, table: str) -> None:
    put_one(path)
    with sqlite3.connect(path) as file:
        row = "(key, value, expires)" if table == "records" else "(key, value, expires, started)"
        more = "" if table == "records" else ", 1"
        file.execute(f"INSERT INTO {table} {row} VALUES ('huge', zeroblob({LARGEST + 1}), 1e12{more})")  # noqa: S608
    file.close()
    store = open_embedded(path)
    assert store.get(KEY, ("Bash",)).entry is not None
    with pytest.raises(StoreError) as caught:
        _ = store.read(("huge",)) if table == "records" else store.get("huge", ())
    assert (caught.value.outcome, caught.value.detail) == (outcomes.STORE_REFUSED, "SQLITE_TOOBIG")
