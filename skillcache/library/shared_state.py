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
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AioRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from skillcache.core import git
from skillcache.core.outcomes import STORE_GARBAGE, SkillcacheError, StoreError
from skillcache.library import shared_state_stores as scripts
from skillcache.library.clients import check, is_cluster, url_of
from skillcache.library.codec import require_json
from skillcache.library.keys import check_team
from skillcache.library.shared_state_stores import SqliteState
from skillcache.settings.in_force import load
from skillcache.stores.contract import EMBEDDED, check_ttl
from skillcache.stores.pooled import SECONDS, AioLink, PooledLink, translating
from skillcache.stores.redis_keys import state_keys
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
        if self._is_embedded():
            with self._file() as file:
                held = file.find(self._scope, _check_name(key))
            return _value(held or (None, None))
        name = self._keys(key)[0]
        return _value(self._ask(lambda client: client.hmget(name, "value", "version")))

    def set(self, key: str, value: Any, *, version: int | None = None, expected: Any = _ANY, ttl: int = TTL) -> int:
        """The value's new version.

        Raises StateConflict where it has not the `version` (0: is not set), or is not `expected`.
        """
        text, expects = _text_of(value), _expects(version, expected)
        check_ttl(ttl)
        if self._is_embedded():
            with self._file() as file:
                return _settled(key, file.set(self._scope, _check_name(key), text, ttl, expects))
        words = (*self._keys(key), key, text, ttl, *expects)
        return _settled(key, self._change(scripts.SET, words))

    def increment(self, key: str, by: int = 1, *, ttl: int = TTL) -> int:
        """The new number; a value that is not set is 0. Raises ValueError where it is no whole number of 64 bits."""
        _check_step(by)
        check_ttl(ttl)
        if self._is_embedded():
            with self._file() as file:
                number = file.increment(self._scope, _check_name(key), by, ttl)
            return _number(key, (number is not None, number or 0))
        words = (*self._keys(key), key, by, ttl)
        return _number(key, self._change(scripts.INCREMENT, words))

    def delete(self, key: str, *, version: int | None = None) -> bool:
        """Whether there was one. Raises StateConflict where it has another version."""
        wanted = "" if version is None else str(version)
        if self._is_embedded():
            with self._file() as file:
                return _dropped(key, file.drop(self._scope, _check_name(key), wanted))
        words = (*self._keys(key), key, wanted)
        return _dropped(key, self._change(scripts.DELETE, words))

    def items(self) -> dict[str, Value]:
        """All values of the namespace, by their keys in order."""
        if self._is_embedded():
            with self._file() as file:
                rows: Any = file.all_of(self._scope)
        else:
            rows = self._ask(lambda client: client.eval(scripts.LIST, 2, *self._listed()))
        return _sorted(rows)

    async def aio_get(self, key: str, default: Any = None) -> Any:
        found = await self.aio_find(key)
        return default if found is None else found.value

    async def aio_find(self, key: str) -> Value | None:
        if self._is_embedded():
            return await asyncio.to_thread(self.find, key)
        name = self._keys(key)[0]
        return _value(await self._aio(lambda client: client.hmget(name, "value", "version")))

    async def aio_set(
        self, key: str, value: Any, *, version: int | None = None, expected: Any = _ANY, ttl: int = TTL
    ) -> int:
        if self._is_embedded():
            return await asyncio.to_thread(self.set, key, value, version=version, expected=expected, ttl=ttl)
        check_ttl(ttl)
        words = (*self._keys(key), key, _text_of(value), ttl, *_expects(version, expected))
        return _settled(key, await self._aio_change(scripts.SET, words))

    async def aio_increment(self, key: str, by: int = 1, *, ttl: int = TTL) -> int:
        if self._is_embedded():
            return await asyncio.to_thread(self.increment, key, by, ttl=ttl)
        _check_step(by)
        check_ttl(ttl)
        words = (*self._keys(key), key, by, ttl)
        return _number(key, await self._aio_change(scripts.INCREMENT, words))

    async def aio_delete(self, key: str, *, version: int | None = None) -> bool:
        if self._is_embedded():
            return await asyncio.to_thread(self.delete, key, version=version)
        words = (*self._keys(key), key, "" if version is None else str(version))
        return _dropped(key, await self._aio_change(scripts.DELETE, words))

    async def aio_items(self) -> dict[str, Value]:
        if self._is_embedded():
            return await asyncio.to_thread(self.items)
        return _sorted(await self._aio(lambda client: client.eval(scripts.LIST, 2, *self._listed())))

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

    def _keys(self, key: str) -> tuple[str, str, str]:
        return state_keys(self._scope, _check_name(key))

    def _listed(self) -> tuple[str, str]:
        return state_keys(self._scope, "")[1], state_keys(self._scope, "")[0]

    def _is_embedded(self) -> bool:
        return self._place.startswith(EMBEDDED)

    @contextmanager
    def _file(self) -> Iterator[SqliteState]:
        file = SqliteState(state_file(self._place.removeprefix(EMBEDDED)), now=time.time())
        try:
            yield file
        finally:
            file.close()

    def _ask(self, ask: Callable[[Any], Any]) -> Any:
        if self._client is None:
            self._client = connect(self._place, retry=Retry(NoBackoff(), 0), **_BOUNDS)
        with translating(self._client):
            return ask(self._client)

    def _change(self, script: str, words: tuple[Any, ...]) -> Any:
        """Sent once: where the reply is lost, nobody knows whether it was done, and twice would be wrong."""
        if self._place:
            return self._ask(lambda client: client.eval(script, 3, *words))
        return self._ask(lambda client: PooledLink(client).client.eval(script, 3, *words))

    async def _aio_change(self, script: str, words: tuple[Any, ...]) -> Any:
        if self._place:
            return await self._aio(lambda client: client.eval(script, 3, *words))

        async def once(client: "redis.asyncio.Redis") -> Any:
            link = AioLink(client)
            try:
                return await link.client.eval(script, 3, *words)
            finally:
                await link.close()  # nobody tells when its event loop ends

        return await self._aio(once)

    async def _aio(self, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        """Without a client one is made for each call: a program may have more than one event loop."""
        if self._place:
            async with aio_connect(self._place, retry=AioRetry(NoBackoff(), 0), **_BOUNDS) as client:
                with translating(client):
                    return await ask(client)
        if not isinstance(self._client, redis.asyncio.Redis):
            raise TypeError("an aio_... method needs a client of redis.asyncio, or a URL")
        with translating(self._client):
            return await ask(self._client)


def state_file(store: str) -> str:
    """Beside the embedded store and not in it: results are dropped to make room, shared values are not."""
    return store.rpartition("/")[0] + "/state.sqlite3"


_BOUNDS: Any = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS}


