"""Shared values in the embedded store, in a file of their own: they outlive messages and results.

    items     scope · key · value · version · expires, unix s
    versions  scope · last

Versions: 1, the above.
"""

from skillcache.stores.sqlite import SqliteStore
from skillcache.stores.sqlite_file import Layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.stores.sqlite_driver import Connection

_TABLES = """
CREATE TABLE items (scope TEXT, key TEXT, value TEXT NOT NULL, version INTEGER NOT NULL, expires REAL NOT NULL,
    PRIMARY KEY (scope, key)) WITHOUT ROWID;
CREATE INDEX items_expiry ON items (expires);
CREATE TABLE versions (scope TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
"""
_FIND = "SELECT value, version FROM items WHERE scope = ? AND key = ? AND expires > ?"
_MOST = 1 << 63


class SqliteState(SqliteStore):
    """The same steps as `state_scripts`."""

    _layout = Layout(1, _TABLES)

    def find(self, scope: str, key: str) -> tuple[str, int] | None:
        row = self._read(lambda db: db.execute(_FIND, (scope, key, self._now)).fetchone())
        return (row[0], row[1]) if row else None

    def set(self, scope: str, key: str, text: str, ttl: int, expected: tuple[str, str]) -> tuple[bool, int]:
        """Whether it was set, and the version that is there then."""

        def work(db: "Connection") -> tuple[bool, int]:
            held = db.execute(_FIND, (scope, key, self._now)).fetchone()
            version = held[1] if held else 0
            what, which = expected
            if (what == "version" and str(version) != which) or (what == "value" and (not held or held[0] != which)):
                return False, version
            return True, self._put(db, scope, key, text, ttl)

        return self._write(work)

    def increment(self, scope: str, key: str, by: int, ttl: int) -> int | None:
        """The new value; None where there is no whole number, or it would be too large."""

        def work(db: "Connection") -> int | None:
            held = db.execute(_FIND, (scope, key, self._now)).fetchone()
            text = held[0] if held else "0"
            if not text.removeprefix("-").isdecimal() or not -_MOST <= int(text) + by < _MOST:
                return None
            self._put(db, scope, key, str(int(text) + by), ttl)
            return int(text) + by

        return self._write(work)

    def drop(self, scope: str, key: str, version: str) -> int:
        """1, 0 where there was none, or -1 less the version that is another than the given one, where one is given."""

        def work(db: "Connection") -> int:
            held = db.execute(_FIND, (scope, key, self._now)).fetchone()
            if version and str(held[1] if held else 0) != version:
                return -1 - (held[1] if held else 0)
            db.execute("DELETE FROM items WHERE scope = ? AND key = ?", (scope, key))
            return 1 if held else 0

        return self._write(work)

    def all_of(self, scope: str) -> list[tuple[str, str, int]]:
        query = "SELECT key, value, version FROM items WHERE scope = ? AND expires > ?"
        return self._read(lambda db: db.execute(query, (scope, self._now)).fetchall()) or []

    def _put(self, db: "Connection", scope: str, key: str, text: str, ttl: int) -> int:
        raise_ = """INSERT INTO versions VALUES (?, 1)
            ON CONFLICT (scope) DO UPDATE SET last = last + 1 RETURNING last"""
        version = int(db.execute(raise_, (scope,)).fetchall()[0][0])
        row = (scope, key, text, version, self._now + ttl)
        db.execute("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?)", row)
        db.execute("DELETE FROM items WHERE expires <= ?", (self._now,))
        return version
