"""From a finished run to an entry: what may be stored, and what the run says about an entry already there.

Runs only after a command that took its time, so modules that cost something to import are welcome here.
"""

from skillcache import pending, quarantine, seen, writer
from skillcache.decision import Plan
from skillcache.entry import Entry, Unreadable, decode, encode
from skillcache.event import ToolEvent
from skillcache.failures import shows_failure
from skillcache.lookup import Lookup, inside, look
from skillcache.normalize import normalized
from skillcache.outcome import (
    CHANGED_INPUTS,
    CONFIRMED,
    FAILURE,
    HIDDEN_FAILURE,
    LEFT_ROOT,
    REFUTED,
    SECRET,
    STORED,
    SUPERSEDED,
    Outcome,
)
from skillcache.paths import pending_folder, replays_folder, seen_folder
from skillcache.redis_keys import entry_key, latest_key
from skillcache.relocation import expand, relocate
from skillcache.result import Result, Unusable, read_result
from skillcache.runtime import World
from skillcache.secrets import find as find_secret
from skillcache.settings import Settings
from skillcache.stores import Store, open_store


class Miss:
    """What PreToolUse saved of the call: see its `_record`. started: milliseconds since the epoch."""

    __slots__ = ("cwd", "generations", "key", "project", "started", "verifies")

    def __init__(self, record: dict[str, object]) -> None:
        """Raises KeyError, TypeError or ValueError for a record of another form."""
        self.cwd = str(record["cwd"])
        self.key = str(record["key"])
        self.project = str(record["project"])
        self.started = int(str(record["started"]))
        self.verifies = record["verifies"] is True
        generations = record["generations"]
        if not isinstance(generations, dict):
            raise TypeError("generations are not an object")
        self.generations = {str(name): int(value) for name, value in generations.items()}


def settle(
    event: ToolEvent, world: World, settings: Settings, planned: Plan, record: dict[str, object], duration: int
) -> Outcome:
    """What became of the run: stored, or why not. Raises Bypass, StoreError and OSError."""
    miss = Miss(record)
    try:
        result = read_result(event, int(settings.number("max_output")))
    except Unusable as unusable:
        return unusable.outcome
    found = look(planned, miss.cwd, world.environ, seconds=settings.number("capture_time"))
    if found.key != miss.key:
        return CHANGED_INPUTS
    store = open_store(settings.store, now=world.now)
    try:
        if miss.verifies:
            return _compare(store, world, settings, planned, found, result, event.cwd, miss)
        return _store(store, event, world, settings, planned, found, result, miss, duration)
    finally:
        store.close()


def _store(
    store: Store,
    event: ToolEvent,
    world: World,
    settings: Settings,
    planned: Plan,
    found: Lookup,
    result: Result,
    miss: Miss,
    duration: int,
) -> Outcome:
    place = entry_key(planned.name, found.digest)
    failed = has_failed(result)
    if failed and not planned.failures:
        # A pass that is stored under the same inputs is now in doubt: neither is served.
        store.delete(place)
        return FAILURE if result.status else HIDDEN_FAILURE
    if find_secret(planned.command) or find_secret(result.output.decode("utf-8")):
        return SECRET
    directory = None
    if event.cwd != miss.cwd:
        directory = inside(event.cwd, found.fingerprint.root)
        if directory is None:
            return LEFT_ROOT
    output, relocated = relocate(result.output, found.fingerprint.root)
    entry = Entry(
        key=found.key,
        names=miss.generations,
        status=result.status,
        meaning=result.meaning,
        output=output if relocated else result.output,
        directory=directory,
        relocated=relocated,
        root=found.fingerprint.root,
        project=miss.project,
        duration=duration,
        started=miss.started,
        finished=int(world.now * 1000),
        writer=writer.describe(event, world.environ),
        details=found.fingerprint.details,
    )
    ttl = planned.failures_ttl if failed else planned.ttl
    stored = store.put(
        place,
        encode(entry),
        ttl=ttl,
        started=miss.started,
        names=planned.names,
        generations=tuple(miss.generations[name] for name in planned.names),
    )
    if not stored:
        return SUPERSEDED
    store.write(latest_key(planned.name, found.command_digest), found.digest.encode("ascii"), ttl)
    if failed:
        seen.see(settings.cache, event.session_id, event.agent_id, found.digest)
    for folder in (pending_folder, replays_folder, seen_folder):
        pending.sweep(folder(settings.cache), world.now)
    return STORED


def _compare(
    store: Store,
    world: World,
    settings: Settings,
    planned: Plan,
    found: Lookup,
    result: Result,
    ended_in: str,
    miss: Miss,
) -> Outcome:
    """Hold a verifying run against the entry it would have been answered by."""
    place = entry_key(planned.name, found.digest)
    stored = store.get(place, planned.names).entry
    try:
        entry = decode(stored or b"")
    except Unreadable:
        return SUPERSEDED
    root = found.fingerprint.root
    recorded = expand(entry.output, root) if entry.relocated else entry.output
    directory = inside(ended_in, root) if ended_in != miss.cwd else None
    same = (
        entry.status == result.status
        and entry.directory == directory
        and normalized(recorded.decode("utf-8"), root, planned.normalize)
        == normalized(result.output.decode("utf-8"), root, planned.normalize)
    )
    if same:
        return CONFIRMED
    store.delete(place)
    quarantine.begin(settings.cache, miss.project, planned.name, world.now)
    return REFUTED


def has_failed(result: Result) -> bool:
    """Whether the run failed, by its status or, where a pipe hid that, by its text."""
    return bool(result.status and not result.meaning) or shows_failure(result.output.decode("utf-8"))
