"""Our own folder, and what hooks have left there: what they counted, and the newest fault of our own."""

import os
import shutil
import stat
from collections import Counter

from skillcache.cache import quarantine
from skillcache.cli.checks.finding import MEND, NOTE, OK, Finding, Place
from skillcache.cli.format import duration, several, size
from skillcache.core.counts import Count, read
from skillcache.core.outcomes import (
    BAD_CONFIG,
    BAD_EVENT,
    CONFIRMED,
    DISK,
    ERROR,
    HIT,
    INTERNAL,
    NO_GIT,
    NO_TOOL,
    QUARANTINED,
    SLOW_PLACE,
    STORE_GARBAGE,
    STORE_REFUSED,
    STORE_TIMEOUT,
    STORE_UNREACHABLE,
    STORED,
    TIME_UP,
    TOO_LARGE,
    TOO_SLOW,
    UNCAPTURABLE,
    UNSETTLED_SETTINGS,
)
from skillcache.core.paths import cache_folder, fault_file

_ROOM = 200_000_000  # bytes; less leaves no room for results
_DAY = 86_400
_FUTURE = 300  # seconds


def check_folder(place: Place) -> list[Finding]:
    """Private, writable, with room; and what was counted there of late."""
    cache = cache_folder(place.environ)
    room = shutil.disk_usage(_nearest(cache)).free
    findings = []
    if room < _ROOM:
        text = f"{size(room)} are free where {cache} is"
        findings.append(Finding(MEND, "disk", text, "make room, or: skillcache clear"))
    if not os.path.isdir(cache):
        if not os.access(_nearest(cache), os.W_OK):
            text = f"{cache} cannot be made"
            findings.append(Finding(MEND, "folder", text, "set SKILLCACHE_HOME to a folder you can write"))
        return findings or [Finding(OK, "folder", f"{cache} will be made by the first call")]
    if not os.access(cache, os.W_OK | os.X_OK):
        findings.append(Finding(MEND, "folder", f"{cache} cannot be written", f"chmod u+rwx {cache}"))
    open_to_others = _open_to_others(cache)
    if open_to_others:
        text = f"others may use {several(open_to_others, 'file or folder', 'files and folders')} of {cache}"
        findings.append(Finding(MEND, "folder", text, f"chmod -R go= {cache}"))
    if not findings:
        findings.append(Finding(OK, "folder", f"{cache} is private, {size(room)} are free"))
    return findings + _check_counts(cache, place.now)


def _check_counts(cache: str, now: float) -> list[Finding]:
    try:
        counts = read(cache)
        resting = quarantine.current(cache, now)
    except OSError as fault:
        return [Finding(MEND, "folder", f"{fault.filename}: {fault.strerror}", f"chmod -R u+rwX {cache}")]
    findings = []
    if counts and counts[-1].at > now + _FUTURE:
        mend = "set the clock by the network: sudo timedatectl set-ntp true"
        findings.append(Finding(MEND, "clock", "the clock is behind what it was when a hook last ran", mend))
    recent = Counter(count.outcome for count in counts if count.outcome.kind == ERROR and now - _DAY < count.at <= now)
    findings += [
        Finding(NOTE, "errors", f"{outcome.name} {several(times, 'time')} in the last day: {outcome.text}")
        for outcome, times in recent.most_common()
    ]
    findings += [
        Finding(NOTE, "quarantine", f"the rule {rule} rests in {project}: a result was wrong there, or may be")
        for rule, project, _ in resting
    ]
    return findings


def _open_to_others(cache: str) -> int:
    count = int(_is_open(cache))
    for folder, names, files in os.walk(cache):
        count += sum(_is_open(os.path.join(folder, name)) for name in [*names, *files])
    return count


def _is_open(path: str) -> bool:
    try:
        found = os.lstat(path)
    except OSError:  # gone meanwhile
        return False
    return not stat.S_ISLNK(found.st_mode) and bool(found.st_mode & 0o077)


def _nearest(path: str) -> str:
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


_DAYS = 7


def check_faults(place: Place) -> list[Finding]:
    """The newest fault of our own that a hook left behind."""
    path = fault_file(cache_folder(place.environ))
    try:
        age = place.now - os.stat(path).st_mtime
        with open(path, encoding="utf-8", errors="replace") as file:
            kind, *places = file.read().splitlines()
    except (OSError, ValueError):
        return []
    if age > _DAYS * 86_400 or not places:
        return []
    text = f"a hook failed on {kind} in {places[-1]}; the call went on without it"
    return [Finding(NOTE, "fault", text, f"report {path}, which holds places in our code and nothing of yours")]


_LEAST, _LAST = 3, 50  # calls that say something, and how many of them are looked at
_STORE = "see what is said of the store here; if that is well by now, the next call shows it"
_EXPLAIN = "skillcache explain -- COMMAND, with one of those commands, says what"
# What does not lie in the call itself, and how it is mended.
MENDS = {
    NO_GIT: "see what git says where they ran: git status. In a folder of another user: git config --global --add"
    " safe.directory FOLDER",
    NO_TOOL: _EXPLAIN,
    TOO_LARGE: "narrow what the command depends on by a rule with `depends`: " + _EXPLAIN,
    TOO_SLOW: "narrow what the command depends on by a rule with `depends`, or set SKILLCACHE_CAPTURE_TIME=5",
    SLOW_PLACE: "see what git says there, and how long it takes: git status",
    UNCAPTURABLE: _EXPLAIN,
    QUARANTINED: "skillcache stats says how long that lasts",
    UNSETTLED_SETTINGS: _EXPLAIN,
    BAD_EVENT: "pip install --upgrade skillcache",
    BAD_CONFIG: "correct what is said of the configuration here",
    STORE_UNREACHABLE: _STORE,
    STORE_TIMEOUT: _STORE,
    STORE_REFUSED: _STORE,
    STORE_GARBAGE: _STORE,
    DISK: "see what is said of the folder here",
    TIME_UP: "the disk or the machine is too slow for a hook: see what is said of the store and of git here",
    INTERNAL: "report it, with what is said of a fault here",
}


def check_calls(place: Place) -> list[Finding]:
    """What the last calls came to: whether each of them was stopped by something that stops all."""
    try:
        counts = read(cache_folder(place.environ))
    except OSError:  # the folder's own check says what is wrong
        return []
    last = [count for count in counts if place.now - _DAY < count.at <= place.now and _says_something(count)][-_LAST:]
    if len(last) < _LEAST or any(_is_well(count) for count in last):
        return []
    ((outcome, times),) = Counter(count.outcome for count in last).most_common(1)
    ago = duration((place.now - last[-1].at) * 1000)
    text = (
        f"nothing was stored or replayed lately: {several(times, 'call')} ended with {outcome.name}"
        f" ({outcome.text}), the last {ago} ago"
    )
    return [Finding(MEND, "calls", text, MENDS[outcome])]


def _says_something(count: Count) -> bool:
    return count.outcome in MENDS or _is_well(count)


def _is_well(count: Count) -> bool:
    return count.outcome.kind == HIT or count.outcome in (STORED, CONFIRMED)
