"""What a team signs, so that nobody without its key can put a word into a session, whoever may write to the store.

    signature = "1" SP key SP until SP writer SP mac
    key       = 8 hexadecimal digits, by which one of the reader's keys is known
    until     = unix seconds after which it counts no more, 0 for no bound
    writer    = who signed: a name of a key of its own, else user@host as the signer says
    mac       = 32 hexadecimal digits, the first half of HMAC-SHA256 over
                "skillcache 1" LF kind LF length SP name LF key SP until SP writer LF data

`name` is what the value is stored under, its Redis key without a cluster's tag and, of a part of it, LF and the part's
own name; `length` its bytes. So what was signed for one place, kind or session counts in no other. `data` is the value.
An entry bears its signature in its header, as the first `"signature":"..."` of it, and is signed with that text empty;
a text is followed by LF and its signature. The key of the HMAC is made of a line of the team's key file: HMAC-SHA256
with the line's first word as the key, over the text "skillcache 1 sign"; of its digest of "skillcache 1 id" the first
8 digits are the key's id.

Version 1 is the first.
"""

import os
from time import time

from skillcache.core import outcomes
from skillcache.core.files import sha256
from skillcache.core.outcomes import (
    MISSIGNED,
    OUTLIVED,
    STORE_REFUSED,
    UNKNOWN_KEY,
    UNSIGNED,
    UNTRUSTED,
    Outcome,
    StoreError,
)
from skillcache.core.processes import user_name
from skillcache.stores.contract import Lookup
from skillcache.stores.redis import RedisStore

try:
    from _operator import _compare_digest as same
except ImportError:  # another interpreter than CPython
    from hmac import compare_digest as same  # type: ignore[no-redef]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from skillcache.stores.connection import Link

ENTRY, RECORD, SESSION, LOG, PATH, TASK, NOTE, MESSAGE, CHANNEL, AGENT, VALUE = (
    *("entry", "record", "session", "log", "path", "task", "note", "message", "channel", "agent", "value"),
)
SLACK = 3_600  # seconds by which the clocks of those who share a store differ at most
DIGITS = 32  # of a MAC
_VERSION = "1"
_BLOCK = 64
_SLOT = b'"signature":"'
_LONGEST = 200  # characters of a signature
_COUNTED = 20  # of one outcome in one process: a flood is to fill no file
_INNER, _OUTER = (bytes([byte ^ mask for byte in range(256)]) for mask in (0x36, 0x5C))


