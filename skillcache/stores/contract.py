"""Where entries, generations and small records live: one contract, a module for each store.

`Store` states the contract; tests/stores/ holds both stores to it. Opening a store touches nothing: the
first call connects, or opens the file.
"""

from skillcache.core import Record
from skillcache.core.outcomes import Outcome, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.stores.signed import Keys

MAX_TTL = 10 * 366 * 24 * 3600  # seconds; far below where Redis refuses an expiry
STARTED_DIGITS = 16  # a value begins with its start in ms since the epoch, so that a script can compare

EMBEDDED = "embedded:"


class Target(str):
    """What names a store, for who takes what is signed with these keys (`signed.Keys`) and nothing else."""

    __slots__ = ("keys",)
    keys: "Keys"


def keys_of(target: str) -> "Keys | None":
    return target.keys if isinstance(target, Target) else None


class Lookup(Record):
    entry: bytes | None  # the stored value or None
    generations: tuple[int, ...]  # in the order of the names asked for, 0 where none was raised
    also: bytes | None = None  # the value under the second key, None where there is none or none was asked for


class Claim(Record):
    """What a claim came to."""

    holder: str  # "" when it is ours now, else the owner who has it
    left: float  # seconds of its lease
    # from where `wait` hears the next release; with one that is ours it tells of a release lately, and is ""
    # where none was
    mark: str


class Store:
    """Every call but `wait` is one round trip; each raises StoreError for any failure of the store.

    After a failure the store of a hook is dead: every later call raises the same at once. Entries
    (`get`, `put`) and records (`read`, `write`) never share a key; `delete` drops either. Expiry is in whole
    seconds from 1 to MAX_TTL; another value is a TypeError or ValueError.
    """

    _fault: tuple[Outcome, str] | None = None

    def get(self, key: str, names: tuple[str, ...], also: str | None = None) -> Lookup:
        """The entry under `key`, the generations of `names` and the entry under `also`, read at one moment."""
        raise NotImplementedError

    def get_many(self, keys: tuple[str, ...], names: tuple[str, ...]) -> tuple[Lookup, ...]:
        """As `get` for each of the keys, of which there is one at least."""
        raise NotImplementedError

    def put(
        self,
        key: str,
        value: bytes,
        *,
        ttl: int,
        started: int,
        names: tuple[str, ...],
        generations: tuple[int, ...],
    ) -> bool:
        """Stores value and expiry in one step, or refuses (False) and leaves everything as it was.

        Refused when the value under `key` was started later, or when a generation of `names` is no longer
        the one given. `started` is in ms since the epoch, and `value` begins with it as 16 digits.
        """
        raise NotImplementedError

    def delete(self, key: str) -> None:
        raise NotImplementedError

    def invalidate(self, name: str) -> int:
        """Raises the generation of `name` and returns it: what was stored before is no longer current."""
        raise NotImplementedError

    def read(self, keys: tuple[str, ...]) -> tuple[bytes | None, ...]:
        raise NotImplementedError

    def write(self, key: str, value: bytes, ttl: int) -> None:
        raise NotImplementedError

    def claim(self, digest: str, owner: str, lease: float) -> Claim:
        """Claims `digest` for `lease` seconds, unless another owner has it; a claim of the same owner is extended.

        `owner` is any text but ""; `lease` is over 0 and at most MAX_TTL. Another value is a ValueError.
        """
        raise NotImplementedError

    def release(self, digest: str, owner: str) -> bool:
        """Gives the claim up and wakes all who wait; False, and nothing is done, when `owner` has it no longer."""
        raise NotImplementedError

    def wait(self, digest: str, mark: str, seconds: float) -> bool:
        """True as soon as there was a release since `mark`; False after `seconds`.

        A release between the refused claim and the wait is heard at once. The end of a lease is no release: wait
        no longer than what was left of it.
        """
        raise NotImplementedError

    def ping(self) -> None:
        """Raises unless the store can be used, for writing too where that can be told."""
        raise NotImplementedError

    def close(self) -> None:
        """Lets go of the connection; safe after a failure and twice."""
        raise NotImplementedError

    def _require_alive(self) -> None:
        """For a store whose faults are its own, not a link's."""
        if self._fault is not None:
            raise StoreError(*self._fault)

    def _die(self, outcome: Outcome, detail: str) -> StoreError:
        self._fault = (outcome, detail)
        self.close()
        return StoreError(outcome, detail)


def stamp(started: int) -> bytes:
    """The first bytes of a value: `started` as 16 digits."""
    return b"%016d" % started


def started_of(value: bytes | None) -> int:
    """When what lies there was begun, readable or not: a store keeps it against what was begun before."""
    digits = (value or b"")[:STARTED_DIGITS]
    return int(digits) if len(digits) == STARTED_DIGITS and digits.isdigit() else 0


def check_ttl(ttl: int) -> None:
    """Raises TypeError and ValueError."""
    if type(ttl) is not int:
        raise TypeError(f"an expiry is a whole number of seconds, not {ttl!r}")
    if not 1 <= ttl <= MAX_TTL:
        raise ValueError(f"an expiry is 1 to {MAX_TTL} seconds, not {ttl}")


def check_claim(owner: str, lease: float) -> None:
    if not owner:
        raise ValueError("a claim has an owner")
    if not 0 < lease <= MAX_TTL:
        raise ValueError(f"a lease is up to {MAX_TTL} seconds, not {lease}")


def check_value(value: bytes, started: int) -> None:
    if value[:STARTED_DIGITS] != stamp(started):
        raise ValueError("a value begins with its start as 16 digits")
