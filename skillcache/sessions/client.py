"""The client's process behind a session, by which a running session is told from a killed one.

A process is known by its number and its start, within one boot of one machine and one space of process numbers;
elsewhere nothing can be said of it.
"""

import os

from skillcache import files
from skillcache.digest import digest

_CAP = 1 << 16


def here() -> str:
    """A name for this boot and this space of process numbers, "" where the system does not tell."""
    try:
        boot = files.read("/proc/sys/kernel/random/boot_id", _CAP)
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    return digest(b"skillcache boot\0" + (boot or b"") + space.encode())[:16] if boot else ""


def describe(pid: int) -> dict[str, str]:
    """What `is_alive` asks for: fields of a session's state."""
    start = _start(pid)
    return {"boot": here(), "pid": str(pid), "pid_start": start} if start else {}


def is_alive(state: dict[str, str], here_: str) -> bool | None:
    """None where it cannot be told from here."""
    pid = state.get("pid", "")
    if not here_ or state.get("boot") != here_ or not pid.isdecimal() or len(pid) > 10:
        return None
    return _start(int(pid)) == state.get("pid_start")


def parent_of(pid: int) -> int:
    """0 where there is none, or the system does not tell."""
    fields = _status(pid)
    return int(fields[1]) if fields else 0


def _start(pid: int) -> str:
    """When the process started, in ticks since the boot; "" when there is none, or none that still runs."""
    fields = _status(pid)
    return fields[19].decode("ascii", "replace") if fields else ""


def _status(pid: int) -> list[bytes]:
    """From the state on; empty where there is no process that still runs."""
    try:
        text = files.read(f"/proc/{pid}/stat", _CAP) or b""
    except OSError:
        return []
    fields = text.rpartition(b")")[2].split()  # the name before it may hold anything
    return [] if len(fields) < 20 or fields[0] in (b"Z", b"X") else fields