class Mac:
    """HMAC-SHA256 (RFC 2104) with one key; `hmac` and `hashlib` would cost a hook half of its start."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        if len(secret) > _BLOCK:
            secret = sha256(secret).digest()
        block = secret.ljust(_BLOCK, b"\0")
        self._inner, self._outer = sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))

    def __call__(self, *parts: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        for part in parts:
            inner.update(part)
        outer.update(inner.digest())
        found: bytes = outer.digest()
        return found


class Key:
    """writer: whose alone it is, "" for one that the team shares; values: what digests of values are keyed with."""

    __slots__ = ("id", "mac", "values", "writer")

    def __init__(self, secret: bytes, writer: str = "") -> None:
        root = Mac(secret)
        self.id = root(b"skillcache 1 id").hex()[:8]
        self.mac = Mac(root(b"skillcache 1 sign"))
        self.values = root(b"skillcache 1 values")
        self.writer = writer


class Signature:
    """As it is written; nobody has checked it."""

    __slots__ = ("key", "mac", "until", "writer")

    def __init__(self, text: str) -> None:
        """Raises ValueError."""
        if len(text) > _LONGEST or not text.isascii():
            raise ValueError("no signature")
        version, self.key, until, self.writer, self.mac = text.split(" ")
        if version != _VERSION or not until.isdigit() or len(until) > 12 or not self.writer:
            raise ValueError("no signature of this version")
        self.until = int(until)


def signer(signature: str) -> tuple[str, str] | None:
    """Who signed, with which key, where that is said; nobody has checked it here."""
    try:
        given = Signature(signature)
    except ValueError:
        return None
    return given.writer, given.key


class Keys:
    """The keys of a team as one person has them: the first signs, all verify. None at all: nothing is believed.

    writers: whose signatures count besides one's own, such as "ci@*", () for all; cache: where it is counted what
    counted not; again: is called before any is used, and may have others taken: a program outlives its keys.
    """

    __slots__ = ("_by_id", "_counted", "_name", "_owned", "again", "cache", "keys", "writer", "writers")

    def __init__(
        self, keys: "Iterable[Key]", *, writers: "Iterable[str]" = (), cache: str, environ: "Mapping[str, str]"
    ) -> None:
        self.writers = tuple(writers)
        self.cache = cache
        self.again: Callable[[], None] | None = None
        self._name = _name_of(environ)
        self._counted: dict[int, int] = {}
        self.take(keys)

    def take(self, keys: "Iterable[Key]") -> None:
        self.keys = tuple(keys)
        self.writer = (self.keys[0].writer if self.keys else "") or self._name
        self._by_id = {key.id: key for key in self.keys}
        self._owned = {key.writer for key in self.keys if key.writer}

    @property
    def values(self) -> bytes:
        """That of the key that all share with the least id, in whatever order: a new one has a greater id."""
        shared = [key for key in self.keys if not key.writer] or self.keys
        return min(shared, key=lambda key: key.id).values if shared else b""

    def sign(self, kind: str, name: str, *data: bytes, until: int = 0) -> str:
        """Raises StoreError where there is no key."""
        if self.again is not None:
            self.again()
        if not self.keys:
            raise StoreError(STORE_REFUSED, "the team's key could not be read")
        key = self.keys[0]
        words = f"{key.id} {until} {self.writer}"
        return f"{_VERSION} {words} {_mac(key, kind, name, words, data)}"

    def fault(self, kind: str, name: str, signature: str, *data: bytes) -> Outcome | None:
        """Why it does not count, None where it does."""
        if self.again is not None:
            self.again()
        if not signature:
            return UNSIGNED
        try:
            given = Signature(signature)
        except ValueError:
            return MISSIGNED
        key = self._by_id.get(given.key)
        if key is None:
            return UNKNOWN_KEY
        words = f"{given.key} {given.until} {given.writer}"
        if not same(_mac(key, kind, name, words, data), given.mac):
            return MISSIGNED
        if key.writer != given.writer and (key.writer or given.writer in self._owned):
            return UNTRUSTED  # a name that has a key of its own is nobody's who signs with another
        if given.until and time() > given.until + SLACK:
            return OUTLIVED
        return None if self.trusts(given.writer) else UNTRUSTED

    def digits_as(self, signature: str, kind: str, name: str, *data: bytes) -> str:
        """The MAC of what is signed by the same writer until the same time, by a signature that counts."""
        given = Signature(signature)
        return _mac(self._by_id[given.key], kind, name, f"{given.key} {given.until} {given.writer}", data)

    def trusts(self, writer: str) -> bool:
        if not self.writers or writer == self.writer:
            return True
        return any(writer == each or (each[-1:] == "*" and writer.startswith(each[:-1])) for each in self.writers)

    def counts(self, kind: str, name: str, signature: str, *data: bytes) -> bool:
        """Whether it counts; where not, that is counted."""
        outcome = self.fault(kind, name, signature, *data)
        if outcome is not None:
            self.note(outcome, kind)
        return outcome is None

    def note(self, outcome: Outcome, kind: str) -> None:
        number = self._counted[outcome.id] = self._counted.get(outcome.id, 0) + 1
        if number <= _COUNTED:
            outcomes.record(self.cache, time(), outcome, kind)

    def seal(self, kind: str, name: str, text: str, until: int = 0) -> str:
        """The text and its signature."""
        return f"{text}\n{self.sign(kind, name, _bytes(text), until=until)}"

    def opened(self, kind: str, name: str, sealed: str) -> str | None:
        """The text, None where its signature does not count."""
        text, end, signature = sealed.rpartition("\n")
        if not end or signature[:2] != f"{_VERSION} ":
            signature = ""
        return text if self.counts(kind, name, signature, _bytes(text)) else None

    def sign_value(self, kind: str, key: str, value: bytes, ttl: int) -> bytes:
        """An entry, or another value, as it is to be stored for `ttl` seconds."""
        until = int(time()) + ttl
        before, _, after = _parted(value)
        if after is None:
            return b"%b\n%b" % (value, self.sign(kind, key, value, until=until).encode())
        return b"%b%b%b" % (before, self.sign(kind, key, before, after, until=until).encode(), after)

    def open_value(self, kind: str, key: str, value: bytes) -> bytes | None:
        """An entry as it is, another value without its signature, None where that does not count."""
        before, signature, after = _parted(value)
        if after is not None:
            return value if self.counts(kind, key, signature, before, after) else None
        plain, _, end = value.rpartition(b"\n")
        return plain if self.counts(kind, key, end.decode("ascii", "replace"), plain) else None


def _mac(key: Key, kind: str, name: str, words: str, data: "tuple[bytes, ...]") -> str:
    where = _bytes(name)
    head = b"skillcache 1\n%b\n%d %b\n%b\n" % (kind.encode(), len(where), where, words.encode())
    return key.mac(head, *data).hex()[:DIGITS]


def _parted(value: bytes) -> "tuple[bytes, str, bytes | None]":
    """What stands before and after the signature in an entry's header, and that; None behind it for no entry."""
    first = value.find(b"\n", 0, _LONGEST)
    end = value.find(b"\n", first + 1) if first >= 0 else -1
    place = value.find(_SLOT, first + 1, end) if end >= 0 else -1
    if place < 0:
        return value, "", None
    begin = place + len(_SLOT)
    close = value.find(b'"', begin, end)
    if close < 0:
        return value, "", None
    return value[:begin], value[begin:close].decode("ascii", "replace"), value[close:]


