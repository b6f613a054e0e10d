"""Who writes to whom: by name, by type, to all of a project, and values of programs over an agent's channel."""

import asyncio
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import redis

from skillcache.core import git, processes
from skillcache.core.outcomes import ConfigError, SkillcacheError
from skillcache.core.paths import HOME_VARIABLE
from skillcache.core.processes import user_name
from skillcache.messages import message as limits
from skillcache.messages.agents import PERSON
from skillcache.messages.inbox import FULL, GONE, Letter, Post
from skillcache.messages.message import (
    TEXT,
    Message,
    base_of,
    is_id,
    key_of,
    marked,
    person_id,
    proof_of,
    seal,
    token_by,
    token_of,
)
from skillcache.messages.opening import open_post, over
from skillcache.messages.page import word
from skillcache.sessions.text import cut, stored
from skillcache.settings.in_force import Settings, is_homeless, load
from skillcache.stores.contract import EMBEDDED
from skillcache.stores.contract import channel as channel_of
from skillcache.stores.pooled import SECONDS, PooledLink, translating
from skillcache.stores.redis_py import connect
from skillcache.stores.signed import CHANNEL

SESSION_VARIABLE = "CLAUDE_CODE_SESSION_ID"  # the client gives it to what its Bash tool runs

Agent = dict[str, str]


class Sender(NamedTuple):
    id: str
    name: str
    user: str
    host: str


class Office:
    """The post as seen from where somebody stands. project: its identity; now: unix seconds."""

    def __init__(self, post: Post, settings: Settings, place: git.Place, now: float) -> None:
        self.post = post
        self.settings = settings
        self.place = place
        self.project = git.project_of(place)
        self.now = now
        self.clock = 0  # unix ms by the store's clock, when `agents` was asked last

    def agents(self) -> list[Agent]:
        """Those of this project by last activity, newest first.

        One whose client is known to be gone has ended, and what waited for it goes back. Raises StoreError.
        """
        self.clock, agents = self.post.agents(self.project)
        here = processes.here()
        for agent in agents:
            if not agent.get("ended") and agent.get("type") != PERSON and processes.is_alive(agent, here) is False:
                self.post.end(agent["id"])
                agent["ended"] = str(self.clock)
        return agents

    def is_own(self, agent: Agent) -> bool:
        """Whether this installation registered it, or nobody is proven to have done so."""
        return agent.get("proof", "") in ("", proof_of(self.post.token))

    def me(self, environ: Mapping[str, str], name: str = "", agents: list[Agent] | None = None) -> Sender:
        """`name`: a subagent's, given by itself. A person is registered, so that others can write to them.

        Raises SkillcacheError for a name that is none of this project's, or somebody else's.
        """
        me = person(environ, self.post.token)
        session = environ.get(SESSION_VARIABLE, "")
        known = agents if agents is not None else self.agents()
        if name:
            return me._replace(id=self._agent(name, session, me, known)["id"], name=name)
        if session:
            there = {agent["id"]: agent for agent in known}
            id_ = session if self.is_own(there.get(session, {})) else marked(session, self.post.token)
            return me._replace(id=id_, name=there.get(id_, {}).get("name", ""))
        return registered(self.post, me, self.place, self.project)

    def _agent(self, name: str, session: str, me: Sender, known: list[Agent]) -> Agent:
        mine = {"session": session} if session else {"user": me.user, "host": me.host}
        found = [agent for agent in known if {**agent, **mine, "name": name} == agent and agent.get("type") != PERSON]
        if not found:
            whose = "of this session" if session else "of yours on this machine"
            raise SkillcacheError(f"no agent {whose} is called {name}. See: skillcache agents")
        own = [agent for agent in found if self.is_own(agent)]
        if not own:
            raise SkillcacheError(
                f"{name} was registered from another home folder, and only from there it writes. See: skillcache agents"
            )
        proven = [agent for agent in own if agent.get("proof")]
        if len(proven or own) > 1:
            raise SkillcacheError(f"several agents are called {name}: {listed(own)}. See: skillcache agents")
        return (proven or own)[0]


