"""An entry into the store, in the place of an older one, or of one whose clock was wrong."""

from skillcache.stores.contract import Store, started_of
from skillcache.stores.entry import Entry, encode

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
