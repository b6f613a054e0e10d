"""What runs ahead came to: which results wait to be asked for, seconds hidden and wasted, and which rules are off.

    ahead/runs             one line a run that has ended, and one when somebody asked for its result first, JSON:
                           [unix ms, rule, digest of the project, digest of the key, ms, what, why]
    ahead/kept/{digest}    a result that nobody has asked for yet: `ms SP digest of the project SP why SP rule`
    ahead/failed/{digest}  the same of a failure, which is given once
    ahead/unfit/{digest}   there where a command's run ahead could not be kept; digest: of its folder and words

what, why: as of `Run`, and `what` of the second kind "used"; ms: of the run, and of the second kind what it has hidden.
Whoever takes a file of the last two (there is but one unlink that succeeds) is the first who asked.
"""

import os

from skillcache.commands.ahead import policy
from skillcache.commands.ahead.policy import FAILED, KILLED, REASONS, STORED, UNFIT, USED, Run
from skillcache.core import Record, files, json
from skillcache.core.files import digest
from skillcache.core.paths import failed_ahead_folder, kept_ahead_folder, runs_ahead_file, unfit_ahead_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Runs before that say nothing of today's, and so a rule that has switched itself off is tried again after as long.
DAYS = 30
MOST = 512 << 10  # bytes, some 4,000 lines
_CAP = 4_096


class Total(Record):
    """Of a rule. runs: ahead that have ended; used: somebody asked for their results; hidden, wasted: milliseconds.

    A result that nobody has asked for yet is wasted until somebody does. off: of REASONS, those for which the rule runs
    nothing ahead any more.
    """

    rule: str
    runs: int
    used: int
    hidden: int
    wasted: int
    off: list[str]


def ended(
    cache: str, rule: str, project: str, key: str, milliseconds: int, what: str, why: str, now: float
) -> None:  # fmt: skip
    """Write down a run ahead. key: the digest of its entry, '' where the run ended before there was one.

    To be called while the claim is held: who waits for it looks for what stands here. Raises OSError.
    """
    of = digest(project.encode("utf-8", "surrogateescape"))
    if what in (STORED, FAILED) and key:
        files.write(_waiting(cache, key, failed=what == FAILED), f"{milliseconds} {of} {why} {rule}".encode())
    _append(cache, [int(now * 1000), rule, of, key, milliseconds, what, why])


def refuse(cache: str, cwd: str, words: "Sequence[str]") -> None:
    """Its result could not be kept: who had joined it has waited in vain, and nobody is to again. Raises OSError."""
    files.write(_unfit(cache, cwd, words), b"")


def is_unfit(cache: str, cwd: str, words: "Sequence[str]", now: float) -> bool:
    """Whether that was so within a day."""
    try:
        return os.stat(_unfit(cache, cwd, words)).st_mtime > now - 86_400
    except OSError:
        return False


def used(cache: str, key: str, now: float, *, waited: int = 0) -> int | None:
    """Milliseconds that a run ahead has hidden from the first who asks for this entry; None for everybody else.

    waited: milliseconds that this one has waited for its end. Never a fault.
    """
    path = _waiting(cache, key, failed=False)
    try:
        content = files.read(path, _CAP)
        if content is None or not files.remove(path):
            return None
        ms, of, why, rule = content.decode().split(" ", 3)
        hidden = max(0, int(ms) - waited)
        _append(cache, [int(now * 1000), rule, of, key, hidden, USED, why])
    except (OSError, ValueError):
        return None
    return hidden


def is_to_be_given(cache: str, key: str, since: float) -> bool:
    """Whether a run ahead has failed since then (unix seconds), and nobody was given that."""
    try:
        return os.stat(_waiting(cache, key, failed=True)).st_mtime >= since
    except OSError:
        return False


def give(cache: str, key: str) -> bool:
    """Whether this is the first who asks for a failure; it is then as any result that waits. Raises OSError."""
    path = _waiting(cache, key, failed=False)
    try:
        files.make_folder(path.rpartition("/")[0])
        os.rename(_waiting(cache, key, failed=True), path)
    except FileNotFoundError:
        return False
    return True


