"""The events of a session that are recorded and answered by nothing; a SessionStart has a handler of its own."""

import os

from skillcache.claude import SessionEvent, is_served, parse_session_event, parse_tool_event
from skillcache.settings.in_force import Settings, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.tools import World

_OF_PLUGIN = "CLAUDE_PLUGIN_ROOT"  # given to the hooks of a plugin alone
_EDITING = ("Edit", "Write", "NotebookEdit")
_IN_NO_HURRY = 10  # niceness of what the person never waits for


def handle(data: bytes, world: "World") -> str:
    """Raises BadEvent, ConfigError, StoreError and OSError: the event is then counted and not recorded."""
    if is_served(world.environ) and not world.environ.get(_OF_PLUGIN):
        return ""  # those of the plugin do it
    event = parse_session_event(data)
    folder = world.environ.get("CLAUDE_PROJECT_DIR") or event.cwd
    settings = load(world.environ, folder)
    if is_recorded(settings) and (event.name != "SessionEnd" or _is_first(event, world, settings)):
        keep(event, world, folder, settings)
        if _is_observed(event, settings):
            from skillcache.events.observe import observe  # a slow call's end

            os.nice(_IN_NO_HURRY)
            observe(parse_tool_event(data), world, settings)
    if event.name == "PostToolUse" and settings.flag("messages.deliver") and not settings.flag("disable"):
        from skillcache.messages.agents import note_edit  # only where agents hear of each other

        note_edit(event, world, settings)
    is_edit = event.name == "PostToolUse" and event.text("tool_name") in _EDITING
    if settings.ahead and is_edit and event.text("permission_mode") != "plan":
        from skillcache.commands.ahead.known import edited  # only where a rule has it

        edited(settings, world.environ, event.cwd, folder, event.session_id)
    return _told(event, settings) if event.name == "Stop" else ""


def _is_first(event: SessionEvent, world: "World", settings: Settings) -> bool:
    """At a session's end the plugin may be served no more when its hook looks, or when the one of the settings does."""
    from skillcache.events.runtime import is_first  # once in a session

    return is_first(settings.cache, event.session_id, f"{event.name}.{event.text('reason')}", world.environ)


def _told(event: SessionEvent, settings: Settings) -> str:
    """What the person is shown at a turn's end."""
    from skillcache.commands.replayed import news

    line = news(settings.cache, event.session_id)
    if not line:
        return ""
    from skillcache.core import json  # a turn that replayed something

    return json.dumps({"systemMessage": line})


def is_recorded(settings: Settings) -> bool:
    return settings.flag("record.sessions") and not settings.flag("disable")


def keep(event: SessionEvent, world: "World", folder: str, settings: Settings) -> None:
    from skillcache.sessions.delivery import Delivery  # only where sessions are recorded
    from skillcache.sessions.story import look, tell

    record = tell(event, look(event, world, folder, settings))
    if record is not None:
        Delivery(settings, now=world.now).deliver(record)


def _is_observed(event: SessionEvent, settings: Settings) -> bool:
    """Whether the event is the end of a call that may be worth a rule."""
    tool = event.text("tool_name")
    if tool != "Bash":
        return event.name == "PostToolUse" and (tool == "Agent" or tool.startswith("mcp__"))
    duration = event.fields.get("duration_ms")
    least = settings.number("min_duration") * 1000
    return event.name.startswith("PostToolUse") and isinstance(duration, int | float) and duration >= least
