"""The name of the person we run for, as entries, sessions, notes and messages carry it."""

import os

from skillcache.core import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_ACCOUNTS = "/etc/passwd"
_CAP = 1 << 20


def name_of(environ: "Mapping[str, str]") -> str:
    """As the environment has it, which containers and services leave out; else the account's name or number."""
    return environ.get("USER") or environ.get("LOGNAME") or _of_account(os.getuid())


def _of_account(uid: int) -> str:
    # Not by the pwd module, which may ask a server for it: a hook has no time for that.
    number = str(uid).encode()
    try:
        accounts = files.read(_ACCOUNTS, _CAP) or b""
    except OSError:
        accounts = b""
    for line in accounts.splitlines():
        name, *fields = line.split(b":")
        if fields[1:2] == [number]:
            return name.decode("utf-8", "replace")
    return f"uid-{uid}"
