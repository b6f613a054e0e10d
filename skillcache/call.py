"""One tool call as a handler sees it: the event, the world around it and the settings in force for it."""

from skillcache import tally
from skillcache.event import ToolEvent
from skillcache.outcome import Outcome
from skillcache.plan import Plan, plan
from skillcache.policy.own import rules_of
from skillcache.settings import Settings, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.runtime import World
    from skillcache.stores import Store


class Call:
    """folder: the directory Claude Code was started in, which names the project's own files."""

    __slots__ = ("event", "folder", "settings", "world")

    def __init__(self, event: ToolEvent, world: "World", folder: str, settings: Settings) -> None:
        self.event = event
        self.world = world
        self.folder = folder
        self.settings = settings

    @property
    def cache(self) -> str:
        return self.settings.cache

    @property
    def command(self) -> str:
        """The line as the model asked for it."""
        return str(self.event.input.get("command"))

    def open_store(self) -> "Store":
        """Raises ConfigError."""
        return self.world.open_store(self.settings.store)

    def plan(self, cwd: str = "") -> Plan:
        """`cwd`: where the call began, when that is not where the event says. Raises Bypass."""
        ttl, failures_ttl = (int(self.settings.number(name)) for name in ("ttl", "failures_ttl"))
        return plan(
            self.event,
            rules_of(self.settings),
            cwd=cwd or self.event.cwd,
            environ=self.world.environ,
            ttl=ttl,
            failures_ttl=failures_ttl,
        )

    def team(self, planned: Plan) -> str:
        """The team whose results the call may be answered with and that may be given its own, "" for none."""
        return self.settings.word("team") if planned.shared else ""

    def count(self, outcome: Outcome, rule: str = "", *, run: int = 0) -> None:
        """`run`: milliseconds of the run that was replaced or has ended."""
        tally.record(self.cache, self.world.now, outcome, rule, run=run, spent=self.world.spent())


def make_call(event: ToolEvent, world: "World") -> Call | None:
    """None where a setting switches us off. Raises ConfigError."""
    folder = world.environ.get("CLAUDE_PROJECT_DIR") or event.cwd
    settings = load(world.environ, folder)
    return None if settings.flag("disable") else Call(event, world, folder, settings)
