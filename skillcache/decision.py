"""What the store's answer means for a planned call: the entry is served, or the tool runs. Pure functions of values."""

from skillcache.digest import digest
from skillcache.entry import Entry, Unreadable, decode
from skillcache.outcome import (
    ELSEWHERE,
    EXPIRED,
    FRESH,
    INVALIDATED,
    NO_ENTRY,
    REPLAYED,
    SEEN_FAILURE,
    UNREADABLE_ENTRY,
    Outcome,
)
from skillcache.plan import Plan


class Answer:
    """outcome: REPLAYED or the miss; entry, output: what is served, the paths in it being those of this root."""

    __slots__ = ("entry", "outcome", "output")

    def __init__(self, outcome: Outcome, entry: Entry | None = None, output: bytes = b"") -> None:
        self.outcome = outcome
        self.entry = entry
        self.output = output


def decide(
    plan: Plan,
    *,
    key: str,
    found: bytes | None,
    generations: dict[str, int],
    root: str,
    now: float,
    seen_failure: bool,
) -> Answer:
    """`found`: the stored bytes; `generations`: each name's present one; `seen_failure`: see `seen`."""
    if plan.fresh:
        return Answer(FRESH)
    if found is None:
        return Answer(NO_ENTRY)
    try:
        entry = decode(found)
    except Unreadable:
        return Answer(UNREADABLE_ENTRY)
    if entry.key != key:
        return Answer(UNREADABLE_ENTRY)
    if entry.names != generations:
        return Answer(INVALIDATED)
    ttl = plan.failures_ttl if entry.failed else plan.ttl
    # An entry from the future is another machine's wrong clock; it is not younger than new.
    if now - entry.finished / 1000 > ttl:
        return Answer(EXPIRED)
    if entry.failed and (seen_failure or not plan.failures):
        return Answer(SEEN_FAILURE)
    return _serve(entry, root)


def _serve(entry: Entry, root: str) -> Answer:
    if entry.relocated and b"\0" not in entry.output:  # it names no root
        return Answer(REPLAYED, entry, entry.output)
    if entry.relocated:
        from skillcache.relocation import expand, expandable

        if expandable(entry.output, entry.root, root):
            try:
                return Answer(REPLAYED, entry, expand(entry.output, root))
            except KeyError:  # a mark that no recorder makes
                return Answer(UNREADABLE_ENTRY)
    elif entry.root == root:
        return Answer(REPLAYED, entry, entry.output)
    return Answer(ELSEWHERE)


def chosen_for_verification(tool_use_id: str, share: float) -> bool:
    """Whether this would-be hit runs for real: the call's own id decides, so the choice needs no chance."""
    return int(digest(tool_use_id.encode("utf-8", "replace"))[:12], 16) < share * (1 << 48)
