"""How a command's standard output and standard error lie to each other."""

import os
from stat import S_ISCHR, S_ISDIR, S_ISREG

from skillcache.core.errors import Bypass
from skillcache.core.outcomes import UNCAPTURABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

JOINED, APART = "joined", "apart"
_BEYOND_LINES = 10
_GET_PATH = 50  # F_GETPATH of macOS
_JOBS = ("--jobserver-auth=", "--jobserver-fds=")  # of make, for those that it starts
_FD = "/fd/"  # in the names of what a process has open, as a shell writes for `<(...)`
# The standard streams, which the key and the record hold, and devices that always say the same.
_KNOWN = frozenset(
    """/dev/stdin /dev/stdout /dev/stderr /dev/fd/0 /dev/fd/1 /dev/fd/2 /proc/self/fd/0 /proc/self/fd/1
    /proc/self/fd/2 /dev/null /dev/zero /dev/full""".split()  # noqa: SIM905 - read as a list
)


def has_others(environ: "Mapping[str, str]") -> bool:
    """Whether a line has opened more to the command than its three streams, but for what make's children take turns by.

    What it reads or writes there is in no key and in no record. Numbers of two digits are left by whoever has started
    the shell, to nobody who knows of them.
    """
    others = [fd for fd in inherited() if fd < _BEYOND_LINES]
    if not others:
        return False
    flags = environ.get("MAKEFLAGS", "")
    given = [word.partition("=")[2] for word in flags.split() if word.startswith(_JOBS)]
    of_make = {int(fd) for fds in given for fd in fds.split(",") if fd.isdecimal()}
    return not of_make.issuperset(others)


def inherited() -> list[int]:
    """The descriptors that a command gets besides its streams."""
    try:
        fds = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        return []
    return [fd for fd in fds if fd > 2 and _is_inherited(fd)]


def _is_inherited(fd: int) -> bool:
    try:
        return os.get_inheritable(fd)
    except OSError:  # the one that the folder was read by
        return False


def require_files(words: "tuple[str, ...]", cwd: str, environ: "Mapping[str, str]") -> None:
    """Raises Bypass (UNCAPTURABLE) for a command that is told of a pipe, a socket, a device or a descriptor.

    What comes from there is in no key, and it can be read once: `<(...)` in a line, or `VARIABLE=<(...)` before it.
    """
    for text in (*words, *environ.values()):
        if _FD in text and _names_descriptor(text):
            raise Bypass(UNCAPTURABLE, f"{text} names a descriptor")
    for word in words[1:]:
        for name in (word, word.partition("=")[2]):
            path = f"{cwd}/{name}" if name[:1] != "/" else name
            if name and path not in _KNOWN and _is_special(path):
                raise Bypass(UNCAPTURABLE, f"{name} is a pipe, a socket or a device")


def _names_descriptor(text: str) -> bool:
    """Whether another than a standard stream is named by the number under which it is open."""
    before, found, after = text.partition(_FD)
    while found:
        number = after[: len(after) - len(after.lstrip("0123456789"))]
        is_own = before.endswith(("/dev", "/proc/self", "/proc/thread-self"))
        if number and (int(number[:9]) > 2 if is_own else "/proc/" in before):
            return True
        before, found, after = after.partition(_FD)
    return False


def _is_special(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not S_ISREG(mode) and not S_ISDIR(mode)


def writes_into(folder: str) -> bool:
    """Whether one of the two is a file in `folder`: what reads all that is there knows its own output by it."""
    for fd in (1, 2):
        try:
            if S_ISREG(os.fstat(fd).st_mode) and _path_of(fd).startswith(f"{folder.rstrip('/')}/"):
                return True
        except OSError:
            continue
    return False


def _path_of(fd: int) -> str:
    """Raises OSError."""
    if os.path.exists("/proc/self/fd"):
        return os.readlink(f"/proc/self/fd/{fd}")
    import fcntl  # a Mac

    return os.fsdecode(fcntl.fcntl(fd, _GET_PATH, bytes(1024)).rstrip(b"\0"))


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
