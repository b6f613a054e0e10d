"""Rules that served a wrong result, or may have one that could not be taken back, rest in that project for a time.

So do those whose results the model refuses more often than it takes them. One small file a rule and project, on this
machine: `until SP rule SP project`, until in unix seconds, and `,unwanted` behind it where that is why.
"""

import os

from skillcache.core import Record, files
from skillcache.core.paths import quarantine_folder

REST = 86_400  # seconds
_CAP = 1 << 16
_UNWANTED = ",unwanted"


class Rest(Record):
    """until: unix seconds; unwanted: its answers were refused, none was wrong."""

    rule: str
    project: str
    until: int
    unwanted: bool

    def reason(self) -> str:
        """As the end of a sentence."""
        if self.unwanted:
            return "what it gave was refused more often than taken"
        return "a result was wrong there, or may be"


def rests(cache: str, project: str, rule: str, now: float) -> bool:
    """Whether the rule is quarantined in this project. Raises OSError."""
    content = files.read(_path(cache, project, rule), _CAP)
    return content is not None and _until(content) > now


def begin(cache: str, project: str, rule: str, now: float, seconds: int = REST, *, unwanted: bool = False) -> None:
    """Raises OSError."""
    content = f"{int(now) + seconds}{_UNWANTED if unwanted else ''} {rule} {project}"
    files.write(_path(cache, project, rule), content.encode("utf-8", "surrogateescape"))


def current(cache: str, now: float) -> list[Rest]:
    """Every quarantine in force. Raises OSError."""
    found = []
    try:
        names = sorted(os.listdir(quarantine_folder(cache)))
    except FileNotFoundError:
        return []
    for name in names:
        content = files.read(f"{quarantine_folder(cache)}/{name}", _CAP) or b""
        until = _until(content)
        if until > now:
            first, rule, project = content.decode("utf-8", "surrogateescape").split(" ", 2)
            found.append(Rest(rule, project, until, first.endswith(_UNWANTED)))
    return found


def _until(content: bytes) -> int:
    first = content.split(b" ", 1)[0].split(b",", 1)[0]
    return int(first) if first.isdigit() else 0


def _path(cache: str, project: str, rule: str) -> str:
    return files.small(quarantine_folder(cache), project, rule)
