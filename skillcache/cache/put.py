"""The one way of a result into a store, whatever ran, and who it was recorded by."""

import os

from skillcache.claude import ToolEvent
from skillcache.core.files import digest
from skillcache.core.processes import user_name
from skillcache.stores.contract import Store, entry_key, is_team_name, record_key, started_of, team_name
from skillcache.stores.entry import Entry, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.cache.decision import CallKey, Plan


_AHEAD = 60_000  # milliseconds by which a clock is surely wrong


def put(store: Store, key: str, entry: Entry, ttl: int) -> bool:
    """Whether it was stored: not where a newer one is there, or a name was invalidated since. Raises StoreError."""

    def once() -> bool:
        names, generations = tuple(entry.names), tuple(entry.names.values())
        return store.put(key, encode(entry), ttl=ttl, started=entry.started, names=names, generations=generations)

    if once():
        return True
    if started_of(store.get(key, ()).entry) < entry.finished + _AHEAD:
        return False
    store.delete(key)  # it begins in the future: nothing would replace it
    return once()


def own_names(generations: "Mapping[str, int]") -> dict[str, int]:
    """Those that invalidate one's own result, and their generations when the run began."""
    return {name: number for name, number in generations.items() if not is_team_name(name)}


def put_result(
    store: Store, plan: "Plan", found: "CallKey", entry: Entry, ttl: int, generations: "Mapping[str, int]", team: str
) -> bool:
    """Store what a call gave for oneself and for `team`, unless that is ''. False: nothing of it, see `put`.

    generations: of all names when the run began. Raises StoreError.
    """
    if not put(store, entry_key(plan.name, found.digest), entry, ttl):
        return False
    # A team that was not set when the run began has no generation to hold the result to.
    if team and team_name(team) in generations:
        entry.names = dict(generations)
        put(store, entry_key(plan.name, found.digest, team), entry, ttl)
    # For `explain`: the entry to compare with when this call misses.
    store.write(record_key("latest", found.command_digest), found.digest.encode("ascii"), ttl)
    return True


_MACHINE_FILES = ("/etc/machine-id", "/var/lib/dbus/machine-id")


def provenance(event: ToolEvent, environ: "Mapping[str, str]") -> dict[str, str]:
    """The provenance an entry carries: texts only."""
    return {
        "user": user_name(environ),
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
