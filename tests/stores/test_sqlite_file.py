"""The embedded store's file: its making, damage, other versions, and a disk that fails."""

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillcache.core import outcomes
from skillcache.core.outcomes import StoreError
from skillcache.stores.contract import entry_key
from skillcache.stores.sqlite_file import SCHEMA_VERSION, identify, set_aside
from tests.stores.conftest import KEY, NOW, failure_of, open_embedded, put, put_one, value_of

ROOT = Path(__file__).resolve().parents[2]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_is_the_persons_own(path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_embedded(path)
        put(store, KEY, 1000)
    finally:
        os.umask(before)
    assert mode_of(path.parent) == 0o700
    assert {mode_of(file) for file in path.parent.iterdir()} == {0o600}
    store.close()
    assert [file.name for file in path.parent.iterdir()] == ["store.sqlite"]


@pytest.mark.parametrize("name", ["a b.sqlite", "100%25.sqlite", "who?.sqlite", "#1.sqlite", "ä'\".sqlite"])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    put_one(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("writing", [False, True])
@pytest.mark.parametrize("content", [b"not a database at all" * 500, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_set_aside(path: Path, content: bytes, writing: bool) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    (path.parent / "store.sqlite-wal").write_bytes(b"")
    store = open_embedded(path)
    error = failure_of(store, writing=writing)
    assert error.outcome is outcomes.STORE_GARBAGE
    assert failure_of(store).detail == error.detail
    assert (path.parent / "store.sqlite.bad").read_bytes() == content
    assert open_embedded(path).get(KEY, ()).entry is None
    put_one(path)
    assert sorted(file.name for file in path.parent.iterdir()) == ["store.sqlite", "store.sqlite.bad"]


def test_damage_inside_is_set_aside(path: Path) -> None:
    store = open_embedded(path)
    for number in range(50):
        put(store, entry_key("Bash", str(number)), 1000, text=b"x" * 3000)
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(bytes(content))
    store = open_embedded(path)
    assert failure_of(store).outcome is outcomes.STORE_GARBAGE
    assert not path.exists()
    put_one(path)


def test_a_file_without_our_tables_is_set_aside(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.close()
    assert failure_of(open_embedded(path)).outcome is outcomes.STORE_GARBAGE
    put_one(path)


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION + 1])
def test_a_file_of_another_version_gives_way(path: Path, version: int) -> None:
    put_one(path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    reader = open_embedded(path)
    assert reader.get(KEY, ()).entry is None
    reader.close()
    assert not (path.parent / "store.sqlite.bad").exists()
    put_one(path)
    assert (path.parent / "store.sqlite.bad").exists()


def test_an_empty_file_gives_way(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    put_one(path)


def test_the_log_of_a_file_that_was_removed_is_not_replayed(path: Path) -> None:
    store = open_embedded(path)
    put(store, KEY, 1000)
    log = path.parent / "store.sqlite-wal"
    kept = log.read_bytes()
    assert kept
    store.close()
    path.unlink()
    log.write_bytes(kept)
    other = open_embedded(path)
    put(other, entry_key("Bash", "1"), 1000)
    assert other.get(KEY, ()).entry is None
    other.close()


def test_another_processs_new_file_is_left_alone(path: Path) -> None:
    put_one(path)
    identity = identify(str(path))
    assert identity is not None
    set_aside(str(path), (identity[0], identity[1] + 1))
    assert path.exists()


@pytest.mark.parametrize("writing", [False, True])
def test_a_file_set_aside_while_it_is_opened(path: Path, monkeypatch: pytest.MonkeyPatch, writing: bool) -> None:
    from skillcache.stores import sqlite_file

    real = identify
    answers = [(1, 1)]
    monkeypatch.setattr(sqlite_file, "identify", lambda path: answers.pop() if answers else real(path))
    store = open_embedded(path)
    if writing:
        assert put(store, KEY, 1000)
    else:
        assert store.get(KEY, ()).entry is None
    store.close()


@pytest.mark.parametrize("kind", ["file in the way of the folder", "folder in the way of the file"])
def test_something_else_at_the_path_is_a_disk_fault(path: Path, kind: str) -> None:
    if kind.startswith("file"):
        path.parent.write_text("")
    else:
        path.mkdir(parents=True)
    assert failure_of(open_embedded(path)).outcome is outcomes.DISK
    assert failure_of(open_embedded(path), writing=True).outcome is outcomes.DISK


def damaged(data: bytes, changes: list[tuple[int, int]]) -> bytes:
    content = bytearray(data)
    for place, byte in changes:
        content[place % len(content)] = byte
    return bytes(content)


# Half of the places are in the headers of the first pages, where a byte has most to say.
places = st.integers(0, 1 << 20) | st.tuples(st.integers(0, 9), st.integers(0, 60)).map(lambda p: p[0] * 4096 + p[1])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=20))
def test_any_damage_is_a_store_error_at_most(path: Path, changes: list[tuple[int, int]]) -> None:
    for file in path.parent.glob("*"):
        file.unlink()
    put_one(path)
    path.write_bytes(damaged(path.read_bytes(), changes))
    for _ in range(2):  # what the first makes of the file, the second has to live with
        store = open_embedded(path)
        with contextlib.suppress(StoreError):
            store.get(KEY, ("Bash",))
            store.read(("skillcache:pending:1",))
            put(store, KEY, 2000)
            store.invalidate("Bash")
        store.close()


NOBODY = 65534

READ_ONLY = """
import os, sys
root, path, key, now = sys.argv[1:]
sys.path.insert(0, root)
import fcntl
from skillcache.core.outcomes import StoreError
from skillcache.stores import sqlite
from skillcache.stores.contract import started_bytes
from skillcache.stores import open_store
if os.getuid() == 0:  # whom no mode stops, and whose Python others may not read
    os.setgid({nobody}); os.setuid({nobody})
store = open_store("embedded:" + path, now=float(now))
entry = store.get(key, ("Bash",)).entry
print(entry)
try:
    store.put(key, started_bytes(3000), ttl=1, started=3000, names=(), generations=())
except StoreError as error:
    print(error.outcome.name)
"""


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder that can be read by anyone and written by nobody but root, with a file of one entry."""
    with tempfile.TemporaryDirectory() as root:  # pytest's own folder shuts others out
        folder = Path(root)
        put_one(folder / "store.sqlite")
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
from skillcache.core.outcomes import StoreError
from skillcache.stores.contract import started_bytes
from skillcache.stores import open_store
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
store = open_store("embedded:" + path, now=float(now))
print(store.get(key, ("Bash",)).entry)
try:
    store.put(key, started_bytes(3000) + b"x" * 300_000, ttl=1, started=3000, names=(), generations=())
except StoreError as error:
    print(error.outcome.name)
"""


@pytest.mark.parametrize("limit", [0, 8192, 65536], ids=["no byte", "less than an index", "less than the entry"])
def test_a_full_disk_is_read_and_not_written(path: Path, limit: int) -> None:
    words = [str(ROOT), str(put_one(path)), KEY, str(NOW), str(limit)]
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", FULL_DISK, *words], capture_output=True, check=False, timeout=60
    )
    assert ran.stderr == b""
    assert ran.stdout.decode().split() == [str(value_of(1000)), "disk"]
    store = open_embedded(path)
    assert store.get(KEY, ()).entry == value_of(1000)
    store.close()


def test_one_that_is_open_meanwhile_leaves_the_log_of_a_new_file_alone(path: Path) -> None:
    put_one(path)
    held = open_embedded(path)  # as a command that runs has it
    held.get(KEY, ())
    identity = identify(str(path))
    assert identity is not None
    set_aside(str(path), identity)
    writer = open_embedded(path)
    put(writer, KEY, 2000)
    held.close()
    reader = open_embedded(path)
    assert reader.get(KEY, ()).entry == value_of(2000)
    writer.close()
    reader.close()
    assert open_embedded(path).get(KEY, ()).entry == value_of(2000)
