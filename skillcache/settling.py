"""From the end of a run to what became of it: learns how long the command takes, and stores what is worth it."""

from skillcache import durations, hit, launches
from skillcache.call import Call, make_call
from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.miss import Miss, read_miss
from skillcache.outcome import INTERRUPTED, LAUNCHED, MOVED_TO_BACKGROUND, NOT_WORTH, TIME_LIMIT, Outcome
from skillcache.plan import BASH, Plan
from skillcache.runtime import World

_QUICK = (INTERRUPTED, MOVED_TO_BACKGROUND, NOT_WORTH, TIME_LIMIT)  # before anything was imported for it


def settle(event: ToolEvent, world: World, record: dict[str, object]) -> None:
    """`record`: what PreToolUse saved, {} when it did not look the call up. Raises SkillcacheError and OSError."""
    call = make_call(event, world)
    if call is None or (hit.is_one(record) and hit.is_replay(call)):
        return
    if event.tool == BASH and event.duration is not None and not event.interrupted and not event.goes_on:
        durations.learn(call.cache, call.folder, call.command, event.duration)
    if hit.is_one(record):
        hit.take_back(call, record)
    elif record:  # else it was never looked up: PreToolUse has counted why
        _settle(call, read_miss(record))


def _settle(call: Call, miss: Miss) -> None:
    event = call.event
    duration = event.duration
    if duration is None:
        duration = max(0, int(call.world.now * 1000) - miss.started)
    name = ""
    try:
        planned = call.plan(miss.cwd)
        name = planned.name
        outcome = _outcome(call, planned, miss, duration)
    except Bypass as bypass:
        outcome = bypass.outcome
    call.count(outcome, name, run=0 if event.goes_on else duration)
    if outcome is LAUNCHED and (ended := launches.overtaken(call)) is not None:
        settle(ended[0], call.world, ended[1])
    if outcome not in _QUICK:
        from skillcache.recording import tidy  # nobody waits for this

        tidy(call)


def _outcome(call: Call, planned: Plan, miss: Miss, duration: int) -> Outcome:
    event = call.event
    if event.interrupted:
        return INTERRUPTED
    if planned.verdict is not None:
        if event.goes_on:
            return MOVED_TO_BACKGROUND
        # A quick run may still say that what is stored no longer holds.
        if duration < call.settings.number("min_duration") * 1000 and not (miss.verifies or planned.fresh):
            return NOT_WORTH
        limit = planned.verdict.seconds * 1000
        if limit and duration > 0.9 * limit:  # `timeout 60 pytest | tail` hides that it was cut short
            return TIME_LIMIT
    from skillcache.recording import record  # imports what only a slow command may cost

    return record(call, planned, miss, duration)