def listed(agents: Iterable[Agent]) -> str:
    """Each by its name and its id, which is nobody else's."""
    return ", ".join(f"{word(agent.get('name', ''))} is --to {word(agent['id'], 200)}" for agent in agents)


def person(environ: Mapping[str, str], token: str) -> Sender:
    """Who writes where no agent does. name: what they ask to be called. token: see `message.token_of`."""
    user, host = user_name(environ), os.uname().nodename
    return Sender(person_id(base_of(user), base_of(host), token), base_of(user), user, host)


def registered(post: Post, me: Sender, place: git.Place, project: str) -> Sender:
    """The person under the name that others can write to. Raises StoreError."""
    fields = {"type": PERSON, "name": me.name, "session": "", "project": project, "user": me.user, "host": me.host}
    at = {"branch": cut(place.branch, limits.NAME), "root": place.root}
    return me._replace(name=post.register(me.id, {**fields, **at}, ""))


def author(post: Post, environ: Mapping[str, str], place: git.Place, project: str) -> Sender:
    """Who writes by a program: the session that it runs in, or else the person. Raises StoreError."""
    me, session = person(environ, post.token), environ.get(SESSION_VARIABLE, "")
    if not session:
        return registered(post, me, place, project)
    found = post.find(session)
    if found.get("proof", "") not in ("", proof_of(post.token)):
        session = marked(session, post.token)
        found = post.find(session)
    # A person's name may be another's by now, who alone has registered it.
    return me._replace(id=session, name=found.get("name", ""))


@contextmanager
def open_office(url: str | None = None) -> Iterator[Office]:
    """In the current folder. Raises ConfigError, StoreError and OSError."""
    folder, now = os.getcwd(), time.time()
    settings = load(os.environ, folder)
    post = open_post(url or settings.store, now=now, patient=True, token=token_of(settings.cache))
    try:
        yield Office(post, settings, git.locate(folder), now)
    finally:
        post.close()


EVERYBODY = ""
SENT, ENDED, INBOX_FULL = "sent", "ended", "full"
_STATUS = {GONE: ENDED, FULL: INBOX_FULL}


class Sent(NamedTuple):
    """to: the recipient's id, name: what it is called; status: "sent", or why it was not: "ended" or "full"."""

    id: str
    to: str
    name: str
    status: str


def check_text(text: str) -> str:
    """The text as it may be sent, without credentials. Raises ValueError for none, and for too long a one."""
    if not text.strip():
        raise ValueError("a message needs a text")
    if len(text) > limits.MOST_TEXT:
        raise ValueError(f"a message has at most {limits.MOST_TEXT} characters, this one has {len(text)}")
    return stored(text, limits.MOST_TEXT)


def check_ttl(ttl: int) -> int:
    if not 1 <= ttl <= limits.MOST_TTL:
        raise ValueError(f"a message waits for 1 to {limits.MOST_TTL} seconds, not {ttl}")
    return ttl


def find(agents: Sequence[Agent], to: str, sender: str) -> list[Agent]:
    """Who is meant: a name or an id, `@type`, or EVERYBODY who is at work.

    Raises SkillcacheError for nobody, and where several are called so.
    """
    alive = [agent for agent in agents if not agent.get("ended") and agent["id"] != sender]
    if to == EVERYBODY:
        found = [agent for agent in alive if agent.get("type") != PERSON]
        what = "no other agent is at work on this project"
    elif to.startswith("@"):
        kind = base_of(to[1:])
        found = [agent for agent in alive if agent.get("type") == kind and kind != PERSON]
        what = f"no other agent of the type {kind} is at work on this project"
    else:
        found = _called(agents, to)
        what = f"no agent of this project is called {to}"
    if not found:
        raise SkillcacheError(f"{what}. See: skillcache agents")
    return found


