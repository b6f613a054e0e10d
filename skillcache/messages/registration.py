"""What the registry is told of an agent by an event of its session."""

import os

from skillcache.event import SessionEvent
from skillcache.messages import limits
from skillcache.messages.message import base_of
from skillcache.sessions import client, repository
from skillcache.sessions.redaction import cut
from skillcache.user import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAIN, PERSON = "main", "person"


def describe(event: SessionEvent, environ: "Mapping[str, str]", folder: str) -> tuple[dict[str, str], str]:
    """The fields of an agent that is at work in `folder`, and what its name begins with: its type, or the user."""
    place = repository.locate(folder)
    user = name_of(environ)
    fields = {
        "type": base_of(event.agent_type) if event.agent_id else MAIN,
        "session": event.session_id,
        "project": repository.project_of(place),
        "branch": cut(place.branch, limits.NAME),
        "user": user,
        "host": os.uname().nodename,
        "root": place.root,
        **client.described(environ),
    }
    return fields, base_of(event.agent_type if event.agent_id else user)
