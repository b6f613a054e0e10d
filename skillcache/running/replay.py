"""From what is stored under a job's key to the two streams that a replay prints."""

from skillcache.entry import STREAMS, Entry, Unreadable, decode
from skillcache.outcome import ELSEWHERE, EXPIRED, INVALIDATED, NO_ENTRY, UNREADABLE_ENTRY, Outcome
from skillcache.relocation import expand, expandable

ERROR = "stderr"  # the path under which an entry keeps standard error
POSITION = "stdin"  # the detail that says how far the run read its input, a file


class Replay:
    """output, error: what is printed on the two streams."""

    __slots__ = ("entry", "error", "output")

    def __init__(self, entry: Entry, output: bytes, error: bytes) -> None:
        self.entry = entry
        self.output = output
        self.error = error


def decide(
    found: bytes | None, *, key: str, generations: dict[str, int], ttl: int, root: str, now: float
) -> Replay | Outcome:
    """The replay, or the miss.

    generations: each name's present one; ttl: seconds; root: of this worktree; now: unix seconds.
    """
    if found is None:
        return NO_ENTRY
    try:
        entry = decode(found, details=True)
    except Unreadable:
        return UNREADABLE_ENTRY
    if entry.key != key or entry.form != STREAMS:
        return UNREADABLE_ENTRY
    if entry.names != generations:
        return INVALIDATED
    if now - entry.finished / 1000 > ttl and not entry.pinned:
        return EXPIRED
    error = b"".join(file.content for file in entry.files if file.path == ERROR)
    streams = [entry.output, error]
    if not entry.relocated:
        return Replay(entry, *streams) if entry.root == root else ELSEWHERE
    if not all(expandable(stream, entry.root, root) for stream in streams):
        return ELSEWHERE
    try:
        return Replay(entry, *(expand(stream, root) for stream in streams))
    except KeyError:  # a mark that no recorder makes
        return UNREADABLE_ENTRY
