"""Who writes or reads from a command line or a program: a session, a subagent by its name, or a person."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from skillcache.errors import SkillcacheError
from skillcache.messages import limits
from skillcache.messages.message import base_of
from skillcache.messages.opening import open_post
from skillcache.messages.page import word
from skillcache.messages.post import Post
from skillcache.messages.proof import marked, person_id, proof_of, token_of
from skillcache.messages.registration import PERSON
from skillcache.sessions import client, repository
from skillcache.sessions.redaction import cut
from skillcache.settings import Settings, load
from skillcache.user import name_of

SESSION_VARIABLE = "CLAUDE_CODE_SESSION_ID"  # the client gives it to what its Bash tool runs

Agent = dict[str, str]


class Sender(NamedTuple):
    id: str
    name: str
    user: str
    host: str


class Office:
    """The post as seen from where somebody stands. project: its identity; now: unix seconds."""

    def __init__(self, post: Post, settings: Settings, place: repository.Place, now: float) -> None:
        self.post = post
        self.settings = settings
        self.place = place
        self.project = repository.project_of(place)
        self.now = now
        self.clock = 0  # unix ms by the store's clock, when `agents` was asked last

    def agents(self) -> list[Agent]:
        """Those of this project by last activity, newest first.

        One whose client is known to be gone has ended, and what waited for it goes back. Raises StoreError.
        """
        self.clock, agents = self.post.agents(self.project)
        here = client.here()
        for agent in agents:
            if not agent.get("ended") and agent.get("type") != PERSON and client.is_alive(agent, here) is False:
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
            return me._replace(id=id_, name=there.get(id_, {}).get("name", me.name))
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
    """Who writes where no agent does. name: what they ask to be called. token: of `proof`."""
    user, host = name_of(environ), os.uname().nodename
    return Sender(person_id(base_of(user), base_of(host), token), base_of(user), user, host)


def registered(post: Post, me: Sender, place: repository.Place, project: str) -> Sender:
    """The person under the name that others can write to. Raises StoreError."""
    fields = {"type": PERSON, "name": me.name, "session": "", "project": project, "user": me.user, "host": me.host}
    at = {"branch": cut(place.branch, limits.NAME), "root": place.root}
    return me._replace(name=post.register(me.id, {**fields, **at}, ""))


def author(post: Post, environ: Mapping[str, str], place: repository.Place, project: str) -> Sender:
    """Who writes by a program: the session that it runs in, or else the person. Raises StoreError."""
    me, session = person(environ, post.token), environ.get(SESSION_VARIABLE, "")
    if not session:
        return registered(post, me, place, project)
    found = post.find(session)
    if found.get("proof", "") not in ("", proof_of(post.token)):
        session = marked(session, post.token)
        found = post.find(session)
    return me._replace(id=session, name=found.get("name") or me.name)


@contextmanager
def open_office(url: str | None = None) -> Iterator[Office]:
    """In the current folder. Raises ConfigError, StoreError and OSError."""
    folder, now = os.getcwd(), time.time()
    settings = load(os.environ, folder)
    post = open_post(url or settings.store, now=now, patient=True, token=token_of(settings.cache))
    try:
        yield Office(post, settings, repository.locate(folder), now)
    finally:
        post.close()
