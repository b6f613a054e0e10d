"""Where shared values are kept: what Redis runs for them, and a file of their own beside the embedded store.

In Redis, KEYS are those of `redis_keys.state_keys`: the value, all values, versions.

A value is a hash of its text and its version. Versions come from one counter for each scope, so that a value that was
deleted and set anew has not the version it had. The counter outlives the values by a month, for whoever remembers one.

In a file of their own they outlive messages and results.

    items     scope · key · value · version · expires, unix s
    versions  scope · last

Versions: 1, the above.
"""

from typing import TYPE_CHECKING, Any

from skillcache.core.outcomes import STORE_GARBAGE, StoreError
from skillcache.stores.redis_keys import state_keys
from skillcache.stores.sqlite import SqliteStore
from skillcache.stores.sqlite_file import Layout

if TYPE_CHECKING:
    from skillcache.stores.connection import Link
    from skillcache.stores.pooled import AioLink
    from skillcache.stores.sqlite_file import Connection


_MONTH = 30 * 86_400

_PUT = f"""
local function outlive(key, seconds)
  if redis.call('TTL', key) < seconds then redis.call('EXPIRE', key, seconds) end
end
local function note(key, seconds)
  redis.call('EXPIRE', KEYS[1], seconds)
  redis.call('SADD', KEYS[2], key)
  outlive(KEYS[2], tonumber(seconds))
  outlive(KEYS[3], tonumber(seconds) + {_MONTH})
end
"""

# ARGV: key, text, ttl, what is expected of the value: "" nothing, "version" or "value", and which.
# Returns 1 and the new version, or 0 and the one that is there.
SET = (
    _PUT
    + """\
local text, version = unpack(redis.call('HMGET', KEYS[1], 'value', 'version'))
local held = version or '0'
if ARGV[4] == 'version' and held ~= ARGV[5] then return {0, held} end
if ARGV[4] == 'value' and (not text or text ~= ARGV[5]) then return {0, held} end
local new = redis.call('INCR', KEYS[3])
redis.call('HSET', KEYS[1], 'value', ARGV[2], 'version', new)
note(ARGV[1], ARGV[3])
return {1, tostring(new)}
"""
)

# ARGV: key, by, ttl. Returns 1 and the new value, or 0 where there is no whole number, or it would be too large.
INCREMENT = (
    _PUT
    + """\
local text = redis.call('HGET', KEYS[1], 'value')
local understood = not text or string.find(text, '^%-?%d+$')
local new = understood and redis.pcall('HINCRBY', KEYS[1], 'value', ARGV[2])
if not new or type(new) == 'table' then return {0, ''} end
redis.call('HSET', KEYS[1], 'version', redis.call('INCR', KEYS[3]))
note(ARGV[1], ARGV[3])
return {1, redis.call('HGET', KEYS[1], 'value')}
"""
)

# ARGV: key, expected version or ''. Returns 1, 0 where there was none, or -1 less the version that is another.
DELETE = """\
local version = redis.call('HGET', KEYS[1], 'version')
if ARGV[2] ~= '' and (version or '0') ~= ARGV[2] then return -1 - tonumber(version or '0') end
redis.call('SREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
"""

# KEYS: all values, what the name of a value's key begins with. Returns key, text and version of each.
LIST = """\
local found = {}
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local text, version = unpack(redis.call('HMGET', KEYS[2] .. key, 'value', 'version'))
  if text then found[#found + 1] = {key, text, version or '0'} else redis.call('SREM', KEYS[1], key) end
end
return found
"""


class RedisState:
    """Each call is a request over `link`, and gives what it gives in `SqliteState`, to be awaited where the link is.

    once: the link for changes, which are sent once: where the reply is lost, nobody knows whether it was done, and
    twice would be wrong.
    """

    def __init__(self, link: "Link | AioLink", once: "Link | AioLink") -> None:
        self._link = link
        self._once = once

    def find(self, scope: str, key: str) -> Any:
        return self._link.ask((("HMGET", state_keys(scope, key)[0], "value", "version"), _given))

    def set(self, scope: str, key: str, text: str, ttl: int, expected: tuple[str, str]) -> Any:
        return self._change(_pair, SET, scope, key, text, str(ttl), *expected)

    def increment(self, scope: str, key: str, by: int, ttl: int) -> Any:
        return self._change(_number, INCREMENT, scope, key, str(by), str(ttl))

    def drop(self, scope: str, key: str, version: str) -> Any:
        return self._change(lambda reply: _pair((1, reply))[1], DELETE, scope, key, version)

    def all_of(self, scope: str) -> Any:
        start, values, _ = state_keys(scope, "")
        return self._link.ask((("EVAL", LIST, "2", values, start), _given))

    def _change(self, read: Any, script: str, scope: str, key: str, *words: str) -> Any:
        return self._once.ask((("EVAL", script, "3", *state_keys(scope, key), key, *words), read))


def _given(reply: Any) -> Any:
    return reply


def _number(reply: Any) -> int | None:
    done, number = _pair(reply)
    return number if done else None


def _pair(reply: Any) -> tuple[bool, int]:
    """Raises StoreError for a reply of another shape."""
    try:
        done, number = reply
        return bool(done), int(number or 0)
    except (TypeError, ValueError):
        raise StoreError(STORE_GARBAGE, "a script was answered in another shape") from None


_TABLES = """
CREATE TABLE items (scope TEXT, key TEXT, value TEXT NOT NULL, version INTEGER NOT NULL, expires REAL NOT NULL,
    PRIMARY KEY (scope, key)) WITHOUT ROWID;
CREATE INDEX items_expiry ON items (expires);
CREATE TABLE versions (scope TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
"""
_FIND = "SELECT value, version FROM items WHERE scope = ? AND key = ? AND expires > ?"
_MOST = 1 << 63


class SqliteState(SqliteStore):
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
