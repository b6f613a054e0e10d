"""From a planned call to a lane's answer: a result, or nothing and the miss remembered for the end of the run.

A lane is a way to give Claude Code a result. What is looked up, served and stored is decided before it, the same for
all.
"""

from skillcache.cache.capture import Plan
from skillcache.claude.event import ToolEvent
from skillcache.core.errors import Bypass
from skillcache.core.outcomes import NO_RULE, WAITED, WAITED_IN_VAIN, Outcome
from skillcache.tools.call import Call, make_call
from skillcache.tools.inflight import Pending
from skillcache.tools.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from skillcache.stores.entry import Entry
    from skillcache.tools.lookup import Consultation

    class Lane(Protocol):
        def admit(self, call: Call, planned: Plan, /) -> None:
            """Raises Bypass for a call that the lane does not answer."""

        def present(self, call: Call, planned: Plan, consulted: Consultation, entry: Entry) -> str | Outcome:
            """The lane's words for the entry as the call's result, or the outcome for which the tool runs instead.

            Raises Bypass and OSError.
            """


def answer(event: ToolEvent, world: World, claimed: Pending, lane: "Lane") -> str | None:
    """The lane's words, '' for none; None when the call is not ours. Raises SkillcacheError and OSError."""
    call = make_call(event, world)
    if call is None:
        return None
    name = ""
    try:
        planned = call.plan()
        name = planned.name
        lane.admit(call, planned)
        return _answer(call, planned, claimed, lane)
    except Bypass as bypass:
        if bypass.outcome is NO_RULE:
            return None
        call.count(bypass.outcome, name)
        return ""


def _answer(call: Call, planned: Plan, claimed: Pending, lane: "Lane") -> str:
    from skillcache.tools.lookup import consult  # most calls end above

    event = call.event
    consulted, waited = call.world.join(call, planned, consult(call, planned))
    if waited:
        claimed.renew()
    outcome, entry = consulted.answer.outcome, consulted.answer.entry
    if waited:
        outcome = WAITED_IN_VAIN if entry is None else WAITED
    if entry is not None:
        presented = lane.present(call, planned, consulted, entry)
        if isinstance(presented, str):
            from skillcache.tools import inflight  # most calls are none

            call.count(outcome, planned.name, run=entry.duration)
            claimed.save(inflight.record(planned.name, entry.duration))
            return presented
        outcome = presented
    from skillcache.tools.inflight import Miss

    miss = Miss(
        key=consulted.found.key,
        cwd=event.cwd,
        project=consulted.project,
        started=int(call.world.now * 1000),
        since=claimed.since,
        generations=consulted.generations,
    )
    claimed.save(miss.record())
    call.count(outcome, planned.name)
    return ""
