"""What this machine remembers: how long each command takes, which rules rest, which places were too slow to look at.

Rules that served a wrong result, or may have one that could not be taken back, rest in that project for a time. So do
those whose results the model refuses more often than it takes them. One small file a rule and project, on this machine:
`until SP rule SP project`, until in unix seconds, and `,unwanted` behind it where that is why.

How long each command takes in a folder: a table of fixed size, so that it needs no housekeeping: 65,536 slots of 16
bytes, a slot found by the digest of folder and command. slot = 8 bytes tag, 4 bytes milliseconds (big endian), 4 bytes
zero. Two commands in one slot take turns; a torn or foreign slot has another tag and reads as unknown.

A pipe that git waits for, a share that went away, a worktree of millions of files: each would cost every call of a
session the whole time that a look may take. So what was too slow once is not looked at again in that session.
"""

import os
import time

from skillcache.core import Record, files
from skillcache.core.files import blake2b
from skillcache.core.outcomes import SLOW_PLACE, TOO_SLOW, Bypass
from skillcache.core.paths import cache_folder, durations_file, quarantine_folder, slow_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.settings.in_force import Settings


REST = 86_400  # seconds
_CAP = 1 << 16
_UNWANTED = ",unwanted"


class Rest(Record):
    """until: unix seconds; unwanted: its answers were refused, none was wrong."""

    rule: str
    project: str
    until: int
    unwanted: bool

    def reason(self) -> str:
        """As the end of a sentence."""
        if self.unwanted:
            return "what it gave was refused more often than taken"
        return "a result was wrong there, or may be"


def rests(cache: str, project: str, rule: str, now: float) -> bool:
    """Whether the rule is quarantined in this project. Raises OSError."""
    content = files.read(_rest_path(cache, project, rule), _CAP)
    return content is not None and _until(content) > now


def quarantine(cache: str, project: str, rule: str, now: float, seconds: int = REST, *, unwanted: bool = False) -> None:
    """Raises OSError."""
    content = f"{int(now) + seconds}{_UNWANTED if unwanted else ''} {rule} {project}"
    files.write(_rest_path(cache, project, rule), content.encode("utf-8", "surrogateescape"))


def quarantined(cache: str, now: float) -> list[Rest]:
    """Every quarantine in force. Raises OSError."""
    found = []
    try:
        names = sorted(os.listdir(quarantine_folder(cache)))
    except FileNotFoundError:
        return []
    for name in names:
        content = files.read(f"{quarantine_folder(cache)}/{name}", _CAP) or b""
        until = _until(content)
        if until > now:
            first, rule, project = content.decode("utf-8", "surrogateescape").split(" ", 2)
            found.append(Rest(rule, project, until, first.endswith(_UNWANTED)))
    return found


def _until(content: bytes) -> int:
    first = content.split(b" ", 1)[0].split(b",", 1)[0]
    return int(first) if first.isdigit() else 0


def _rest_path(cache: str, project: str, rule: str) -> str:
    return files.small(quarantine_folder(cache), project, rule)


_SLOTS = 1 << 16
_SLOT = 16
_MOST = (1 << 32) - 1


def least_duration(settings: "Settings", *, declared: bool) -> float:
    """Milliseconds from which a run is worth storing. declared: a skill or a person has said what it depends on."""
    names = ("min_duration", "min_duration_declared") if declared else ("min_duration",)
    return 1000 * min([settings.number(name) for name in names])


def learnt(cache: str, folder: str, command: str) -> int | None:
    """Milliseconds the command is expected to take in `folder`; None when it is not known."""
    offset, tag = _slot_of(folder, command)
    try:
        handle = os.open(durations_file(cache), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        slot = os.pread(handle, _SLOT, offset)
    except OSError:
        return None
    finally:
        os.close(handle)
    if slot[:8] != tag:
        return None
    return int.from_bytes(slot[8:12], "big")


def learn(cache: str, folder: str, command: str, milliseconds: int) -> None:
    """Take in one run. Newer runs weigh half, so that a command which grew slow is soon looked up again."""
    before = learnt(cache, folder, command)
    value = milliseconds if before is None else (before + milliseconds) // 2
    offset, tag = _slot_of(folder, command)
    slot = tag + min(max(value, 0), _MOST).to_bytes(4, "big") + bytes(4)
    try:
        files.make_folder(cache)
        handle = os.open(durations_file(cache), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        try:
            os.pwrite(handle, slot, offset)
        finally:
            os.close(handle)
    except OSError:
        return


def _slot_of(folder: str, command: str) -> tuple[int, bytes]:
    digest = blake2b(f"{folder}\0{command}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return int.from_bytes(digest[:4], "big") % _SLOTS * _SLOT, digest[8:16]


_LONGEST = 32  # bytes of a number of seconds


class Breaker:
    """A circuit breaker: one place in one session, looked at for at most `seconds`.

    session: the client's; outside of one it is that of the terminal.
    """

    __slots__ = ("_began", "_path", "_seconds", "root")

    def __init__(self, root: str, session: str, environ: "Mapping[str, str]", seconds: float) -> None:
        self.root = root
        self._path = files.small(slow_folder(cache_folder(environ)), session or str(os.getsid(0)), root)
        self._seconds = seconds
        self._began = time.monotonic()

    def require_quick(self) -> None:
        """Raises Bypass (SLOW_PLACE) where a look of as many seconds was too short: it would be again."""
        try:
            waited = float(files.load(self._path, _LONGEST))
        except (OSError, ValueError):  # nearly always there is none
            return
        if waited >= self._seconds:
            raise Bypass(SLOW_PLACE, self.root)

    def blame(self, fault: Exception) -> None:
        """Remember the place where it was too slow. What cannot be written down costs the next look its time again."""
        too_slow = isinstance(fault, TimeoutError) or (isinstance(fault, Bypass) and fault.outcome is TOO_SLOW)
        if too_slow and time.monotonic() - self._began >= self._seconds:
            try:
                files.write(self._path, repr(self._seconds).encode())
            except OSError:
                return
