"""What an event says of its agent to the registry, and of two agents that edit one file."""

import os

from skillcache.claude import SessionEvent
from skillcache.core import git, processes
from skillcache.core.files import digest_parts
from skillcache.core.outcomes import StoreError
from skillcache.core.processes import user_name
from skillcache.messages import message as limits
from skillcache.messages import opening
from skillcache.messages.inbox import Letter, Meeting
from skillcache.messages.message import NOTICE, Message, base_of, is_id, key_of, seal, token_by
from skillcache.messages.opening import open_post
from skillcache.messages.page import word
from skillcache.sessions.text import cut, may_hold_secret, span, stored
from skillcache.settings.in_force import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.tools import World


MAIN, PERSON = "main", "person"


def describe(event: SessionEvent, environ: "Mapping[str, str]", folder: str) -> tuple[dict[str, str], str]:
    """The fields of an agent that is at work in `folder`, and what its name begins with: its type, or the user."""
    place = git.locate(folder)
    user = user_name(environ)
    fields = {
        "type": base_of(event.agent_type) if event.agent_id else MAIN,
        "session": event.session_id,
        "project": git.project_of(place),
        "branch": cut(place.branch, limits.NAME),
        "user": user,
        "host": os.uname().nodename,
        "root": place.root,
        **processes.described(environ),
    }
    return fields, base_of(event.agent_type if event.agent_id else user)


_PERSON = ("", "user", "sdk")  # whose prompts are a person's words, where the client says whose they are


def doing(event: SessionEvent, settings: Settings) -> dict[str, str]:
    """What the event says of what its agent is doing."""
    if event.name == "UserPromptSubmit":
        if event.text("source") not in _PERSON:
            return {}
        prompt = " ".join(event.text("prompt").split()) if settings.flag("record.prompts") else ""
        return {"task": stored(prompt, limits.DOING), "tool": ""}
    if event.name == "PostToolBatch":
        calls = _calls(event)
        return {"tool": _tool(calls[-1])} if calls else {}
    return {"tool": ""}


def tasks(event: SessionEvent) -> list[tuple[str, str]]:
    """Subagents that this batch of calls has started, each with the words in which its task was described."""
    found = []
    for call in _calls(event) if event.name == "PostToolBatch" else ():
        given, said = call.get("tool_input"), call.get("tool_response")
        if call.get("tool_name") == "Agent" and isinstance(given, dict) and isinstance(said, list):
            texts = [str(part.get("text")) for part in said if isinstance(part, dict)]
            _, named, rest = "\n".join(texts).rpartition("agentId: ")
            agent = rest.split(maxsplit=1)[0] if named and rest.strip() else ""
            if is_id(agent):
                found.append((agent, stored(given.get("description"), limits.DOING)))
    return found


def _calls(event: SessionEvent) -> list[dict[str, object]]:
    calls = event.fields.get("tool_calls")
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []


def _tool(call: dict[str, object]) -> str:
    """The tool and the first words of what it was given, where they show at a glance that they hold no credential."""
    name, given = str(call.get("tool_name")), call.get("tool_input")
    if not isinstance(given, dict):
        return cut(name, limits.NAME)
    first = given.get("command") or given.get("file_path") or given.get("description") or ""
    words = first.rpartition("/")[2] if "file_path" in given and isinstance(first, str) else first
    said = " ".join(words.split(maxsplit=2)[:2]) if isinstance(words, str) else ""
    text = f"{name}: {said}" if said and not may_hold_secret(said) else name
    return cut(text, limits.DOING)


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
    if opening.is_away(settings.cache, world.now):
        return
    try:
        _note(path, event, world, settings)
    except StoreError:
        opening.note(settings.cache, world.now)
        raise


def _note(path: str, event: SessionEvent, world: "World", settings: Settings) -> None:
    key = key_of(settings.cache)
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
    message.fields["seal"] = seal(message, key)
    return Letter(message, ttl=limits.TTL)
