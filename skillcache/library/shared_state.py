"""Small JSON values that the steps of a workflow share, in whatever agent, process or machine they run.

    state = SharedState("release")
    version = state.set("stage", {"name": "build", "by": "alice"})
    state.set("stage", {"name": "test"}, version=version)     # StateConflict where somebody was quicker
    state.increment("attempts")

A namespace belongs to the project of the current folder, or to a team. Every call is one step that happens whole or not
at all. A value has a version, which grows with each change in its namespace, and a time to live, which each change
sets. Values keep their types: what JSON cannot say exactly is refused (TypeError, ValueError).

In Redis, KEYS are those of `contract.state_keys`: the value, all values, versions.

A value is a hash of its text, of a team with its signature (`stores.signed`), and its version. Versions come from one
counter for each scope, so that a value that was deleted and set anew has not the version it had. The counter outlives
the values by a month, for whoever remembers one.

In a file of their own they outlive messages and results.

    items     scope · key · value · version · expires, unix s
    versions  scope · last

Versions: 1, the above.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias, TypeVar

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AioRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from skillcache.core import git
from skillcache.core.outcomes import STORE_GARBAGE, STORE_TIMEOUT, SkillcacheError, StoreError
from skillcache.library.codec import require_json
from skillcache.library.keys import check_team
from skillcache.library.runs import Question
from skillcache.library.source import check, is_cluster, url_of
from skillcache.settings.in_force import keys_in_force, load
from skillcache.stores.contract import EMBEDDED, check_ttl, state_keys
from skillcache.stores.pooled import SECONDS, AioLink, PooledLink, aio_walk, walk
from skillcache.stores.redis_py import aio_connect, connect
from skillcache.stores.signed import VALUE, Keys
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
        return self._change(_number_in, INCREMENT, scope, key, str(by), str(ttl))

    def drop(self, scope: str, key: str, version: str) -> Any:
        return self._change(lambda reply: _pair((1, reply))[1], DELETE, scope, key, version)

    def all_of(self, scope: str) -> Any:
        start, values, _ = state_keys(scope, "")
        return self._link.ask((("EVAL", LIST, "2", values, start), _given))

    def _change(self, read: Any, script: str, scope: str, key: str, *words: str) -> Any:
        return self._once.ask((("EVAL", script, "3", *state_keys(scope, key), key, *words), read))


T = TypeVar("T")
_Asks: TypeAlias = Generator[Callable[[], Any], Any, T]


def _put(question: Callable[[], Any]) -> Any:
    return question()


class SignedState(RedisState):
    """Of a team: a value that nobody of it has signed is not there, and gives way.

    The store cannot compare or count what is signed, so that what asks it to is a question and a change that is made
    where nobody was quicker. walk: `pooled.walk` or `aio_walk`, as the links are.
    """

    def __init__(self, link: "Link | AioLink", once: "Link | AioLink", keys: Keys, walk: Any) -> None:
        super().__init__(link, once)
        self._keys = keys
        self._take = walk

    def find(self, scope: str, key: str) -> Any:
        return self._take(self._finding(scope, key), _put)

    def set(self, scope: str, key: str, text: str, ttl: int, expected: tuple[str, str]) -> Any:
        return self._take(self._setting(scope, key, text, ttl, expected), _put)

    def increment(self, scope: str, key: str, by: int, ttl: int) -> Any:
        return self._take(self._incrementing(scope, key, by, ttl), _put)

    def all_of(self, scope: str) -> Any:
        return self._take(self._listing(scope), _put)

    def _finding(self, scope: str, key: str) -> _Asks[Any]:
        text, version, _ = yield from self._held(scope, key)
        return None if text is None else (text, version)

    def _held(self, scope: str, key: str) -> _Asks[tuple[str | None, str, bool]]:
        """What counts, the version of what is there, and whether that counts."""
        found = yield lambda: RedisState.find(self, scope, key)
        try:
            sealed, version = found
        except (TypeError, ValueError):
            raise StoreError(STORE_GARBAGE, "a shared value that is none") from None
        if sealed is None:
            return None, "0", True
        text = self._opened(scope, key, sealed)
        return text, _text(version or "0"), text is not None

    def _opened(self, scope: str, key: str, sealed: Any) -> str | None:
        return self._keys.opened(VALUE, state_keys(scope, key)[0], _text(sealed))

    def _setting(self, scope: str, key: str, text: str, ttl: int, expected: tuple[str, str]) -> _Asks[tuple[bool, int]]:
        what, which = expected
        if what:
            held, version, counts = yield from self._held(scope, key)
            if what == "value" and held != which:
                return False, int(version) if counts and version.isdecimal() else 0
            if what == "value" or (which == "0" and not counts):
                expected = "version", version
        sealed = self._keys.seal(VALUE, state_keys(scope, key)[0], text, int(time.time()) + ttl)
        done: tuple[bool, int] = yield lambda: RedisState.set(self, scope, key, sealed, ttl, expected)
        return done

    def _incrementing(self, scope: str, key: str, by: int, ttl: int) -> _Asks[int | None]:
        for _ in range(_TRIES):
            held, version, _ = yield from self._held(scope, key)
            text = "0" if held is None else held
            if not text.removeprefix("-").isdecimal() or not -_MOST <= (new := int(text) + by) < _MOST:
                return None
            sealed = self._keys.seal(VALUE, state_keys(scope, key)[0], str(new), int(time.time()) + ttl)
            expected = "version", version
            done, _ = yield lambda: RedisState.set(self, scope, key, sealed, ttl, expected)  # noqa: B023 - asked at once
            if done:
                return new
        raise StoreError(STORE_TIMEOUT, f"{key} was changed by others all the time")

    def _listing(self, scope: str) -> _Asks[Any]:
        rows = yield lambda: RedisState.all_of(self, scope)
        try:
            named = [(_text(key), sealed, version) for key, sealed, version in rows]
        except (TypeError, ValueError):
            raise StoreError(STORE_GARBAGE, "a script was answered in another shape") from None
        opened = [(key, self._opened(scope, key, sealed), version) for key, sealed, version in named]
        return [row for row in opened if row[1] is not None]


def _given(reply: Any) -> Any:
    return reply


def _number_in(reply: Any) -> int | None:
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
_TRIES = 1_000  # of who adds to a number that others add to as well
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


__all__ = ["SharedState", "StateConflict", "Value"]

TTL = 30 * 86_400  # seconds
SIZE = 65_536  # bytes of a value's text
_KEY = 200  # characters of a key, and of a namespace
_ANY: Any = object()
_OF_ASYNCIO = (redis.asyncio.Redis, redis.asyncio.RedisCluster)


class Value(NamedTuple):
    value: Any
    version: int


class StateConflict(SkillcacheError):
    """The value is not the expected one; `version`: the one that is there, 0 for none."""

    def __init__(self, key: str, version: int) -> None:
        held = f"has version {version}" if version else "is not set"
        super().__init__(f"{key} is not as expected: it {held}")
        self.key = key
        self.version = version


class SharedState:
    """The values of one namespace, a name without a colon, in the store of the settings unless another is named.

    `url`: a Redis URL or `embedded:` and a file's absolute path; `client`: a redis-py client, or one of redis.asyncio
    for the methods `aio_...`, of a server or a cluster; `team`: whose the namespace is instead of the project's. All
    methods raise StoreError where the store fails, and ValueError for a key or value that is too long.
    """

    def __init__(self, namespace: str, *, url: str | None = None, client: Any = None, team: str | None = None) -> None:
        if url is not None and client is not None:
            raise ValueError("a URL or a client, not both")
        _check_name(namespace)
        if ":" in namespace:
            raise ValueError(f"a namespace is a text without a colon, not {namespace!r}")
        if team is not None:
            check_team(team)
        owner = f"team:{team}" if team is not None else git.project_of(git.locate(os.getcwd()))
        self.namespace = namespace
        self._scope = f"{owner}:{namespace}"
        if client is not None:
            check(client, aio=isinstance(client, _OF_ASYNCIO))
            if is_cluster(client):
                client, url = None, url_of(client)
        self._place = "" if client is not None else url or load(os.environ, os.getcwd()).store
        self._client = client
        self._keys = None if self._place.startswith(EMBEDDED) else keys_in_force(os.environ, os.getcwd())

    def get(self, key: str, default: Any = None) -> Any:
        found = self.find(key)
        return default if found is None else found.value

    def find(self, key: str) -> Value | None:
        """The value with its version."""
        found: Value | None = self._take(self._finding(key))
        return found

    def set(self, key: str, value: Any, *, version: int | None = None, expected: Any = _ANY, ttl: int = TTL) -> int:
        """The value's new version.

        Raises StateConflict where it has not the `version` (0: is not set), or is not `expected`.
        """
        return int(self._take(self._setting(key, value, version, expected, ttl)))

    def increment(self, key: str, by: int = 1, *, ttl: int = TTL) -> int:
        """The new number; a value that is not set is 0. Raises ValueError where it is no whole number of 64 bits."""
        return int(self._take(self._incrementing(key, by, ttl)))

    def delete(self, key: str, *, version: int | None = None) -> bool:
        """Whether there was one. Raises StateConflict where it has another version."""
        return bool(self._take(self._deleting(key, version)))

    def items(self) -> dict[str, Value]:
        """All values of the namespace, by their keys in order."""
        return dict(self._take(self._listing()))

    async def aio_get(self, key: str, default: Any = None) -> Any:
        found = await self.aio_find(key)
        return default if found is None else found.value

    async def aio_find(self, key: str) -> Value | None:
        found: Value | None = await self._aio_take(self._finding(key))
        return found

    async def aio_set(
        self, key: str, value: Any, *, version: int | None = None, expected: Any = _ANY, ttl: int = TTL
    ) -> int:
        return int(await self._aio_take(self._setting(key, value, version, expected, ttl)))

    async def aio_increment(self, key: str, by: int = 1, *, ttl: int = TTL) -> int:
        return int(await self._aio_take(self._incrementing(key, by, ttl)))

    async def aio_delete(self, key: str, *, version: int | None = None) -> bool:
        return bool(await self._aio_take(self._deleting(key, version)))

    async def aio_items(self) -> dict[str, Value]:
        return dict(await self._aio_take(self._listing()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes connections of its own; it can be used again."""
        if not self._place and isinstance(self._client, redis.Redis):
            PooledLink(self._client).close()
        if self._place and self._client is not None:
            self._client.close()
            self._client = None

    def _finding(self, key: str) -> Question:
        _check_name(key)
        return lambda state: state.find(self._scope, key), _value

    def _setting(self, key: str, value: Any, version: int | None, expected: Any, ttl: int) -> Question:
        text, expects = _text_of(value), _expects(version, expected)
        check_ttl(ttl)
        _check_name(key)
        return lambda state: state.set(self._scope, key, text, ttl, expects), lambda found: _settled(key, *found)

    def _incrementing(self, key: str, by: int, ttl: int) -> Question:
        if type(by) is not int:
            raise TypeError(f"a step is a whole number, not {by!r}")
        check_ttl(ttl)
        _check_name(key)
        return lambda state: state.increment(self._scope, key, by, ttl), lambda found: _number(key, found)

    def _deleting(self, key: str, version: int | None) -> Question:
        wanted = "" if version is None else str(version)
        _check_name(key)
        return lambda state: state.drop(self._scope, key, wanted), lambda found: _dropped(key, found)

    def _listing(self) -> Question:
        return lambda state: state.all_of(self._scope), _sorted

    def _take(self, question: Question) -> Any:
        ask, read = question
        if self._place.startswith(EMBEDDED):
            with closing(SqliteState(state_file(self._place.removeprefix(EMBEDDED)), now=time.time())) as file:
                return read(ask(file))
        if self._client is None:
            self._client = connect(self._place, retry=Retry(NoBackoff(), 0), **_BOUNDS)
        link = PooledLink(self._client, itself=True)
        return read(ask(self._over(link, link if self._place else PooledLink(self._client), walk)))

    def _over(self, link: "Link | AioLink", once: "Link | AioLink", walk: Any) -> RedisState:
        return RedisState(link, once) if self._keys is None else SignedState(link, once, self._keys, walk)

    async def _aio_take(self, question: Question) -> Any:
        """Without a client one is made for each call: a program may have more than one event loop."""
        ask, read = question
        if self._place.startswith(EMBEDDED):
            return await asyncio.to_thread(self._take, question)
        if self._place:
            async with aio_connect(self._place, retry=AioRetry(NoBackoff(), 0), **_BOUNDS) as client:
                link = AioLink(client, itself=True)
                return read(await ask(self._over(link, link, aio_walk)))
        if not isinstance(self._client, redis.asyncio.Redis):
            raise TypeError("an aio_... method needs a client of redis.asyncio, or a URL")
        once = AioLink(self._client)
        try:
            return read(await ask(self._over(AioLink(self._client, itself=True), once, aio_walk)))
        finally:
            await once.close()  # nobody tells when its event loop ends


