"""Processes of this machine, by number and start: a number alone is given out again."""

from skillcache import files

_CAP = 1 << 16


def started(pid: int) -> str:
    """When the process started, in ticks since the boot; '' when there is none, or none that still runs.

    Also '' where the system does not tell (no /proc).
    """
    try:
        text = files.read(f"/proc/{pid}/stat", _CAP) or b""
    except OSError:
        return ""
    fields = text.rpartition(b")")[2].split()  # the name before it may hold anything
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return ""
    return fields[19].decode("ascii", "replace")
