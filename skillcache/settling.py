"""From the end of a run to what became of it: learns how long the command takes, and stores what is worth it."""

from skillcache import durations, launches
from skillcache.call import Call, make_call
from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.miss import Miss, read_miss
from skillcache.outcome import INTERRUPTED, LAUNCHED, NOT_WORTH, TIME_LIMIT, Outcome
from skillcache.plan import BASH, Plan
from skillcache.runtime import World

_QUICK = (INTERRUPTED, NOT_WORTH, TIME_LIMIT)  # before anything was imported for it


def settle(event: ToolEvent, world: World, record: dict[str, object]) -> None:
    """`record`: what PreToolUse saved, {} when it did not look the call up. Raises SkillcacheError and OSError."""
    call = make_call(event, world)
    if call is None:
        return
    if event.tool == BASH and event.duration is not None and not event.interrupted:
        durations.learn(call.cache, call.folder, call.command, event.duration)
    if not record:  # never looked up: PreToolUse has counted why
        return
    name = ""
    miss = read_miss(record)
    outcome: Outcome | None = None
    try:
        planned = call.plan(miss.cwd)
        name = planned.name
        outcome = _settle(call, planned, miss)
    except Bypass as bypass:
        outcome = bypass.outcome
    finally:
        # An agent that was only launched goes on to hold its claim.
        if miss.owner and not (outcome is LAUNCHED and launches.agent_of(event)):
            from skillcache import flight  # few runs are claimed for others to wait

            flight.release(call, miss)
    call.count(outcome, name, run=event.duration or 0)
    if outcome is LAUNCHED and (ended := launches.overtaken(call)) is not None:
        settle(ended[0], world, ended[1])
    if outcome not in _QUICK:
        from skillcache.recording import tidy  # others wait for the release, and nobody for this

        tidy(call)


def _settle(call: Call, planned: Plan, miss: Miss) -> Outcome:
    event = call.event
    if event.interrupted:
        return INTERRUPTED
    duration = event.duration
    if duration is None:
        duration = max(0, int(call.world.now * 1000) - miss.started)
    if planned.verdict is not None:
        # A quick run may still say that what is stored no longer holds.
        if duration < call.settings.number("min_duration") * 1000 and not (miss.verifies or planned.fresh):
            return NOT_WORTH
        limit = planned.verdict.seconds * 1000
        if limit and duration > 0.9 * limit:  # `timeout 60 pytest | tail` hides that it was cut short
            return TIME_LIMIT
    from skillcache.recording import record  # imports what only a slow command may cost

    return record(call, planned, miss, duration)