def _bytes(text: str) -> bytes:
    """As the stores write it."""
    return text.encode("utf-8", "replace")


def _name_of(environ: "Mapping[str, str]") -> str:
    host = os.uname().nodename
    return "@".join([word_of(user_name(environ)), word_of(host)])


def word_of(text: str) -> str:
    return "".join([c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in text])[:60] or "-"


class SignedStore(RedisStore):
    """What does not bear a signature that counts is not there, and gives way."""

    def __init__(self, link: "Link", keys: Keys) -> None:
        super().__init__(link)
        self._keys = keys

    def get(self, key: str, names: tuple[str, ...], also: str | None = None) -> Lookup:
        return checked(self._keys, super().get(key, names, also), key, also)

    def get_many(self, keys: tuple[str, ...], names: tuple[str, ...]) -> tuple[Lookup, ...]:
        found = super().get_many(keys, names)
        return tuple([checked(self._keys, each, key) for key, each in zip(keys, found, strict=True)])

    def put(
        self, key: str, value: bytes, *, ttl: int, started: int, names: tuple[str, ...], generations: tuple[int, ...]
    ) -> bool:
        signed = self._keys.sign_value(ENTRY, key, value, ttl)
        more: Any = {"ttl": ttl, "started": started, "names": names, "generations": generations}
        if super().put(key, signed, **more):
            return True
        if not in_the_way(self._keys, key, super().get(key, ()).entry):
            return False
        self.delete(key)
        return super().put(key, signed, **more)

    def read(self, keys: tuple[str, ...]) -> tuple[bytes | None, ...]:
        return opened_all(self._keys, keys, super().read(keys))

    def write(self, key: str, value: bytes, ttl: int) -> None:
        return super().write(key, self._keys.sign_value(RECORD, key, value, ttl), ttl)


def checked(keys: Keys, found: Lookup, key: str, also: str | None = None) -> Lookup:
    entry = None if found.entry is None else keys.open_value(ENTRY, key, found.entry)
    other = None if found.also is None or also is None else keys.open_value(ENTRY, also, found.also)
    return Lookup(entry, found.generations, other)


def opened_all(keys: Keys, names: tuple[str, ...], values: "tuple[bytes | None, ...]") -> "tuple[bytes | None, ...]":
    pairs = zip(names, values, strict=True)
    return tuple([None if value is None else keys.open_value(RECORD, name, value) for name, value in pairs])


def in_the_way(keys: Keys, key: str, held: bytes | None) -> bool:
    """Whether what lies there, begun later than what is to be stored, is nobody's of the team."""
    return held is not None and keys.open_value(ENTRY, key, held) is None
