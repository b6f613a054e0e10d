"""PostToolUse and PostToolUseFailure: stores the result of a run that PreToolUse missed, when that is safe."""

from skillcache import durations, pending
from skillcache.call import Call, read_bash_call
from skillcache.decision import Plan, plan
from skillcache.errors import Bypass
from skillcache.miss import read_miss
from skillcache.outcome import NO_RULE, NOT_WORTH, Outcome
from skillcache.policy import rules_of
from skillcache.runtime import World


def handle(data: bytes, world: World) -> str:
    """Never has an answer. Raises SkillcacheError and OSError: the runtime counts them."""
    call = read_bash_call(data, world)
    if call is None:
        return ""
    record = pending.end(call.cache, call.event.tool_use_id)
    if record is None:
        return ""
    name = ""
    try:
        planned = plan(call.event, rules_of(call.settings))
        name = planned.name
        outcome = _settle(call, planned, record)
    except Bypass as bypass:
        outcome = bypass.outcome
    if outcome not in {None, NO_RULE}:
        call.count(outcome, name)
    return ""


def _settle(call: Call, planned: Plan, record: dict[str, object]) -> Outcome | None:
    """What became of the run; None when it was never looked up and PreToolUse has counted why."""
    if call.event.interrupted:
        return None
    miss = read_miss(record) if record else None
    duration = call.event.duration
    if duration is None:
        if miss is None:
            return None
        duration = max(0, int(call.world.now * 1000) - miss.started)
    durations.learn(call.cache, call.folder, planned.command, duration)
    if miss is None:
        return None
    if duration < call.settings.number("min_duration") * 1000:
        return NOT_WORTH
    from skillcache.recording import settle  # imports what only a slow command may cost

    return settle(call, planned, miss, duration)
