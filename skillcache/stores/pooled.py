"""The links of a process that stays, over redis-py: one for threads, one for coroutines; and what its errors mean.

They are never dead: after a failure the next call connects anew. What takes several questions is a generator of steps,
which `walk` and `aio_walk` take.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from redis import exceptions

from skillcache.core.outcomes import STORE_GARBAGE, STORE_REFUSED, STORE_TIMEOUT, STORE_UNREACHABLE, StoreError
from skillcache.stores.cluster import WAIT, is_lasting
from skillcache.stores.connection import ErrorReply, describe
from skillcache.stores.redis import RedisStore, hear
from skillcache.stores.redis_cluster import OF_ANOTHER_POOL, AioClusterClient, ClusterClient
from skillcache.stores.redis_py import AIO_READING, READING

if TYPE_CHECKING:
    from skillcache.stores.connection import Command, Request

    _Awaited: Any
else:
    _Awaited = RedisStore

T = TypeVar("T")

SECONDS = 5.0  # to connect, and for a reply, where the client at hand names no bound
MOST = 10_000  # connections at once: as many as a server takes
TURNS = 16  # requests on their way at once: a crowd that opens a connection each is late by its own greetings
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
# What steers the replies or the tries is ours to say.
_OWN = ("decode_responses", "encoding", "legacy_responses", "parser_class", "protocol", "retry")

_clients: MutableMapping[object, Any] = WeakKeyDictionary()


class _OverClient:
    """To the server of `client`: with its settings, but over connections of our own, which all links to it share.

    Nothing is sent twice or decoded there. itself: over the client's own connections, with its ways.
    """

    _options: "dict[str, Any]" = {}  # noqa: RUF012 - nobody changes it

    def __init__(self, client: Any, *, itself: bool = False) -> None:
        self._itself = itself
        self.client, self.longest = client, SECONDS / 2
        if not itself:
            self._origin = client.connection_pool  # connections of Sentinel ask the pool they were made for
            self.client = _own_client(client)
            self.longest = self.client.connection_pool.connection_kwargs["socket_timeout"] / 2
        self.is_spread = isinstance(client, ClusterClient | AioClusterClient)
        self._has_sentinels = has_sentinels(client)

    def close(self) -> Any:
        """Closes connections that nobody uses."""
        return self.client.connection_pool.disconnect(inuse_connections=False)

    def _words(self, command: "Command") -> "Sequence[str | bytes]":
        """Text that is not Unicode is the caller's fault, and raises before anything is sent."""
        if self._itself:
            return command
        return [*command[:1], *(word.encode() if isinstance(word, str) else word for word in command[1:])]

    def _is_to_last(self, commands: "Sequence[Sequence[str | bytes]]") -> bool:
        """Whether a replica has to have it first; in a cluster the client sees to that."""
        return self._has_sentinels and any(is_lasting(words) for words in commands if words)

    def _filled(self, steps: Any, requests: "Sequence[Request[Any]]") -> Any:
        for command, _ in requests:
            steps.execute_command(*self._words(command))
        return steps


class PooledLink(_OverClient):
    """A connection for each question that is under way: threads may share it."""

    def rest(self, seconds: float) -> None:
        """A node of a cluster that did not answer is not asked again for so long."""
        if isinstance(self.client, ClusterClient):
            self.client.rest = seconds

    def is_gone(self) -> bool:
        """After a failure: whether no node is left that does not rest."""
        return not isinstance(self.client, ClusterClient) or self.client.is_gone()

    def ask(self, request: "Request[T]", patience: float = 0.0) -> T:  # noqa: ARG002 - below the client's own bound
        command, read = request
        words = self._words(command)
        with translating(self.client):
            if self._is_to_last([words]):
                with self.client.pipeline(transaction=False) as steps:
                    steps.execute_command(*words).execute_command(*WAIT)
                    return read(those_of(1, steps.execute(raise_on_error=False))[0])
            return read(self.client.execute_command(*words) if words else None)

    def ask_all(self, requests: "Sequence[Request[Any]]") -> list[Any]:
        """As one transaction, where there are several; in a cluster one for each node that is asked."""
        if len(requests) == 1:
            return [self.ask(requests[0])]
        if isinstance(self.client, ClusterClient):
            with translating(self.client):
                given = [(self._words(each), self._options) for each, _ in requests]
                return _read(requests, self.client.run(given, whole=True))
        with translating(self.client), self.client.pipeline() as steps:
            return _read(requests, self._filled(steps, requests).execute())


