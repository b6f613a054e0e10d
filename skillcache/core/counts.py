"""The counts of outcomes that `outcomes.record` has kept on this machine, read again."""

from skillcache.core import Record, files
from skillcache.core.outcomes import BY_ID, HIT, UNDONE, Outcome
from skillcache.core.paths import tally_file

_CAP = 64 << 20
_MOST = 16 << 20  # bytes, some 150,000 counts; `trim` then keeps the newer half


class Count(Record):
    """One recorded outcome."""

    at: int  # unix seconds
    outcome: Outcome
    rule: str
    run: int  # milliseconds
    spent: int  # milliseconds
    ms: int = 0  # of the second
    project: str = ""
    session: str = ""
    command: str = ""


def trim(path: str) -> None:
    """Keep a file of lines from growing for ever; what others add in that moment may be lost."""
    import os  # after a slow run only

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
            at, number, rule, run, spent, *rest = fields
            outcome = BY_ID[int(number)]
            seconds, _, part = at.partition(b".")
            called = [field.decode("ascii") for field in rest[:3]]
            name, ms = rule.decode("ascii"), int(part or b"0")
            counts.append(Count(int(seconds), outcome, name, int(run), int(spent), ms, *called))
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
