"""What this machine remembers of runs: how long each command takes, and which rules rest.

Rules that served a wrong result, or may have one that could not be taken back, rest in that project for a time. So do
those whose results the model refuses more often than it takes them. One small file a rule and project, on this machine:
`until SP rule SP project`, until in unix seconds, and `,unwanted` behind it where that is why.

How long each command takes in a folder: a table of fixed size, so that it needs no housekeeping: 65,536 slots of 16
bytes, a slot found by the digest of folder and command. slot = 8 bytes tag, 4 bytes milliseconds (big endian), 4 bytes
zero. Two commands in one slot take turns; a torn or foreign slot has another tag and reads as unknown.
"""

import os

from skillcache.core import Record, files
from skillcache.core.files import blake2b
from skillcache.core.paths import durations_file, quarantine_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
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
