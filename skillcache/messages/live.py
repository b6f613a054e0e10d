"""Listens to what an agent is sent, for programs.

An agent of a program has any id that is one word. What is published to it is kept in its inbox for who does not listen
yet and goes over its channel to who does; a listener that is the agent takes it out of the inbox, once, in order. A
message that is not read in time goes back to its sender's own inbox.
"""

import asyncio
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from typing import Any, NamedTuple, Self, overload

import redis

from skillcache.core.scope import scoped_word
from skillcache.messages import message as limits
from skillcache.messages.inbox_sqlite import SqlitePost
from skillcache.messages.message import decode, token_of
from skillcache.messages.opening import messages_file
from skillcache.messages.sending import agent_of, check_place, client_of, opened
from skillcache.settings.in_force import load
from skillcache.stores.contract import EMBEDDED
from skillcache.stores.contract import channel as channel_of
from skillcache.stores.pooled import translating
from skillcache.stores.signed import CHANNEL

_STEP = 0.1  # seconds between two looks into the embedded store
_WAIT = 1.0  # seconds in which a listener on Redis hears nothing


class Received(NamedTuple):
    """A message. value: what was published; sender, name: the id and the name of who did, "" where that is not said.

    bounce: why one's own message came back ("ended", "expired", "refused"), "" for any other; at: unix ms.
    """

    value: Any
    id: str
    sender: str
    name: str
    reply_to: str
    bounce: str
    at: int


@overload
def subscribe_to_agent(
    client: "redis.Redis | None", agent_id: str, *, watch: bool = False, namespace: str | None = None
) -> "Subscription": ...
@overload
def subscribe_to_agent(
    client: "redis.Redis | None",
    agent_id: str,
    callback: Callable[[Any], Any],
    *,
    watch: bool = False,
    namespace: str | None = None,
) -> None: ...
def subscribe_to_agent(
    client: "redis.Redis | None",
    agent_id: str,
    callback: Callable[[Any], Any] | None = None,
    *,
    watch: bool = False,
    namespace: str | None = None,
) -> "Subscription | None":
    """Listens as the agent: first to what waits for it, then to what comes.

    `agent_id`: as for `create_agent_channel`, or a whole channel, `agent_comm:worker`, as it is.

    With a callback: blocks, and calls it with each value until it gives False. Without: a Subscription to iterate over,
    `for` or `async for`. A message is taken once the callback has returned, or the next one is asked for; where that
    does not happen, the next listener has it again. `watch`: only hears what comes from now on, and takes nothing: for
    who is not the agent. One listener that is not a watcher for each agent.

    An id that is no registered agent's, as `worker`, is anybody's; a session, subagent or person that another user or
    home folder has registered can only be watched. Raises StoreError, and Denied, a SkillcacheError, for such a one.
    """
    subscription = Subscription(client, agent_id, watch=watch, namespace=namespace)
    if callback is None:
        return subscription
    with subscription:
        for received in subscription:
            if callback(received.value) is False:
                subscription.settle()
                return None
    return None


