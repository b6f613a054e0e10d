"""Two live agents that edit one file within five minutes are told of it, as a fact."""

import os

from skillcache.claude.event import SessionEvent
from skillcache.core import git
from skillcache.core.digest import digest_parts
from skillcache.core.errors import StoreError
from skillcache.messages import away, limits, seal
from skillcache.messages.inbox import Letter, Meeting
from skillcache.messages.message import NOTICE, Message
from skillcache.messages.opening import open_post
from skillcache.messages.page import word
from skillcache.messages.proof import token_by
from skillcache.sessions.text import span, stored
from skillcache.settings.in_force import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.tools.world import World

TOOLS = ("Edit", "Write", "NotebookEdit")
_PATH = 400  # characters


def note_edit(event: SessionEvent, world: "World", settings: Settings) -> None:
    """For a PostToolUse of one of TOOLS. The same file is the same path on the same machine, for the same person.

    Raises StoreError and OSError.
    """
    given = event.fields.get("tool_input")
    path = (given.get("file_path") or given.get("notebook_path")) if isinstance(given, dict) else None
    if not settings.flag("messages.deliver") or not isinstance(path, str) or event.text("tool_name") not in TOOLS:
        return
    if away.is_away(settings.cache, world.now):
        return
    try:
        _note(path, event, world, settings)
    except StoreError:
        away.note(settings.cache, world.now)
        raise


def _note(path: str, event: SessionEvent, world: "World", settings: Settings) -> None:
    key = seal.key_of(settings.cache)
    me = event.agent_id or event.session_id
    post = open_post(settings.store, now=world.now, token=token_by(key))
    try:
        # The key is the person's on this machine, so the place says both and gives neither away.
        met = post.edited(me, digest_parts((key, path.encode("utf-8", "surrogateescape"))))
        if len(met) > 1:
            place = git.locate(path.rpartition("/")[0])
            project, shown = git.project_of(place), stored(path.removeprefix(place.root + "/"), _PATH)
            pairs = [pair for other in met[1:] for pair in ((met[0], other), (other, met[0]))]
            post.send([_letter(reader, other, shown, project, key) for reader, other in pairs])
    finally:
        post.close()


def _letter(reader: Meeting, other: Meeting, path: str, project: str, key: bytes) -> Letter:
    when = f"{span(other.ago // 1000)} ago" if other.ago >= 2_000 else "just now"
    said = f"{path} was edited by {word(other.name)} {when}."
    text = f"{said} Both of you have edited it within {span(limits.COLLISION)}."
    fields = {"id": os.urandom(8).hex(), "kind": NOTICE, "project": project, "to": reader.id, "to_name": reader.name}
    message = Message({**fields, "text": text, "form": "text"})
    message.fields["seal"] = seal.seal(message, key)
    return Letter(message, ttl=limits.TTL)
