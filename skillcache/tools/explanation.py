"""Why a call is answered or not, from the same calls that make its key and consult the store; for people."""

from typing import NamedTuple

from skillcache.cache.capture import CallKey, Plan
from skillcache.core.outcomes import HIT, UNDECIDED, Bypass, Outcome
from skillcache.fingerprint.differences import differences
from skillcache.stores import entry as key
from skillcache.stores.contract import Store
from skillcache.stores.entry import Entry, Unreadable, decode
from skillcache.stores.redis_keys import entry_key, record_key
from skillcache.tools.before import REFUSAL, approved
from skillcache.tools.lookup import Call, consult


class Explanation(NamedTuple):
    """What is known of one call.

    outcome, detail: what would become of it; rule: that names it, "" for none; rows: of its key, empty when none was
    made; digest: of the key; served: the entry of a hit; size: the bytes it would give; nearest: for a miss, the
    newest entry of the same call in the same directory; changes: what differs from that entry, in words.
    """

    command: str
    outcome: Outcome
    detail: str
    rule: str = ""
    rows: tuple[key.Row, ...] = ()
    digest: str = ""
    served: Entry | None = None
    size: int = 0
    nearest: Entry | None = None
    changes: tuple[str, ...] = ()


def explain(call: Call) -> Explanation:
    """Of a call that hooks answer. Raises StoreError and OSError. Nothing is counted, stored or claimed."""
    command, rule = call.event.tool, ""
    try:
        planned = call.plan()
        command, rule = planned.command, planned.rule
        REFUSAL.admit(call, planned)
        consulted = consult(call, planned)
        answer = consulted.answer
        allowed = answer.entry is None or approved(call, answer.entry, consulted.project)
    except Bypass as bypass:
        return Explanation(command, bypass.outcome, bypass.detail, rule)
    outcome, found = (answer.outcome if allowed else UNDECIDED), consulted.found
    known = Explanation(command, outcome, "", rule, found.rows, found.digest)
    if outcome.kind == HIT:
        return known._replace(served=answer.entry, size=len(answer.output))
    store = call.open_store()
    try:
        return compared(known, found, nearest(store, planned, found, int(call.settings.number("max_output"))))
    finally:
        store.close()


def nearest(store: Store, planned: Plan, found: CallKey, most: int) -> Entry | None:
    """The newest entry of the same call. `most`: bytes of its output. Raises StoreError."""
    (digest,) = store.read((record_key("latest", found.command_digest),))
    if digest is None:
        return None
    stored = store.get(entry_key(planned.name, digest.decode("ascii", "replace")), ()).entry
    if stored is None:
        return None
    try:
        entry = decode(stored, details=True, most=most)
        key.rows_of(entry.key)
    except (Unreadable, TypeError, ValueError):  # others may have written it
        return None
    return entry


def compared(known: Explanation, found: CallKey, newest: Entry | None) -> Explanation:
    """`known`, and what differs from `newest`."""
    if newest is None or newest.key == found.key:
        return known._replace(nearest=newest)
    captured = [row for row in key.rows_of(newest.key) if row not in found.called]
    changes = tuple(differences(newest.details, captured, found.fingerprint))
    return known._replace(nearest=newest, changes=changes)
