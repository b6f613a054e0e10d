"""Whether a stored result is served: a function of what is known."""

from skillcache.cache.capture import Plan
from skillcache.core import KW_ONLY, Record
from skillcache.core.outcomes import (
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
from skillcache.stores.entry import ERROR, STREAMS, Entry, Unreadable, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.stores.contract import Store
    from skillcache.stores.near_cache import Near

_AHEAD = 300.0  # seconds by which clocks differ
_NAMES = 100  # that an entry may be bound to: a store is asked for each, and no call has so many rules


class Answer(Record):
    outcome: Outcome  # REPLAYED or the miss
    entry: Entry | None = None  # what is served
    output: bytes = b""  # its standard output, with the paths of this root
    unknown: tuple[str, ...] = ()  # names of the entry whose generations are still to be asked for
    _: KW_ONLY
    error: bytes = b""  # its standard error, likewise
    stored: bytes = b""  # the entry's own bytes, of which its details are read later


class Inquiry(Record):
    """What the entry of a call must be of."""

    _: KW_ONLY
    key: str  # full key text
    names: tuple[str, ...]  # those that every entry of the call bears
    generations: dict[str, int]  # present ones by name
    root: str  # of the worktree
    place: str  # what else of the machine an entry may be bound to, see `Entry`
    now: float  # unix seconds
    form: str  # of the output
    failures: bool  # whether a failure may be served
    most: int  # bytes of its output


def decide(plan: Plan, inquiry: Inquiry, own: bytes | None, shared: bytes | None = None) -> Answer:
    """`own`: the bytes stored for the person; `shared`: for their team. One's own is served where both could be."""
    if plan.fresh:
        return Answer(FRESH)
    answer = _judge(plan, inquiry, own)
    if answer.entry is not None or shared is None:
        return answer
    other = _judge(plan, inquiry, shared)
    if other.entry is not None or answer.outcome is NO_ENTRY:
        return other
    answer.unknown += other.unknown
    return answer


def ask(
    store: "Store | Near",
    plan: Plan,
    inquiry: Inquiry,
    key: str,
    names: tuple[str, ...],
    shared: str | None = None,
) -> tuple[Answer, dict[str, int]]:
    """What may be served of what is stored under `key`, or for a team under `shared`, and the generations of `names`.

    One round trip, a second one where an entry is bound to other names; `inquiry` is told their generations. Raises
    StoreError.
    """
    stored = store.get(key, names, shared)
    generations = dict(zip(names, stored.generations, strict=True))
    inquiry.generations.update(generations)
    answer = decide(plan, inquiry, stored.entry, stored.also)
    if answer.unknown:
        more = store.get(key, answer.unknown).generations
        inquiry.generations.update(zip(answer.unknown, more, strict=True))
        answer = decide(plan, inquiry, stored.entry, stored.also)
    return answer, generations


def _judge(plan: Plan, inquiry: Inquiry, found: bytes | None) -> Answer:
    if found is None:
        return Answer(NO_ENTRY)
    try:
        entry = decode(found, most=inquiry.most)
    except Unreadable:
        return Answer(UNREADABLE_ENTRY)
    if entry.key != inquiry.key or entry.form != inquiry.form or len(entry.names) > _NAMES:
        return Answer(UNREADABLE_ENTRY)
    # Another project's result on the same content bears that project's name.
    unknown = tuple([name for name in entry.names if name not in inquiry.generations])
    if unknown:
        return Answer(INVALIDATED, unknown=unknown)
    if not _is_current(entry, inquiry):
        return Answer(INVALIDATED)
    ttl = plan.failures_ttl if entry.failed else plan.ttl
    # One from the future is of a clock that was wrong: how old it is nobody knows.
    if not -_AHEAD <= inquiry.now - entry.finished / 1000 <= ttl and not entry.pinned:
        return Answer(EXPIRED)
    if entry.failed and not inquiry.failures:
        return Answer(SEEN_FAILURE)
    if entry.place and not set(entry.place.split("\n")) <= set(inquiry.place.split("\n")):
        return Answer(ELSEWHERE)
    answer = _serve(entry, inquiry.root, inquiry.most)
    answer.stored = found
    return answer


def _is_current(entry: Entry, inquiry: Inquiry) -> bool:
    """Whether every name that could have invalidated the entry is as it was when its run began."""
    if not entry.names.keys() >= set(inquiry.names):
        return False
    return all(inquiry.generations[name] == generation for name, generation in entry.names.items())


def place_of_home(environ: "Mapping[str, str]") -> str:
    """What an entry is bound to whose text names the home folder, for another person has another."""
    return f"home {environ.get('HOME', '')}"


def _serve(entry: Entry, root: str, most: int) -> Answer:
    error = b""
    if entry.form == STREAMS:
        error = b"".join([file.content for file in entry.files if file.path == ERROR])
    if entry.relocated and b"\0" not in entry.output + error:  # it names no root
        return Answer(REPLAYED, entry, entry.output, error=error)
    if entry.relocated:
        from skillcache.cache.relocation import expand, expandable

        if expandable(entry.output, entry.root, root) and expandable(error, entry.root, root):
            try:
                streams = [expand(stream, root, most=most) for stream in (entry.output, error)]
                return Answer(REPLAYED, entry, streams[0], error=streams[1])
            except ValueError:
                return Answer(UNREADABLE_ENTRY)
    elif entry.root == root:
        return Answer(REPLAYED, entry, entry.output, error=error)
    return Answer(ELSEWHERE)


def origin(entry: Entry, session_id: str) -> str:
    """Who recorded it, as `session_id` would say."""
    from skillcache.cache.put import is_same_person  # a shim says nothing

    if not is_same_person(entry.writer):
        return f"by {named(entry.writer.get('user'))} on {named(entry.writer.get('host'))}"
    same = entry.writer.get("session") == session_id
    return "in this session" if same else "on this machine, by another session"


def age_of(entry: Entry, now: float) -> str:
    """How long ago the run ended, in one unit."""
    seconds = max(0, int(now - entry.finished / 1000))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size or (unit == "minute" and seconds >= size):
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"


def named(text: str | None) -> str:
    """A name from the store, which others may write, as one harmless word."""
    plain = "".join(c for c in text or "" if c.isalnum() or c in "-_.@:")
    return plain[:64] or "someone"
