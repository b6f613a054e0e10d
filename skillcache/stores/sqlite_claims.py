"""Claims in the embedded store: two of its records for a digest, read and written in the caller's transaction.

Under `claim_key` its owner, until the lease is over; under `wake_key` a name for the latest release, for a minute.
Whoever waits looks for another name than the one it was refused with.
"""

from os import urandom

from skillcache.redis_keys import claim_key, wake_key
from skillcache.stores import Claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.stores.sqlite_driver import Connection

WOKEN_SECONDS = 60.0  # how long a release can be heard of
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.05  # seconds between two looks

_FIND = "SELECT value, expires FROM records WHERE key = ? AND expires > ?"
_KEEP = "INSERT OR REPLACE INTO records (key, value, expires) VALUES (?, ?, ?)"
_DROP = "DELETE FROM records WHERE key = ? AND value = ? AND expires > ?"


def claim(db: "Connection", digest: str, owner: str, lease: float, now: float) -> Claim:
    holder, expires = _find(db, claim_key(digest), now)
    mark = latest_release(db, digest, now)
    if holder in ("", owner):
        db.execute(_KEEP, (claim_key(digest), owner.encode(), now + lease))
        return Claim("", lease, mark)
    return Claim(holder, expires - now, mark)


def release(db: "Connection", digest: str, owner: str, now: float) -> bool:
    if db.execute(_DROP, (claim_key(digest), owner.encode(), now)).rowcount == 0:
        return False
    db.execute(_KEEP, (wake_key(digest), urandom(8).hex().encode(), now + WOKEN_SECONDS))
    return True


def latest_release(db: "Connection", digest: str, now: float) -> str:
    """Its name; "" when none was in the last minute."""
    return _find(db, wake_key(digest), now)[0]


def _find(db: "Connection", key: str, now: float) -> tuple[str, float]:
    """The record's text and when it expires; what is of another type counts as none."""
    value, expires = db.execute(_FIND, (key, now)).fetchone() or (b"", 0.0)
    if not isinstance(value, bytes) or not isinstance(expires, float):
        return "", 0.0
    return value.decode("utf-8", "replace"), expires
