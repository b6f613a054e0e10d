"""What an event says of its agent: to the registry of agents, and of what it is doing."""

import os

from skillcache.claude.event import SessionEvent
from skillcache.core import git, processes
from skillcache.core.user import name_of
from skillcache.messages import limits
from skillcache.messages.message import base_of, is_id
from skillcache.sessions.text import cut, may_hold_secret, stored
from skillcache.settings.in_force import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


MAIN, PERSON = "main", "person"


def describe(event: SessionEvent, environ: "Mapping[str, str]", folder: str) -> tuple[dict[str, str], str]:
    """The fields of an agent that is at work in `folder`, and what its name begins with: its type, or the user."""
    place = git.locate(folder)
    user = name_of(environ)
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
