"""PostToolUse and PostToolUseFailure: stores the result of a run that PreToolUse missed, when that is safe."""

from skillcache.claude.event import parse_tool_event
from skillcache.claude.resident import is_served
from skillcache.core.paths import cache_folder
from skillcache.tools import inflight
from skillcache.tools.registry import may_be_ours
from skillcache.tools.world import World


def handle(data: bytes, world: World) -> str:
    """Never has an answer. Raises SkillcacheError and OSError: the runtime counts them."""
    event = parse_tool_event(data)
    if not may_be_ours(event.tool) or is_served(world.environ):
        return ""
    # Of all the processes that the client starts for the end of a call, one finds what PreToolUse left.
    record = inflight.end(cache_folder(world.environ), event.tool_use_id)
    if record is not None:
        from skillcache.tools.after import settle

        settle(event, world, record)
    return ""
