"""From the end of a run to what became of it: stores what may be stored."""

from skillcache.cache.capture import Plan
from skillcache.claude.event import ToolEvent
from skillcache.core.errors import Bypass
from skillcache.core.outcomes import INTERRUPTED, LAUNCHED, Outcome
from skillcache.tools import inflight, launched_agents
from skillcache.tools.call import Call, make_call
from skillcache.tools.inflight import Miss, read_miss
from skillcache.tools.world import World


def settle(event: ToolEvent, world: World, record: dict[str, object]) -> None:
    """`record`: what PreToolUse saved, {} when it did not look the call up. Raises SkillcacheError and OSError."""
    call = make_call(event, world)
    if call is None:
        return
    if inflight.is_one(record):
        inflight.take_back(call, record)
    elif record:  # else it was never looked up: PreToolUse has counted why
        _settle(call, read_miss(record))


def _settle(call: Call, miss: Miss) -> None:
    event = call.event
    duration = event.duration
    if duration is None:
        duration = max(0, int(call.world.now * 1000) - miss.started)
    name = ""
    try:
        planned = call.plan()
        name = planned.name
        outcome = _outcome(call, planned, miss, duration)
    except Bypass as bypass:
        outcome = bypass.outcome
    call.count(outcome, name, run=0 if event.goes_on else duration)
    if outcome is LAUNCHED and (ended := launched_agents.overtaken(call)) is not None:
        settle(ended[0], call.world, ended[1])
    if outcome is not INTERRUPTED:
        from skillcache.commands.housekeeping import tidy  # nobody waits for this

        tidy(call.cache, call.world.now)


def _outcome(call: Call, planned: Plan, miss: Miss, duration: int) -> Outcome:
    if call.event.interrupted:
        return INTERRUPTED
    from skillcache.tools.record import record  # imports what only a run may cost

    return record(call, planned, miss, duration)
