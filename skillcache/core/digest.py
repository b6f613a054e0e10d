"""Hash functions without hashlib, whose OpenSSL binding costs a hook 4 ms; each is loaded when it is called.

Each takes optional first bytes and returns the usual object: `update`, `digest`, `hexdigest`.
"""

import sys

try:
    from _blake2 import blake2b
except ImportError:  # another interpreter than CPython, or one built without it
    from hashlib import blake2b

_LARGE = 2 << 20  # from here on OpenSSL's use of the processor repays its import

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def signs(words: "Iterable[bytes]") -> "list[bytes]":
    """Of words of somebody's text: what is kept of one tells whether another is the same, and not what it is."""
    from binascii import crc32

    return [b"%08x" % crc32(word) for word in words]


def sha1(data: bytes = b"") -> "Any":
    try:
        from _sha1 import sha1 as new  # type: ignore[import-not-found]
    except ImportError:
        from hashlib import sha1 as new
    return new(data)  # noqa: S324 - git's own names


def sha256(data: bytes = b"") -> "Any":
    try:
        # Asked by version: a failed import costs a hook as much as three that succeed.
        if sys.version_info >= (3, 12):
            from _sha2 import sha256 as new  # type: ignore[import-not-found,unused-ignore]
        else:
            from _sha256 import sha256 as new  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        from hashlib import sha256 as new
    return new(data)


def digest(data: bytes) -> str:
    """The 32 hexadecimal characters this package names content by: BLAKE2b of 16 bytes."""
    return blake2b(data, digest_size=16).hexdigest()


def digest_parts(parts: "Iterable[bytes]") -> str:
    """One digest of many parts; every part's length goes in, so that no two lists of parts agree."""
    state = blake2b(digest_size=16)
    for part in parts:
        state.update(b"%d:" % len(part))
        state.update(part)
    return state.hexdigest()


_values = [b""]  # of this process: one person has one team
_PLAIN = 20  # characters of a value that is a word, not a digest


def key_values(secret: bytes) -> None:
    """From now on `private` is keyed with this, b"" for nothing."""
    _values[0] = secret


def private(value: str) -> str:
    """A digest as it may stand where others read it: keyed, so that nobody without the team's key tries values."""
    if not _values[0] or len(value) < _PLAIN:
        return value
    return blake2b(value.encode("utf-8", "surrogateescape"), digest_size=16, key=_values[0]).hexdigest()


def blob_oid(data: bytes, *, long: bool = False) -> bytes:
    """The object id git gives this content, in hexadecimal; `long` for a repository of SHA-256."""
    head = b"blob %d\0" % len(data)
    if len(data) >= _LARGE:
        import hashlib

        return hashlib.new("sha256" if long else "sha1", head + data, usedforsecurity=False).hexdigest().encode()
    state = (sha256 if long else sha1)(head)
    state.update(data)
    name: str = state.hexdigest()
    return name.encode()


__all__ = ["blake2b", "blob_oid", "digest", "digest_parts", "key_values", "private", "sha1", "sha256"]
