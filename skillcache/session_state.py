"""State of one's own under a session's id: the fields of the hash `skill_session:{id}`, each a JSON value, with a TTL.

For intermediate results of work in several steps: what one step saves, the next loads, in another process or on another
machine. Saving adds to what is there. An id may be a recorded session's: its fields then stand beside one's own.

Values keep their types: what JSON cannot say exactly is refused (TypeError, ValueError). `url`: a Redis URL or
`embedded:` and a file's absolute path, by default the store of the settings. Raises ConfigError and StoreError.
"""

import asyncio
import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import redis
import redis.asyncio

from skillcache.errors import StoreError
from skillcache.outcome import STORE_REFUSED, STORE_TIMEOUT, STORE_UNREACHABLE
from skillcache.redis_keys import session_key, session_keys
from skillcache.sessions.journal import EMBEDDED, sessions_file
from skillcache.settings import load
from skillcache.stores import check_ttl
from skillcache.stores.sessions_sqlite import SqliteJournal

__all__ = [
    "aio_clear_session",
    "aio_load_session_state",
    "aio_save_session_state",
    "clear_session",
    "load_session_state",
    "save_session_state",
]

TTL = 30 * 86_400  # seconds
_SECONDS = 5.0  # to connect, and for each reply


def save_session_state(
    session_id: str, state: Mapping[str, Any], *, ttl: int = TTL, replace: bool = False, url: str | None = None
) -> None:
    """Sets the fields of `state` and the time to live in one step; `replace` drops all other fields."""
    fields, place = _encode(state), _place(session_id, url)
    check_ttl(ttl)
    if place.startswith(EMBEDDED):
        with _embedded(place) as journal:
            journal.save_fields(session_id, fields, ttl=ttl, replace=replace)
        return
    with _translated(), _client(place) as client, client.pipeline() as steps:
        _save(steps, session_id, fields, ttl, replace=replace)
        steps.execute()


def load_session_state(session_id: str, *, ttl: int | None = None, url: str | None = None) -> dict[str, Any] | None:
    """All fields, None where there is no such session. `ttl`: gives it that many seconds from now."""
    place = _place(session_id, url)
    if ttl is not None:
        check_ttl(ttl)
    if place.startswith(EMBEDDED):
        with _embedded(place) as journal:
            return _decode(journal.load_fields(session_id, ttl))
    with _translated(), _client(place) as client, client.pipeline() as steps:
        _load(steps, session_id, ttl)
        return _decode(steps.execute()[0])


def clear_session(session_id: str, *, url: str | None = None) -> bool:
    """Drops everything that is kept of the session; whether there was anything."""
    place = _place(session_id, url)
    if place.startswith(EMBEDDED):
        with _embedded(place) as journal:
            return journal.forget(session_id, "")
    with _translated(), _client(place) as client:
        return bool(client.delete(*session_keys(session_id)))


async def aio_save_session_state(
    session_id: str, state: Mapping[str, Any], *, ttl: int = TTL, replace: bool = False, url: str | None = None
) -> None:
    fields, place = _encode(state), _place(session_id, url)
    check_ttl(ttl)
    if place.startswith(EMBEDDED):
        await asyncio.to_thread(save_session_state, session_id, state, ttl=ttl, replace=replace, url=place)
        return
    with _translated():
        async with _aio_client(place) as client, client.pipeline() as steps:
            _save(steps, session_id, fields, ttl, replace=replace)
            await steps.execute()


async def aio_load_session_state(
    session_id: str, *, ttl: int | None = None, url: str | None = None
) -> dict[str, Any] | None:
    place = _place(session_id, url)
    if ttl is not None:
        check_ttl(ttl)
    if place.startswith(EMBEDDED):
        return await asyncio.to_thread(load_session_state, session_id, ttl=ttl, url=place)
    with _translated():
        async with _aio_client(place) as client, client.pipeline() as steps:
            _load(steps, session_id, ttl)
            return _decode((await steps.execute())[0])


async def aio_clear_session(session_id: str, *, url: str | None = None) -> bool:
    place = _place(session_id, url)
    if place.startswith(EMBEDDED):
        return await asyncio.to_thread(clear_session, session_id, url=place)
    with _translated():
        async with _aio_client(place) as client:
            return bool(await client.delete(*session_keys(session_id)))


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
    for value in state.values():
        _require_json(value)
    return {name: json.dumps(value, ensure_ascii=False, allow_nan=False) for name, value in state.items()}


def _require_json(value: object) -> None:
    """What `json` would write without a word but not give back: tuples, names of other types, infinities."""
    if type(value) is dict:
        for name, item in value.items():
            if type(name) is not str:
                raise TypeError(f"a name in JSON is a text, not {name!r}")
            _require_json(item)
    elif type(value) is list:
        for item in value:
            _require_json(item)
    elif type(value) is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} is not JSON")
    elif type(value) not in (str, int, bool, type(None)):
        raise TypeError(f"{type(value).__name__} is not JSON: {value!r}")


def _decode(fields: Mapping[Any, Any]) -> dict[str, Any] | None:
    if not fields:
        return None
    return {_text(name): _value(_text(text)) for name, text in fields.items()}


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _place(session_id: str, url: str | None) -> str:
    if not session_id:
        raise ValueError("a session's id is a text")
    return url or load(os.environ, os.getcwd()).store


@contextmanager
def _embedded(place: str) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(sessions_file(place.removeprefix(EMBEDDED)), now=time.time())
    try:
        yield journal
    finally:
        journal.close()


def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(_named(url), socket_connect_timeout=_SECONDS, socket_timeout=_SECONDS)


def _aio_client(url: str) -> "redis.asyncio.Redis":
    return redis.asyncio.Redis.from_url(_named(url), socket_connect_timeout=_SECONDS, socket_timeout=_SECONDS)


def _named(url: str) -> str:
    return url.replace("redis+socket://", "unix://", 1)  # redis-py knows the scheme by one name only


@contextmanager
def _translated() -> Iterator[None]:
    """An error's own text may hold the URL's password."""
    try:
        yield
    except redis.TimeoutError:
        raise StoreError(STORE_TIMEOUT) from None
    except redis.ConnectionError:
        raise StoreError(STORE_UNREACHABLE) from None
    except redis.RedisError as fault:
        raise StoreError(STORE_REFUSED, type(fault).__name__) from None
