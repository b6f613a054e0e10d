"""Counts of outcomes, kept on this machine in one append-only file.

One line an outcome, ASCII:

    unix-seconds TAB outcome-id TAB rule TAB run-ms TAB spent-ms [TAB project TAB session TAB command]

The seconds have three decimals, and none in older lines. `run` is the duration of the run that a hit replaced or that
has ended (0: unknown); `spent` is the time that we took ourselves, waiting included. project: top of the worktree;
command: what may be said of it (`told`). The line of a hit stays where it turned out to be none: one of UNDONE with the
same rule and run takes it back. The file is local so that a call costs no round trip for it and so that a dead store
can be counted too.
"""

from skillcache.core import Record, files
from skillcache.core.outcomes import BY_ID, HIT, UNDONE, Outcome
from skillcache.core.paths import tally_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_CAP = 64 << 20
_MOST = 16 << 20  # bytes, some 150,000 counts; `trim` then keeps the newer half
SESSION = 64
_FIELDS = (80, 200, SESSION, 120)  # characters of a rule, a project, a session and a command
_LONGEST, _RUN = 60, 19  # of a word that is told: more in one piece, or any of these in it, may be a credential
_JOINTS = str.maketrans("/._-=:,", " " * 7)
_PRIVATE = ("auth", "cred", "key", "pass", "pw", "secret", "token")


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


def record(
    cache: str,
    now: float,
    outcome: Outcome,
    rule: str = "",
    *,
    run: int = 0,
    spent: int = 0,
    call: tuple[str, str, str] = ("", "", ""),
) -> None:
    """Count one outcome. A count that cannot be written is lost: it is never worth a fault.

    `call`: project, session and command.
    """
    name, *rest = [
        "".join([c if " " <= c <= "~" else "?" for c in text[:most]])
        for text, most in zip((rule, *call), _FIELDS, strict=True)
    ]
    told = "\t".join([f"{now:.3f}\t{outcome.id}\t{name.replace(' ', '?')}\t{run}\t{spent}", *rest])
    line = told.rstrip("\t") + "\n"
    try:
        files.append(tally_file(cache), line.encode("ascii"))
    except OSError:
        return


def told(words: "Iterable[str]") -> str:
    """A command as it may be said: a word that may be a credential, or is too long, is left out."""
    kept, is_private = [], False
    for word in words:
        runs = word.translate(_JOINTS).split()
        lowered = word.lower()
        names = any(each in lowered for each in _PRIVATE)
        plain = len(word) <= _LONGEST and all(len(run) <= _RUN for run in runs) and not ("=" in word and names)
        kept.append("..." if is_private or not plain or "@" in word or "\n" in word else word)
        is_private = names and word.startswith("-") and "=" not in word
    return " ".join(kept)


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
