"""Sends a text to agents by name, by type or to all of a project."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from skillcache.errors import SkillcacheError
from skillcache.messages import limits, seal
from skillcache.messages.identity import Agent, Office, Sender, listed
from skillcache.messages.message import TEXT, Message, base_of
from skillcache.messages.post import FULL, GONE, Letter
from skillcache.messages.registration import PERSON
from skillcache.sessions.redaction import stored

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
    if len(text) > limits.TEXT:
        raise ValueError(f"a message has at most {limits.TEXT} characters, this one has {len(text)}")
    return stored(text, limits.TEXT)


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
    said, key = check_text(text), seal.key_of(office.settings.cache)
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
    message.fields["seal"] = seal.seal(message, key)
    return message
