"""What only the embedded file has: its making, its clock, its cap, damage, and a disk that fails."""

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from skillcache import outcome
from skillcache.errors import StoreError
from skillcache.redis_keys import entry_key, record_key
from skillcache.stores import Store, open_store
from skillcache.stores.sqlite import SqliteStore
from skillcache.stores.sqlite_file import SCHEMA_VERSION
from tests.stores.conftest import NOW, put, value_of

ROOT = Path(__file__).resolve().parents[2]
KEY = entry_key("Bash", "0" * 40)
RECORD = record_key("quarantine", "project")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "store.sqlite"


def open_at(path: Path, now: float = NOW) -> SqliteStore:
    return SqliteStore(str(path), now=now)


def stored(path: Path, **options: float) -> Path:
    """The path of a file with one entry."""
    store = open_at(path, **options)
    assert put(store, KEY, 1000)
    store.close()
    return path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_reading_makes_no_file(path: Path) -> None:
    store = open_at(path)
    assert store.get(KEY, ("Bash",)).generations == (0,)
    assert store.read((RECORD,)) == (None,)
    assert not path.parent.exists()


def test_the_file_is_the_persons_own(path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_at(path)
        put(store, KEY, 1000)
    finally:
        os.umask(before)
    assert mode_of(path.parent) == 0o700
    assert {mode_of(file) for file in path.parent.iterdir()} == {0o600}
    store.close()
    assert [file.name for file in path.parent.iterdir()] == ["store.sqlite"]


@pytest.mark.parametrize("name", ["a b.sqlite", "100%25.sqlite", "who?.sqlite", "#1.sqlite", "ä'\".sqlite"])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    stored(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_file_appears_between_a_readers_calls(path: Path) -> None:
    reader = open_at(path)
    assert reader.get(KEY, ()).entry is None
    stored(path)
    assert reader.get(KEY, ()).entry == value_of(1000)
    reader.close()


def test_entries_and_records_expire_by_the_time_given(path: Path) -> None:
    store = open_at(path)
    put(store, KEY, 1000, ttl=10)
    store.write(RECORD, b"1", 10)
    store.close()
    for now, entry, record in ((NOW + 9.9, value_of(1000), b"1"), (NOW + 10, None, None)):
        later = open_at(path, now)
        assert later.get(KEY, ()).entry == entry
        assert later.read((RECORD,)) == (record,)
        later.close()


def test_an_expired_value_holds_nobody_back(path: Path) -> None:
    stored(path)
    later = open_at(path, NOW + 61)
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
    store = open_at(path)
    for number in range(5):
        put(store, entry_key("Bash", str(number)), 1000, ttl=10)
        store.write(record_key("pending", str(number)), b"1", 10)
    store.close()
    later = open_at(path, NOW + 20)
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


def test_a_value_over_the_cap_leaves_itself(path: Path) -> None:
    store = SqliteStore(str(path), now=NOW, cap=100_000)
    put(store, entry_key("Bash", "1"), 1)
    assert put(store, KEY, 1000, text=b"x" * 500_000)
    assert store.get(KEY, ()).entry is not None
    assert store.get(entry_key("Bash", "1"), ()).entry is None
    store.close()


def failure(store: Store, *, writing: bool = False) -> StoreError:
    with pytest.raises(StoreError) as caught:
        _ = put(store, KEY, 2000) if writing else store.get(KEY, ())
    return caught.value


@pytest.mark.parametrize("writing", [False, True])
@pytest.mark.parametrize("content", [b"not a database at all" * 500, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_set_aside(path: Path, content: bytes, writing: bool) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    (path.parent / "store.sqlite-wal").write_bytes(b"")
    store = open_at(path)
    error = failure(store, writing=writing)
    assert error.outcome is outcome.STORE_GARBAGE
    assert failure(store).detail == error.detail
    assert (path.parent / "store.sqlite.bad").read_bytes() == content
    assert open_at(path).get(KEY, ()).entry is None
    stored(path)
    assert sorted(file.name for file in path.parent.iterdir()) == ["store.sqlite", "store.sqlite.bad"]


def test_damage_inside_is_set_aside(path: Path) -> None:
    store = open_at(path)
    for number in range(50):
        put(store, entry_key("Bash", str(number)), 1000, text=b"x" * 3000)
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(bytes(content))
    store = open_at(path)
    assert failure(store).outcome is outcome.STORE_GARBAGE
    assert not path.exists()
    stored(path)


def test_a_file_without_our_tables_is_set_aside(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.close()
    assert failure(open_at(path)).outcome is outcome.STORE_GARBAGE
    stored(path)


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION + 1])
def test_a_file_of_another_version_gives_way(path: Path, version: int) -> None:
    stored(path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    reader = open_at(path)
    assert reader.get(KEY, ()).entry is None
    reader.close()
    assert not (path.parent / "store.sqlite.bad").exists()
    stored(path)
    assert (path.parent / "store.sqlite.bad").exists()


def test_an_empty_file_gives_way(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    stored(path)


def test_the_log_of_a_file_that_was_removed_is_not_replayed(path: Path) -> None:
    store = open_at(path)
    put(store, KEY, 1000)
    log = path.parent / "store.sqlite-wal"
    kept = log.read_bytes()
    assert kept
    store.close()
    path.unlink()
    log.write_bytes(kept)
    other = open_at(path)
    put(other, entry_key("Bash", "1"), 1000)
    assert other.get(KEY, ()).entry is None
    other.close()


def test_another_processs_new_file_is_left_alone(path: Path) -> None:
    from skillcache.stores.sqlite_file import identify, set_aside

    stored(path)
    identity = identify(str(path))
    assert identity is not None
    set_aside(str(path), (identity[0], identity[1] + 1))
    assert path.exists()


@pytest.mark.parametrize("writing", [False, True])
def test_a_file_set_aside_while_it_is_opened(path: Path, monkeypatch: pytest.MonkeyPatch, writing: bool) -> None:
    from skillcache.stores import sqlite_file

    real = sqlite_file.identify
    answers = [(1, 1)]
    monkeypatch.setattr(sqlite_file, "identify", lambda path: answers.pop() if answers else real(path))
    store = open_at(path)
    if writing:
        assert put(store, KEY, 1000)
    else:
        assert store.get(KEY, ()).entry is None
    store.close()


def test_a_file_that_is_held_ends_in_time(path: Path) -> None:
    stored(path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    reader = open_at(path)
    assert reader.get(KEY, ()).entry == value_of(1000)  # a reader does not wait for a writer
    assert failure(reader, writing=True).outcome is outcome.STORE_TIMEOUT
    assert failure(reader).outcome is outcome.STORE_TIMEOUT
    holder.close()


@pytest.mark.parametrize("kind", ["file in the way of the folder", "folder in the way of the file"])
def test_something_else_at_the_path_is_a_disk_fault(path: Path, kind: str) -> None:
    if kind.startswith("file"):
        path.parent.write_text("")
    else:
        path.mkdir(parents=True)
    assert failure(open_at(path)).outcome is outcome.DISK
    assert failure(open_at(path), writing=True).outcome is outcome.DISK


NOBODY = 65534

READ_ONLY = """
import os, sys
root, path, key, now = sys.argv[1:]
sys.path.insert(0, root)
import fcntl
from skillcache.errors import StoreError
from skillcache.stores import open_store, sqlite, stamp
if os.getuid() == 0:  # whom no mode stops, and whose Python others may not read
    os.setgid({nobody}); os.setuid({nobody})
store = open_store("embedded:" + path, now=float(now))
entry = store.get(key, ("Bash",)).entry
print(entry)
try:
    store.put(key, stamp(3000), ttl=1, started=3000, names=(), generations=())
except StoreError as error:
    print(error.outcome.name)
"""


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder that can be read by anyone and written by nobody but root, with a file of one entry."""
    with tempfile.TemporaryDirectory() as root:  # pytest's own folder shuts others out
        folder = Path(root)
        stored(folder / "store.sqlite")
        (folder / "store.sqlite").chmod(0o444)
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def test_a_read_only_home_is_read_and_not_written(read_only: Path) -> None:
    words = [str(ROOT), str(read_only / "store.sqlite"), KEY, str(NOW)]
    script = READ_ONLY.format(nobody=NOBODY)
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, *words], capture_output=True, check=False, timeout=60
    )
    assert ran.stderr == b""
    assert ran.stdout.decode().split() == [str(value_of(1000)), "disk"]


FULL_DISK = """
import resource, sys
root, path, key, now, limit = sys.argv[1:]
sys.path.insert(0, root)
from skillcache.errors import StoreError
from skillcache.stores import open_store, stamp
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
store = open_store("embedded:" + path, now=float(now))
print(store.get(key, ("Bash",)).entry)
try:
    store.put(key, stamp(3000) + b"x" * 300_000, ttl=1, started=3000, names=(), generations=())
except StoreError as error:
    print(error.outcome.name)
"""


@pytest.mark.parametrize("limit", [0, 8192, 65536], ids=["no byte", "less than an index", "less than the entry"])
def test_a_full_disk_is_read_and_not_written(path: Path, limit: int) -> None:
    words = [str(ROOT), str(stored(path)), KEY, str(NOW), str(limit)]
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", FULL_DISK, *words], capture_output=True, check=False, timeout=60
    )
    assert ran.stderr == b""
    assert ran.stdout.decode().split() == [str(value_of(1000)), "disk"]
    store = open_at(path)
    assert store.get(KEY, ()).entry == value_of(1000)
    store.close()


WRITER = """
import sys
root, path, number, now = sys.argv[1:]
sys.path.insert(0, root)
from skillcache.stores import open_store, stamp
sys.stdin.read(1)
store = open_store("embedded:" + path, now=float(now))
name, key = "Bash", "skill_cache:Bash:" + number
seen = store.get(key, (name,))
assert store.put(key, stamp(1) + b"x" * 20000, ttl=60, started=1, names=(name,), generations=seen.generations)
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
    store = open_at(path)
    assert store.get(KEY, ("counted",)).generations == (64,)
    store.close()
    assert [file.name for file in path.parent.iterdir()] == ["store.sqlite"]


def test_a_call_cut_short_by_an_alarm_ends_the_store(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Alarm(BaseException):
        pass

    def ring(*_: object) -> None:
        raise Alarm

    store = open_at(path)
    monkeypatch.setattr(store, "_evict", ring)
    with pytest.raises(Alarm):
        put(store, KEY, 1000)
    assert failure(store).outcome is outcome.STORE_UNREACHABLE
    store.close()
    assert open_at(path).get(KEY, ()).entry is None


def test_a_lookup_imports_no_more_than_it_needs(path: Path) -> None:
    stored(path)
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import os, stat; bare = set(sys.modules)\n"
        "from skillcache.stores import open_store\n"
        f"print(open_store({f'embedded:{path}'!r}, now={NOW}).get({KEY!r}, ('a',)).entry is not None)\n"
        "print(*sorted(m for m in set(sys.modules) - bare if not m.startswith('skillcache')))"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, check=True, timeout=60)
    found, *modules = ran.stdout.decode().split()
    assert found == "True"
    assert set(modules) <= {"_sqlite3", "_functools", "errno"}


def test_sqlite3_works_after_the_store_was_used_first(path: Path) -> None:
    stored(path)
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