def _called(agents: Sequence[Agent], to: str) -> list[Agent]:
    """The one who is called so, by name or id; none where nobody is. Raises SkillcacheError for several."""
    found = [agent for agent in agents if to in (agent.get("name"), agent["id"])]
    # Who is not proven has taken no name from who is, and an old agent none from one at work.
    found = [agent for agent in found if agent.get("proof")] or found
    found = [agent for agent in found if not agent.get("ended")] or found[:1]
    if len(found) > 1:
        raise SkillcacheError(f"several agents are called {to}: {listed(found)}. See: skillcache agents --all")
    return found


def send(
    office: Office, sender: Sender, recipients: Sequence[Agent], text: str, *, ttl: int = limits.TTL, reply_to: str = ""
) -> list[Sent]:
    """One message to each. Raises ValueError, StoreError and OSError."""
    said, key = check_text(text), key_of(office.settings.cache)
    own = {"project": office.project, "team": office.settings.word("team"), "reply_to": reply_to}
    made = [
        compose(sender, {**own, "to": agent["id"], "to_name": agent.get("name", ""), "text": said}, key)
        for agent in recipients
    ]
    at_work = [
        Letter(message, ttl=check_ttl(ttl))
        for message, agent in zip(made, recipients, strict=True)
        if not agent.get("ended")
    ]
    found = iter(office.post.send(at_work))
    outcomes = [GONE if agent.get("ended") else next(found) for agent in recipients]
    return [
        Sent(message["id"], message["to"], message["to_name"], _STATUS.get(outcome, SENT))
        for message, outcome in zip(made, outcomes, strict=True)
    ]


def compose(sender: Sender, fields: dict[str, str], key: bytes) -> Message:
    """A sealed message; `fields`: those that say to whom it goes and what it says."""
    message = Message(
        {
            "id": os.urandom(8).hex(),
            "kind": TEXT,
            "from": sender.id,
            "from_name": sender.name,
            "user": sender.user,
            "host": sender.host,
            "form": "text",
            **fields,
        }
    )
    message.fields["seal"] = seal(message, key)
    return message


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
        return _say(client, settings, channel, message)
    to = agent_of(channel)
    place = git.locate(os.getcwd())
    project = git.project_of(place)
    fields = {"to": to, "text": text, "form": "text" if isinstance(message, str) else "json", "reply_to": reply_to}
    fields |= {"project": project, "team": settings.word("team"), **({"id": message_id} if message_id else {})}
    try:
        key = key_of(settings.cache)
    except OSError as fault:
        raise ConfigError(settings.cache, f"cannot be used: {fault.strerror}. {_HOME}") from None
    with opened(client, settings, token_by(key)) as post:
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
def opened(client: "redis.Redis | None", settings: Settings, token: str = "") -> Iterator[Post]:
    """`token`: see `message.token_of`."""
    if client is not None:
        found = over(PooledLink(client), settings.keys)
        found.token = token
        yield found  # whose connections stay for the next one
        return
    with closing(open_post(settings.store, now=time.time(), patient=True, token=token)) as post:
        yield post


def client_of(target: str) -> "redis.Redis | None":
    if target.startswith(EMBEDDED):
        return None
    return connect(target, socket_connect_timeout=SECONDS, socket_timeout=SECONDS)


def agent_of(channel: str) -> str:
    agent = channel.removeprefix(_CHANNELS)
    if not is_id(agent):
        raise ValueError("an agent's id is one word")
    return agent


def _say(client: "redis.Redis | None", settings: Settings, channel: str, message: Any) -> int:
    own, text = None if client is not None else client_of(settings.store), json.dumps(message)
    if settings.keys is not None:
        text = settings.keys.seal(CHANNEL, channel, text, int(time.time()) + limits.TTL)
    speaker = client or own
    if speaker is None:
        raise ValueError("a channel that is no agent's needs Redis")
    try:
        with translating(speaker):
            return int(speaker.publish(channel, text))
    finally:
        if own is not None:
            own.close()
