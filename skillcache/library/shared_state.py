"""Small JSON values that the steps of a workflow share, in whatever agent, process or machine they run.

    state = SharedState("release")
    version = state.set("stage", {"name": "build", "by": "alice"})
    state.set("stage", {"name": "test"}, version=version)     # StateConflict where somebody was quicker
    state.increment("attempts")

A namespace belongs to the project of the current folder, or to a team. Every call is one step that happens whole or not
at all. A value has a version, which grows with each change in its namespace, and a time to live, which each change
sets. Values keep their types: what JSON cannot say exactly is refused (TypeError, ValueError).
"""

import asyncio
import json
import os
import time
from contextlib import closing
from typing import Any, NamedTuple, Self

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AioRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from skillcache.core import git
from skillcache.core.outcomes import STORE_GARBAGE, SkillcacheError, StoreError
from skillcache.library.clients import check, is_cluster, url_of
from skillcache.library.codec import require_json
from skillcache.library.keys import check_team
from skillcache.library.runs import Question
from skillcache.library.shared_state_stores import RedisState, SqliteState
from skillcache.settings.in_force import load
from skillcache.stores.contract import EMBEDDED, check_ttl
from skillcache.stores.pooled import SECONDS, AioLink, PooledLink
from skillcache.stores.redis_py import aio_connect, connect

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
        return read(ask(RedisState(link, link if self._place else PooledLink(self._client))))

    async def _aio_take(self, question: Question) -> Any:
        """Without a client one is made for each call: a program may have more than one event loop."""
        ask, read = question
        if self._place.startswith(EMBEDDED):
            return await asyncio.to_thread(self._take, question)
        if self._place:
            async with aio_connect(self._place, retry=AioRetry(NoBackoff(), 0), **_BOUNDS) as client:
                link = AioLink(client, itself=True)
                return read(await ask(RedisState(link, link)))
        if not isinstance(self._client, redis.asyncio.Redis):
            raise TypeError("an aio_... method needs a client of redis.asyncio, or a URL")
        once = AioLink(self._client)
        try:
            return read(await ask(RedisState(AioLink(self._client, itself=True), once)))
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
