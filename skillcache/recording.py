"""From a finished run to an entry: what may be stored, and what the run says about an entry already there.

Runs only after a command that took its time, so modules that cost something to import are welcome here.
"""

import os
import time

from skillcache import bytecode, doubts, files, jsontext, kinds, launches, pending, quarantine, seen, tally, writer
from skillcache.call import Call
from skillcache.entry import JSON, TEXT, Entry, File, encode
from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.failures import shows_failure
from skillcache.fingerprint.disturbance import disturbed
from skillcache.fingerprint.mention import mentions_root
from skillcache.lookup import Lookup, inside, look, place_of
from skillcache.miss import Miss
from skillcache.outcome import (
    CHANGED_INPUTS,
    CUT,
    FAILURE,
    HIDDEN_FAILURE,
    INTERRUPTED,
    LAUNCHED,
    LEFT_ROOT,
    REFUTED,
    SECRET,
    STORED,
    SUPERSEDED,
    TOO_SLOW,
    UNDECLARED,
    Outcome,
)
from skillcache.paths import insisted_folder, package_folder, pending_folder, replays_folder, seen_folder, slow_folder
from skillcache.plan import BASH, Plan
from skillcache.redis_keys import entry_key, is_team_name, record_key, team_name
from skillcache.relocation import relocate
from skillcache.result import Result, Unusable, read_result
from skillcache.secrets import find as find_secret
from skillcache.secrets import spelled
from skillcache.stores import Store, started_of

_AHEAD = 60_000  # milliseconds by which a clock is surely wrong


def record(call: Call, planned: Plan, miss: Miss, duration: int) -> Outcome:
    """What became of the run. `duration`: milliseconds. Raises Bypass, StoreError and OSError."""
    place = place_of(call.event, miss.cwd, call.world.environ, call.settings.number("capture_time"))
    try:
        return _record(call, planned, miss, duration)
    except Bypass as bypass:
        place.blame(bypass)  # whichever of the looks it was
        if bypass.outcome is UNDECLARED:  # a replay of what is stored would not do what this run did
            doubts.doubt_what_is_stored(call, planned, miss)
        raise


def _record(call: Call, planned: Plan, miss: Miss, duration: int) -> Outcome:
    try:
        result = _read(call)
    except Unusable as unusable:
        return _without_result(call, planned, miss, unusable.outcome)
    found = _look_again(call, planned, miss)
    if found is None:
        return CHANGED_INPUTS
    left = _left(call, miss, found)
    if found.workplace is not None and not call.world.let_go():
        return TOO_SLOW  # what was found may be another call's doing
    directory = None
    if planned.tool == BASH and call.event.cwd != miss.cwd:  # another call beside this one may move the shell
        directory = inside(call.event.cwd, found.fingerprint.root)
        if directory is None:
            return LEFT_ROOT
    store = call.open_store()
    try:
        if miss.verifies:
            return doubts.compare(store, call, planned, miss, found, result, directory, left)
        failed = has_failed(result)
        if failed and not planned.failures:
            doubts.doubt(store, call, planned, miss)
            return FAILURE if result.status else HIDDEN_FAILURE
        if find_secret(asked_of(call.event)) or find_secret(_text_of(result)):
            return SECRET
        if any(find_secret(file.content.decode("utf-8", "replace")) for file in left):
            return SECRET
        entry = _entry(call, miss, found, result, directory, duration, left, failed=failed)
        return _store(store, call, planned, miss, found, entry)
    finally:
        store.close()


def _read(call: Call) -> Result:
    """Raises Unusable."""
    cap = int(call.settings.number("max_output"))
    kind = kinds.kind_of(call.event.tool)
    if kind is None:
        return read_result(call.event, cap)
    result: Result = kind.read(call.event, cap)
    return result


def asked_of(event: ToolEvent) -> str:
    """All that the call gives its tool, to be searched for credentials."""
    return str(event.input.get("command")) if event.tool == BASH else spelled(event.input)


def _text_of(result: Result) -> str:
    """What is searched for credentials. JSON hides what stands behind a line's end, whose escape is a letter."""
    return spelled(jsontext.loads(result.output)) if result.form == JSON else result.output.decode("utf-8")


def _without_result(call: Call, planned: Plan, miss: Miss, outcome: Outcome) -> Outcome:
    """What an end that gives nothing to be stored says of what is."""
    if outcome is LAUNCHED:
        launches.keep(call, miss)
    elif planned.tool == BASH:
        if outcome is CUT and call.event.name == "PostToolUseFailure":
            return _take_back(call, planned, miss)
    elif outcome is not INTERRUPTED:  # the call was made although its result is stored, perhaps as the model insisted
        doubts.take_out_own(call, planned, miss)
    return outcome


def _take_back(call: Call, planned: Plan, miss: Miss) -> Outcome:
    """After a failure whose text is not whole: a result that is stored for the same inputs is now in doubt."""
    if _look_again(call, planned, miss) is None:
        return CHANGED_INPUTS
    doubts.doubt_what_is_stored(call, planned, miss)
    if not miss.verifies or planned.failures:  # an entry of a failure may be the same
        return CUT
    quarantine.begin(call.cache, miss.project, planned.name, call.world.now)
    return REFUTED


