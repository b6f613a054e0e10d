"""The end of a call: what it gave is stored, when that is safe.

Runs only after a call that took its time, so modules that cost something to import are welcome here.
"""

import os
import time

from skillcache.cache import writer
from skillcache.cache.capture import CallKey, Plan
from skillcache.cache.put import own_names, put_result
from skillcache.claude.event import Result, ToolEvent, Unusable
from skillcache.core import json
from skillcache.core.credentials.find import find as find_secret
from skillcache.core.credentials.find import spelled
from skillcache.core.outcomes import CHANGED_INPUTS, INTERRUPTED, LAUNCHED, SECRET, STORED, SUPERSEDED, Bypass, Outcome
from skillcache.fingerprint.changes import disturbed
from skillcache.stores.contract import Store
from skillcache.stores.entry import JSON, Entry, digest_of
from skillcache.stores.redis_keys import entry_key
from skillcache.tools import inflight, launched_agents, registry
from skillcache.tools.inflight import Miss, read_miss
from skillcache.tools.lookup import Call, breaker_of, capture_key, make_call
from skillcache.tools.world import World


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
        launched_agents.keep(call, miss)
    elif outcome is not INTERRUPTED:  # the call was made although its result is stored, perhaps as the model insisted
        _take_out(call, planned, miss)
    return outcome


def _take_out(call: Call, planned: Plan, miss: Miss) -> None:
    """One's own result alone: what failed may be the network. Raises StoreError."""
    store = call.open_store()
    try:
        store.delete(entry_key(planned.name, digest_of(miss.key)))
    finally:
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
        writer=writer.describe(call.event, call.world.environ),
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
    if outcome is LAUNCHED and (ended := launched_agents.overtaken(call)) is not None:
        finish_call(ended[0], call.world, ended[1])
    if outcome is not INTERRUPTED:
        from skillcache.commands.housekeeping import tidy  # nobody waits for this

        tidy(call.cache, call.world.now)


def _outcome(call: Call, planned: Plan, miss: Miss, duration: int) -> Outcome:
    if call.event.interrupted:
        return INTERRUPTED
    return record(call, planned, miss, duration)
