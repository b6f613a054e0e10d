"""The end of a call, of an agent in the background too: what it gave is stored, when that is safe.

Runs only after a call that took its time, so modules that cost something to import are welcome here.

Of an agent in the background the client tells of the launch and of the agent's stop by hooks that may overtake each
other: each leaves its part before it looks for the other's. An agent that a hook kept from stopping stops again with
what counts; one that stops again without having been kept answers somebody else.
"""

import os
import time

from skillcache.cache import put
from skillcache.cache.decision import CallKey, Plan
from skillcache.cache.put import own_names, put_result
from skillcache.claude import Result, SessionEvent, ToolEvent, Unusable
from skillcache.core import json
from skillcache.core.credentials.find import find as find_secret
from skillcache.core.credentials.find import spelled
from skillcache.core.outcomes import CHANGED_INPUTS, INTERRUPTED, LAUNCHED, SECRET, STORED, SUPERSEDED, Bypass, Outcome
from skillcache.fingerprint.changes import disturbed
from skillcache.stores import forget
from skillcache.stores.contract import Store, entry_key
from skillcache.stores.entry import JSON, Entry, digest_of
from skillcache.tools import World, inflight, registry
from skillcache.tools.inflight import Miss, read_miss
from skillcache.tools.lookup import Call, breaker_of, capture_key, make_call

TYPE_CHECKING = False


if TYPE_CHECKING:
    Ended = tuple[ToolEvent, dict[str, object]]

_INPUT, _ANSWER, _ANSWERED = "input", "answer", "answered"


def agent_of(event: ToolEvent) -> str:
    """The agent that a call has launched, "" where the client does not say."""
    agent_id = event.response.get("agentId") if isinstance(event.response, dict) else None
    return agent_id if isinstance(agent_id, str) else ""


def keep_launch(call: Call, miss: Miss) -> None:
    """Raises OSError."""
    agent_id = agent_of(call.event)
    if agent_id:
        inflight.keep(call.cache, _id(agent_id), {**miss.record(), _INPUT: call.event.input})


def overtake_launch(call: Call) -> "Ended | None":
    """As `end`, where the agent had stopped before its launch was told of."""
    agent_id = agent_of(call.event)
    stopped = inflight.look(call.cache, _stop(agent_id)) if agent_id else None
    if stopped is None:
        return None
    return _end(call.cache, agent_id, call.event.session_id, str(stopped.get(_ANSWER, "")))


def end_launch(cache: str, event: SessionEvent) -> "Ended | None":
    """The end of the call that launched the agent which has now stopped, and its record; None for any other agent.

    Raises OSError.
    """
    answer = event.text("last_assistant_message")
    inflight.keep(cache, _stop(event.agent_id), {_ANSWER: answer})
    again = event.fields.get("stop_hook_active") is True
    return _end(cache, event.agent_id, event.session_id, answer, again=again)


def _end(cache: str, agent_id: str, session_id: str, answer: str, *, again: bool = False) -> "Ended | None":
    record = inflight.look(cache, _id(agent_id))
    tool_input = (record or {}).get(_INPUT)
    if record is None or not isinstance(tool_input, dict) or (record.get(_ANSWERED) and not again):
        return None
    inflight.keep(cache, _id(agent_id), {**record, _ANSWERED: True})
    from skillcache.tools.agent import answer_of_stop  # few agents are waited for

    call = ToolEvent(
        "PostToolUse",
        tool="Agent",
        input=tool_input,
        tool_use_id=_id(agent_id),
        cwd=str(record.get("cwd")),  # where it was launched: an agent that went elsewhere did not move its session
        session_id=session_id,
        response=answer_of_stop(answer),
    )
    return call, record


def _id(agent_id: str) -> str:
    return f"agent-{agent_id}"


def _stop(agent_id: str) -> str:
    return f"stop-{agent_id}"


def record(call: Call, planned: Plan, miss: Miss, duration: int) -> Outcome:
    """What became of the run. `duration`: milliseconds. Raises Bypass, StoreError and OSError."""
    breaker = breaker_of(call.event, miss.cwd, call.world.environ, call.settings.number("capture_time"))
    try:
        return _record(call, planned, miss, duration)
    except Bypass as bypass:
        breaker.blame(bypass)  # whichever of the looks it was
        raise


