"""Every event at which an agent begins, reads its messages or ends; its inbox is mostly empty, and nothing is said."""

from skillcache.claude import BadEvent, SessionEvent, parse_session_event
from skillcache.core import json
from skillcache.core.outcomes import StoreError
from skillcache.messages import agents, message, opening
from skillcache.messages.inbox import DENIED, STOP, STOP_AGAIN, UNKNOWN, WORK, Denied, Post
from skillcache.messages.message import is_id, marked, token_of
from skillcache.messages.opening import open_post
from skillcache.settings.in_force import Settings, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.tools import World

_READING = ("UserPromptSubmit", "PostToolBatch", "Stop", "SubagentStop")
_CAP = "CLAUDE_CODE_STOP_HOOK_BLOCK_CAP"


def handle(data: bytes, world: "World") -> str:
    """Raises BadEvent, ConfigError, StoreError and OSError: the messages then wait for the next event."""
    event = parse_session_event(data)
    folder = world.environ.get("CLAUDE_PROJECT_DIR") or event.cwd
    settings = load(world.environ, folder)
    if not settings.flag("messages.deliver") or settings.flag("disable"):
        return ""
    if event.agent_id and not event.agent_type:  # the client's own, such as the one that writes a summary
        return ""
    if not is_id(event.agent_id or event.session_id):
        raise BadEvent("agent_id is not a name")
    if opening.is_away(settings.cache, world.now):
        return ""
    post = open_post(settings.store, now=world.now, token=token_of(settings.cache))
    try:
        text = _attend(post, event, world, settings, folder)
    except StoreError:
        opening.note(settings.cache, world.now)
        raise
    if not text:
        return ""
    output = {"hookEventName": event.name, "additionalContext": text}
    return json.dumps({"hookSpecificOutput": output})


def _attend(post: Post, event: SessionEvent, world: "World", settings: Settings, folder: str) -> str:
    """What the agent is to be told."""
    me = event.agent_id or event.session_id
    if event.name == "SessionEnd":
        if not post.end(event.session_id):
            post.end(marked(event.session_id, post.token))
    elif event.name == "SessionStart":
        _register(post, me, event, world, folder)
    elif event.name == "SubagentStart":
        from skillcache.messages.page import word

        name = word(_register(post, me, event, world, folder)[1])
        return (
            f"Other agents of this project know you as {name}. skillcache send --from {name} --to NAME TEXT writes to"
            " one of them; skillcache agents says who is there."
        )
    elif event.name in _READING:
        me, waiting = _look(post, me, event, world, settings, folder)
        return _deliver(post, me, event, world, settings) if waiting > 0 else ""
    return ""


def _register(post: Post, me: str, event: SessionEvent, world: "World", folder: str) -> tuple[str, str]:
    """The agent's id and its name. The id is marked where another installation has one that is called so."""
    from skillcache.messages.agents import describe  # once for each agent

    fields, base = describe(event, world.environ, folder)
    try:
        return me, post.register(me, fields, base)
    except Denied:
        me = marked(me, post.token)
        return me, post.register(me, fields, base)


def _look(post: Post, me: str, event: SessionEvent, world: "World", settings: Settings, folder: str) -> tuple[str, int]:
    """The agent's id, and how many messages wait: one round trip, and more only where an agent is new."""
    doing = agents.doing(event, settings)
    moment = WORK
    if event.name in ("Stop", "SubagentStop"):
        moment = STOP_AGAIN if event.fields.get("stop_hook_active") is True else STOP
    ends = event.name == "SubagentStop"
    most = _most(world.environ.get(_CAP, ""))
    waiting = post.look(me, doing, moment=moment, most=most, ends=ends)
    if waiting == DENIED:
        me = marked(me, post.token)
        waiting = post.look(me, doing, moment=moment, most=most, ends=ends)
    if waiting == UNKNOWN and not ends:  # it was there before we were
        me, _ = _register(post, me, event, world, folder)
        waiting = post.look(me, doing, moment=moment, most=most)
    for agent, task in agents.tasks(event):
        post.note(agent, {"task": task})
    return me, waiting


def _most(cap: str) -> int:
    """How often in a row we keep an agent from stopping, below the client's cap: what it does not obey is lost."""
    most = int(cap) if cap.isdecimal() and len(cap) < 9 else 0
    return min(message.KEPT, max(0, most - 2)) if most else message.KEPT  # 0: the client knows no cap


def _deliver(post: Post, me: str, event: SessionEvent, world: "World", settings: Settings) -> str:
    from skillcache.messages.arrival import receive, transcript_of
    from skillcache.messages.page import compose

    transcript = event.text("agent_transcript_path") or transcript_of(event.text("transcript_path"), event.agent_id)
    arrived = receive(post, me, settings, transcript)
    if arrived is None:
        return ""
    if not arrived.messages:
        arrived.settle(0)
        if event.name == "SubagentStop":
            post.end(me)
        return ""
    text, count, size = compose(arrived.messages, arrived.now, arrived.name or me, subagent=bool(event.agent_id))
    stopped = event.name in ("Stop", "SubagentStop")
    world.after = lambda: arrived.settle(count, size=size, stopped=stopped)
    return text
