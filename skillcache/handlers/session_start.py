"""SessionStart: records the start and answers with the brief, where there is something to say."""

import os

from skillcache import jsontext
from skillcache.event import SessionEvent, parse_session_event
from skillcache.handlers.record import is_recorded
from skillcache.settings import Settings, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.runtime import World
    from skillcache.sessions.brief import Brief

_SINCE = "seconds_since_last_response"  # given where a conversation goes on


def handle(data: bytes, world: "World") -> str:
    """Raises BadEvent, ConfigError and OSError: there is no brief then."""
    event = parse_session_event(data)
    folder = world.environ.get("CLAUDE_PROJECT_DIR") or event.cwd
    settings = load(world.environ, folder)
    if not is_recorded(settings):
        return ""
    brief = _brief(event, world, folder, settings)
    if brief is None:
        return ""
    output = {"hookEventName": "SessionStart", "additionalContext": brief.text}
    return jsontext.dumps({"hookSpecificOutput": output, "systemMessage": brief.message})


def _brief(event: SessionEvent, world: "World", folder: str, settings: Settings) -> "Brief | None":
    from skillcache.sessions import scene, story  # only where sessions are recorded
    from skillcache.sessions.brief.compose import Reader, compose
    from skillcache.sessions.delivery import Delivery
    from skillcache.sessions.journal import Question

    seen = scene.look(event, world, folder, settings)
    branch = seen.place.branch if seen.place is not None else ""
    question = Question(seen.project, branch=branch, own=event.session_id)
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
