"""State of one's own under a session's id: the fields of the hash `skill_session:{id}@{scope}`, JSON values with a TTL.

An id is of the namespace, by default of the project of the current folder; a UUID, as recorded sessions have, is one in
the world, and its hash is `skill_session:{id}`.

For intermediate results of work in several steps: what one step saves, the next loads, in another process or on another
machine. Saving adds to what is there. An id may be a recorded session's: its fields then stand beside one's own.

Values keep their types: what JSON cannot say exactly is refused (TypeError, ValueError). `url`: a Redis URL or
`embedded:` and a file's absolute path, by default the store of the settings. Raises ConfigError and StoreError.

A client of redis-py may stand in front of the other arguments, as guides have it: its Redis is then used, with any
decoding, the hash is `skill_session:{id}`, one for all who use it, a day is the time to live, and a session that is not
there is loaded as {}. The `aio_` functions take one of redis.asyncio.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, overload

import redis
import redis.asyncio

from skillcache.core.scope import scoped
from skillcache.library.clients import is_cluster
from skillcache.library.codec import write_json
from skillcache.library.source import store_in_force
from skillcache.sessions.delivery import sessions_file
from skillcache.sessions.journal import EMBEDDED
from skillcache.sessions.journal_sqlite import SqliteJournal
from skillcache.stores.contract import check_ttl
from skillcache.stores.pooled import translating
from skillcache.stores.redis_keys import session_key, session_keys
from skillcache.stores.redis_py import aio_connect, connect

__all__ = [
    "aio_clear_session",
    "aio_load_session_state",
    "aio_save_session_state",
    "clear_session",
    "load_session_state",
    "save_session_state",
]

T = TypeVar("T")

TTL = 30 * 86_400  # seconds
CLIENT_TTL = 86_400  # seconds, the guides' number
_CLIENTS = (redis.Redis, redis.asyncio.Redis)
_SECONDS = 5.0  # to connect, and for each reply


def _or_on_client(on_client: Callable[..., T]) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Calls the other function where a client of redis-py comes first."""

    def choose(own: Any) -> Any:
        def chosen(given: tuple[Any, ...], more: dict[str, Any]) -> Any:
            first = more.get("client", given[0] if given else None)
            if is_cluster(first):
                raise TypeError(f"{own.__name__} takes no client of a cluster: give url='redis+cluster://host:port'")
            has_client = "client" in more or isinstance(given[0] if given else None, _CLIENTS)
            return (on_client if has_client else own)(*given, **more)

        @wraps(own)
        def call(*given: Any, **more: Any) -> Any:
            return chosen(given, more)

        @wraps(own)
        async def aio_call(*given: Any, **more: Any) -> Any:
            return await chosen(given, more)

        return aio_call if iscoroutinefunction(own) else call

    return choose


def _save_on_client(client: Any, session_id: str, state: Mapping[str, Any], ttl: int = CLIENT_TTL) -> None:
    fields = _encode(state)
    _check(session_id)
    check_ttl(ttl)
    with translating(client), client.pipeline() as steps:
        _save(steps, session_id, fields, ttl, replace=False)
        steps.execute()


def _load_on_client(client: Any, session_id: str) -> dict[str, Any] | None:
    _check(session_id)
    with translating(client):
        return _decode(client.hgetall(session_key(session_id))) or {}


def _clear_on_client(client: Any, session_id: str) -> bool:
    _check(session_id)
    with translating(client):
        return bool(client.delete(*session_keys(session_id)))


async def _aio_save_on_client(client: Any, session_id: str, state: Mapping[str, Any], ttl: int = CLIENT_TTL) -> None:
    fields = _encode(state)
    _check(session_id)
    check_ttl(ttl)
    with translating(client):
        async with client.pipeline() as steps:
            _save(steps, session_id, fields, ttl, replace=False)
            await steps.execute()


async def _aio_load_on_client(client: Any, session_id: str) -> dict[str, Any] | None:
    _check(session_id)
    with translating(client):
        return _decode(await client.hgetall(session_key(session_id))) or {}


