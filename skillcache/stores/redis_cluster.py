"""redis-py's clients of a cluster, which name keys as elsewhere: each command goes to the nodes that have its keys.

redis-py has clients of its own for that; they know nothing of our tags, of our bounds on replies, and of when a command
may be sent again: here only where it surely was not done.
"""

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

import redis
import redis.asyncio
from redis import exceptions

from skillcache.core.outcomes import STORE_REFUSED, STORE_TIMEOUT, StoreError
from skillcache.stores import cluster
from skillcache.stores.cluster import Course, Fault, Part, Slots
from skillcache.stores.connection import ask_once
from skillcache.stores.redis_url import Address

Place = tuple[str, int]
T = TypeVar("T")

# Settings of a connection that belong to the pool it was made for.
OF_ANOTHER_POOL = ("event_dispatcher", "himport_", "maint_", "orig_", "oss_")

_MOVED = "another node has the slot now"
_GONE = (exceptions.ConnectionError, exceptions.TimeoutError, OSError)


def _redirect(reply: Any) -> tuple[str, int, Place] | None:
    """Older versions of redis-py know these errors in their own clients of a cluster only."""
    if not isinstance(reply, exceptions.ResponseError):
        return None
    text = str(reply)
    for word, kind in (("MOVED", exceptions.MovedError), ("ASK", exceptions.AskError)):
        if isinstance(reply, kind) or text.startswith(f"{word} "):
            return cluster.moved_to(word, text.removeprefix(word))
    return None


def _translated(fault: StoreError) -> Exception:
    if fault.outcome is STORE_REFUSED:
        return exceptions.ResponseError(fault.detail)
    kind = exceptions.TimeoutError if fault.outcome is STORE_TIMEOUT else exceptions.ConnectionError
    return kind(str(fault))


class _Node:
    """cluster: where it is asked who has the slot of what is no key of ours; at: the node's place, instead."""

    host: str
    port: int

    def __init__(self, *, cluster: Address, at: Place | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self._cluster = cluster
        self._at = at
        self._seconds = settings["socket_connect_timeout"]

    def _find(self) -> None:
        if self._at is not None:
            self.host, self.port = self._at
            return
        try:
            found = cluster.locate(self._cluster, monotonic() + self._seconds, ask_once)
        except StoreError as fault:
            raise _translated(fault) from None
        self.host, self.port = found.host, found.port


def _named(words: Sequence[Any]) -> Sequence[Any]:
    """What no client of ours has sent, as of a transaction: its keys as they are called in the cluster."""
    parts, _ = cluster.spread(words)
    return parts[0].words


class _SyncNode(_Node):
    def connect(self) -> None:
        try:
            if self._sock is None:  # type: ignore[attr-defined]
                self._find()
            super().connect()  # type: ignore[misc]
        except _GONE as error:
            error.unsent = True  # type: ignore[union-attr]
            raise

    def send_command(self, *words: Any, **options: Any) -> None:
        super().send_command(*(words if self._at else _named(words)), **options)  # type: ignore[misc]

    def pack_commands(self, commands: Any) -> Any:
        return super().pack_commands(commands if self._at else map(_named, commands))  # type: ignore[misc]

    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)  # type: ignore[misc]
        except exceptions.ResponseError as error:
            if self._at or _redirect(error) is None:
                raise
            self.disconnect()  # type: ignore[attr-defined]
            raise exceptions.ConnectionError(_MOVED) from None


class _AioNode(_Node):
    async def connect(self) -> None:
        try:
            if not self.is_connected:  # type: ignore[attr-defined]
                await asyncio.to_thread(self._find)
            await super().connect()  # type: ignore[misc]
        except _GONE as error:
            error.unsent = True  # type: ignore[union-attr]
            raise

    def pack_command(self, *words: Any) -> Any:
        return super().pack_command(*(words if self._at else _named(words)))  # type: ignore[misc]

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*args, **options)  # type: ignore[misc]
        except exceptions.ResponseError as error:
            if self._at or _redirect(error) is None:
                raise
            await self.disconnect()  # type: ignore[attr-defined]
            raise exceptions.ConnectionError(_MOVED) from None


class Node(_SyncNode, redis.Connection):
    pass


class TlsNode(_SyncNode, redis.SSLConnection):
    pass


class AioNode(_AioNode, redis.asyncio.Connection):
    pass


class AioTlsNode(_AioNode, redis.asyncio.SSLConnection):
    pass


