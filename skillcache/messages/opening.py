"""Opens the post that belongs to a store, unless that store has just been asked in vain."""

import os

from skillcache.core import files
from skillcache.messages.inbox import Post
from skillcache.stores.contract import EMBEDDED, keys_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.stores.connection import Link
    from skillcache.stores.signed import Keys


def open_post(target: str, *, now: float, patient: bool = False, token: str = "") -> Post:
    """`target` as `open_store` takes it. `now`: unix seconds for the embedded store; a server has a clock of its own.

    `patient`: for a person, who waits longer than a hook; `token`: as the post has it. Raises ConfigError.
    """
    post = _open(target, now, patient)
    post.token = token
    return post


def _open(target: str, now: float, patient: bool) -> Post:
    if target.startswith(EMBEDDED):
        from skillcache.messages.inbox_sqlite import SqlitePost  # a hook pays for one store only

        return SqlitePost(messages_file(target.removeprefix(EMBEDDED)), now=now)
    from skillcache.stores import link_to
    from skillcache.stores.connection import PATIENT  # a hook pays for one store only

    return over(link_to(target, PATIENT if patient else None), keys_of(target))


def over(link: "Link", keys: "Keys | None", *, now: float | None = None) -> Post:
    """The post that a link asks. keys: of the team that signs what it keeps there; now: unix seconds, for a test."""
    from skillcache.messages.inbox_redis import RedisPost  # a hook pays for one store only

    post = RedisPost(link, now=now)
    if link.is_spread:
        from skillcache.messages.inbox_cluster import ClusterPost  # few stores are

        post = ClusterPost(link, now=now)
    if keys is None:
        return post
    from skillcache.messages.signed import SignedPost  # few have a team

    return SignedPost(post, keys)


def messages_file(store: str) -> str:
    """Beside the embedded store and not in it: results are dropped to make room, messages are not."""
    return store.rpartition("/")[0] + "/messages.sqlite3"


_REST = 5  # seconds in which it is not asked again


def is_away(cache: str, now: float) -> bool:
    try:
        return 0 <= now - os.stat(_mark(cache)).st_mtime < _REST
    except OSError:
        return False


def note(cache: str, now: float) -> None:
    """Raises OSError."""
    files.mark(_mark(cache), now)


def _mark(cache: str) -> str:
    return f"{cache}/messages/.away"
