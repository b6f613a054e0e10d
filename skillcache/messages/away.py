"""Whether the store has just been asked in vain: one that hangs is to cost a session little, and once in a while."""

import os

from skillcache.core import files

_REST = 5  # seconds in which it is not asked again


def is_away(cache: str, now: float) -> bool:
    try:
        return 0 <= now - os.stat(_mark(cache)).st_mtime < _REST
    except OSError:
        return False


def note(cache: str, now: float) -> None:
    """Raises OSError."""
    files.write(_mark(cache), b"")
    os.utime(_mark(cache), (now, now))


def _mark(cache: str) -> str:
    return f"{cache}/messages/.away"
