"""Where entries are kept: the contract, Redis and SQLite, keys and connections."""

from skillcache.stores.contract import EMBEDDED, Store, keys_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from skillcache.stores.connection import Limits, Link
    from skillcache.stores.near_cache import Near
    from skillcache.stores.redis import RedisStore
    from skillcache.stores.signed import Keys


def open_store(target: str, *, now: float) -> Store:
    """The store `target` names: `embedded:` and the absolute path of its file, or a Redis URL.

    `now` is in unix seconds; expiry in the embedded store is judged by it. Raises ConfigError for a target
    that is not understood. Imports only the module of that store.
    """
    if target.startswith(EMBEDDED):
        from skillcache.stores.sqlite import SqliteStore  # a hook pays for one store only

        return SqliteStore(target.removeprefix(EMBEDDED), now=now)
    return over(link_to(target), keys_of(target))


def over(link: "Link", keys: "Keys | None") -> "RedisStore":
    """The store that a link asks. keys: of the team that signs what it keeps there."""
    if keys is None:
        from skillcache.stores.redis import RedisStore

        return RedisStore(link)
    from skillcache.stores.signed import SignedStore  # few have a team

    return SignedStore(link, keys)


def link_to(url: str, limits: "Limits | None" = None) -> "Link":
    """One for this process, which is asked in few places. Raises ConfigError."""
    from skillcache.stores.connection import SocketLink  # a hook pays for one store only
    from skillcache.stores.redis_url import parse_url

    address = parse_url(url)
    if address.nodes:
        from skillcache.stores.nodes import NodesLink  # few URLs name any

        return NodesLink(address, limits)
    return SocketLink(address, limits)


def open_near(give: "Callable[[], Any]", target: str, cache: str, *, seconds: float, now: float) -> "Store | Near":
    """What is asked for entries: the store that `give` opens, behind the near cache where that is for `target`."""
    if target.startswith(EMBEDDED) or not seconds:
        store: Store = give()
        return store
    from skillcache.stores.near_cache import Near  # a server's alone

    return Near(give, cache, target, seconds=seconds, now=now)


def forget(cache: str) -> None:
    """Of all that the near cache has known until now, nothing stands alone any more. Raises OSError."""
    import os  # seldom
    import time

    from skillcache.core import files
    from skillcache.core.paths import near_folder, near_since

    if os.path.isdir(near_folder(cache)):
        files.mark(near_since(cache), time.time())
