"""Who writes or reads from a command line or a program: a session, a subagent by its name, or a person."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from skillcache.errors import SkillcacheError
from skillcache.messages import limits
from skillcache.messages.message import base_of
from skillcache.messages.opening import open_post
from skillcache.messages.post import Post
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

    def me(self, environ: Mapping[str, str], name: str = "", agents: list[Agent] | None = None) -> Sender:
        """`name`: a subagent's, given by itself. A person is registered, so that others can write to them.

        Raises SkillcacheError for a name that is none of this project's.
        """
        me = person(environ)
        session = environ.get(SESSION_VARIABLE, "")
        known = agents if agents is not None else self.agents()
        if name:
            mine = {"session": session} if session else {"user": me.user, "host": me.host}
            found = [agent for agent in known if {**agent, **mine, "name": name} == agent]
            if not found or found[0].get("type") == PERSON:
                whose = "of this session" if session else "of yours on this machine"
                raise SkillcacheError(f"no agent {whose} is called {name}. See: skillcache agents")
            return me._replace(id=found[0]["id"], name=name)
        if session:
            names = [agent.get("name", "") for agent in known if agent["id"] == session]
            return me._replace(id=session, name=names[0] if names else me.name)
        fields = {"type": PERSON, "name": me.name, "session": "", "project": self.project, "user": me.user}
        place = {"host": me.host, "branch": cut(self.place.branch, limits.NAME), "root": self.place.root}
        self.post.register(me.id, {**fields, **place}, "")
        return me


def person(environ: Mapping[str, str]) -> Sender:
    """Who writes where no agent does."""
    user, host = name_of(environ), os.uname().nodename
    return Sender(f"person:{base_of(user)}@{base_of(host)}", base_of(user), user, host)


@contextmanager
def open_office(url: str | None = None) -> Iterator[Office]:
    """In the current folder. Raises ConfigError and StoreError."""
    folder, now = os.getcwd(), time.time()
    settings = load(os.environ, folder)
    post = open_post(url or settings.store, now=now, patient=True)
    try:
        yield Office(post, settings, repository.locate(folder), now)
    finally:
        post.close()
