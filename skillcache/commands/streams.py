"""How a command's standard output and standard error lie to each other."""

import os
from stat import S_ISCHR, S_ISREG

JOINED, APART = "joined", "apart"


def relation() -> str | None:
    """JOINED where both are one file, so that what is written keeps its order; APART where they are two.

    None for what nobody's result is recorded from or given to: streams that are closed, devices such as /dev/full, or
    two places in one file, as of `>file 2>file`, which write over each other.
    """
    try:
        os.fstat(0)
        output, error = os.fstat(1), os.fstat(2)
        if any(S_ISCHR(stream.st_mode) and stream.st_rdev != os.stat(os.devnull).st_rdev for stream in (output, error)):
            return APART if os.isatty(1) or os.isatty(2) else None
    except OSError:
        return None
    if not os.path.samestat(output, error) or os.isatty(1):
        return APART
    if not S_ISREG(output.st_mode):
        return JOINED
    import fcntl  # most streams are pipes

    flags = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (1, 2)]
    if all(flag & os.O_APPEND for flag in flags):
        return JOINED
    # What is said of a place in a file is shared by its copies, and this bit means nothing to a file.
    fcntl.fcntl(1, fcntl.F_SETFL, flags[0] ^ os.O_NONBLOCK)
    is_shared = fcntl.fcntl(2, fcntl.F_GETFL) != flags[1]
    fcntl.fcntl(1, fcntl.F_SETFL, flags[0])
    return JOINED if is_shared else None
