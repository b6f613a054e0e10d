"""PostToolUse and PostToolUseFailure: stores the result of a run that PreToolUse missed, when that is safe."""

from skillcache import durations, pending, tally
from skillcache.decision import Plan, plan
from skillcache.errors import Bypass
from skillcache.event import ToolEvent, parse_tool_event
from skillcache.outcome import NO_RULE, NOT_WORTH, Outcome
from skillcache.policy import rules_of
from skillcache.runtime import World
from skillcache.settings import Settings, load


def handle(data: bytes, world: World) -> str:
    """Never has an answer. Raises SkillcacheError and OSError: the runtime counts them."""
    event = parse_tool_event(data)
    if event.tool != "Bash":
        return ""
    folder = world.environ.get("CLAUDE_PROJECT_DIR") or event.cwd
    settings = load(world.environ, folder)
    record = pending.end(settings.cache, event.tool_use_id)
    if record is None:
        return ""
    name = ""
    try:
        planned = plan(event, rules_of(settings))
        name = planned.name
        outcome = _settle(event, world, settings, planned, record, folder)
    except Bypass as bypass:
        outcome = bypass.outcome
    if outcome is not None and outcome is not NO_RULE:
        tally.record(settings.cache, world.now, outcome, name, spent=world.spent())
    return ""


def _settle(
    event: ToolEvent, world: World, settings: Settings, planned: Plan, record: dict[str, object], folder: str
) -> Outcome | None:
    """What became of the run; None when PreToolUse had already counted why it was not looked up."""
    duration = event.duration
    if duration is None and isinstance(record.get("started"), int):
        duration = max(0, int(world.now * 1000) - int(str(record["started"])))
    if duration is None or event.interrupted:
        return None
    durations.learn(settings.cache, folder, planned.command, duration)
    if not record:
        return None
    if duration < settings.number("min_duration") * 1000:
        return NOT_WORTH
    from skillcache.recording import settle  # costs what only a slow command may

    return settle(event, world, settings, planned, record, duration)
