"""How long each command takes in a folder, as this machine has seen it, and so which runs are worth storing.

A table of fixed size, so that it needs no housekeeping: 65,536 slots of 16 bytes, a slot found by the digest of folder
and command. slot = 8 bytes tag, 4 bytes milliseconds (big endian), 4 bytes zero. Two commands in one slot take turns; a
torn or foreign slot has another tag and reads as unknown.
"""

import os

from skillcache.core import files
from skillcache.core.digest import blake2b
from skillcache.core.paths import durations_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.settings.in_force import Settings


_SLOTS = 1 << 16
_SLOT = 16
_MOST = (1 << 32) - 1


def least(settings: "Settings", *, declared: bool) -> float:
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
