"""PreToolUse: looks the call up; answers with a replay, or says nothing and remembers the miss for PostToolUse."""

from skillcache.claude.event import parse_tool_event
from skillcache.claude.resident import is_served, is_switched_off
from skillcache.core.paths import cache_folder
from skillcache.tools import inflight
from skillcache.tools.registry import may_be_ours
from skillcache.tools.world import World


def handle(data: bytes, world: World) -> str:
    """Raises SkillcacheError and OSError: the runtime counts them and the call goes on untouched."""
    event = parse_tool_event(data)
    if not may_be_ours(event.tool) or is_served(world.environ) or is_switched_off(world.environ):
        return ""
    cache = cache_folder(world.environ)
    # The client starts a process for every entry that may match: all but one end here.
    claimed = inflight.begin(cache, event.tool_use_id)
    if claimed is None:
        return ""
    from skillcache.tools.before import answer
    from skillcache.tools.refusal import REFUSAL

    text = answer(event, world, claimed, REFUSAL)
    if text is None:
        inflight.end(cache, event.tool_use_id)
        return ""
    return text
