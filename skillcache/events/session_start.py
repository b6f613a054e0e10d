"""A session's start: its commands are answered, it is recorded, the model is told, the plugin's options are kept.

SubagentStart: tells an agent which checks have a result that holds for the content as it is now.

The plugin's options, which the client gives hooks alone, are left for the server. They lie beside its socket, in a
folder and a file that only the person can read.
"""

import os

from skillcache import claude
from skillcache.claude import SessionEvent, parse_session_event
from skillcache.core import files, json
from skillcache.events.record import is_recorded
from skillcache.events.runtime import is_first, left
from skillcache.settings import OPTIONS, set_by_project
from skillcache.settings.in_force import Settings, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.sessions.brief.compose import Brief
    from skillcache.tools import World


# Once per session, in the terms of the field: what a model makes of results that come at once depends on it.
_REPLAYS = (
    "skillcache replays the recorded output and status of test, lint and type-check commands whose inputs have not"
    " changed since they last ran here; `# fresh` at the end of a line, or SKILLCACHE_FRESH=1 before a command, runs it"
    " anew."
)
_LEAST, _ANSWERING = 0.3, 1.5  # seconds for a look, and for all that follows its captures
_SINCE = "seconds_since_last_response"  # given where a conversation goes on


def handle(data: bytes, world: "World") -> str:
    """Also of an agent that a session starts. Raises BadEvent, ConfigError and OSError: there is no brief then."""
    event = parse_session_event(data)
    folder = world.environ.get("CLAUDE_PROJECT_DIR") or event.cwd
    settings = load(world.environ, folder)
    if event.name == "SubagentStart":
        return _to_agent(event, world, folder, settings)
    knows = _knows(event, settings)
    is_answered = _prepare(event, world, folder, settings)  # each hook has a file of its own
    if not (is_answered or is_recorded(settings)):
        return ""
    if not is_first(settings.cache, event.session_id, event.text("source"), world.environ):
        return ""
    if is_answered:
        _run_ahead(event, world, folder, settings)
    # The brief first, which takes no capture: what holds is worth no brief where there is no time for both.
    brief = _brief(event, world, folder, settings) if is_recorded(settings) else None
    told = [_REPLAYS] if is_answered and not knows else []
    told += [_holding(event, world, folder, settings)] if is_answered else []
    told += [brief.text] if brief is not None else []
    return _answer(event, told, brief.message if brief is not None else "")


def _to_agent(event: SessionEvent, world: "World", folder: str, settings: Settings) -> str:
    """Its Bash calls are answered as the session's; the client's own agents, which have no type, have none."""
    from skillcache.commands.shims.session import is_prepared

    if settings.flag("disable") or not event.agent_type or not is_prepared(settings.cache, event.session_id):
        return ""
    if not is_first(settings.cache, event.session_id, f"SubagentStart.{event.agent_id}", world.environ):
        return ""
    _run_ahead(event, world, folder, settings)
    return _answer(event, [_holding(event, world, folder, settings)], "")


def _answer(event: SessionEvent, told: list[str], message: str) -> str:
    text = "\n".join(filter(None, told))
    if not text:
        return ""
    output = {"hookEventName": event.name, "additionalContext": text}
    return json.dumps({"hookSpecificOutput": output, **({"systemMessage": message} if message else {})})


def _knows(event: SessionEvent, settings: Settings) -> bool:
    """Whether its conversation, which goes on, was told before that commands are answered."""
    from skillcache.commands.shims.session import is_prepared

    return event.text("source") == "resume" and is_prepared(settings.cache, event.session_id)


def _prepare(event: SessionEvent, world: "World", folder: str, settings: Settings) -> bool:
    """Whether the session's commands are answered from now on."""
    if settings.flag("disable"):
        return False
    from skillcache.commands.shims.session import prepare
    from skillcache.events.runtime import count_fault

    try:
        return prepare(world.environ, folder, event.session_id, settings)
    except OSError as fault:
        count_fault(world, fault)
        return False


def _run_ahead(event: SessionEvent, world: "World", folder: str, settings: Settings) -> None:
    if not settings.ahead or event.text("permission_mode") == "plan":
        return
    from skillcache.commands.ahead.known import begun
    from skillcache.events.runtime import count_fault

    try:
        begun(settings, world.environ, event.cwd, folder, event.session_id)
    except OSError as fault:
        count_fault(world, fault)


def _holding(event: SessionEvent, world: "World", folder: str, settings: Settings) -> str:
    """What is known of the content as it is now, '' for nothing: see `skillcache.commands.holding`."""
    from skillcache.core.git import find_root, identity
    from skillcache.core.paths import checks_folder

    if not os.path.exists(checks_folder(settings.cache)):
        return ""
    from skillcache.commands.replayed import path_of

    seconds = left() - _ANSWERING
    if seconds < _LEAST:  # the brief is worth more
        return ""
    root = find_root(os.path.realpath(event.cwd))
    if root is None or not os.path.exists(path_of(settings.cache, identity(root))):
        return ""
    from skillcache.commands.holding import Look, look, of_client  # only where the project has had a check
    from skillcache.core.outcomes import SkillcacheError
    from skillcache.core.processes import number_of
    from skillcache.events.runtime import count_fault
    from skillcache.sessions.brief.standing import tell

    cwd = world.environ.get("PWD", "")
    if not cwd or os.path.realpath(cwd) != os.path.realpath(event.cwd):
        cwd = event.cwd
    try:
        pid = number_of(world.environ.get("CLAUDE_PID", ""))
        place = Look((of_client(world.environ),), cwd, folder, event.session_id, pid)
        return tell(look(place, seconds), int(world.now * 1000))
    except (SkillcacheError, OSError) as fault:
        count_fault(world, fault)
        return ""


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


def keep_options(data: bytes, world: "World") -> str:  # noqa: ARG001 - handlers have one shape
    """Never has an answer. Raises OSError."""
    given = {name: world.environ[option] for name, option in OPTIONS.items() if world.environ.get(option)}
    if given:
        project = world.environ.get("CLAUDE_PROJECT_DIR") or os.getcwd()
        for option, _ in set_by_project(OPTIONS.values(), project, world.environ):
            given = {name: value for name, value in given.items() if OPTIONS[name] != option}
    path = claude.socket_path(world.environ)
    if not given or path is None:
        return ""
    folder = os.path.dirname(path)
    files.make_folder(folder)
    if claude.is_private(folder):
        files.write(f"{path}.options", json.dumps(given).encode("ascii"))
    return ""