def state_file(store: str) -> str:
    """Beside the embedded store and not in it: results are dropped to make room, shared values are not."""
    return store.rpartition("/")[0] + "/state.sqlite3"


_BOUNDS: Any = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS}


def _check_name(name: str) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= _KEY or name.encode(errors="replace").decode() != name:
        raise ValueError(f"a name is a text of 1 to {_KEY} characters, not {name!r}")
    return name


def _text_of(value: Any) -> str:
    require_json(value)
    # Equal values have equal texts, for a step inside the store compares texts.
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    if len(text.encode()) > SIZE:
        raise ValueError(f"a shared value has at most {SIZE} bytes as JSON, this one has {len(text.encode())}")
    return text


def _expects(version: int | None, expected: Any) -> tuple[str, str]:
    if version is not None and expected is not _ANY:
        raise ValueError("a version or an expected value, not both")
    if version is not None:
        return "version", str(version)
    return ("", "") if expected is _ANY else ("value", _text_of(expected))


def _settled(key: str, done: bool, version: int) -> int:
    if not done:
        raise StateConflict(key, version)
    return version


def _dropped(key: str, outcome: int) -> bool:
    if outcome < 0:
        raise StateConflict(key, -1 - outcome)
    return outcome == 1


def _number(key: str, number: int | None) -> int:
    if number is None:
        raise ValueError(f"{key} is no whole number of 64 bits, or would be none")
    return number


def _value(held: Any) -> Value | None:
    """Raises StoreError for what is none of ours: anybody who has the store may write there."""
    if held is None:
        return None
    try:
        text, version = held
        return None if text is None else Value(json.loads(text), int(version or 0))
    except (TypeError, ValueError, RecursionError):
        raise StoreError(STORE_GARBAGE, "a shared value that is none") from None


def _sorted(rows: Any) -> dict[str, Value]:
    try:
        found = {_text(key): value for key, *held in rows if (value := _value(held)) is not None}
        return dict(sorted(found.items()))
    except (TypeError, ValueError):
        raise StoreError(STORE_GARBAGE, "a script was answered in another shape") from None


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
