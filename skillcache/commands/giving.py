"""What a replay does in the command's place: its streams, its status, and the files that its run left."""

import errno

from skillcache.commands import process
from skillcache.commands.standard_input import write_some
from skillcache.errors import Bypass
from skillcache.outcome import (
    UNREADABLE_ENTRY,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.decision import Answer
    from skillcache.entry import File
    from skillcache.lookup import Lookup

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


def put_back(kept: "tuple[File, ...]", found: "Lookup") -> None:
    """Put back what the run left. Raises Bypass, before anything is written, and OSError."""
    from skillcache.skill.outputs import are_declared, restore  # few entries hold files

    work, root = found.workplace, found.fingerprint.root
    if work is None or not are_declared(kept, work.outputs):  # whoever may write to a store has no say in more
        raise Bypass(UNREADABLE_ENTRY)
    restore(kept, root, root)


POSITION = "stdin"  # the detail of an entry that says how far the run read its input, a file
