"""Rules that served a wrong result, or may have one that could not be taken back, rest in that project for a time.

One small file a rule and project, on this machine: `until SP rule SP project`, until in unix seconds.
"""

import os

from skillcache.core import files
from skillcache.core.paths import quarantine_folder

REST = 86_400  # seconds
_CAP = 1 << 16


def rests(cache: str, project: str, rule: str, now: float) -> bool:
    """Whether the rule is quarantined in this project. Raises OSError."""
    content = files.read(_path(cache, project, rule), _CAP)
    return content is not None and _until(content) > now


def begin(cache: str, project: str, rule: str, now: float, seconds: int = REST) -> None:
    """Raises OSError."""
    content = f"{int(now) + seconds} {rule} {project}"
    files.write(_path(cache, project, rule), content.encode("utf-8", "surrogateescape"))


def current(cache: str, now: float) -> list[tuple[str, str, int]]:
    """Rule, project and unix seconds of the end of every quarantine in force. Raises OSError."""
    found = []
    try:
        names = sorted(os.listdir(quarantine_folder(cache)))
    except FileNotFoundError:
        return []
    for name in names:
        content = files.read(f"{quarantine_folder(cache)}/{name}", _CAP) or b""
        until = _until(content)
        if until > now:
            _, rule, project = content.decode("utf-8", "surrogateescape").split(" ", 2)
            found.append((rule, project, until))
    return found


def _until(content: bytes) -> int:
    first = content.split(b" ", 1)[0]
    return int(first) if first.isdigit() else 0


def _path(cache: str, project: str, rule: str) -> str:
    return files.small(quarantine_folder(cache), project, rule)
