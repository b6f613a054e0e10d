"""What a replay does in the command's place: its streams, its status, and the files that its run left."""

import errno

from skillcache.commands import process
from skillcache.commands.streams import write_some
from skillcache.core.outcomes import UNREADABLE_ENTRY, Bypass
from skillcache.stores.entry import ERROR, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.cache.capture import CallKey
    from skillcache.cache.decision import Answer
    from skillcache.stores.entry import Entry, File

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


def require_as_it_was(answer: "Answer", found: "CallKey", *, most: int, deadline: float) -> None:
    """Raises Bypass: UNFIT where a script of a skill finds in its outputs' places what the stored run did not leave.

    `most`: bytes of its output.
    """
    if found.workplace is None or not found.workplace.outputs:
        return
    entry = decode(answer.stored, details=True, most=most)
    found.workplace.require_as_it_was(left_by(entry), entry.details, deadline=deadline)


def left_by(entry: "Entry") -> "tuple[File, ...]":
    """The files that the run left besides its streams."""
    return tuple([file for file in entry.files if file.path != ERROR])


def put_back(kept: "tuple[File, ...]", found: "CallKey") -> None:
    """Put back what the run left. Raises Bypass, before anything is written, and OSError."""
    if found.workplace is not None:
        found.workplace.put_back(kept)
    elif kept:
        raise Bypass(UNREADABLE_ENTRY)
