"""Our own folder: private, writable, with room; and what was counted there of late."""

import os
import shutil
import stat
from collections import Counter

from skillcache.cache import quarantine
from skillcache.cli.checks.finding import MEND, NOTE, OK, Finding, Place
from skillcache.cli.format import several, size
from skillcache.core.counts import read
from skillcache.core.outcomes import ERROR
from skillcache.core.paths import cache_folder

_ROOM = 200_000_000  # bytes; less leaves no room for results
_DAY = 86_400
_FUTURE = 300  # seconds


def check(place: Place) -> list[Finding]:
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
