"""The Redis store for a process that stays: over redis-py, with a connection for each call that is under way.

Threads may share it. It is never dead: after a failure the next call connects anew.
"""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import redis
from redis import exceptions

from skillcache.core.outcomes import STORE_GARBAGE, STORE_REFUSED, STORE_TIMEOUT, STORE_UNREACHABLE, StoreError
from skillcache.stores.bounded import READING
from skillcache.stores.connection import describe
from skillcache.stores.contract import EMBEDDED, Store
from skillcache.stores.opening import open_store
from skillcache.stores.redis import RedisCalls
from skillcache.stores.redis_py import connect
from skillcache.stores.resp import Refusal

if TYPE_CHECKING:
    from skillcache.stores.requests import Command, Request

T = TypeVar("T")

SECONDS = 5.0  # to connect, and for a reply, where the client at hand names no bound
MOST = 10_000  # connections at once: as many as a server takes
_REFUSALS = (
    exceptions.AuthenticationError,
    exceptions.AuthorizationError,
    exceptions.BusyLoadingError,
    exceptions.ResponseError,
)
# By the exceptions' names, for not every version of redis-py has them all.
_CODES = {
    "AskError": "ASK",
    "BusyLoadingError": "LOADING",
    "ClusterCrossSlotError": "CROSSSLOT",
    "ClusterDownError": "CLUSTERDOWN",
    "MasterDownError": "MASTERDOWN",
    "MovedError": "MOVED",
    "NoScriptError": "NOSCRIPT",
    "OutOfMemoryError": "OOM",
    "ReadOnlyError": "READONLY",
    "TryAgainError": "TRYAGAIN",
}
# What steers the replies or the tries is ours to say; the rest of these belongs to the pool it was made for.
_OWN = ("decode_responses", "encoding", "legacy_responses", "parser_class", "protocol", "retry")
_OF_ANOTHER_POOL = ("event_dispatcher", "himport_", "maint_", "orig_", "oss_")

_clients: MutableMapping[object, "redis.Redis"] = WeakKeyDictionary()


class PooledStore(RedisCalls):
    """Speaks to the server of `client` over connections of its own.

    Values are bytes, whatever `client` decodes, and one failed try is a failure. Stores of one client share
    their connections, so that making one is cheap.
    """

    def __init__(self, client: "redis.Redis") -> None:
        pool = client.connection_pool
        own = _clients.get(pool)
        if own is None:
            own = redis.Redis(
                connection_pool=redis.ConnectionPool(
                    connection_class=pool.connection_class,
                    max_connections=MOST,
                    **own_settings(pool.connection_kwargs, READING),
                )
            )
            own.response_callbacks.clear()  # requests read replies as the server gave them
            _clients[pool] = own
        self._client = own
        self._longest_block = own.connection_pool.connection_kwargs["socket_timeout"] / 2
        self._origin = pool  # connections of Sentinel ask the pool they were made for

    @property
    def client(self) -> "redis.Redis":
        """One that sends nothing twice and decodes nothing."""
        return self._client

    def close(self) -> None:
        """Closes connections that nobody uses."""
        self._client.connection_pool.disconnect(inuse_connections=False)

    def _ask(self, request: "Request[T]", patience: float = 0.0) -> T:  # noqa: ARG002 - below the client's own bound
        command, read = request
        words = encoded(command)
        try:
            reply = self._client.execute_command(*words)  # type: ignore[no-untyped-call]
        except FAILURES as error:
            raise translated(error, self._client) from None
        return read(reply)


def open_pooled(target: str, *, now: float) -> Store:
    """As `open_store`, for a process that stays. Raises ConfigError."""
    if target.startswith(EMBEDDED):
        return open_store(target, now=now)
    return PooledStore(connect(target))


def own_settings(settings: dict[str, Any], reading: dict[str, Any]) -> dict[str, Any]:
    """How to reach the server that `settings` of a connection reach: bounded, undecoded, without tries anew.

    `reading`: of `bounded`.
    """
    kept = {name: value for name, value in settings.items() if not name.startswith((*_OWN, *_OF_ANOTHER_POOL))}
    for name in ("socket_timeout", "socket_connect_timeout"):
        kept[name] = kept.get(name) or SECONDS
    return kept | reading


def encoded(command: "Command") -> list[str | bytes]:
    """Text that is not Unicode is the caller's fault, and raises before anything is sent."""
    name, *rest = command
    return [name, *(word.encode() if isinstance(word, str) else word for word in rest)]


# A reply of another shape makes redis-py, and who reads it, raise whatever comes of it.
FAILURES = (exceptions.RedisError, OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError)


def translated(error: Exception, client: Any) -> StoreError:
    """Names the kind of failure as a hook does, and of its message what a server says without the client's password."""
    found = _translated(error, client)
    _redact(error, _password_of(client))
    return found


def _translated(error: Exception, client: Any) -> StoreError:
    kind = type(error).__name__
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return StoreError(STORE_TIMEOUT, "no whole reply in time")
    if isinstance(error, _REFUSALS):
        return StoreError(STORE_REFUSED, _refusal(error, _password_of(client)))
    if isinstance(error, exceptions.ConnectionError | OSError):
        return StoreError(STORE_UNREACHABLE, _reason(error))
    return StoreError(STORE_GARBAGE, kind)


@contextmanager
def translating(client: Any) -> Iterator[None]:
    """Makes StoreError of redis-py's errors, whose text may hold the URL's password, and of replies it cannot read."""
    try:
        yield
    except FAILURES as error:
        raise translated(error, client) from None


def _password_of(client: Any) -> str:
    return str(client.connection_pool.connection_kwargs.get("password") or "")


def _redact(error: BaseException | None, password: str) -> None:
    """What a server repeats of a password: its error is still the context of ours, which reports of errors follow."""
    while password and error is not None:
        if any(password in str(part) for part in error.args):
            error.args = (type(error).__name__,)
        error = error.__cause__ or error.__context__


def _refusal(error: Exception, password: str) -> str:
    """As `Refusal.detail`: redis-py has taken the first word of most errors for the kind of its exception."""
    # Of a pipeline it repeats the words of the command before what the server said.
    code, text = _CODES.get(type(error).__name__), str(error).rpartition(") of pipeline caused error: ")[2]
    if code is None and isinstance(error, exceptions.AuthenticationError):
        code = "NOAUTH" if text.startswith("Authentication required") else "WRONGPASS"
        code = None if "without any password" in text else code
    if code is not None:
        return code
    line = text.encode("utf-8", "replace")
    refusal = Refusal(b"NOPERM " + line if isinstance(error, exceptions.NoPermissionError) else line)
    if refusal.code == "ERR":
        refusal = Refusal(b"ERR " + line.removeprefix(b"ERR "))
    return refusal.code if password and password in text else refusal.detail


def _reason(error: Exception) -> str:
    """What was wrong with the connection, from the error that redis-py wraps in one of its own."""
    cause = error.__context__ if isinstance(error, exceptions.ConnectionError) else error
    return describe(cause) if isinstance(cause, OSError) else type(error).__name__