class AioLink(_OverClient):
    """The same for coroutines of the event loop that it is first asked in: close it there.

    Its connections are few, however many coroutines ask: questions take turns, but for those that wait.
    """

    def __init__(self, client: "redis.asyncio.Redis", *, itself: bool = False) -> None:
        super().__init__(client, itself=itself)
        self._turns = asyncio.Semaphore(TURNS)
        self._timeouts = 0

    async def ask(self, request: "Request[T]", patience: float = 0.0) -> T:
        if patience:
            return await self._ask(request)
        seen = self._timeouts
        async with self._turns:
            if self._timeouts != seen:  # a server that hangs would be waited for by each in turn
                raise StoreError(STORE_TIMEOUT, "no whole reply in time to a request before")
            try:
                return await self._ask(request)
            except StoreError as error:
                self._timeouts += error.outcome is STORE_TIMEOUT
                raise

    async def ask_all(self, requests: "Sequence[Request[Any]]") -> list[Any]:
        if len(requests) == 1:
            return [await self.ask(requests[0])]
        if isinstance(self.client, AioClusterClient):
            with translating(self.client):
                given = [(self._words(each), self._options) for each, _ in requests]
                return _read(requests, await self.client.run(given, whole=True))
        with translating(self.client):
            async with self.client.pipeline() as steps:
                return _read(requests, await self._filled(steps, requests).execute())

    async def _ask(self, request: "Request[T]") -> T:
        command, read = request
        words = self._words(command)
        with translating(self.client):
            if self._is_to_last([words]):
                async with self.client.pipeline(transaction=False) as steps:
                    steps.execute_command(*words).execute_command(*WAIT)
                    return read(those_of(1, await steps.execute(raise_on_error=False))[0])
            return read(await self.client.execute_command(*words) if words else None)


def has_sentinels(client: Any) -> bool:
    return hasattr(client.connection_pool, "sentinel_manager")


def those_of(count: int, replies: list[Any]) -> list[Any]:
    """The replies to the first commands, whatever became of what was asked behind them."""
    for reply in replies[:count]:
        if isinstance(reply, Exception):
            raise reply
    return replies[:count]


def _read(requests: "Sequence[Request[Any]]", replies: Sequence[Any]) -> list[Any]:
    return [read(reply) for (_, read), reply in zip(requests, replies, strict=True)]