def _look_again(call: Call, planned: Plan, miss: Miss) -> Lookup | None:
    """What the call depends on at its end; None when that is not what it was all along."""
    seconds = call.settings.number("capture_time")
    found = look(planned, call.event, miss.cwd, call.world.environ, seconds=seconds)
    rows, root, deadline = found.fingerprint.rows, found.fingerprint.root, time.monotonic() + seconds
    environ, since, work = call.world.environ, miss.since, found.workplace
    if work is not None:
        work.require_untouched(miss.trace, environ, deadline=deadline)
    if found.key != miss.key:
        return None
    if work is not None:
        changed = work.touched(since) or work.disturbed(rows, environ, since=since, deadline=deadline)
    else:
        changed = planned.depends != () and disturbed(root, rows, environ, since=since, deadline=deadline)
    return None if changed else found


def _left(call: Call, miss: Miss, found: Lookup) -> tuple[File, ...]:
    """The files that a skill's script has written. Raises Bypass."""
    if found.workplace is None:
        return ()
    cap, deadline = int(call.settings.number("max_output")), time.monotonic() + call.settings.number("capture_time")
    return found.workplace.collect(miss.trace, since=miss.since, cap=cap, deadline=deadline)


def _mentioned(call: Call, found: Lookup) -> bool:
    """Whether a path in the output may come from a file that spells it out."""
    fingerprint, deadline = found.fingerprint, time.monotonic() + call.settings.number("capture_time")
    return mentions_root(fingerprint.root, fingerprint.rows, call.world.environ, deadline=deadline)


def has_failed(result: Result) -> bool:
    """Whether the run failed, by its status or, where a pipe hid that, by its text."""
    if result.form != TEXT:
        return False
    return bool(result.status and not result.meaning) or shows_failure(result.output.decode("utf-8"))


def _entry(
    call: Call,
    miss: Miss,
    found: Lookup,
    result: Result,
    directory: str | None,
    duration: int,
    left: tuple[File, ...],
    *,
    failed: bool,
) -> Entry:
    root, work = found.fingerprint.root, found.workplace
    if result.form == TEXT:
        output, relocated = relocate(result.output, root)
        if relocated and output != result.output and _mentioned(call, found):
            relocated = False
    else:  # it holds everywhere unless it names this place
        named = any(form in result.output for form in (os.fsencode(root), jsontext.dumps(root)[1:-1].encode("ascii")))
        output, relocated = result.output, not named
    if work is not None and not work.holds_elsewhere(left):
        relocated = False
    return Entry(
        key=found.key,
        names={name: generation for name, generation in miss.generations.items() if not is_team_name(name)},
        status=result.status,
        meaning=result.meaning,
        failed=failed,
        output=output if relocated else result.output,
        directory=directory,
        relocated=relocated,
        root=root,
        project=miss.project,
        duration=duration,
        started=miss.started,
        finished=int(call.world.now * 1000),
        writer=writer.describe(call.event, call.world.environ),
        details=found.fingerprint.details,
        form=result.form,
        files=left,
        place=work.place if work is not None and work.is_bound(result.output, left) else "",
    )


def _put(store: Store, key: str, entry: Entry, ttl: int) -> bool:
    def put() -> bool:
        names, generations = tuple(entry.names), tuple(entry.names.values())
        return store.put(key, encode(entry), ttl=ttl, started=entry.started, names=names, generations=generations)

    if put():
        return True
    if started_of(store.get(key, ()).entry) < entry.finished + _AHEAD:
        return False
    store.delete(key)  # it begins in the future: nothing would replace it
    return put()


def _store(store: Store, call: Call, planned: Plan, miss: Miss, found: Lookup, entry: Entry) -> Outcome:
    ttl = planned.failures_ttl if entry.failed else planned.ttl
    if not _put(store, entry_key(planned.name, found.digest), entry, ttl):
        return SUPERSEDED
    team = call.team(planned)
    # A team that was not set when the run began has no generation to hold the result to.
    if team and team_name(team) in miss.generations and call.settings.word("team_mode") == "write":
        entry.names = miss.generations
        _put(store, entry_key(planned.name, found.digest, team), entry, ttl)
    # For `explain`: the entry to compare with when this command misses.
    store.write(record_key("latest", found.command_digest), found.digest.encode("ascii"), ttl)
    if entry.failed:
        seen.see(call.cache, call.event.session_id, call.event.agent_id, found.digest)
    return STORED


def tidy(call: Call) -> None:
    """Housekeeping, after a run that took longer than this does. Raises OSError."""
    tally.trim(call.cache)
    for folder in (pending_folder, replays_folder, seen_folder, insisted_folder, slow_folder):
        pending.sweep(folder(call.cache), call.world.now)
    files.sweep_drafts(call.cache, call.world.now)
    if bytecode.is_needed():
        bytecode.write(package_folder())
