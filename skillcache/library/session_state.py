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
import os
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeVar, overload

import redis
import redis.asyncio

from skillcache.core.scope import scoped
from skillcache.library.codec import write_json
from skillcache.library.options import folder
from skillcache.library.runs import Question
from skillcache.library.source import is_cluster, store_in_force
from skillcache.sessions.delivery import sessions_file
from skillcache.sessions.journal import EMBEDDED
from skillcache.sessions.journal_sqlite import SqliteJournal
from skillcache.sessions.signed import field_of
from skillcache.settings.in_force import keys_in_force
from skillcache.stores.contract import check_ttl, session_key, session_keys
from skillcache.stores.pooled import AioLink, PooledLink
from skillcache.stores.redis_py import aio_connect, connect
from skillcache.stores.signed import SESSION, Keys

if TYPE_CHECKING:
    from skillcache.stores.connection import Link

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
_SECONDS: Any = {"socket_connect_timeout": 5.0, "socket_timeout": 5.0}  # to connect, and for each reply


class RedisSessions:
    """The calls of `SqliteJournal` that are asked here, over a link. keys: of a team, each field is signed."""

    def __init__(self, link: "Link | AioLink", keys: Keys | None) -> None:
        self._link = link
        self._keys = keys

    def save_fields(self, session: str, fields: dict[str, str], *, ttl: int, replace: bool) -> Any:
        key, keys = session_key(session), self._keys
        if keys is not None:
            fields = {name: keys.seal(SESSION, field_of(session, name), text) for name, text in fields.items()}
        commands: list[tuple[str, ...]] = [("DEL", key)] if replace else []
        if fields:
            commands.append(("HSET", key, *[word for pair in fields.items() for word in pair]))
        commands.append(("EXPIRE", key, str(ttl)))
        return self._link.ask_all([(each, bool) for each in commands])

    def load_fields(self, session: str, ttl: int | None) -> Any:
        key = session_key(session)
        lengthening = [] if ttl is None else [(("EXPIRE", key, str(ttl)), bool)]
        return self._link.ask_all([(("HGETALL", key), lambda reply: self._opened(session, reply)), *lengthening])

    def _opened(self, session: str, reply: Any) -> dict[Any, Any]:
        found = dict(reply)
        if self._keys is None:
            return found
        texts = {_text(name): _text(sealed) for name, sealed in found.items()}
        opened = {name: self._keys.opened(SESSION, field_of(session, name), text) for name, text in texts.items()}
        return {name: text for name, text in opened.items() if text is not None}

    def forget(self, session: str, _project: str) -> Any:
        return self._link.ask((("DEL", *session_keys(session)), bool))


def _saving(session_id: str, state: Mapping[str, Any], ttl: int = CLIENT_TTL, *, replace: bool = False) -> Question:
    for name in state:
        if not isinstance(name, str) or not name:
            raise TypeError(f"a field's name is a text, not {name!r}")
    fields = {name: write_json(value) for name, value in state.items()}
    _check(session_id)
    check_ttl(ttl)
    return lambda sessions: sessions.save_fields(session_id, fields, ttl=ttl, replace=replace), lambda _: None


def _loading(session_id: str, ttl: int | None = None) -> Question:
    _check(session_id)
    if ttl is not None:
        check_ttl(ttl)
    return lambda sessions: sessions.load_fields(session_id, ttl), _decode


def _loading_from_client(session_id: str) -> Question:
    ask, read = _loading(session_id)
    return ask, lambda found: read(found) or {}


def _clearing(session_id: str) -> Question:
    _check(session_id)
    return lambda sessions: sessions.forget(session_id, ""), bool


def _take(place: Any, question: Question) -> Any:
    """`place`: a client, or where the store is."""
    ask, read = question
    if not isinstance(place, str):
        return read(ask(RedisSessions(PooledLink(place, itself=True), keys_in_force(os.environ, folder()))))
    if place.startswith(EMBEDDED):
        with closing(SqliteJournal(sessions_file(place.removeprefix(EMBEDDED)), now=time.time())) as journal:
            return read(ask(journal))
    with connect(place, **_SECONDS) as client:
        return _take(client, question)


async def _aio_take(place: Any, question: Question) -> Any:
    ask, read = question
    if not isinstance(place, str):
        return read(await ask(RedisSessions(AioLink(place, itself=True), keys_in_force(os.environ, folder()))))
    if place.startswith(EMBEDDED):
        return await asyncio.to_thread(_take, place, question)
    async with aio_connect(place, **_SECONDS) as client:
        return await _aio_take(client, question)