class AsyncStore(_Awaited):  # type: ignore[misc] # what each call gives is to be awaited
    """Holds to the contract of `stores.contract.Store`, each call a coroutine. Who waits for one release shares it."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        super().__init__(AioLink(client))
        self._hearings = Hearings(self._hear)

    async def wait(self, digest: str, mark: str, seconds: float) -> bool:
        if seconds <= 0:
            return bool(await self.link.ask(hear(digest, mark, 0)))
        return await self._hearings.wait(digest, mark, seconds)

    async def _hear(self, digest: str, mark: str) -> bool:
        return bool(await self.link.ask(hear(digest, mark, self.link.longest), self.link.longest))


class Hearings:
    """hear: waits for the release after a mark for as long as one exchange may take, and says whether it came."""

    def __init__(self, hear: Callable[[str, str], Awaitable[bool]]) -> None:
        self._hear = hear
        self._under_way: dict[tuple[str, str], _Hearing] = {}

    async def wait(self, digest: str, mark: str, seconds: float) -> bool:
        """False: none came in so many seconds. Raises what `hear` raises."""
        name = digest, mark
        hearing = self._under_way.get(name)
        if hearing is None:
            hearing = self._under_way[name] = _Hearing()
            hearing.task = asyncio.create_task(self._listen(name, hearing))
        hearing.listeners += 1
        try:
            await asyncio.wait({hearing.task}, timeout=seconds)
            return hearing.task.done() and hearing.task.result()
        finally:
            hearing.listeners -= 1
            if not hearing.listeners:
                await self._end(name, hearing)

    async def _listen(self, name: tuple[str, str], hearing: "_Hearing") -> bool:
        while not await self._hear(*name):
            # An exchange whose answer comes as it is cancelled may swallow that: it was the last one then.
            if not hearing.listeners:
                return False
        return True

    async def _end(self, name: tuple[str, str], hearing: "_Hearing") -> None:
        """At once: what goes on unheard would hold a connection, or be left behind by its event loop."""
        if self._under_way.get(name) is hearing:
            del self._under_way[name]
        if hearing.task.cancel():
            await asyncio.wait({hearing.task})
        if not hearing.task.cancelled():
            hearing.task.exception()  # whatever came of it, nobody is there to be told


class _Hearing:
    __slots__ = ("listeners", "task")

    task: "asyncio.Task[bool]"

    def __init__(self) -> None:
        self.listeners = 0


def _own_client(client: Any) -> Any:
    pool = client.connection_pool
    own = _clients.get(pool)
    if own is None:
        kind, reading = (redis.asyncio, AIO_READING) if isinstance(client, redis.asyncio.Redis) else (redis, READING)
        settings = _own_settings(pool.connection_kwargs, reading)
        clustered = isinstance(client, ClusterClient | AioClusterClient)
        pools: Any = type(pool) if clustered else kind.ConnectionPool
        made = pools(connection_class=pool.connection_class, max_connections=MOST, **settings)
        own = (type(client) if clustered else kind.Redis)(connection_pool=made)
        own.response_callbacks.clear()  # requests read replies as the server gave them
        _clients[pool] = own
    return own


def _own_settings(settings: dict[str, Any], reading: dict[str, Any]) -> dict[str, Any]:
    """How to reach the server that `settings` of a connection reach: bounded, undecoded, without tries anew.

    `reading`: of `redis_py`.
    """
    kept = {name: value for name, value in settings.items() if not name.startswith((*_OWN, *OF_ANOTHER_POOL))}
    for name in ("socket_timeout", "socket_connect_timeout"):
        kept[name] = kept.get(name) or SECONDS
    return kept | reading


def walk(steps: "Generator[Any, Any, T]", take: Callable[[Any], Any]) -> T:
    """Takes one step after the other. The steps are told of a StoreError, and may know what to do."""
    try:
        step = next(steps)
        while True:
            try:
                given = take(step)
            except StoreError as fault:
                step = steps.throw(fault)
            else:
                step = steps.send(given)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        steps.close()


async def aio_walk(steps: "Generator[Any, Any, T]", take: Callable[[Any], Awaitable[Any]]) -> T:
    try:
        step = next(steps)
        while True:
            try:
                given = await take(step)
            except StoreError as fault:
                step = steps.throw(fault)
            else:
                step = steps.send(given)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    finally:
        steps.close()


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
    """As `ErrorReply.detail`: redis-py has taken the first word of most errors for the kind of its exception."""
    # Of a pipeline it repeats the words of the command before what the server said.
    code, text = _CODES.get(type(error).__name__), str(error).rpartition(") of pipeline caused error: ")[2]
    if code is None and isinstance(error, exceptions.AuthenticationError):
        code = "NOAUTH" if text.startswith("Authentication required") else "WRONGPASS"
        code = None if "without any password" in text else code
    if code is not None:
        return code
    line = text.encode("utf-8", "replace")
    refusal = ErrorReply(b"NOPERM " + line if isinstance(error, exceptions.NoPermissionError) else line)
    if refusal.code == "ERR":
        refusal = ErrorReply(b"ERR " + line.removeprefix(b"ERR "))
    return refusal.code if password and password in text else refusal.detail


def _reason(error: Exception) -> str:
    """What was wrong with the connection, from the error that redis-py wraps in one of its own."""
    cause = error.__context__ if isinstance(error, exceptions.ConnectionError) else error
    return describe(cause) if isinstance(cause, OSError) else type(error).__name__
