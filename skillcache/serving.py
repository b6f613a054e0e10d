"""From a planned call to a lane's answer: a result, or nothing and the miss remembered for the end of the run.

A lane is a way to give Claude Code a result: see `skillcache.lanes`.
"""

from skillcache.call import Call, make_call
from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.outcome import NO_RULE, UNREADABLE_ENTRY, VERIFY, WAITED, WAITED_IN_VAIN, Outcome
from skillcache.pending import Pending
from skillcache.plan import BASH, Plan
from skillcache.runtime import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from skillcache.consultation import Consultation
    from skillcache.entry import Entry
    from skillcache.miss import Miss
    from skillcache.skill.workplace import Workplace


def answer(event: ToolEvent, world: World, claimed: Pending, lane: "ModuleType") -> str | None:
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


def _answer(call: Call, planned: Plan, claimed: Pending, lane: "ModuleType") -> str:
    from skillcache.consultation import consult  # most calls end above
    from skillcache.decision import chosen_for_verification

    event, verified = call.event, call.settings.number("verify")
    consulted = consult(call, planned)
    chosen = planned.tool == BASH and chosen_for_verification(event.tool_use_id, verified)
    consulted, waited = call.world.join(call, planned, consulted, waits=not chosen)
    if waited:
        claimed.renew()
    outcome, entry = consulted.answer.outcome, consulted.answer.entry
    if waited:
        outcome = WAITED_IN_VAIN if entry is None else WAITED
    if entry is not None:
        if not (_ends_where_the_line_does(call, planned, consulted, entry) and _writes_what_it_may(consulted, entry)):
            outcome = UNREADABLE_ENTRY
        elif chosen:
            outcome = VERIFY
        else:
            presented: str | Outcome = lane.present(call, planned, consulted, entry)
            if isinstance(presented, str):
                from skillcache import hit  # most calls are none

                call.count(outcome, planned.name, run=entry.duration)
                claimed.save(hit.record(planned.name, entry.duration))
                return presented
            outcome = presented
    from skillcache.miss import Miss

    miss = Miss(
        key=consulted.found.key,
        cwd=event.cwd,
        project=consulted.project,
        started=int(call.world.now * 1000),
        since=claimed.since,
        generations=consulted.generations,
        verifies=outcome is VERIFY,
        trace={},
    )
    if consulted.found.workplace is not None:
        _trace(call, miss, consulted.found.workplace)
    claimed.save(miss.record())
    call.count(outcome, planned.name)
    return ""


def _ends_where_the_line_does(call: Call, planned: Plan, consulted: "Consultation", entry: "Entry") -> bool:
    """Whoever may write to a shared store has no say in where the person's shell goes."""
    if entry.directory is None:
        return True
    if planned.verdict is None:
        return False
    import os  # few lines move the shell

    there = os.path.realpath(os.path.join(call.event.cwd, planned.verdict.ends_in))
    return os.path.normpath(os.path.join(consulted.found.fingerprint.root, entry.directory)) == there


def _writes_what_it_may(consulted: "Consultation", entry: "Entry") -> bool:
    """Nor in which files are written besides those that the skill declares today."""
    if not entry.files:
        return True
    from skillcache.skill.outputs import are_declared  # few entries hold files

    work = consulted.found.workplace
    return work is not None and are_declared(entry.files, work.outputs)


def _trace(call: Call, miss: "Miss", work: "Workplace") -> None:
    """What a script of a skill must leave as it is. Raises Bypass."""
    import time

    deadline = time.monotonic() + call.settings.number("capture_time")
    miss.trace = work.trace(call.world.environ, deadline=deadline)
