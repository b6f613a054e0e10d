"""PostToolUse and PostToolUseFailure: stores the result of a run that PreToolUse missed, when that is safe."""

from skillcache import durations, pending
from skillcache.call import Call, read_bash_call
from skillcache.errors import Bypass
from skillcache.miss import Miss, read_miss
from skillcache.outcome import INTERRUPTED, NOT_WORTH, Outcome
from skillcache.plan import Plan
from skillcache.runtime import World


def handle(data: bytes, world: World) -> str:
    """Never has an answer. Raises SkillcacheError and OSError: the runtime counts them."""
    call = read_bash_call(data, world)
    if call is None:
        return ""
    record = pending.end(call.cache, call.event.tool_use_id)
    if record is None:
        return ""
    event = call.event
    if event.duration is not None and not event.interrupted:
        durations.learn(call.cache, call.folder, str(event.input.get("command")), event.duration)
    if not record:  # never looked up: PreToolUse has counted why
        return ""
    name = ""
    try:
        planned = call.plan()
        name = planned.name
        outcome = _settle(call, planned, read_miss(record))
    except Bypass as bypass:
        outcome = bypass.outcome
    call.count(outcome, name, run=event.duration or 0)
    return ""


def _settle(call: Call, planned: Plan, miss: Miss) -> Outcome:
    event = call.event
    if event.interrupted:
        return INTERRUPTED
    duration = event.duration
    if duration is None:
        duration = max(0, int(call.world.now * 1000) - miss.started)
    if duration < call.settings.number("min_duration") * 1000:
        return NOT_WORTH
    from skillcache.recording import settle  # imports what only a slow command may cost

    return settle(call, planned, miss, duration)
