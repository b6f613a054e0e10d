"""Who holds a claim: a process, which is known to be gone where it ran on this machine.

holder = name " " boot " " number " " start    of the process, see `sessions.client`; "- - -" where that is not known
"""

import os

from skillcache.sessions import client

_FIELDS = ("boot", "pid", "pid_start")
_UNKNOWN = "-"
_known: dict[int, str] = {}  # what is said of this process, which may have been forked


def describe(name: str) -> str:
    """The holder that this process is; `name` must be another for each claim."""
    pid = os.getpid()
    if pid not in _known:
        found = client.describe(pid)
        _known.clear()
        _known[pid] = " ".join([found.get(field) or _UNKNOWN for field in _FIELDS])
    return f"{name} {_known[pid]}"


def name_of(holder: str) -> str:
    return holder.rsplit(" ", len(_FIELDS))[0]


def is_gone(holder: str) -> bool:
    """Whether it surely runs no more."""
    fields = holder.rsplit(" ", len(_FIELDS))[1:]
    if len(fields) != len(_FIELDS):
        return False
    return client.is_alive(dict(zip(_FIELDS, fields, strict=True)), client.here()) is False
