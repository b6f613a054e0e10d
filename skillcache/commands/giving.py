"""What a replay does in the command's place: its streams, its status, and the files that its run left."""

import errno

from skillcache.commands import process
from skillcache.commands.standard_input import write_some
from skillcache.core.errors import Bypass
from skillcache.core.outcomes import UNREADABLE_ENTRY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.cache.capture import Lookup
    from skillcache.cache.decision import Answer
    from skillcache.stores.entry import File

POSITION = "stdin"  # the detail of an entry that says how far the run read its input, a file
_BROKEN_PIPE = process.SIGNALLED + 13


def write(answer: "Answer", status: int) -> int:
    """`status`, or one of its own where the streams could not be written. Raises OSError while not a byte was."""
    is_begun = False
    for fd, stream in ((1, answer.output), (2, answer.error)):
        rest = memoryview(stream)
        try:
            while rest:
                rest = rest[write_some(fd, rest) :]
                is_begun = True
        except OSError as fault:
            if fault.errno == errno.EPIPE:
                status = _BROKEN_PIPE
            elif is_begun:
                process.say(f"cannot write: {fault.strerror}")
                status = 1
            else:
                raise
    return status


def put_back(kept: "tuple[File, ...]", found: "Lookup", *, deadline: float) -> None:
    """Put back what the run left. Raises Bypass, before anything is written, and OSError."""
    if found.workplace is not None:
        found.workplace.put_back(kept, deadline=deadline)
    elif kept:
        raise Bypass(UNREADABLE_ENTRY)
