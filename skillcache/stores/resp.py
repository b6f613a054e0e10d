"""RESP2, the protocol of Redis and Valkey: what a client sends and what it may be answered.

    request = "*" count CRLF ( "$" length CRLF bytes CRLF )*
    reply   = "+" line CRLF | "-" error CRLF | ":" integer CRLF
            | "$" length CRLF bytes CRLF | "*" count CRLF reply*          (length, count -1: nothing)

https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from skillcache.core.outcomes import STORE_GARBAGE, STORE_UNREACHABLE, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Reply: TypeAlias = "bytes | int | Refusal | list[Reply] | None"

_END = b"\r\n"
_KINDS = (b"", b"+", b"-", b":", b"$", b"*")
MAX_LINE = 65536
MAX_ITEMS = 1 << 17  # of a whole reply, whatever it is nested in
MAX_DEPTH = 8
_MAX_DIGITS = 19  # a signed 64-bit integer has no more

# An error's text may repeat what was sent, a password among it: a known first word is kept, and of those that do not
# say enough by it the beginning of the rest, up to where servers repeat the words of a command.
_CODES = (
    b"ASK BUSY CLUSTERDOWN CROSSSLOT DENIED ERR EXECABORT LOADING MASTERDOWN MISCONF MOVED NOAUTH NOPERM "
    b"NOREPLICAS NOSCRIPT OOM READONLY TRYAGAIN UNKILLABLE WRONGPASS WRONGTYPE"
).split()
_TELLING = (b"ERR", b"NOPERM")
_SAID = 160  # characters of such a text


class Refusal:
    """An error reply; code: its first word, ERR where that is not a known one; text: what may be shown of the rest."""

    __slots__ = ("code", "text")

    def __init__(self, line: bytes) -> None:
        code, _, text = line.partition(b" ")
        if text.startswith(b"Protocol error: unauthenticated"):  # of a request that is long, such as a script
            code = b"NOAUTH"
        self.code = code.decode() if code in _CODES else "ERR"
        self.text = said(text) if code in _TELLING else ""

    @property
    def detail(self) -> str:
        return f"{self.code} {self.text}".rstrip()


def said(text: bytes) -> str:
    """What may be shown of an error's text."""
    shown = text.partition(b", with args")[0][:_SAID].decode("ascii", "replace")
    return "".join(char if " " <= char <= "~" else "?" for char in shown)


def encode(command: "tuple[str | bytes, ...]") -> bytes:
    parts = [b"*%d\r\n" % len(command)]
    for word in command:
        data = word.encode() if isinstance(word, str) else word
        parts += (b"$%d\r\n" % len(data), data, _END)
    return b"".join(parts)


class Reader:
    """Takes replies from a stream that arrives in pieces of any size.

    receive: the next piece, b"" at the stream's end. A reply of more than `limit` bytes, and what is not
    RESP2, is STORE_GARBAGE; a stream that ends first is STORE_UNREACHABLE.
    """

    __slots__ = ("_at", "_buffer", "_items", "_limit", "_receive")

    def __init__(self, receive: "Callable[[], bytes]", limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._buffer = bytearray()
        self._at = 0
        self._items = 0

    def read(self) -> "Reply":
        self._items = 0
        reply = self._take(0)
        del self._buffer[: self._at]
        self._at = 0
        return reply

    def require_drained(self) -> None:
        """More than was asked for would be taken for the answer to the next command."""
        if self._buffer:
            raise StoreError(STORE_GARBAGE, "more replies than commands")

    def _take(self, depth: int) -> "Reply":
        line = self._take_line()
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            length = _integer(rest)
            return None if length == -1 else self._take_bytes(length)
        if kind == b"*":
            count = _integer(rest)
            if count == -1:
                return None
            self._items += max(count, 0)
            if count < 0 or self._items > MAX_ITEMS or depth >= MAX_DEPTH:
                raise StoreError(STORE_GARBAGE, "an array out of bounds")
            return [self._take(depth + 1) for _ in range(count)]
        if kind == b":":
            return _integer(rest)
        if kind == b"+":
            return rest
        if kind == b"-":
            return Refusal(rest)
        raise StoreError(STORE_GARBAGE, "not a RESP2 reply")

    def _take_line(self) -> bytes:
        searched = self._at
        while (end := self._buffer.find(_END, searched)) < 0:
            searched = max(self._at, len(self._buffer) - 1)  # the pair may be split between two pieces
            if searched - self._at > MAX_LINE or self._buffer[self._at : self._at + 1] not in _KINDS:
                raise StoreError(STORE_GARBAGE, "not a RESP2 reply")
            self._fill()
        line = bytes(self._buffer[self._at : end])
        self._at = end + len(_END)
        return line

    def _take_bytes(self, length: int) -> bytes:
        if not 0 <= length <= self._limit:
            raise StoreError(STORE_GARBAGE, "a length out of bounds")
        end = self._at + length
        while len(self._buffer) < end + len(_END):
            self._fill()
        if self._buffer[end : end + len(_END)] != _END:
            raise StoreError(STORE_GARBAGE, "a string of another length than said")
        with memoryview(self._buffer) as view:  # a slice of the bytearray would copy twice
            data = bytes(view[self._at : end])
        self._at = end + len(_END)
        return data

    def _fill(self) -> None:
        piece = self._receive()
        if not piece:
            raise StoreError(STORE_UNREACHABLE, "the connection was closed")
        self._buffer += piece
        if len(self._buffer) > self._limit:
            raise StoreError(STORE_GARBAGE, "a reply over the cap")


def _integer(text: bytes) -> int:
    digits = text[1:] if text[:1] in (b"-", b"+") else text
    if not digits.isdigit() or len(digits) > _MAX_DIGITS:
        raise StoreError(STORE_GARBAGE, "not an integer")
    return int(text)
