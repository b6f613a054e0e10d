"""The Bash calls that are under way, of whichever session: what is only usual is not to begin beside one.

A call says that it has begun before it looks for what runs ahead, and a keeper says what it will run before it looks
for calls, so that at least one of the two sees the other.
"""

import os
import time

from skillcache.commands.invocation import line_of
from skillcache.core import files, processes
from skillcache.core.paths import calls_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# The client waits as long for a call at most. One that goes on is behind it, such as a server that checks need.
_LONGEST = 600  # seconds
_NEWEST = 1 << 10  # bytes of each session's list of calls
_CAP = 1 << 20


def lines(cache: str, own: str) -> "Iterable[str]":
    """What the calls under way were given, as far as that can be told. `own`: the number of a call that is left out.

    Raises OSError.
    """
    for number in _begun(cache):
        words = _words(number) if number != own else []
        line = line_of(words[2]) if len(words) > 2 and words[1] == "-c" else ""
        if line and time.time() - processes.began(int(number)) < _LONGEST:
            yield line


def _begun(cache: str) -> set[str]:
    """The numbers of their shells, which may have ended."""
    folder = calls_folder(cache)
    found: set[str] = set()
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return found
    for name in names:
        found.update(files.newest(f"{folder}/{name}", _NEWEST).decode("ascii", "replace").split("\n"))
    return {number for number in found if number.isdecimal() and len(number) < 11}


def _words(number: str) -> list[str]:
    """Of a process; none where it has ended."""
    try:
        text = files.read(f"/proc/{number}/cmdline", _CAP) or b""
    except OSError:
        return []
    return text.decode("utf-8", "surrogateescape").split("\0")