def _check_name(name: str) -> str:
    if not isinstance(name, str) or not 0 < len(name) <= _KEY or name.encode(errors="replace").decode() != name:
        raise ValueError(f"a name is a text of 1 to {_KEY} characters, not {name!r}")
    return name


def _check_step(by: int) -> None:
    if type(by) is not int:
        raise TypeError(f"a step is a whole number, not {by!r}")


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


def _settled(key: str, reply: Any) -> int:
    done, version = _pair(reply)
    if not done:
        raise StateConflict(key, version)
    return version


def _pair(reply: Any) -> tuple[bool, int]:
    """Raises StoreError for a reply of another shape."""
    try:
        done, number = reply
        return bool(done), int(number or 0)
    except (TypeError, ValueError):
        raise StoreError(STORE_GARBAGE, "a script was answered in another shape") from None


def _dropped(key: str, reply: Any) -> bool:
    outcome = _pair((True, reply))[1]
    if outcome < 0:
        raise StateConflict(key, -1 - outcome)
    return outcome == 1


def _number(key: str, reply: Any) -> int:
    done, number = _pair(reply)
    if not done:
        raise ValueError(f"{key} is no whole number of 64 bits, or would be none")
    return number


def _value(reply: Any) -> Value | None:
    """Raises StoreError for what is none of ours: anybody who has the store may write there."""
    try:
        text, version = reply
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
