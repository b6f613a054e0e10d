"""What is stored for the inputs of a run that says otherwise: it is taken out, or not served here for a day."""

from skillcache import quarantine
from skillcache.call import Call
from skillcache.entry import Entry, File, Unreadable, decode
from skillcache.errors import StoreError
from skillcache.key import digest_of
from skillcache.lookup import Lookup
from skillcache.miss import Miss
from skillcache.normalize import normalized
from skillcache.outcome import CONFIRMED, REFUTED, SUPERSEDED, Outcome
from skillcache.plan import Plan
from skillcache.redis_keys import entry_key
from skillcache.relocation import expand
from skillcache.result import Result
from skillcache.skill.outputs import are_alike
from skillcache.stores import Store


def doubt(store: Store, call: Call, planned: Plan, miss: Miss) -> None:
    """After a failure a pass of the same inputs is in doubt. Raises StoreError and OSError."""
    try:
        _take_out(store, call, planned, miss)
    except StoreError:
        quarantine.begin(call.cache, miss.project, planned.name, call.world.now)
        raise


def doubt_what_is_stored(call: Call, planned: Plan, miss: Miss) -> None:
    store = call.open_store()
    try:
        doubt(store, call, planned, miss)
    finally:
        store.close()


def take_out_own(call: Call, planned: Plan, miss: Miss) -> None:
    """One's own result alone: what failed may be the network. Raises StoreError."""
    store = call.open_store()
    try:
        store.delete(entry_key(planned.name, digest_of(miss.key)))
    finally:
        store.close()


def _take_out(store: Store, call: Call, planned: Plan, miss: Miss) -> None:
    digest = digest_of(miss.key)
    store.delete(entry_key(planned.name, digest))
    team = call.team(planned)
    if not team:
        return
    shared = entry_key(planned.name, digest, team)
    if call.settings.word("team_mode") == "write":
        store.delete(shared)
    elif store.get(shared, ()).entry is not None:  # it is not ours to take back
        quarantine.begin(call.cache, miss.project, planned.name, call.world.now)


def compare(
    store: Store,
    call: Call,
    planned: Plan,
    miss: Miss,
    found: Lookup,
    result: Result,
    directory: str | None,
    left: tuple[File, ...],
) -> Outcome:
    """Hold a verifying run against the entry it would have been answered by: one's own, else the team's."""
    team, own = call.team(planned), entry_key(planned.name, found.digest)
    held = store.get(own, (), entry_key(planned.name, found.digest, team) if team else None)
    most = int(call.settings.number("max_output"))
    entry = _readable(held.entry, most) or _readable(held.also, most)
    if entry is None:  # gone meanwhile
        return SUPERSEDED
    root = found.fingerprint.root
    try:
        recorded = expand(entry.output, root, most=most) if entry.relocated else entry.output
    except ValueError:  # another one by now, for this one cannot be served
        return SUPERSEDED
    texts = [normalized(text.decode("utf-8", "replace"), root, planned.normalize) for text in (recorded, result.output)]
    same = entry.status == result.status and entry.directory == directory and texts[0] == texts[1]
    if same and are_alike(entry.files, left, lambda text: normalized(text, root, planned.normalize)):
        return CONFIRMED
    quarantine.begin(call.cache, miss.project, planned.name, call.world.now)
    doubt(store, call, planned, miss)
    return REFUTED


def _readable(data: bytes | None, most: int) -> Entry | None:
    try:
        return decode(data or b"", most=most)
    except Unreadable:
        return None