def withdraw(cache: str, key: str) -> None:
    """Give a failure to nobody: what has failed may pass by now. Raises OSError."""
    files.remove(_waiting(cache, key, failed=True))


def runs(cache: str, since: float = 0.0) -> list[Run]:
    """Those that have ended since then (unix seconds), oldest first. Raises OSError."""
    found: list[Run] = []
    waiting: dict[tuple[str, str], Run] = {}  # the last of each entry
    for at, rule, project, key, ms, what, why in _lines(cache):
        if what != USED:
            run = Run(at / 1000, rule, project, key, ms / 1000, what, why)
            found.append(run)
            if what in (STORED, FAILED):
                waiting[rule, key] = run
        elif (asked := waiting.pop((rule, key), None)) is not None:
            asked.hidden = ms / 1000
    return [run for run in found if run.at >= since]


def spent(cache: str, project: str) -> list[tuple[float, float]]:
    """When each run ahead of a project has ended, in unix seconds, and how many it took. Raises OSError."""
    of = digest(project.encode("utf-8", "surrogateescape"))
    return [(run.at, run.seconds) for run in runs(cache) if run.project == of]


def totals(cache: str, now: float, since: float = 0.0) -> list[Total]:
    """By rule, the one that has cost or hidden most first. Raises OSError."""
    everything = runs(cache)
    found = []
    for rule, each in _by_rule(everything).items():
        counted = [run for run in each if run.at >= since]
        if counted:
            hidden = round(1000 * sum(run.hidden or 0.0 for run in counted))
            wasted = round(1000 * sum(run.wasted for run in counted))
            used = sum(run.hidden is not None for run in counted)
            found.append(Total(rule, len(counted), used, hidden, wasted, _off(each, now)))
    return sorted(found, key=lambda total: -(total.hidden + total.wasted))


def is_off(cache: str, rule: str, why: str, now: float) -> bool:
    """Whether what the rule runs ahead for this reason is wasted more than it hides, and so not run. Raises OSError."""
    return why in _off([run for run in runs(cache) if run.rule == rule], now)


def off(cache: str, now: float) -> dict[str, list[str]]:
    """The rules that have switched themselves off, and for which reasons. Raises OSError."""
    found = {rule: _off(each, now) for rule, each in _by_rule(runs(cache)).items()}
    return {rule: reasons for rule, reasons in found.items() if reasons}


def _off(each: list[Run], now: float) -> list[str]:
    """Of the runs of a rule."""
    recent = [run for run in each if run.at > now - DAYS * 86_400]
    return [why for why in REASONS if policy.is_off([run for run in recent if run.why == why])]


def _by_rule(found: "Iterable[Run]") -> dict[str, list[Run]]:
    rules: dict[str, list[Run]] = {}
    for run in found:
        rules.setdefault(run.rule, []).append(run)
    return rules


def _waiting(cache: str, key: str, *, failed: bool) -> str:
    return f"{(failed_ahead_folder if failed else kept_ahead_folder)(cache)}/{key}"


def _unfit(cache: str, cwd: str, words: "Sequence[str]") -> str:
    return files.small(unfit_ahead_folder(cache), cwd, *words)


def _append(cache: str, fields: list[object]) -> None:
    files.append(runs_ahead_file(cache), json.dumps(fields).encode("ascii") + b"\n")


def _lines(cache: str) -> "Iterable[tuple[int, str, str, str, int, str, str]]":
    path = runs_ahead_file(cache)
    data = files.newest(path, 2 * MOST)
    if len(data) > MOST:
        data = data[-MOST:].partition(b"\n")[2]
        files.write(path, data)
    for line in data.split(b"\n"):
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        if not isinstance(fields, list) or len(fields) != 7:
            continue
        at, rule, project, key, ms, what, why = fields
        texts = all(isinstance(text, str) for text in (rule, project, key, why))
        if texts and isinstance(at, int) and isinstance(ms, int) and what in (STORED, FAILED, KILLED, UNFIT, USED):
            yield at, rule, project, key, max(0, ms), what, why
