"""SubagentStop: stores the answer of an agent that worked in the background, when that is safe."""

from skillcache.claude.event import parse_session_event
from skillcache.core.paths import cache_folder
from skillcache.tools import launched_agents
from skillcache.tools.world import World


def handle(data: bytes, world: World) -> str:
    """Never has an answer. Raises SkillcacheError and OSError: the runtime counts them."""
    event = parse_session_event(data)
    ended = launched_agents.end(cache_folder(world.environ), event) if event.agent_id else None
    if ended is not None:
        from skillcache.tools.after import settle

        settle(ended[0], world, ended[1])
    return ""
