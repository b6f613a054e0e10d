"""SessionStart: has the session's commands answered, records its start, and tells the model what it should know."""

import os

from skillcache.claude.event import SessionEvent, parse_session_event
from skillcache.core import json
from skillcache.events.record import is_recorded
from skillcache.events.runtime import is_first
from skillcache.settings.in_force import Settings, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.sessions.brief.compose import Brief
    from skillcache.tools.world import World

# Once per session, in the terms of the field: what a model makes of results that come at once depends on it.
_REPLAYS = (
    "skillcache replays the recorded output and status of test, lint and type-check commands whose inputs have not"
    " changed since they last ran here; `# fresh` at the end of a line, or SKILLCACHE_FRESH=1 before a command, runs it"
    " anew."
)
_SINCE = "seconds_since_last_response"  # given where a conversation goes on


def handle(data: bytes, world: "World") -> str:
    """Raises BadEvent, ConfigError and OSError: there is no brief then."""
    event = parse_session_event(data)
    folder = world.environ.get("CLAUDE_PROJECT_DIR") or event.cwd
    settings = load(world.environ, folder)
    is_news = _prepare(event, world, folder, settings)  # each hook has a file of its own
    start = f"{event.text('source')}.{world.environ.get('CLAUDE_PID', '')}"  # a resumed session has another process
    if not (is_news or is_recorded(settings)) or not is_first(settings.cache, event.session_id, start):
        return ""
    told = [_REPLAYS] if is_news else []
    brief = _brief(event, world, folder, settings) if is_recorded(settings) else None
    if brief is not None:
        told.append(brief.text)
    if not told:
        return ""
    output = {"hookEventName": "SessionStart", "additionalContext": "\n".join(told)}
    return json.dumps({"hookSpecificOutput": output, **({"systemMessage": brief.message} if brief is not None else {})})


def _prepare(event: SessionEvent, world: "World", folder: str, settings: Settings) -> bool:
    """Whether the session's commands are answered from now on, and its conversation does not know it yet."""
    if settings.flag("disable"):
        return False
    from skillcache.commands.shims.session import is_prepared, prepare
    from skillcache.events.runtime import count_fault

    # A conversation that goes on holds what it was told before.
    knows = event.text("source") == "resume" and is_prepared(settings.cache, event.session_id)
    try:
        return prepare(world.environ, folder, event.session_id, settings) and not knows
    except OSError as fault:
        count_fault(world, fault)
        return False


def _brief(event: SessionEvent, world: "World", folder: str, settings: Settings) -> "Brief | None":
    from skillcache.sessions import story  # only where sessions are recorded
    from skillcache.sessions.brief.compose import ASKED, Reader, compose
    from skillcache.sessions.delivery import Delivery
    from skillcache.sessions.journal import Question

    seen = story.look(event, world, folder, settings)
    branch = seen.place.branch if seen.place is not None else ""
    question = Question(seen.project, branch=branch, own=event.session_id, edited=ASKED, now=seen.at)
    history = Delivery(settings, now=world.now).ask(question, story.tell(event, seen))
    size = int(settings.number("brief.size"))
    if history is None or not size:
        return None
    reader = Reader(event.session_id, seen.root, branch, os.uname().nodename, seen.at, world.environ)
    return compose(event.text("source"), history, reader, size, since=_heard(event, seen.at))


def _heard(event: SessionEvent, now: int) -> int:
    """When the conversation last heard a reply, unix ms; 0 where the client does not say."""
    seconds = event.fields.get(_SINCE)
    return now - int(seconds * 1000) if isinstance(seconds, int | float) and 0 <= seconds < 1e9 else 0
