"""The embedded store, claims included: one SQLite file of the person, shared by all of their processes.

The log is written ahead (WAL), so that a reader never waits for a writer. synchronous=NORMAL, not OFF: it syncs
at checkpoints only, and a power cut may lose the last results but leaves no torn page that would be
replayed as a result. Reading does no housekeeping; storing drops a bounded number of expired rows, and of the
rows stored longest ago when the file is over its cap.

Claims in the embedded store: two of its records for a digest, read and written in the caller's transaction.

Under `claim_key` its owner, until the lease is over; under `wake_key` a name for the latest release, for a minute.
Whoever waits looks for another name than the one it was refused with.
"""

from os import urandom
from time import monotonic, sleep

from skillcache.core.outcomes import DISK, STORE_GARBAGE, STORE_REFUSED, STORE_TIMEOUT, STORE_UNREACHABLE, StoreError
from skillcache.stores.contract import (
    MAX_TTL,
    Claim,
    Lookup,
    Store,
    check_claim,
    check_ttl,
    check_value,
    claim_key,
    wake_key,
)
from skillcache.stores.sqlite_file import (
    CANTOPEN,
    CORRUPT,
    FULL,
    IOERR,
    NOTADB,
    READONLY,
    RESULTS,
    Connection,
    Error,
    Handle,
    OperationalError,
    open_for_reading,
    open_for_writing,
    primary_code,
    set_aside,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

WOKEN_SECONDS = 60.0  # how long a release can be heard of
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.05  # seconds between two looks

_FIND = "SELECT value, expires FROM records WHERE key = ? AND expires > ?"
_KEEP = "INSERT OR REPLACE INTO records (key, value, expires) VALUES (?, ?, ?)"
_DROP = "DELETE FROM records WHERE key = ? AND value = ? AND expires > ?"


def claim(db: "Connection", digest: str, owner: str, lease: float, now: float) -> Claim:
    holder, expires = _find(db, claim_key(digest), now)
    mark = latest_release(db, digest, now)
    if holder in ("", owner):
        db.execute(_KEEP, (claim_key(digest), owner.encode(), now + lease))
        return Claim("", lease, mark)
    return Claim(holder, expires - now, mark)


def release(db: "Connection", digest: str, owner: str, now: float) -> bool:
    if db.execute(_DROP, (claim_key(digest), owner.encode(), now)).rowcount == 0:
        return False
    db.execute(_KEEP, (wake_key(digest), urandom(8).hex().encode(), now + WOKEN_SECONDS))
    return True


def latest_release(db: "Connection", digest: str, now: float) -> str:
    """Its name; "" when none was in the last minute."""
    return _find(db, wake_key(digest), now)[0]


def _find(db: "Connection", key: str, now: float) -> tuple[str, float]:
    """The record's text and when it expires; what is of another type counts as none."""
    value, expires = db.execute(_FIND, (key, now)).fetchone() or (b"", 0.0)
    if not isinstance(value, bytes) or not isinstance(expires, float):
        return "", 0.0
    return value.decode("utf-8", "replace"), expires


DEFAULT_CAP = 1 << 30  # bytes of the file that are in use
WRITING_MILLISECONDS = 1000  # 64 processes that store at once wait for each other this long, measured with 1 MB each
EXPIRY_BATCH = 64  # rows dropped by one put, from either table
EVICTION_BATCH = 4096
_ERROR, _PERM, _BUSY, _LOCKED = 1, 3, 5, 6

_AT_ONCE = 500  # keys of one query: older builds of SQLite take 999 values
_EXPIRE = "DELETE FROM {0} WHERE rowid IN (SELECT rowid FROM {0} WHERE expires <= ? LIMIT ?)"
_USED = """SELECT (pages.page_count - free.freelist_count) * size.page_size
    FROM pragma_page_count pages, pragma_freelist_count free, pragma_page_size size"""


class SqliteStore(Store):
    """path: absolute; now: unix seconds, by which expiry is judged; cap: see DEFAULT_CAP."""

    _layout = RESULTS

    def __init__(self, path: str, *, now: float, cap: int = DEFAULT_CAP) -> None:
        self._path = path
        self._now = now
        self._cap = cap
        self._opened = monotonic()
        self._handle: Handle | None = None

    def get(self, key: str, names: tuple[str, ...], also: str | None = None) -> Lookup:
        marks = ",".join("?" * len(names))
        # One statement, so that entry and generations are of one moment.
        query = f"""SELECT 1, '', value FROM entries WHERE key = ? AND expires > ?
            UNION ALL SELECT 2, name, value FROM generations WHERE name IN ({marks})"""  # noqa: S608 - marks only
        given: tuple[str | float, ...] = (key, self._now, *names)
        if also is not None:
            query += " UNION ALL SELECT 3, '', value FROM entries WHERE key = ? AND expires > ?"
            given += (also, self._now)
        rows = self._read(lambda db: db.execute(query, given).fetchall())
        entries: dict[int, bytes] = {}
        raised: dict[str, int] = {}
        for kind, name, value in rows or ():
            if kind != 2 and isinstance(value, bytes):
                entries[kind] = value
            elif kind == 2 and isinstance(value, int):
                raised[name] = value
            else:
                raise self._die(STORE_GARBAGE, "a row of another type")
        return Lookup(entries.get(1), tuple([raised.get(name, 0) for name in names]), entries.get(3))

    def get_many(self, keys: tuple[str, ...], names: tuple[str, ...]) -> tuple[Lookup, ...]:
        parts = [keys[at : at + _AT_ONCE] for at in range(0, len(keys), _AT_ONCE)]
        return tuple([lookup for part in parts for lookup in self._get_some(part, names)])

    def _get_some(self, keys: tuple[str, ...], names: tuple[str, ...]) -> list[Lookup]:
        keys_marks, names_marks = ",".join("?" * len(keys)), ",".join("?" * len(names))
        query = f"""SELECT 1, key, value FROM entries WHERE key IN ({keys_marks}) AND expires > ?
            UNION ALL SELECT 2, name, value FROM generations WHERE name IN ({names_marks})"""  # noqa: S608 - marks only
        rows = self._read(lambda db: db.execute(query, (*keys, self._now, *names)).fetchall()) or ()
        if not all(isinstance(value, bytes if kind == 1 else int) for kind, _, value in rows):
            raise self._die(STORE_GARBAGE, "a row of another type")
        entries = {name: value for kind, name, value in rows if kind == 1}
        raised = {name: value for kind, name, value in rows if kind == 2}
        generations = tuple([raised.get(name, 0) for name in names])
        return [Lookup(entries.get(key), generations) for key in keys]

    def put(
        self,
        key: str,
        value: bytes,
        *,
        ttl: int,
        started: int,
        names: tuple[str, ...],
        generations: tuple[int, ...],
    ) -> bool:
        check_ttl(ttl)
        check_value(value, started)
        expected = tuple(zip(names, generations, strict=True))

        def store(db: Connection) -> bool:
            for name, generation in expected:
                row = db.execute("SELECT value FROM generations WHERE name = ?", (name,)).fetchone()
                if (row[0] if row else 0) != generation:
                    return False
            newer = "SELECT 1 FROM entries WHERE key = ? AND started > ? AND expires > ?"
            if db.execute(newer, (key, started, self._now)).fetchone():
                return False
            db.execute(
                "INSERT OR REPLACE INTO entries (key, value, started, expires) VALUES (?, ?, ?, ?)",
                (key, value, started, self._now + ttl),
            )
            for table in ("entries", "records"):
                db.execute(_EXPIRE.format(table), (self._now, EXPIRY_BATCH))
            self._evict(db)
            return True

        return self._write(store)

    def delete(self, key: str) -> None:
        def drop(db: Connection) -> None:
            db.execute("DELETE FROM entries WHERE key = ?", (key,))
            db.execute("DELETE FROM records WHERE key = ?", (key,))

        self._write(drop)

    def invalidate(self, name: str) -> int:
        raise_ = """INSERT INTO generations (name, value) VALUES (?, 1)
            ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"""
        return self._write(lambda db: int(db.execute(raise_, (name,)).fetchall()[0][0]))

    def read(self, keys: tuple[str, ...]) -> tuple[bytes | None, ...]:
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, value FROM records WHERE key IN ({marks}) AND expires > ?"  # noqa: S608 - marks only
        rows = self._read(lambda db: db.execute(query, (*keys, self._now)).fetchall())
        found: dict[str, bytes] = dict(rows or ())
        if not all(isinstance(value, bytes) for value in found.values()):
            raise self._die(STORE_GARBAGE, "a row of another type")
        return tuple([found.get(key) for key in keys])

    def write(self, key: str, value: bytes, ttl: int) -> None:
        check_ttl(ttl)
        record = "INSERT OR REPLACE INTO records (key, value, expires) VALUES (?, ?, ?)"
        self._write(lambda db: db.execute(record, (key, value, self._now + ttl)))

    def claim(self, digest: str, owner: str, lease: float) -> Claim:
        check_claim(owner, lease)
        return self._write(lambda db: claim(db, digest, owner, lease, self._moment()))

    def release(self, digest: str, owner: str) -> bool:
        return self._write(lambda db: release(db, digest, owner, self._moment()))

    def wait(self, digest: str, mark: str, seconds: float) -> bool:
        end = monotonic() + seconds
        pause = FIRST_PAUSE
        while True:
            latest = self._read(lambda db: latest_release(db, digest, self._moment()))
            if latest and latest != mark:
                return True
            left = end - monotonic()
            if left <= 0:
                return False
            sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)

    def ping(self) -> None:
        self._write(lambda db: db.execute("SELECT 1 FROM entries LIMIT 1").fetchall())

    def close(self) -> None:
        if self._handle is not None:
            handle, self._handle = self._handle, None
            handle.connection.close()

    def _moment(self) -> float:
        """The time now: claims pass within the life of a process, and a wait may take long."""
        return self._now + monotonic() - self._opened

    def _evict(self, db: Connection) -> None:
        excess = db.execute(_USED).fetchone()[0] - self._cap
        if excess <= 0:
            return
        last = 0
        pinned = self._now + MAX_TTL // 2  # a pinned entry expires later than any other
        oldest = """SELECT id, length(value) FROM entries
            WHERE id < (SELECT max(id) FROM entries) AND expires <= ? ORDER BY id LIMIT ?"""
        rows = db.execute(oldest, (pinned, EVICTION_BATCH))
        for id_, size in rows:
            last = id_
            excess -= size
            if excess <= 0:
                break
        rows.close()
        db.execute("DELETE FROM entries WHERE id <= ? AND expires <= ?", (last, pinned))

    def _read(self, work: "Callable[[Connection], T]") -> "T | None":
        """What `work` gives; None when there is no file yet."""
        self._begin()
        try:
            if self._handle is None:
                self._handle = open_for_reading(self._path, self._layout)
            result = None if self._handle is None else work(self._handle.connection)
        except (Error, OSError, UnicodeDecodeError) as error:
            raise self._failed(error) from None
        self._fault = None
        return result

    def _write(self, work: "Callable[[Connection], T]") -> "T":
        """What `work` gives, as one transaction."""
        self._begin()
        try:
            if self._handle is None or not self._handle.writable:
                self.close()
                self._handle = open_for_writing(self._path, self._layout)
            db = self._handle.connection
            db.execute(f"PRAGMA busy_timeout = {WRITING_MILLISECONDS}")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("BEGIN IMMEDIATE")
            result = work(db)
            db.execute("COMMIT")
        except (Error, OSError, UnicodeDecodeError) as error:
            raise self._failed(error) from None
        self._fault = None
        return result

    def _begin(self) -> None:
        self._require_alive()
        # An alarm may cut the work short anywhere: what it leaves, an open transaction perhaps, is not used again.
        self._fault = (STORE_UNREACHABLE, "an operation was cut short")

    def _failed(self, error: Exception) -> StoreError:
        if isinstance(error, TimeoutError):
            return self._die(STORE_TIMEOUT, "another process held the folder")
        if isinstance(error, OSError):
            return self._die(DISK, error.strerror or "not a regular file")
        code = primary_code(error)
        name = str(getattr(error, "sqlite_errorname", "SQLite"))
        if code in (_BUSY, _LOCKED):
            return self._die(STORE_TIMEOUT, "other processes held the file")
        if code in (CANTOPEN, FULL, IOERR, READONLY, _PERM):
            return self._die(DISK, name)
        # Our statements are constant: where one is wrong, or text is not UTF-8, the file's tables are not ours.
        undecodable = isinstance(error, UnicodeDecodeError) or (code == 0 and isinstance(error, OperationalError))
        if code in (CORRUPT, NOTADB, _ERROR) or undecodable:
            self._mend()
            return self._die(STORE_GARBAGE, "the file is damaged; a new one takes its place")
        return self._die(STORE_REFUSED, name)

    def _mend(self) -> None:
        """Damage found at opening was dealt with there; this is for what shows later."""
        if self._handle is None:
            return
        identity = self._handle.identity
        self.close()
        try:
            set_aside(self._path, identity)
        except OSError:
            return  # nowhere to move it: the next process meets the same damage and goes on without, too
