"""Counts of outcomes, kept on this machine in one append-only file.

One line an outcome: `unix-seconds TAB outcome-id TAB rule TAB saved-ms TAB spent-ms`, ASCII. `saved` is the
duration of the run that a hit replaced, `spent` the time our own hook took. The file is local so that a call
costs no round trip for it and so that a dead store can be counted too.
"""

from skillcache import files
from skillcache.outcome import BY_ID, Outcome
from skillcache.paths import tally_file

_CAP = 64 << 20


class Count:
    """One recorded outcome. `at`: unix seconds; `saved`, `spent`: milliseconds."""

    __slots__ = ("at", "outcome", "rule", "saved", "spent")

    def __init__(self, at: int, outcome: Outcome, rule: str, saved: int, spent: int) -> None:
        self.at = at
        self.outcome = outcome
        self.rule = rule
        self.saved = saved
        self.spent = spent


def record(cache: str, now: float, outcome: Outcome, rule: str = "", *, saved: int = 0, spent: int = 0) -> None:
    """Count one outcome. A count that cannot be written is lost: it is never worth a fault."""
    name = "".join(c if " " < c <= "~" else "?" for c in rule)[:80]
    line = f"{int(now)}\t{outcome.id}\t{name}\t{saved}\t{spent}\n"
    try:
        files.append(tally_file(cache), line.encode("ascii"))
    except OSError:
        return


def read(cache: str) -> list[Count]:
    """Every recorded outcome, oldest first; lines of another form are passed over. Raises OSError."""
    counts = []
    for line in (files.read(tally_file(cache), _CAP) or b"").split(b"\n"):
        fields = line.split(b"\t")
        try:
            at, number, rule, saved, spent = fields
            outcome = BY_ID[int(number)]
            counts.append(Count(int(at), outcome, rule.decode("ascii"), int(saved), int(spent)))
        except (KeyError, ValueError):
            continue
    return counts