class Subscription:
    """Iterates over Received until it is closed."""

    def __init__(
        self, client: "redis.Redis | None", agent_id: str, *, watch: bool = False, namespace: str | None = None
    ) -> None:
        is_whole = agent_id.startswith(channel_of(""))
        check_place(client, "subscribe_to_agent")
        self._id = agent_of(agent_id if is_whole else scoped_word(agent_of(agent_id), namespace))
        self._watch = watch
        settings = load(os.environ, os.getcwd())
        self._settings = settings
        self._target = settings.store
        self._token = _token(settings.cache)
        self._own = None if client is not None else client_of(self._target)
        self._client = client or self._own
        self._held: list[tuple[str, Received]] = []
        self._given: tuple[str, str] | None = None
        self._closed = False
        self._filling: Future[None] | None = None
        self._mark = ""
        if self._client is None:
            said = self._overheard()
            self._mark = said[-1][0] if said else ""
            self._channel = None
        else:
            self._channel = self._client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
            with translating(self._client):
                self._channel.subscribe(channel_of(self._id))
        self._fresh = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Received]:
        while not self._closed:
            received = self.next(_WAIT)
            if received is not None:
                yield received

    def __aiter__(self) -> AsyncIterator[Received]:
        return _Listening(self)

    def next(self, timeout: float) -> Received | None:
        """The next message, None where none came within `timeout` seconds. Takes the one before."""
        self._fill(timeout)
        return self._give()

    def _fill(self, timeout: float) -> None:
        """Takes the message that was given last, and has one ready to be given, if one comes in time."""
        self.settle()
        deadline = time.monotonic() + timeout
        if self._fresh and not self._held and not self._watch:
            self._take()
        while not self._held and not self._closed:
            left = deadline - time.monotonic()
            if self._hear(max(left, 0.0)) and not self._watch:
                self._take()  # which may find nothing: what was heard may have been taken before
            if time.monotonic() >= deadline:
                return

    def _give(self) -> Received | None:
        if not self._held:
            return None
        entry, received = self._held.pop(0)
        self._given = None if self._watch else (entry, received.id)
        return received

    def settle(self) -> None:
        """Takes the message that was given last: it is not given again."""
        if self._given is not None:
            with opened(self._client, self._settings, self._token) as post:
                post.settle(self._id, [self._given])
            self._given = None

    def close(self) -> None:
        """What was given last stays for the next listener, unless it was settled."""
        self._closed = True
        if self._channel is not None:
            self._channel.close()
        if self._own is not None:
            self._own.close()

    def _take(self) -> None:
        with opened(self._client, self._settings, self._token) as post:
            taken = post.take(self._id, limits.BATCH).deliveries
        self._held = [(each.entry, _bare(each.text) if each.bare else _received(each.text)) for each in taken]
        self._fresh = bool(taken)

    def _hear(self, timeout: float) -> bool:
        """Whether anything was sent to the agent."""
        if self._channel is not None:
            with translating(self._client):
                heard = self._channel.get_message(timeout=timeout)
            if heard is not None and self._watch:
                data = heard["data"]
                text = self._checked(data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data))
                self._held = [] if text is None else [("", _bare(text))]
            # Where a connection broke, what was said meanwhile lies in the inbox all the same.
            return heard is not None or not self._watch
        deadline = time.monotonic() + timeout
        while not (said := self._overheard()):
            if self._closed or time.monotonic() >= deadline:
                return False
            time.sleep(_STEP)
        self._mark = said[-1][0]
        if self._watch:
            self._held = [(mark, _received(text)) for mark, text in said]
        return True

    def _checked(self, text: str) -> str | None:
        """What was heard, None where a team would have signed it."""
        keys = self._settings.keys
        return text if keys is None else keys.opened(CHANNEL, channel_of(self._id), text)

    def _overheard(self) -> list[tuple[str, str]]:
        post = SqlitePost(messages_file(self._target.removeprefix(EMBEDDED)), now=time.time())
        try:
            return post.overhear(self._id, self._mark)
        finally:
            post.close()


class _Listening:
    """A task that may be cancelled at any time: a thread gets a message ready, and only who is there is given it.

    What a cancelled task has left under way goes on, and is the next one's.
    """

    def __init__(self, subscription: Subscription) -> None:
        self._of = subscription

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Received:
        of = self._of
        while not of._closed:  # noqa: SLF001 - one module
            if of._filling is None:  # noqa: SLF001
                of._filling = _beside(of._fill)  # noqa: SLF001
            filling = of._filling  # noqa: SLF001
            try:
                await asyncio.shield(asyncio.wrap_future(filling))
            finally:
                if filling.done():
                    of._filling = None  # noqa: SLF001
            # Nothing is awaited from here on, so that nothing can come between.
            received = of._give()  # noqa: SLF001
            if received is not None:
                return received
        raise StopAsyncIteration


def _token(cache: str) -> str:
    """Empty where no folder of ours can be made: a program is no registered agent, mostly."""
    try:
        return token_of(cache)
    except OSError:
        return ""


def _beside(fill: Callable[[float], None]) -> "Future[None]":
    """In a thread of no event loop, for a loop would wait for it at its end."""
    future: Future[None] = Future()

    def work() -> None:
        try:
            fill(_WAIT)
        except BaseException as fault:  # noqa: BLE001 - it is whoever waits who is told
            future.set_exception(fault)
        else:
            future.set_result(None)

    future.set_running_or_notify_cancel()
    threading.Thread(target=work, name="skillcache subscription", daemon=True).start()
    return future


def _received(text: str) -> Received:
    message = decode(text)
    if message is None:
        return _bare(text)
    value = _value(message["text"]) if message["form"] == "json" else message["text"]
    return Received(
        value=value,
        id=message["id"],
        sender=message["from"],
        name=message["from_name"],
        reply_to=message["reply_to"],
        bounce=message.bounce,
        at=message.time("at"),
    )


def _bare(text: str) -> Received:
    """What was said without an envelope, which nothing that goes over a channel has."""
    return Received(_value(text), "", "", "", "", "", 0)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # anybody's text, which may be nested without end
        return text
