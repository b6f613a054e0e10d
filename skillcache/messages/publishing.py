"""Publishes a value of a program to an agent: into its inbox, and over its channel to who listens now."""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis

from skillcache.core import git
from skillcache.core.errors import ConfigError, SkillcacheError
from skillcache.core.paths import HOME_VARIABLE
from skillcache.messages import limits, seal
from skillcache.messages.inbox import GONE, Letter, Post
from skillcache.messages.inbox_pooled import PooledPost
from skillcache.messages.message import is_id
from skillcache.messages.opening import open_post
from skillcache.messages.page import word
from skillcache.messages.proof import token_by
from skillcache.messages.sending import author, check_ttl, compose
from skillcache.settings.in_force import is_homeless, load
from skillcache.stores.contract import EMBEDDED
from skillcache.stores.pooled import SECONDS, translating
from skillcache.stores.redis_keys import channel as channel_of
from skillcache.stores.redis_py import connect

_MOST = 65_536  # characters of a published value's text
_ID = 40  # characters of a message's id
_CHANNELS = channel_of("")
_HOME = f"Set HOME or {HOME_VARIABLE} to a folder of yours"


class Undeliverable(SkillcacheError):
    """The agent has ended, or its inbox is full."""


def publish_message(
    client: "redis.Redis | None",
    channel: str,
    message: Any,
    *,
    message_id: str = "",
    reply_to: str = "",
    ttl: int = limits.TTL,
) -> int:
    """Sends a JSON value over a channel, `agent_comm:` and an agent's id, and gives how many listen now.

    Another channel has no inbox: who listens hears it, and that is all.
    `client`: None for the store of the settings, whose listeners nobody counts where it is the embedded one;
    `message_id`: the message's own, a word of letters, digits and ._-@:, of which an agent reads one; `ttl`: seconds
    that it waits to be read. It is from the session that the program runs in, else from the person, who is registered
    by it and can be answered by name (`skillcache inbox`). Raises Undeliverable, StoreError, ConfigError without
    a home folder, and TypeError or ValueError for what is not JSON or too long, or for a client of a cluster.
    """
    text = message if isinstance(message, str) else json.dumps(message, allow_nan=False)
    if len(text) > _MOST:
        raise ValueError(f"a message has at most {_MOST} characters, this one has {len(text)}")
    if message_id and word(message_id, _ID) != message_id:
        raise ValueError(f"a message's id is a word of at most {_ID} letters, digits and ._-@:, not {message_id!r}")
    check_place(client, "publish_message")
    settings = load(os.environ, os.getcwd())
    if not channel.startswith(_CHANNELS):
        return _say(client, settings.store, channel, message)
    to = agent_of(channel)
    place = git.locate(os.getcwd())
    project = git.project_of(place)
    fields = {"to": to, "text": text, "form": "text" if isinstance(message, str) else "json", "reply_to": reply_to}
    fields |= {"project": project, "team": settings.word("team"), **({"id": message_id} if message_id else {})}
    try:
        key = seal.key_of(settings.cache)
    except OSError as fault:
        raise ConfigError(settings.cache, f"cannot be used: {fault.strerror}. {_HOME}") from None
    with opened(client, settings.store, token_by(key)) as post:
        made = compose(author(post, os.environ, place, project), fields, key)
        (listeners,) = post.send([Letter(made, ttl=check_ttl(ttl))])
    if listeners < 0:
        raise Undeliverable(f"the agent {to} {'has ended' if listeners == GONE else 'has a full inbox'}")
    return listeners


async def aio_publish_message(
    client: "redis.Redis | None",
    channel: str,
    message: Any,
    *,
    message_id: str = "",
    reply_to: str = "",
    ttl: int = limits.TTL,
) -> int:
    more: Any = {"message_id": message_id, "reply_to": reply_to, "ttl": ttl}
    return await asyncio.to_thread(publish_message, client, channel, message, **more)


def check_place(client: object, who: str) -> None:
    """Raises TypeError for a client that will not do, and ConfigError where nobody could prove who they are."""
    if isinstance(client, redis.RedisCluster):
        raise TypeError(
            f"{who} takes no client of a cluster: give None, and redis+cluster://host:port in SKILLCACHE_REDIS_URL"
        )
    if is_homeless(os.environ):
        raise ConfigError("HOME", f"names no folder. {_HOME}")


@contextmanager
def opened(client: "redis.Redis | None", target: str, token: str = "") -> Iterator[Post]:
    """`token`: of `proof`."""
    post = PooledPost(client) if client is not None else open_post(target, now=time.time(), patient=True)
    post.token = token
    try:
        yield post
    finally:
        post.close()


def client_of(target: str) -> "redis.Redis | None":
    if target.startswith(EMBEDDED):
        return None
    return connect(target, socket_connect_timeout=SECONDS, socket_timeout=SECONDS)


def agent_of(channel: str) -> str:
    agent = channel.removeprefix(_CHANNELS)
    if not is_id(agent):
        raise ValueError("an agent's id is one word")
    return agent


def _say(client: "redis.Redis | None", target: str, channel: str, message: Any) -> int:
    own = None if client is not None else client_of(target)
    speaker = client or own
    if speaker is None:
        raise ValueError("a channel that is no agent's needs Redis")
    try:
        with translating(speaker):
            return int(speaker.publish(channel, json.dumps(message)))
    finally:
        if own is not None:
            own.close()
