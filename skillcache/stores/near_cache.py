"""The near cache: what this machine has heard from Redis, kept so that little is asked for again.

A file for each question (an entry's key and the names asked with it) holds the answer; the time of the file is when
that was last known to be so. A question asked again asks for the generations and for what tells one value from another,
some 100 bytes in place of the value; only where that differs, for all. While the server is away, the answer stands for
as long as the person says, if that was known since this machine has last invalidated or removed anything. Files are
sealed: half a file is none.
"""

import os

from skillcache.core import files
from skillcache.core.outcomes import STORE_REFUSED, STORE_TIMEOUT, STORE_UNREACHABLE, StoreError
from skillcache.core.paths import near_folder, near_since
from skillcache.stores import redis
from skillcache.stores.contract import STARTED_DIGITS, Lookup, keys_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from skillcache.stores.connection import Request

_MOST = 8 << 20  # bytes of an answer that is kept
_TAIL = 40  # bytes; a value ends with what is packed, and its checksum
_FULL = 256 << 20  # bytes of all files, beyond which those that were unused for longest go
_AWAY = (STORE_UNREACHABLE, STORE_TIMEOUT)


class Near:
    """Asks the store that `give` opens. cache: our folder; seconds: the setting `near_cache`; now: unix seconds."""

    def __init__(
        self, give: "Callable[[], redis.RedisStore]", cache: str, target: str, *, seconds: float, now: float
    ) -> None:
        self._give = give
        self._store: redis.RedisStore | None = None
        self._cache = cache
        self._target = target
        self._seconds = seconds
        self._now = now

    def get(self, key: str, names: tuple[str, ...], also: str | None = None) -> Lookup:
        """As `Store.get`, of the present; while the server is away, of at most `seconds` ago. Raises StoreError."""
        path = files.small(near_folder(self._cache), self._target, key, also or "", *names)
        content = _load(path)
        kept = self._believed(_read(content, len(names)), key, also)
        try:
            self._store = self._store or self._give()
            found = _renewed(self._store, kept, key, names, also) if kept else self._store.get(key, names, also)
        except StoreError as fault:
            if kept is None or fault.outcome not in _AWAY or not self._is_known(path):
                raise
            return kept
        try:
            self._keep(path, content, found)
        except OSError:
            return found  # which is asked for again
        return found

    def close(self) -> None:
        if self._store is not None:
            self._store.close()

    def _believed(self, kept: Lookup | None, key: str, also: str | None) -> Lookup | None:
        """By the keys that the person's team has now."""
        keys = keys_of(self._target)
        if keys is None or kept is None:
            return kept
        from skillcache.stores.signed import checked  # few have a team

        return checked(keys, kept, key, also)

    def _is_known(self, path: str) -> bool:
        try:
            known = os.stat(path).st_mtime
        except OSError:
            return False
        # Of a time to come: a clock was wrong.
        return _since(self._cache) < known <= self._now <= known + self._seconds

    def _keep(self, path: str, content: bytes, found: Lookup) -> None:
        """Raises OSError."""
        present = _text(found)
        if (found.entry or found.also) and len(present) <= _MOST:
            if present != content:
                files.seal(path, present)
            os.utime(path, (self._now, self._now))
        elif content:
            files.remove(path)


def _since(cache: str) -> float:
    try:
        return os.stat(near_since(cache)).st_mtime
    except OSError:
        return 0.0


def _renewed(store: redis.RedisStore, kept: Lookup, key: str, names: tuple[str, ...], also: str | None) -> Lookup:
    """Raises StoreError."""
    keys = [key] if also is None else [key, also]
    values = [kept.entry, kept.also][: len(keys)]
    asked = [request for each in keys for request in _identity(each)]
    try:
        generations, *there = store.link.ask_all([redis.generations(names, key.rpartition(":")[2]), *asked])
    except StoreError as fault:
        if fault.outcome is not STORE_REFUSED:
            raise
        return store.get(key, names, also)  # which takes another kind of value for none
    if there == [part for value in values for part in _identity_of(value or b"")]:
        return Lookup(kept.entry, generations, kept.also)
    return store.get(key, names, also)


def _identity(key: str) -> "tuple[Request[Any], ...]":
    """What tells the value under `key` from others that may have been there."""
    return (
        (("STRLEN", key), _as_it_is),
        (("GETRANGE", key, "0", str(STARTED_DIGITS - 1)), _as_it_is),
        (("GETRANGE", key, str(-_TAIL), "-1"), _as_it_is),
    )


def _identity_of(value: bytes) -> "tuple[Any, ...]":
    return len(value), value[:STARTED_DIGITS], value[-_TAIL:]


def _as_it_is(reply: "Any") -> "Any":
    return reply


def _text(found: Lookup) -> bytes:
    entry, also = found.entry or b"", found.also or b""
    head = " ".join(map(str, (len(entry), len(also), *found.generations)))
    return b"%s\n%s%s" % (head.encode("ascii"), entry, also)


def _load(path: str) -> bytes:
    """What was kept, b"" for nothing."""
    try:
        return files.unsealed(path, _MOST)
    except OSError:
        return b""


def _read(content: bytes, count: int) -> Lookup | None:
    """None for what is of another form, from another version."""
    head, _, values = content.partition(b"\n")
    try:
        size, beside, *raised = map(int, head.split())
        if len(raised) == count and size + beside == len(values):
            return Lookup(values[:size] or None, tuple(raised), values[size:] or None)
    except ValueError:
        return None
    return None


def tidy(cache: str) -> None:
    """Remove what was unused for longest, where all together is too much. Raises OSError."""
    try:
        with os.scandir(near_folder(cache)) as found:
            known = [(item.stat(follow_symlinks=False), item.path) for item in found if item.path != near_since(cache)]
    except FileNotFoundError:
        return
    total = 0
    for status, path in sorted(known, key=lambda each: -each[0].st_mtime):
        total += status.st_size
        if total > _FULL:
            files.remove(path)
