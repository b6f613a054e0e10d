"""Which entries a store holds, batch by batch: more than the hook path ever asks of a store.

What is asked is written as steps: a generator yields the commands of one pipeline and is sent their replies, so that a
blocking client of Redis and an asyncio one take the same steps. The embedded store answers at once and yields nothing.
No step is longer than a batch: other clients are served in between.
"""

import re
from collections.abc import Generator, Iterable
from typing import Any, NamedTuple, TypeVar

from skillcache.redis_keys import entry_key

T = TypeVar("T")
Commands = list[tuple[Any, ...]]
Steps = Generator[Commands, list[Any], T]

BATCH = 500  # keys: half a millisecond of a server's time
SECONDS = 5.0  # a person waits longer than a hook
HEAD = 8_192  # bytes that hold the header of most entries
LONG_HEAD = 1 << 20
ENTRIES = entry_key("*", "*")
TEAM_ENTRIES = entry_key("*", "*", "*")
PREFIX, TEAM_PREFIX = ENTRIES.partition("*")[0], TEAM_ENTRIES.partition("*")[0]
_NAME_AND_DIGEST = re.compile(r"(.+?):([^:]+(?::v[^:]+)?)", re.DOTALL)


class Holdings:
    """Keys are texts; one that is not UTF-8 holds surrogates. What is gone meanwhile is left out of an answer.

    Raises StoreError.
    """

    def names(self) -> Steps[list[str]]:
        """Names that entries may be stored under."""
        raise NotImplementedError

    def generations(self, names: Iterable[str]) -> Steps[dict[str, int]]:
        raise NotImplementedError

    def raise_generations(self, names: Iterable[str]) -> Steps[dict[str, int]]:
        """The new ones. From then on nothing that is bound to an older one is served, or stored."""
        raise NotImplementedError

    def keys(self, glob: str, cursor: int) -> Steps[tuple[int, list[str]]]:
        """A batch of the keys of entries that match. `cursor`: 0 for the first; 0 is given back with the last."""
        raise NotImplementedError

    def sizes(self, keys: list[str]) -> Steps[dict[str, int]]:
        """Bytes of each value."""
        raise NotImplementedError

    def heads(self, keys: list[str]) -> Steps[dict[str, bytes]]:
        """The beginning of each value, with its whole header where that is at most 1 MiB."""
        raise NotImplementedError

    def expiries(self, keys: list[str]) -> Steps[dict[str, float]]:
        """Seconds that each has left; infinity for one without an expiry."""
        raise NotImplementedError

    def value(self, key: str) -> Steps[bytes | None]:
        raise NotImplementedError

    def replace(self, key: str, old: bytes, new: bytes, ttl: int) -> Steps[bool]:
        """Puts `new` in the place of `old`, for `ttl` seconds from now; False when something else is there by then."""
        raise NotImplementedError

    def remove(self, keys: list[str]) -> Steps[int]:
        """How many of them were there."""
        raise NotImplementedError

    def forget(self, name: str) -> Steps[None]:
        """Drops a name and its generation: for one that nothing was stored under which is still there."""
        raise NotImplementedError


class Parts(NamedTuple):
    """Of an entry's key. team: "" for an entry that is not shared; digest: with the version behind it, if any."""

    team: str
    name: str
    digest: str


def parts_of(key: str) -> Parts | None:
    """None for what is not the key of an entry."""
    if key.startswith(PREFIX):
        team, rest = "", key.removeprefix(PREFIX)
    elif key.startswith(TEAM_PREFIX):
        team, _, rest = key.removeprefix(TEAM_PREFIX).partition(":")
    else:
        return None
    found = _NAME_AND_DIGEST.fullmatch(rest)
    return Parts(team, *found.groups()) if found else None
