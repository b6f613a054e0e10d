"""Why a call is answered or not, from the same calls that make its key and consult the store; for people."""

from typing import NamedTuple

from skillcache import key
from skillcache.call import Call
from skillcache.consent import approved, approved_tool
from skillcache.consultation import Consultation, consult
from skillcache.entry import Entry, Unreadable, decode
from skillcache.errors import Bypass
from skillcache.fingerprint.difference import differences
from skillcache.lanes import hooks
from skillcache.outcome import HIT, UNDECIDED, Outcome
from skillcache.plan import BASH, Plan
from skillcache.redis_keys import entry_key, record_key
from skillcache.replay import command_line


class Explanation(NamedTuple):
    """What is known of one call.

    outcome, detail: what would become of it; rules: that name it; rows: of its key, empty when none was made;
    digest: of the key; served: the entry of a hit; size: the bytes it would print; nearest: for a miss, the newest
    entry of the same command in the same directory; changes: what differs from that entry, in words.
    """

    command: str
    outcome: Outcome
    detail: str
    rules: tuple[str, ...] = ()
    rows: tuple[key.Row, ...] = ()
    digest: str = ""
    served: Entry | None = None
    size: int = 0
    nearest: Entry | None = None
    changes: tuple[str, ...] = ()


def explain(call: Call) -> Explanation:
    """Raises StoreError and OSError. Nothing is counted, stored or claimed."""
    command = call.command if call.event.tool == BASH else call.event.tool
    rules: tuple[str, ...] = ()
    try:
        planned = call.plan()
        command, rules = planned.command, planned.rules
        hooks.admit(call, planned)
        consulted = consult(call, planned)
        outcome = _approve(call, planned, consulted)
    except Bypass as bypass:
        return Explanation(command, bypass.outcome, bypass.detail, rules)
    found = consulted.found
    known = Explanation(command, outcome, "", rules, found.rows, found.digest)
    if outcome.kind == HIT:
        return known._replace(served=consulted.answer.entry, size=len(consulted.answer.output))
    nearest = _nearest(call, planned, consulted)
    if nearest is None or nearest.key == found.key:
        return known._replace(nearest=nearest)
    captured = [row for row in key.rows_of(nearest.key) if row not in found.called]
    changes = differences(nearest.details, captured, found.fingerprint)
    return known._replace(nearest=nearest, changes=tuple(changes))


def _approve(call: Call, planned: Plan, consulted: Consultation) -> Outcome:
    """The outcome when the person's permission rules have been asked too. Raises Bypass."""
    entry = consulted.answer.entry
    if entry is None:
        return consulted.answer.outcome
    if planned.tool == BASH:
        rewritten = command_line("/a/replay", entry, None, planned.command, "a while")
        allowed = approved(call, rewritten, entry, consulted.project)
    else:
        allowed = approved_tool(call, entry, consulted.project)
    return consulted.answer.outcome if allowed else UNDECIDED


def _nearest(call: Call, planned: Plan, consulted: Consultation) -> Entry | None:
    store = call.open_store()
    try:
        (digest,) = store.read((record_key("latest", consulted.found.command_digest),))
        if digest is None:
            return None
        stored = store.get(entry_key(planned.name, digest.decode("ascii", "replace")), ()).entry
        if stored is None:
            return None
        entry = decode(stored, details=True, most=int(call.settings.number("max_output")))
        key.rows_of(entry.key)
    except (Unreadable, TypeError, ValueError):  # others may have written it
        return None
    else:
        return entry
    finally:
        store.close()
