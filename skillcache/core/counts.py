"""Counts of outcomes, kept on this machine in one append-only file.

One line an outcome: `unix-seconds TAB outcome-id TAB rule TAB run-ms TAB spent-ms`, ASCII; the seconds with three
decimals, and none in older lines. `run` is the duration of
the run that a hit replaced or that has ended (0: unknown); `spent` is the time that we took ourselves, waiting
included. The line of a hit stays where it turned out to be none: one of UNDONE with the same rule and run takes it
back. The file is local so that a call costs no round trip for it and so that a dead store can be counted too.
"""

from skillcache.core import files
from skillcache.core.outcomes import BY_ID, HIT, UNDONE, Outcome
from skillcache.core.paths import tally_file
from skillcache.core.record import Record

_CAP = 64 << 20
_MOST = 16 << 20  # bytes, some 400,000 counts; `trim` then keeps the newer half


class Count(Record):
    """One recorded outcome."""

    at: int  # unix seconds
    outcome: Outcome
    rule: str
    run: int  # milliseconds
    spent: int  # milliseconds
    ms: int = 0  # of the second


def record(cache: str, now: float, outcome: Outcome, rule: str = "", *, run: int = 0, spent: int = 0) -> None:
    """Count one outcome. A count that cannot be written is lost: it is never worth a fault."""
    name = "".join(c if " " < c <= "~" else "?" for c in rule)[:80]
    line = f"{now:.3f}\t{outcome.id}\t{name}\t{run}\t{spent}\n"
    try:
        files.append(tally_file(cache), line.encode("ascii"))
    except OSError:
        return


def trim(cache: str) -> None:
    """Keep the file from growing for ever; what others count in that moment may be lost."""
    import os  # after a slow run only

    path = tally_file(cache)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            size = os.fstat(handle).st_size
            newer = os.pread(handle, _MOST // 2, size - _MOST // 2) if size > _MOST else b""
        finally:
            os.close(handle)
        if newer:
            files.write(path, newer.partition(b"\n")[2])
    except OSError:
        return


def read(cache: str) -> list[Count]:
    """Every recorded outcome, oldest first, without hits that were none. Raises OSError."""
    return _without_undone(parse(files.read(tally_file(cache), _CAP) or b""))


def parse(data: bytes) -> list[Count]:
    """The counts in some lines of the file; those of another form are passed over."""
    counts = []
    for line in data.split(b"\n"):
        fields = line.split(b"\t")
        try:
            at, number, rule, run, spent = fields
            outcome = BY_ID[int(number)]
            seconds, _, part = at.partition(b".")
            counts.append(Count(int(seconds), outcome, rule.decode("ascii"), int(run), int(spent), int(part or b"0")))
        except (KeyError, ValueError):
            continue
    return counts


def _without_undone(counts: list[Count]) -> list[Count]:
    hits: dict[tuple[str, int], list[Count]] = {}
    gone = set()
    for count in counts:
        same = (count.rule, count.run)
        if count.outcome.kind == HIT:
            hits.setdefault(same, []).append(count)
        elif count.outcome is UNDONE:
            count.run = 0
            if hits.get(same):
                hit = hits[same].pop()
                count.spent += hit.spent
                gone.add(id(hit))
    return [count for count in counts if id(count) not in gone]