class _Pools:
    """Of connections to whatever node has HOME, and beside it one for each node; and what is known of the slots."""

    connection_class: Any
    max_connections: int
    connection_kwargs: dict[str, Any]
    _kind: Any

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.slots: Slots | None = None
        self._of_nodes: dict[Place, Any] = {}
        self._turn = Lock()

    def at(self, place: Place) -> Any:
        with self._turn:
            if place not in self._of_nodes:
                own = self.connection_kwargs.items()
                kept = {name: value for name, value in own if not name.startswith(OF_ANOTHER_POOL)}
                bounds = {"connection_class": self.connection_class, "max_connections": self.max_connections}
                self._of_nodes[place] = self._kind(**bounds, **kept, at=place)
            return self._of_nodes[place]

    def known(self) -> Slots:
        if self.slots is None:
            self.slots = self._find(())
        return self.slots

    def learn(self, course: Course) -> Slots | None:
        """None where nobody tells."""
        try:
            return self._find([place for place in course.slots.nodes() if place not in course.avoid], course.avoid)
        except (*_GONE, exceptions.ResponseError):
            return None

    def _find(self, more: Sequence[Place], avoid: Sequence[Place] = ()) -> Slots:
        address, seconds = self.connection_kwargs["cluster"], self.connection_kwargs["socket_connect_timeout"]
        try:
            return cluster.find_slots(address, monotonic() + seconds, ask_once, more, avoid=avoid)
        except StoreError as fault:
            raise _translated(fault) from None


class ClusterPool(_Pools, redis.ConnectionPool):
    _kind = redis.ConnectionPool

    def disconnect(self, *given: Any, **more: Any) -> None:
        super().disconnect(*given, **more)
        for pool in list(self._of_nodes.values()):
            pool.disconnect(*given, **more)


class AioClusterPool(_Pools, redis.asyncio.ConnectionPool):
    _kind = redis.asyncio.ConnectionPool

    async def disconnect(self, *given: Any, **more: Any) -> None:
        await super().disconnect(*given, **more)
        for pool in list(self._of_nodes.values()):
            await pool.disconnect(*given, **more)


Spread = tuple[list[Part], Callable[[list[Any]], Any]]
Command = tuple[Sequence[Any], Mapping[str, Any]]  # its words, and redis-py's options


def _spread(command: Sequence[Any], options: Mapping[str, Any]) -> Spread:
    """redis-py knows replies by the names of commands, of which some have two words."""
    parts, join = cluster.spread(command)
    count = len(command[0].split())
    for part in parts:
        part.options = dict(options)
        if count > 1:
            part.words = [b" ".join(part.words[:count]) if isinstance(command[0], bytes) else command[0],
                          *part.words[count:]]  # fmt: skip
    return parts, join


def _steps(
    commands: "Sequence[Command]", slots: Slots, *, raising: bool
) -> Generator[Any, Any, tuple[Slots, list[Any]]]:
    """Yields what nodes are to be asked, and a Course that is to learn where else something is. The slots, and replies.

    raising: the first error is raised; else it stands in the place of its reply.
    """
    spreads = [_spread(*command) for command in commands]
    course = Course([part for parts, _ in spreads for part in parts], slots, _redirect)
    while asked := course.next():
        course.take((yield asked))
        if course.is_lost():
            course.learn((yield course))
    if lasting := course.lasting():
        for given in (yield lasting).values():
            if isinstance(given, Fault):  # so nobody knows whether it lasts
                raise _fault_of(given)
    came = iter(course.replies)
    found = []
    for parts, join in spreads:
        replies = [next(came) for _ in parts]
        fault = next((_fault_of(reply) for reply in replies if isinstance(reply, Exception)), None)
        if fault is not None and raising:
            raise fault
        joined = [(replies[0], len(course.slots.nodes()))] if parts[0].node >= 0 else replies
        found.append(fault or join(joined))
    return course.slots, found


def _fault_of(reply: Exception) -> Exception:
    error = reply.error if isinstance(reply, Fault) else reply
    return _translated(error) if isinstance(error, StoreError) else error


def _fill(steps: Any, asked: list[tuple[Part, bool]]) -> Any:
    for part, asking in asked:
        if asking:
            steps.execute_command("ASKING")
        steps.execute_command(*part.words, **part.options)
    return steps


def _whole(asked: list[tuple[Part, bool]]) -> bool:
    return len({part.slot for part, _ in asked}) == 1


def _of_parts(replies: Sequence[Any], asked: list[tuple[Part, bool]]) -> list[Any]:
    left = iter(replies)
    return [[next(left) for _ in range(1 + asking)][-1] for _, asking in asked]


def _failed(error: Exception, asked: list[tuple[Part, bool]]) -> list[Exception] | Fault:
    """A refusal is the reply to all; of anything else it matters whether the node may have done something."""
    if isinstance(error, exceptions.ResponseError):
        return [error] * len(asked)
    return Fault(error, unsent=getattr(error, "unsent", False))


class _Pipeline(redis.client.Pipeline):
    """What goes to one slot happens whole, as far as is asked for. To watch keys is for those of HOME."""

    def of(self, client: "ClusterClient") -> "_Pipeline":
        self._client = client
        return self

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        if self.watching or self.explicit_transaction:
            return super().execute(raise_on_error)
        commands = [(words, options) for words, options in self.command_stack]
        try:
            return self._client.run(commands, whole=bool(self.transaction), raising=raise_on_error)
        finally:
            self.reset()


class _AioPipeline(redis.asyncio.client.Pipeline):
    def of(self, client: "AioClusterClient") -> "_AioPipeline":
        self._client = client
        return self

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        if self.watching or self.explicit_transaction:
            return await super().execute(raise_on_error)
        commands = [(words, options) for words, options in self.command_stack]
        try:
            return await self._client.run(commands, whole=self.is_transaction, raising=raise_on_error)
        finally:
            await self.reset()  # type: ignore[no-untyped-call]