def _record(call: Call, planned: Plan, miss: Miss, duration: int) -> Outcome:
    try:
        result = _read(call)
    except Unusable as unusable:
        return _without_result(call, planned, miss, unusable.outcome)
    found = _look_again(call, planned, miss)
    if found is None:
        return CHANGED_INPUTS
    # JSON hides what stands behind a line's end, whose escape is a letter.
    if find_secret(spelled(call.event.input)) or find_secret(spelled(json.loads(result.output))):
        return SECRET
    store = call.open_store()
    try:
        return _store(store, call, planned, miss, found, _entry(call, miss, found, result, duration))
    finally:
        store.close()


def _read(call: Call) -> Result:
    """Raises Unusable."""
    kind = registry.kind_of(call.event.tool)
    assert kind is not None  # noqa: S101 - a rule names it
    return kind.read(call.event, int(call.settings.number("max_output")))


def _without_result(call: Call, planned: Plan, miss: Miss, outcome: Outcome) -> Outcome:
    """What an end that gives nothing to be stored says of what is."""
    if outcome is LAUNCHED:
        keep_launch(call, miss)
    elif outcome is not INTERRUPTED:  # the call was made although its result is stored, perhaps as the model insisted
        _take_out(call, planned, miss)
    return outcome


def _take_out(call: Call, planned: Plan, miss: Miss) -> None:
    """One's own result alone: what failed may be the network. Raises StoreError."""
    store = call.open_store()
    try:
        store.delete(entry_key(planned.name, digest_of(miss.key)))
    finally:
        forget(call.cache)
        store.close()


def _look_again(call: Call, planned: Plan, miss: Miss) -> CallKey | None:
    """What the call depends on at its end; None when that is not what it was all along."""
    seconds, environ = call.settings.number("capture_time"), call.world.environ
    found = capture_key(planned, call.event, miss.cwd, environ, seconds=seconds)
    if found.key != miss.key:
        return None
    rows, root, deadline = found.fingerprint.rows, found.fingerprint.root, time.monotonic() + seconds
    if planned.depends != () and disturbed(root, rows, environ, since=miss.since, deadline=deadline):
        return None
    return found


def _entry(call: Call, miss: Miss, found: CallKey, result: Result, duration: int) -> Entry:
    root = found.fingerprint.root
    # It holds everywhere unless it names this place.
    named = any(form in result.output for form in (os.fsencode(root), json.dumps(root)[1:-1].encode("ascii")))
    return Entry(
        key=found.key,
        names=own_names(miss.generations),
        status=0,
        meaning="",
        failed=False,
        output=result.output,
        directory=None,
        relocated=not named,
        root=root,
        project=miss.project,
        duration=duration,
        started=miss.started,
        finished=int(call.world.now * 1000),
        writer=put.provenance(call.event, call.world.environ),
        details=found.fingerprint.details,
        form=JSON,
    )


def _store(store: Store, call: Call, planned: Plan, miss: Miss, found: CallKey, entry: Entry) -> Outcome:
    team = call.team(planned) if call.settings.word("team_mode") == "write" else ""
    is_put = put_result(store, planned, found, entry, planned.ttl, miss.generations, team)
    return STORED if is_put else SUPERSEDED


def finish_call(event: ToolEvent, world: World, record: dict[str, object]) -> None:
    """`record`: what PreToolUse saved, {} when it did not look the call up. Raises SkillcacheError and OSError."""
    call = make_call(event, world)
    if call is None:
        return
    if inflight.is_one(record):
        inflight.take_back(call, record)
    elif record:  # else it was never looked up: PreToolUse has counted why
        _finish(call, read_miss(record))


def _finish(call: Call, miss: Miss) -> None:
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
    if outcome is LAUNCHED and (ended := overtake_launch(call)) is not None:
        finish_call(ended[0], call.world, ended[1])
    if outcome is not INTERRUPTED:
        from skillcache.commands.housekeeping import tidy  # nobody waits for this

        tidy(call.cache, call.world.now)


def _outcome(call: Call, planned: Plan, miss: Miss, duration: int) -> Outcome:
    if call.event.interrupted:
        return INTERRUPTED
    return record(call, planned, miss, duration)