async def _aio_clear_on_client(client: Any, session_id: str) -> bool:
    _check(session_id)
    with translating(client):
        return bool(await client.delete(*session_keys(session_id)))


@overload
def save_session_state(
    session_id: str,
    state: Mapping[str, Any],
    *,
    ttl: int = TTL,
    replace: bool = False,
    url: str | None = None,
    namespace: str | None = None,
) -> None: ...
@overload
def save_session_state(
    client: "redis.Redis", session_id: str, state: Mapping[str, Any], ttl: int = CLIENT_TTL
) -> None: ...
@_or_on_client(_save_on_client)
def save_session_state(
    session_id: str,
    state: Mapping[str, Any],
    *,
    ttl: int = TTL,
    replace: bool = False,
    url: str | None = None,
    namespace: str | None = None,
) -> None:
    """Sets the fields of `state` and the time to live in one step; `replace` drops all other fields."""
    fields, place = _encode(state), _place(session_id, url)
    session_id = scoped(session_id, namespace)
    check_ttl(ttl)
    if place.startswith(EMBEDDED):
        _save_embedded(place, session_id, fields, ttl, replace=replace)
        return
    with _client(place) as client, translating(client), client.pipeline() as steps:
        _save(steps, session_id, fields, ttl, replace=replace)
        steps.execute()


@overload
def load_session_state(
    session_id: str, *, ttl: int | None = None, url: str | None = None, namespace: str | None = None
) -> dict[str, Any] | None: ...
@overload
def load_session_state(client: "redis.Redis", session_id: str) -> dict[str, Any]: ...
@_or_on_client(_load_on_client)
def load_session_state(
    session_id: str, *, ttl: int | None = None, url: str | None = None, namespace: str | None = None
) -> dict[str, Any] | None:
    """All fields, None where there is no such session. `ttl`: gives it that many seconds from now."""
    place = _place(session_id, url)
    session_id = scoped(session_id, namespace)
    if ttl is not None:
        check_ttl(ttl)
    if place.startswith(EMBEDDED):
        return _load_embedded(place, session_id, ttl)
    with _client(place) as client, translating(client), client.pipeline() as steps:
        _load(steps, session_id, ttl)
        return _decode(steps.execute()[0])


@overload
def clear_session(session_id: str, *, url: str | None = None, namespace: str | None = None) -> bool: ...
@overload
def clear_session(client: "redis.Redis", session_id: str) -> bool: ...
@_or_on_client(_clear_on_client)
def clear_session(session_id: str, *, url: str | None = None, namespace: str | None = None) -> bool:
    """Drops everything that is kept of the session; whether there was anything."""
    place = _place(session_id, url)
    session_id = scoped(session_id, namespace)
    if place.startswith(EMBEDDED):
        return _clear_embedded(place, session_id)
    with _client(place) as client, translating(client):
        return bool(client.delete(*session_keys(session_id)))


@overload
async def aio_save_session_state(
    session_id: str,
    state: Mapping[str, Any],
    *,
    ttl: int = TTL,
    replace: bool = False,
    url: str | None = None,
    namespace: str | None = None,
) -> None: ...
@overload
async def aio_save_session_state(
    client: "redis.asyncio.Redis", session_id: str, state: Mapping[str, Any], ttl: int = CLIENT_TTL
) -> None: ...
@_or_on_client(_aio_save_on_client)
async def aio_save_session_state(
    session_id: str,
    state: Mapping[str, Any],
    *,
    ttl: int = TTL,
    replace: bool = False,
    url: str | None = None,
    namespace: str | None = None,
) -> None:
    fields, place = _encode(state), _place(session_id, url)
    session_id = scoped(session_id, namespace)
    check_ttl(ttl)
    if place.startswith(EMBEDDED):
        await asyncio.to_thread(_save_embedded, place, session_id, fields, ttl, replace=replace)
        return
    async with _aio_client(place) as client:
        with translating(client):
            async with client.pipeline() as steps:
                _save(steps, session_id, fields, ttl, replace=replace)
                await steps.execute()


