"""The size of the client's terminal, which the client gives its hooks and no command.

Observed on client 2.1.332: in a terminal a hook's COLUMNS and LINES are those of the terminal, whatever is exported. A
Bash call, as the plugin's server, has them only where the client itself was started with them, or settings say so.
"""

import os

from skillcache.core import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("COLUMNS", "LINES")
_CAP = 8 << 20  # bytes of an environment


def of_commands(environ: "Mapping[str, str]") -> "Mapping[str, str]":
    """A hook's environment with the size that a command finds in its own; as it is where that cannot be known."""
    pid = environ.get("CLAUDE_PID", "")
    try:
        started = files.read(f"/proc/{int(pid)}/environ", _CAP) if pid.isdecimal() and len(pid) < 11 else None
    except OSError:
        started = None
    if started is None:
        return environ
    given = dict(environ)
    for name in NAMES:
        given.pop(name, None)
    for row in os.fsdecode(started).split("\0"):
        name, _, value = row.partition("=")
        if name in NAMES:
            given[name] = value
    return given
