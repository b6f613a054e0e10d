"""One tool call as a handler sees it: the event, the world around it and the settings in force for it."""

from skillcache.cache.capture import Plan
from skillcache.claude.event import ToolEvent
from skillcache.core import counts
from skillcache.core.outcomes import Outcome
from skillcache.core.record import Record
from skillcache.rules.rule import rules_of
from skillcache.settings.in_force import Settings, load
from skillcache.tools.other_tools import plan_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.stores.contract import Store
    from skillcache.tools.world import World


class Call(Record):
    event: ToolEvent
    world: "World"
    folder: str  # the directory Claude Code was started in, which names the project's own files
    settings: Settings

    @property
    def cache(self) -> str:
        return self.settings.cache

    def open_store(self) -> "Store":
        """Raises ConfigError."""
        return self.world.open_store(self.settings.store)

    def plan(self) -> Plan:
        """Raises Bypass."""
        return plan_of(self.event, rules_of(self.settings))

    def team(self, planned: Plan) -> str:
        """The team whose results the call may be answered with and that may be given its own, "" for none."""
        return self.settings.word("team") if planned.shared else ""

    def count(self, outcome: Outcome, rule: str = "", *, run: int = 0) -> None:
        """`run`: milliseconds of the run that was replaced or has ended."""
        counts.record(self.cache, self.world.now, outcome, rule, run=run, spent=self.world.spent())


def make_call(event: ToolEvent, world: "World") -> Call | None:
    """None where a setting switches us off. Raises ConfigError."""
    folder = world.environ.get("CLAUDE_PROJECT_DIR") or event.cwd
    settings = load(world.environ, folder)
    return None if settings.flag("disable") else Call(event, world, folder, settings)