def _or_on_client(asking: Callable[..., Question]) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Where a client of redis-py comes first, that is asked, as `asking` has it with the other arguments."""

    def choose(own: Any) -> Any:
        def parted(given: tuple[Any, ...], more: dict[str, Any]) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
            """The client, or `own` without one, and the other arguments."""
            first = more.get("client", given[0] if given else None)
            if is_cluster(first):
                raise TypeError(f"{own.__name__} takes no client of a cluster: give url='redis+cluster://host:port'")
            if "client" in more:
                return first, given, {name: value for name, value in more.items() if name != "client"}
            return (first, given[1:], more) if isinstance(first, _CLIENTS) else (own, given, more)

        @wraps(own)
        def call(*given: Any, **more: Any) -> Any:
            client, given, more = parted(given, more)
            return own(*given, **more) if client is own else _take(client, asking(*given, **more))

        @wraps(own)
        async def aio_call(*given: Any, **more: Any) -> Any:
            client, given, more = parted(given, more)
            return await (own(*given, **more) if client is own else _aio_take(client, asking(*given, **more)))

        return aio_call if iscoroutinefunction(own) else call

    return choose


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
@_or_on_client(_saving)
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
    question = _saving(_named(session_id, namespace), state, ttl, replace=replace)
    _take(url or store_in_force(), question)


@overload
def load_session_state(
    session_id: str, *, ttl: int | None = None, url: str | None = None, namespace: str | None = None
) -> dict[str, Any] | None: ...
@overload
def load_session_state(client: "redis.Redis", session_id: str) -> dict[str, Any]: ...
@_or_on_client(_loading_from_client)
def load_session_state(
    session_id: str, *, ttl: int | None = None, url: str | None = None, namespace: str | None = None
) -> dict[str, Any] | None:
    """All fields, None where there is no such session. `ttl`: gives it that many seconds from now."""
    found: dict[str, Any] | None = _take(url or store_in_force(), _loading(_named(session_id, namespace), ttl))
    return found


@overload
def clear_session(session_id: str, *, url: str | None = None, namespace: str | None = None) -> bool: ...
@overload
def clear_session(client: "redis.Redis", session_id: str) -> bool: ...
@_or_on_client(_clearing)
def clear_session(session_id: str, *, url: str | None = None, namespace: str | None = None) -> bool:
    """Drops everything that is kept of the session; whether there was anything."""
    return bool(_take(url or store_in_force(), _clearing(_named(session_id, namespace))))


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
@_or_on_client(_saving)
async def aio_save_session_state(
    session_id: str,
    state: Mapping[str, Any],
    *,
    ttl: int = TTL,
    replace: bool = False,
    url: str | None = None,
    namespace: str | None = None,
) -> None:
    question = _saving(_named(session_id, namespace), state, ttl, replace=replace)
    await _aio_take(url or store_in_force(), question)


@overload
async def aio_load_session_state(
    session_id: str, *, ttl: int | None = None, url: str | None = None, namespace: str | None = None
) -> dict[str, Any] | None: ...
@overload
async def aio_load_session_state(client: "redis.asyncio.Redis", session_id: str) -> dict[str, Any]: ...
@_or_on_client(_loading_from_client)
async def aio_load_session_state(
    session_id: str, *, ttl: int | None = None, url: str | None = None, namespace: str | None = None
) -> dict[str, Any] | None:
    found: dict[str, Any] | None = await _aio_take(
        url or store_in_force(), _loading(_named(session_id, namespace), ttl)
    )
    return found


@overload
async def aio_clear_session(session_id: str, *, url: str | None = None, namespace: str | None = None) -> bool: ...
@overload
async def aio_clear_session(client: "redis.asyncio.Redis", session_id: str) -> bool: ...
@_or_on_client(_clearing)
async def aio_clear_session(session_id: str, *, url: str | None = None, namespace: str | None = None) -> bool:
    return bool(await _aio_take(url or store_in_force(), _clearing(_named(session_id, namespace))))


def _decode(found: Any) -> dict[str, Any] | None:
    """`found`: the fields, or a list of replies that they are the first of."""
    fields = found[0] if isinstance(found, list) else found
    return {_text(name): _value(_text(text)) for name, text in fields.items()} or None


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


def _named(session_id: str, namespace: str | None) -> str:
    _check(session_id)
    return scoped(session_id, namespace)
