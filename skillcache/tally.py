"""Counts of outcomes, kept on this machine in one append-only file.

One line an outcome: `unix-seconds TAB outcome-id TAB rule TAB run-ms TAB spent-ms`, ASCII. `run` is the duration of
the run that a hit replaced, that has ended, or that a bypass expects (0: unknown); `spent` is the time our own hook
took. The file is local so that a call costs no round trip for it and so that a dead store can be counted too.
"""

from skillcache import files
from skillcache.outcome import BY_ID, Outcome
from skillcache.paths import tally_file

_CAP = 64 << 20
_MOST = 16 << 20  # bytes, some 400,000 counts; `trim` then keeps the newer half


class Count:
    """One recorded outcome. `at`: unix seconds; `run`, `spent`: milliseconds."""

    __slots__ = ("at", "outcome", "rule", "run", "spent")

    def __init__(self, at: int, outcome: Outcome, rule: str, run: int, spent: int) -> None:
        self.at = at
        self.outcome = outcome
        self.rule = rule
        self.run = run
        self.spent = spent


def record(cache: str, now: float, outcome: Outcome, rule: str = "", *, run: int = 0, spent: int = 0) -> None:
    """Count one outcome. A count that cannot be written is lost: it is never worth a fault."""
    name = "".join(c if " " < c <= "~" else "?" for c in rule)[:80]
    line = f"{int(now)}\t{outcome.id}\t{name}\t{run}\t{spent}\n"
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
    """Every recorded outcome, oldest first. Raises OSError."""
    return parse(files.read(tally_file(cache), _CAP) or b"")


def parse(data: bytes) -> list[Count]:
    """The counts in some lines of the file; those of another form are passed over."""
    counts = []
    for line in data.split(b"\n"):
        fields = line.split(b"\t")
        try:
            at, number, rule, run, spent = fields
            outcome = BY_ID[int(number)]
            counts.append(Count(int(at), outcome, rule.decode("ascii"), int(run), int(spent)))
        except (KeyError, ValueError):
            continue
    return counts
