"""Who an entry was recorded by: a person on a machine, by names that say nothing of either."""

import os

from skillcache.claude.event import ToolEvent
from skillcache.core.digest import digest
from skillcache.core.user import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


_MACHINE_FILES = ("/etc/machine-id", "/var/lib/dbus/machine-id")


def describe(event: ToolEvent, environ: "Mapping[str, str]") -> dict[str, str]:
    """The provenance an entry carries: texts only."""
    return {
        "user": name_of(environ),
        "uid": str(os.getuid()),
        "host": os.uname().nodename,
        "machine": _machine(),
        "session": event.session_id,
        "agent": event.agent_id,
    }


def is_same_person(recorded: dict[str, str]) -> bool:
    """Whether the entry was recorded by this user on this machine."""
    return recorded.get("uid") == str(os.getuid()) and recorded.get("machine") == _machine()


def person() -> str:
    """A name for this user on this machine."""
    return f"{os.getuid()}.{_machine()}"


def _machine() -> str:
    """A name for this machine that says nothing of it: its id may be confidential, so only a digest leaves it."""
    for path in _MACHINE_FILES:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            content = os.read(handle, 256).strip()
        finally:
            os.close(handle)
        if content:
            return digest(b"skillcache machine\0" + content)
    return digest(b"skillcache host\0" + os.uname().nodename.encode("utf-8", "surrogateescape"))
