"""What was counted, as people ask for it: since when, by what, and why commands ran. `stats` and `report` print it."""

import json
import os
import statistics
import time
import zlib
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from skillcache.commands.ahead.policy import AFTER_EDIT, AT_START, JUDGED, LINE, NEXT
from skillcache.core import files
from skillcache.core.counts import Count
from skillcache.core.outcomes import BY_ID, HIT, MISS, NO_ENTRY, STORE, STORED, Outcome, SkillcacheError
from skillcache.core.paths import misses_file
from skillcache.fingerprint.capture import Fingerprint
from skillcache.sessions.text import legible
from skillcache.tools.explanation import differences

BY = ("command", "project", "day", "session")
_UNITS = {"min": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
_CAP = 64 << 20
_NEWEST = 200  # misses that are explained: git is asked about some of them
_STATE = 4 << 20  # bytes of a state, unpacked
_WORKTREES = "/.claude/worktrees/"
_BEGUN = {LINE: "from its line", NEXT: "after another check", AT_START: "at a start", AFTER_EDIT: "after an edit"}
FIRST_RUN = "it had not run here before"


class Group(NamedTuple):
    """Times in milliseconds. run, replay: the median run and the median time that a replay took; 0 without any."""

    name: str
    hits: int
    misses: int
    saved: int
    ran: int  # all runs that have ended, together
    run: int
    replay: int

    @property
    def hit_rate(self) -> float | None:
        return self.hits / (self.hits + self.misses) if self.hits + self.misses else None


class Missed(NamedTuple):
    """A run that followed a miss. at: unix seconds; why: in words, the first the weightiest; ms: of the run."""

    at: int
    project: str
    session: str
    command: str
    outcome: Outcome
    why: list[str]
    ms: int


class Reason(NamedTuple):
    """text: what made commands run; runs: how many; ms: what these took."""

    text: str
    runs: int
    ms: int
    commands: list[str]


def beginning(text: str, now: float) -> int:
    """Unix seconds of "30min", "12h", "7d", "2w", "today" or a date. Raises SkillcacheError."""
    for unit, seconds in _UNITS.items():
        number = text.removesuffix(unit)
        if number != text and number.isascii() and number.isdecimal() and len(number) < 6:
            return int(now) - int(number) * seconds
    try:
        day = datetime.fromtimestamp(now).astimezone() if text == "today" else datetime.fromisoformat(text)
    except ValueError:
        raise SkillcacheError(
            f"--since {text}: say 30min, 12h, 7d, 2w, today or a date such as 2026-01-31,"
            " as in: skillcache stats --since 7d"
        ) from None
    return int(day.replace(hour=0, minute=0, second=0).timestamp()) if text == "today" else int(day.timestamp())


def groups(counts: Iterable[Count], by: str) -> list[Group]:
    """`by`: one of BY. Days newest first, the others by the time that their runs took or would have taken."""
    found: dict[str, list[Count]] = {}
    for count in counts:
        name = name_of(count, by)
        if name:
            found.setdefault(name, []).append(count)
    made = [group for name, held in found.items() if (group := _group(name, held)).hits or group.misses or group.ran]
    if by == "day":
        return sorted(made, key=lambda group: group.name, reverse=True)
    return sorted(made, key=lambda group: -(group.saved + group.ran))


def name_of(count: Count, by: str) -> str:
    if by == "day":
        return time.strftime("%Y-%m-%d", time.localtime(count.at))
    if by == "session":
        return legible(count.session[:8])
    if by == "project":
        return legible(project_of(count.project))
    return legible(count.command or count.rule)


def project_of(path: str) -> str:
    """A worktree that the client made counts with its project; one's own home is ~."""
    path = path.partition(_WORKTREES)[0]
    home = os.path.expanduser("~")
    return "~" + path[len(home) :] if path == home or path.startswith(home + "/") else path


def _group(name: str, counts: Sequence[Count]) -> Group:
    hits = [count for count in counts if count.outcome.kind == HIT]
    runs = [count.run for count in counts if count.outcome.kind == STORE and count.run]
    return Group(
        name,
        len(hits),
        sum(1 for count in counts if count.outcome.kind == MISS),
        sum(count.run for count in hits),
        sum(runs),
        int(statistics.median(runs)) if runs else 0,
        int(statistics.median(count.spent for count in hits)) if hits else 0,
    )


def missed(cache: str, since: int) -> list[Missed]:
    """Oldest first, each with why it ran. Raises OSError."""
    lines = [line for line in (files.read(misses_file(cache), _CAP) or b"").split(b"\n") if line]
    read = [told for line in lines if (told := _told(line)) is not None]
    before: dict[tuple[str, str], Mapping[str, Any]] = {}
    found = []
    for number, told in enumerate(read):
        call = (told["project"], told["call"])
        if told["at"] >= since and number >= len(read) - _NEWEST:
            why = _why(told, before.get(call))
            outcome = BY_ID[told["miss"]]
            ms = told["ms"]
            found.append(Missed(told["at"], told["root"], told["session"], legible(told["command"]), outcome, why, ms))
        before[call] = told
    return found


def reasons(ran: Iterable[Missed]) -> list[Reason]:
    """What made most time be spent, first. A run that several things made necessary counts for each of them."""
    found: dict[str, list[Missed]] = {}
    for each in ran:
        for text in dict.fromkeys(each.why):
            found.setdefault(text, []).append(each)
    made = [
        Reason(text, len(held), sum(each.ms for each in held), list(dict.fromkeys(each.command for each in held)))
        for text, held in found.items()
    ]
    return sorted(made, key=lambda reason: (-reason.ms, reason.text))


def runs_no_more(rule: str, reasons: Iterable[str]) -> str:
    """What is said of a rule that has switched itself off for these of `policy.REASONS`, without a full stop."""
    begun = " or ".join(_BEGUN[each] for each in reasons)
    return f"the rule {rule} runs nothing ahead {begun}: its last {JUDGED} such runs wasted more than they hid"


def _told(line: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    texts = ("project", "root", "session", "command", "call", "state")
    numbers = ("at", "miss", "kept", "ms")
    is_ours = isinstance(told, dict) and all(isinstance(told.get(name), str) for name in texts)
    is_ours = is_ours and all(isinstance(told.get(name), int) for name in numbers) and told["miss"] in BY_ID
    return told if is_ours else None


def _why(told: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[str]:
    outcome = BY_ID[told["miss"]]
    if outcome is not NO_ENTRY:
        return [outcome.text]
    if before is None:
        return [FIRST_RUN]
    changes = [legible(change) for change in _differences(before, told)]
    if changes:
        files_ = tuple(f"{change.removesuffix(' changed')}," for change in changes if change.endswith(" changed"))
        return [change for change in changes if not change.startswith(files_)]  # one that the command names as well
    kept = BY_ID.get(before["kept"])
    if kept is None or kept is STORED:
        return ["its stored result is gone: too old, or it made room"]
    return [f"its last result was not stored: {kept.text}"]


def _differences(before: Mapping[str, Any], told: Mapping[str, Any]) -> list[str]:
    old, new = _state(before["state"]), _state(told["state"])
    if old is None or new is None:
        return []
    return differences(old[1], old[0], Fingerprint(told["root"], tuple(new[0]), new[1]))


def _state(text: str) -> tuple[list[tuple[str, str, str]], dict[str, Any]] | None:
    try:
        rows, details = json.loads(zlib.decompressobj().decompress(b64decode(text), _STATE))
        return [(str(label), str(name), str(value)) for label, name, value in rows], dict(details)
    except (ValueError, TypeError, RecursionError, zlib.error):
        return None