class ClusterClient(redis.Redis):
    """rest: seconds in which a node that did not answer is not asked again."""

    connection_pool: ClusterPool
    rest = 0.0

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._of_nodes: dict[Place, redis.Redis] = {}
        self._resting: dict[Place, tuple[float, Fault]] = {}

    def execute_command(self, *words: Any, **options: Any) -> Any:
        return self.run([(words, options)])[0]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:
        return _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint).of(self)

    def run(self, commands: Sequence[Command], *, whole: bool = False, raising: bool = True) -> list[Any]:
        """The replies in order. whole: what one slot alone is asked happens whole; raising: the first error of them."""
        known = self.connection_pool.known()
        steps = _steps(commands, known, raising=raising)
        given: Any = None
        try:
            while True:
                step = steps.send(given)
                if isinstance(step, Course):
                    given = self.connection_pool.learn(step)
                else:
                    given = {place: self._ask(place, asked, whole=whole) for place, asked in step.items()}
        except StopIteration as end:
            slots, found = end.value
            if slots is not known:  # another thread may have learnt more meanwhile
                self.connection_pool.slots = slots
            return found  # type: ignore[no-any-return]

    def of_all(self, *words: Any) -> dict[Place, Any]:
        """What each of the nodes answers, or the error in its place."""
        found = {}
        for place in self.connection_pool.known().nodes():
            came = self._ask(place, [(Part(list(words), -1), False)], whole=False)
            found[place] = _fault_of(came) if isinstance(came, Fault) else came[0]
        return found

    def is_gone(self) -> bool:
        """Whether no node is known that does not rest."""
        slots, now = self.connection_pool.slots, monotonic()
        return slots is None or all(self._resting.get(place, (0.0,))[0] > now for place in slots.nodes())

    def _ask(self, place: Place, asked: list[tuple[Part, bool]], *, whole: bool) -> list[Any] | Fault:
        until, fault = self._resting.get(place, (0.0, None))
        if fault is not None and monotonic() < until:
            return fault
        found = self._ask_now(place, asked, whole=whole)
        if self.rest and isinstance(found, Fault):
            self._resting[place] = monotonic() + self.rest, Fault(found.error, unsent=True)  # when asked the next time
        return found

    def _ask_now(self, place: Place, asked: list[tuple[Part, bool]], *, whole: bool) -> list[Any] | Fault:
        if place not in self._of_nodes:
            self._of_nodes[place] = redis.Redis(connection_pool=self.connection_pool.at(place))
            self._of_nodes[place].response_callbacks = self.response_callbacks
        client = self._of_nodes[place]
        try:
            if len(asked) == 1 and not asked[0][1]:
                return [client.execute_command(*asked[0][0].words, **asked[0][0].options)]  # type: ignore[no-untyped-call]
            with client.pipeline(transaction=whole and _whole(asked)) as steps:
                return _of_parts(_fill(steps, asked).execute(raise_on_error=False), asked)
        except (exceptions.RedisError, OSError) as error:
            return _failed(error, asked)


class AioClusterClient(redis.asyncio.Redis):
    connection_pool: AioClusterPool

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._of_nodes: dict[Place, redis.asyncio.Redis] = {}

    async def execute_command(self, *words: Any, **options: Any) -> Any:
        return (await self.run([(words, options)]))[0]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:
        return _AioPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint).of(self)

    async def run(self, commands: Sequence[Command], *, whole: bool = False, raising: bool = True) -> list[Any]:
        pool = self.connection_pool
        known = await asyncio.to_thread(pool.known) if pool.slots is None else pool.slots
        steps = _steps(commands, known, raising=raising)
        given: Any = None
        try:
            while True:
                step = steps.send(given)
                if isinstance(step, Course):
                    given = await asyncio.to_thread(pool.learn, step)
                elif len(step) == 1:
                    ((place, asked),) = step.items()
                    given = {place: await self._ask(place, asked, whole=whole)}
                else:
                    came = await asyncio.gather(*[self._ask(*each, whole=whole) for each in step.items()])
                    given = dict(zip(step, came, strict=True))
        except StopIteration as end:
            slots, found = end.value
            if slots is not known:
                pool.slots = slots
            return found  # type: ignore[no-any-return]

    async def _ask(self, place: Place, asked: list[tuple[Part, bool]], *, whole: bool) -> list[Any] | Fault:
        if place not in self._of_nodes:
            self._of_nodes[place] = redis.asyncio.Redis(connection_pool=self.connection_pool.at(place))
            self._of_nodes[place].response_callbacks = self.response_callbacks
        client = self._of_nodes[place]
        try:
            if len(asked) == 1 and not asked[0][1]:
                return [await client.execute_command(*asked[0][0].words, **asked[0][0].options)]  # type: ignore[no-untyped-call]
            async with client.pipeline(transaction=whole and _whole(asked)) as steps:
                return _of_parts(await _fill(steps, asked).execute(raise_on_error=False), asked)
        except (exceptions.RedisError, OSError) as error:
            return _failed(error, asked)
