"""A tool call before and after it runs, and the end of an agent that worked in the background."""

from skillcache.claude import is_served, is_switched_off, parse_session_event, parse_tool_event
from skillcache.core.paths import cache_folder
from skillcache.tools import World, inflight
from skillcache.tools.registry import may_be_ours


def before(data: bytes, world: World) -> str:
    """Raises SkillcacheError and OSError: the runtime counts them and the call goes on untouched."""
    event = parse_tool_event(data)
    if not may_be_ours(event.tool) or is_served(world.environ) or is_switched_off(world.environ):
        return ""
    cache = cache_folder(world.environ)
    # The client starts a process for every entry that may match: all but one end here.
    claimed = inflight.begin(cache, event.tool_use_id)
    if claimed is None:
        return ""
    from skillcache.tools.before import REFUSAL, answer

    text = answer(event, world, claimed, REFUSAL)
    if text is None:
        inflight.end(cache, event.tool_use_id)
        return ""
    return text


def after(data: bytes, world: World) -> str:
    """Never has an answer. Raises SkillcacheError and OSError: the runtime counts them."""
    event = parse_tool_event(data)
    if not may_be_ours(event.tool) or is_served(world.environ):
        return ""
    # Of all the processes that the client starts for the end of a call, one finds what PreToolUse left.
    record = inflight.end(cache_folder(world.environ), event.tool_use_id)
    if record is not None:
        from skillcache.tools.record import finish_call

        finish_call(event, world, record)
    return ""


def agent_stopped(data: bytes, world: World) -> str:
    """Never has an answer. Raises SkillcacheError and OSError: the runtime counts them."""
    from skillcache.tools.record import end_launch  # no call needs it

    event = parse_session_event(data)
    ended = end_launch(cache_folder(world.environ), event) if event.agent_id else None
    if ended is not None:
        from skillcache.tools.record import finish_call

        finish_call(ended[0], world, ended[1])
    return ""
