"""The one way of a result into a store, whatever ran: a command, a declared command, a call of a tool."""

from skillcache.stores.contract import Store, started_of
from skillcache.stores.entry import Entry, encode
from skillcache.stores.redis_keys import entry_key, is_team_name, record_key, team_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.cache.capture import CallKey, Plan


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
