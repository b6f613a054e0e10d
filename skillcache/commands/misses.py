"""What a command that ran depended on, kept on this machine so that people can be told why it was not replayed.

One line of JSON a run of more than a second that followed a miss:

    {"at": unix seconds, "miss": outcome, "kept": outcome or 0, "ms": of the run, "project": identity, "root": path,
     "session": id, "command": as told, "call": digest of the call alone, "state": base64 of zlib of [rows, details]}

`miss` and `kept` are numbers of outcomes: of the look at the store, and of what became of the run. Only `stats` and
`report` read it: they compare a state with the one before it of the same call. A line that is too long is not kept.
"""

import time

from skillcache.core import files, json
from skillcache.core.outcomes import Outcome
from skillcache.core.paths import misses_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.commands.invocation import Begun

_LONGEST = 65_536  # bytes of a line


def remember(
    cache: str, begun: "Begun", call: tuple[str, str, str], miss: Outcome, kept: Outcome | None, milliseconds: int
) -> None:
    """`call`: as of `counts.record`. Raises OSError."""
    import zlib  # a recorder has it
    from binascii import b2a_base64

    found = begun.found
    state = json.dumps([[list(row) for row in found.fingerprint.rows], found.fingerprint.details])
    root, session, command = call
    line = json.dumps(
        {
            "at": int(time.time()),
            "miss": miss.id,
            "kept": kept.id if kept is not None else 0,
            "ms": milliseconds,
            "project": begun.project,
            "root": root,
            "session": session,
            "command": command,
            "call": found.command_digest,
            "state": b2a_base64(zlib.compress(state.encode("ascii"), 1), newline=False).decode("ascii"),
        }
    ).encode("ascii")
    if len(line) < _LONGEST:
        files.append(misses_file(cache), line + b"\n")
