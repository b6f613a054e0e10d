"""The file of the embedded store: made whole, opened by a driver that loads little, set aside when it is of no use.

A new file is built under a name of its own and then moved to its place, so that nobody ever opens a half-made
one. It is 0600 (SQLite gives its -wal and -shm the same) in a 0700 folder. Moving a file in or out happens
under a lock of the folder.

    entries      id (order of storing) · key · value · started, ms · expires, unix s
    generations  name · value
    records      key · value · expires, unix s

Schema versions (user_version): 1, the above. A file of another version is set aside as <file>.bad.

`_sqlite3` without what it drags in: 1 ms instead of 5 (and 7 for `sqlite3`), on every embedded lookup.

The C module asks `functools` for one thing, `lru_cache`, and with it come `collections`, `reprlib` and more.
Where functools is not loaded yet, a stand-in offers that one thing, over the same C function, while the module
is imported. Where that does not work, `sqlite3` takes over.
"""

import os
import stat
import sys
from errno import EAGAIN
from time import sleep

from skillcache.core import KW_ONLY, Record, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _lru_cache(maxsize: int) -> "Callable[[Callable[[str], object]], object]":
    from _functools import _lru_cache_wrapper  # type: ignore[import-not-found]

    def wrap(function: "Callable[[str], object]") -> object:
        return _lru_cache_wrapper(function, maxsize, False, None)

    return wrap


_stand_in = None
if "functools" not in sys.modules:
    _stand_in = type(sys)("functools")
    _stand_in.lru_cache = _lru_cache  # type: ignore[attr-defined]
    sys.modules["functools"] = _stand_in
try:
    from _sqlite3 import Connection, Error, OperationalError, connect
except (ImportError, AttributeError, TypeError):
    sys.modules.pop("functools", None)
    from sqlite3 import Connection, Error, OperationalError, connect
finally:
    if _stand_in is not None and sys.modules.get("functools") is _stand_in:
        del sys.modules["functools"]

__all__ = ["Connection", "Error", "OperationalError", "connect"]


if TYPE_CHECKING:
    Identity = tuple[int, int]  # device, inode

SCHEMA_VERSION = 1
BUSY_SECONDS = 0.2
CANTOPEN, CORRUPT, FULL, IOERR, NOTADB, READONLY = 14, 11, 13, 10, 26, 8  # primary result codes of SQLite
LARGEST = 64 << 20  # bytes of a value: what is larger is not read into the memory
_LENGTH = 0  # SQLITE_LIMIT_LENGTH
_LOCK_STEP = 0.005
_SCHEMA = """
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, value BLOB NOT NULL,
    started INTEGER NOT NULL, expires REAL NOT NULL);
CREATE INDEX entries_expiry ON entries (expires);
CREATE TABLE generations (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE records (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires REAL NOT NULL);
CREATE INDEX records_expiry ON records (expires);
"""


class Layout(Record):
    """The tables of a file; a file of another version is not ours."""

    version: int
    tables: str


RESULTS = Layout(SCHEMA_VERSION, _SCHEMA)


class Handle(Record):
    """An open file, and which file it is, whatever lies at the path later."""

    connection: Connection
    identity: "Identity"
    _: KW_ONLY
    writable: bool


def open_for_writing(path: str, layout: Layout = RESULTS) -> Handle:
    """Makes the file when there is none. Raises OSError and the driver's Error."""
    for _ in range(3):  # another process may set the file aside in between
        identity = identify(path)
        if identity is None:
            _make(path, layout)
            continue
        try:
            handle = Handle(_connect(path, "mode=rw"), identity, writable=True)
            if _is_ours(handle, path, layout):
                return handle
        except Error as error:
            if primary_code(error) == CANTOPEN and identify(path) is None:
                continue
            raise
        set_aside(path, identity)
    raise FileNotFoundError(path)


def open_for_reading(path: str, layout: Layout = RESULTS) -> Handle | None:
    """None when there is no file of our version. Raises OSError and the driver's Error."""
    identity = identify(path)
    if identity is None:
        return None
    try:
        handle = Handle(_connect(path, "mode=rw"), identity, writable=True)
        ours = _is_ours(handle, path, layout)
    except Error as error:
        if primary_code(error) == CANTOPEN and identify(path) is None:
            return None  # set aside a moment ago
        # A full disk or a read-only folder has no room for the -shm that even a reader needs. With nothing
        # in the log, the file alone is the whole truth and can be read without.
        if primary_code(error) not in (CANTOPEN, FULL, IOERR, READONLY) or _has_log(path):
            raise
        handle = Handle(_connect(path, "mode=ro&immutable=1"), identity, writable=False)
        ours = _is_ours(handle, path, layout)
    return handle if ours else None


def identify(path: str) -> "Identity | None":
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OSError("not a regular file")
    return found.st_dev, found.st_ino


def primary_code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def set_aside(path: str, identity: "Identity") -> None:
    """Renames the file of that identity to <path>.bad; leaves another's newer file alone."""
    lock = _lock(path)
    try:
        if identify(path) == identity:
            _drop_log(path)
            os.replace(path, f"{path}.bad")
    finally:
        os.close(lock)


def _make(path: str, layout: Layout) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    draft = files.draft_of(path)
    os.close(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_NOFOLLOW, 0o600))
    try:
        connection = _connect(draft, "mode=rw")
        try:
            connection.executescript(
                f"PRAGMA journal_mode = WAL;{layout.tables}PRAGMA user_version = {layout.version};"
            )
        finally:
            connection.close()
        lock = _lock(path)
        try:
            if identify(path) is None:
                _drop_log(path)
                os.rename(draft, path)
        finally:
            os.close(lock)
    finally:
        _unlink(draft)


def _lock(path: str) -> int:
    """A descriptor that holds the lock of the folder until it is closed."""
    from fcntl import LOCK_EX, LOCK_NB, flock

    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    for _ in range(int(BUSY_SECONDS / _LOCK_STEP)):
        try:
            flock(folder, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            sleep(_LOCK_STEP)
        except OSError:
            os.close(folder)
            raise
        else:
            return folder
    os.close(folder)
    raise TimeoutError(EAGAIN, "the folder's lock was not free in time")


def _drop_log(path: str) -> None:
    """A log left behind would be replayed into the next file at this path."""
    _unlink(f"{path}-wal")
    _unlink(f"{path}-shm")


def _has_log(path: str) -> bool:
    try:
        return os.stat(f"{path}-wal").st_size > 0
    except FileNotFoundError:
        return False


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _is_ours(handle: Handle, path: str, layout: Layout) -> bool:
    """Closes a file that is not; sets a damaged one aside and raises what told of it."""
    try:
        row = handle.connection.execute("PRAGMA user_version").fetchone()
    except Error as error:
        handle.connection.close()
        if primary_code(error) in (CORRUPT, NOTADB):
            set_aside(path, handle.identity)
        raise
    if row == (layout.version,):
        return True
    handle.connection.close()
    return False


def _connect(path: str, options: str) -> Connection:
    escaped = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = connect(f"file://{escaped}?{options}", timeout=BUSY_SECONDS, isolation_level=None, uri=True)
    connection.setlimit(_LENGTH, LARGEST)
    return connection