@overload
async def aio_load_session_state(
    session_id: str, *, ttl: int | None = None, url: str | None = None, namespace: str | None = None
) -> dict[str, Any] | None: ...
@overload
async def aio_load_session_state(client: "redis.asyncio.Redis", session_id: str) -> dict[str, Any]: ...
@_or_on_client(_aio_load_on_client)
async def aio_load_session_state(
    session_id: str, *, ttl: int | None = None, url: str | None = None, namespace: str | None = None
) -> dict[str, Any] | None:
    place = _place(session_id, url)
    session_id = scoped(session_id, namespace)
    if ttl is not None:
        check_ttl(ttl)
    if place.startswith(EMBEDDED):
        return await asyncio.to_thread(_load_embedded, place, session_id, ttl)
    async with _aio_client(place) as client:
        with translating(client):
            async with client.pipeline() as steps:
                _load(steps, session_id, ttl)
                return _decode((await steps.execute())[0])


@overload
async def aio_clear_session(session_id: str, *, url: str | None = None, namespace: str | None = None) -> bool: ...
@overload
async def aio_clear_session(client: "redis.asyncio.Redis", session_id: str) -> bool: ...
@_or_on_client(_aio_clear_on_client)
async def aio_clear_session(session_id: str, *, url: str | None = None, namespace: str | None = None) -> bool:
    place = _place(session_id, url)
    session_id = scoped(session_id, namespace)
    if place.startswith(EMBEDDED):
        return await asyncio.to_thread(_clear_embedded, place, session_id)
    async with _aio_client(place) as client:
        with translating(client):
            return bool(await client.delete(*session_keys(session_id)))


def _save_embedded(place: str, session_id: str, fields: dict[str, str], ttl: int, *, replace: bool) -> None:
    with _embedded(place) as journal:
        journal.save_fields(session_id, fields, ttl=ttl, replace=replace)


def _load_embedded(place: str, session_id: str, ttl: int | None) -> dict[str, Any] | None:
    with _embedded(place) as journal:
        return _decode(journal.load_fields(session_id, ttl))


def _clear_embedded(place: str, session_id: str) -> bool:
    with _embedded(place) as journal:
        return journal.forget(session_id, "")


def _save(steps: Any, session_id: str, fields: dict[str, str], ttl: int, *, replace: bool) -> None:
    key = session_key(session_id)
    if replace:
        steps.delete(key)
    if fields:
        steps.hset(key, mapping=fields)
    steps.expire(key, ttl)


def _load(steps: Any, session_id: str, ttl: int | None) -> None:
    steps.hgetall(session_key(session_id))
    if ttl is not None:
        steps.expire(session_key(session_id), ttl)


def _encode(state: Mapping[str, Any]) -> dict[str, str]:
    for name in state:
        if not isinstance(name, str) or not name:
            raise TypeError(f"a field's name is a text, not {name!r}")
    return {name: write_json(value) for name, value in state.items()}


def _decode(fields: Mapping[Any, Any]) -> dict[str, Any] | None:
    if not fields:
        return None
    return {_text(name): _value(_text(text)) for name, text in fields.items()}


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _check(session_id: str) -> None:
    if not session_id:
        raise ValueError("a session's id is a text")


def _place(session_id: str, url: str | None) -> str:
    _check(session_id)
    return url or store_in_force()


@contextmanager
def _embedded(place: str) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(sessions_file(place.removeprefix(EMBEDDED)), now=time.time())
    try:
        yield journal
    finally:
        journal.close()


def _client(url: str) -> "redis.Redis":
    return connect(url, socket_connect_timeout=_SECONDS, socket_timeout=_SECONDS)


def _aio_client(url: str) -> "redis.asyncio.Redis":
    return aio_connect(url, socket_connect_timeout=_SECONDS, socket_timeout=_SECONDS)
