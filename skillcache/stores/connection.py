"""A link to a Redis server over `_socket`, held to deadlines, and RESP2, the protocol that it speaks.

    request = "*" count CRLF ( "$" length CRLF bytes CRLF )*
    reply   = "+" line CRLF | "-" error CRLF | ":" integer CRLF
            | "$" length CRLF bytes CRLF | "*" count CRLF reply*          (length, count -1: nothing)

https://redis.io/docs/latest/develop/reference/protocol-spec/

A deadline is for the whole step, not for one read: a server that drips bytes cannot hold a call. The time a
server is silent is bounded more tightly than the whole reply, so that a hanging one costs a call less than
150 ms while a large reply may take its time.
"""

import _socket
from errno import errorcode
from time import monotonic

from skillcache.core import Record
from skillcache.core.outcomes import STORE_GARBAGE, STORE_REFUSED, STORE_TIMEOUT, STORE_UNREACHABLE, StoreError
from skillcache.stores.redis_url import Address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol, TypeAlias, TypeVar

    from skillcache.core.outcomes import Outcome

    T = TypeVar("T")
    Reply: TypeAlias = "bytes | int | ErrorReply | list[Reply] | None"
    Command: TypeAlias = tuple[str | bytes, ...]
    # What is said to the server, and the function that reads its reply. That raises StoreError (STORE_GARBAGE) for a
    # reply of another shape. An empty command is not sent: nothing is asked.
    Request: TypeAlias = tuple[Command, Callable[[Any], T]]
    SocketAddress = tuple[int, int, int, Any]  # family, kind, protocol, address

    class Link(Protocol):
        """Asks a server, wherever it is. Of coroutines each call is one that gives what is said here.

        longest: seconds, at most, for which the server is asked to keep a reply back; is_spread: over the nodes of a
        cluster, where a script has the keys of one slot.
        """

        longest: float
        is_spread: bool

        def ask(self, request: Request[T], patience: float = 0.0) -> T:
            """`patience`: seconds for which the server may keep its reply back. Raises StoreError."""

        def ask_all(self, requests: Sequence[Request[Any]]) -> list[Any]:
            """The same of each, in one round trip."""

        def close(self) -> Any:
            """Lets go of what it alone holds; safe after a failure and twice."""


_PIECE = 65536
_ANSWER = 1 << 20  # bytes, at most, of where a server is: a node tells of every other
_LOOPBACK = ("127.0.0.1", "::1")
_WAITING_MARGIN = 1.0  # seconds beyond a block: whoever waits can afford a busy server
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
_SENDING = (b"ASK", b"MOVED")
_SAID = 160  # characters of such a text


class ErrorReply:
    """An error reply; code: its first word, ERR where that is not a known one; text: what may be shown of the rest.

    sent: where else a node of a cluster sends us, by MOVED and ASK.
    """

    __slots__ = ("code", "sent", "text")

    def __init__(self, line: bytes) -> None:
        code, _, text = line.partition(b" ")
        if text.startswith(b"Protocol error: unauthenticated"):  # of a request that is long, such as a script
            code = b"NOAUTH"
        self.code = code.decode() if code in _CODES else "ERR"
        self.text = said(text) if code in _TELLING else ""
        self.sent = said(text) if code in _SENDING else ""

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
            return ErrorReply(rest)
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


class Limits(Record):
    """Seconds, but for `size`."""

    connect: float = 0.1  # with name resolution, and once more for a TLS handshake
    silence: float = 0.13  # until the reply's first byte
    operation: float = 0.25  # request and whole reply
    size: int = 64 << 20  # most bytes of a reply
    rest: float = 0.0  # for which this process asks a server nothing that another link has waited for in vain


REST = 1.0
HASTY = Limits(rest=REST)  # of a hook, whose process may ask in several places and is to wait once
PATIENT = Limits(connect=2, silence=5, operation=30)  # of a person, who waits longer than a hook
silent: "dict[object, tuple[float, Outcome, str]]" = {}  # by the place: since when, and what became of it


def note_silence(address: Address, error: StoreError) -> None:
    since, now = silent.get(_place(address), (-REST, STORE_TIMEOUT, ""))[0], monotonic()
    if error.outcome is STORE_TIMEOUT and now - since >= REST:  # that it is not asked is no news
        silent[_place(address)] = (now, error.outcome, error.detail)


def require_heard(address: Address, rest: float) -> None:
    """Raises StoreError where it was silent less than so many seconds ago."""
    since, outcome, detail = silent.get(_place(address), (-rest, STORE_TIMEOUT, ""))
    if monotonic() - since < rest:
        raise StoreError(outcome, detail)


def _place(address: Address) -> object:
    return address.path, address.host, address.port, address.sentinels, address.nodes


class SocketLink:
    """Over one connection of this process, made at the first question.

    After a failure it is dead: every later question raises the same at once.
    """

    longest = 5.0  # a server that is gone without a word is noticed after so long
    is_spread = False

    def __init__(self, address: Address, limits: Limits | None = None) -> None:
        self.address = address
        self._limits = limits or HASTY
        self._socket: _socket.socket | None = None
        self._reader = Reader(self._receive, self._limits.size)
        self._greeting: tuple[tuple[str, ...], ...] = ()
        self._count = 0
        self._deadline = 0.0
        self._silence = 0.0
        self._fault: tuple[Outcome, str] | None = None

    def ask(self, request: "Request[T]", patience: float = 0.0) -> "T":
        found: T = self._ask((request,), patience)[0]
        return found

    def ask_all(self, requests: "Sequence[Request[Any]]") -> "list[Any]":
        return self._ask(requests, 0.0)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ask(self, requests: "Sequence[Request[Any]]", patience: float) -> "list[Any]":
        if self._fault is not None:
            raise StoreError(*self._fault)
        commands = [command for command, _ in requests if command]
        # An alarm may cut the exchange short anywhere: until it is whole, the connection owes a reply
        # that must not be taken for the next one's.
        self._fault = (STORE_UNREACHABLE, "an exchange was cut short")
        try:
            replies = iter(self._told(commands, patience) if commands else ())
            self._fault = None
            return [read(accepted(next(replies)) if command else None) for command, read in requests]
        except StoreError as error:
            self._fault = (error.outcome, error.detail)
            note_silence(self.address, error)
            self.close()
            raise StoreError(*self._fault) from None

    def _told(self, commands: "Sequence[Command]", patience: float) -> "list[Reply]":
        """The replies, once a replica has what is to outlive the master, where there are Sentinels to put it there."""
        if self.address.sentinels:
            from skillcache.stores.cluster import WAIT, is_lasting  # few URLs name any

            if any(map(is_lasting, commands)):
                *replies, said = self._exchange([*commands, ("INFO", "replication")], patience)
                if isinstance(said, bytes) and b"connected_slaves:" in said and b"connected_slaves:0" not in said:
                    self._exchange([WAIT], patience)
                return replies
        return self._exchange(commands, patience)

    def _exchange(self, commands: "Sequence[Command]", patience: float) -> "list[Reply]":
        self.connect()
        self.send(commands, patience)
        return self.receive()

    def connect(self) -> None:
        """In three steps: to connect, to send, to receive. Each raises StoreError, after which there is no other."""
        if self._socket is None:
            require_heard(self.address, self._limits.rest)
            try:
                self._socket = _connect(self.address, self._limits)
            except OSError as error:
                raise _named(error) from None
            self._greeting = self.address.greeting()

    def send(self, commands: "Sequence[Command]", patience: float) -> None:
        """The greeting of a fresh connection travels with the first."""
        self._count = len(commands)
        patience += _WAITING_MARGIN if patience else 0.0
        self._deadline = monotonic() + self._limits.operation + patience
        self._silence = self._limits.silence + patience
        try:
            self._send(b"".join([encode(words) for words in (*self._greeting, *commands)]))
        except OSError as error:
            raise _named(error) from None

    def receive(self) -> "list[Reply]":
        """The reply to each command that was sent."""
        try:
            for words in self._greeting:
                reply = self._reader.read()
                if isinstance(reply, ErrorReply):
                    # The commands' own (NOAUTH) would only be its consequence, or never come.
                    raise refusal(self._discreet(reply))
                if reply != b"OK":
                    raise StoreError(STORE_GARBAGE, f"{words[0]} was not answered by OK")
            self._greeting = ()
            replies = [self._discreet(self._reader.read()) for _ in range(self._count)]
        except OSError as error:
            raise _named(error) from None
        self._reader.require_drained()
        return replies

    def _send(self, data: bytes) -> None:
        with memoryview(data) as view:
            sent = 0
            while sent < len(data):
                sent += self._ready(self._left()).send(view[sent:])

    def _receive(self) -> bytes:
        # One look without waiting is always made: a reply that came while this process had no processor is in time.
        piece = self._ready(max(min(self._left(), self._silence), 0.001)).recv(_PIECE)
        self._silence = self._limits.operation
        return piece

    def _discreet(self, reply: "T") -> "T":
        if isinstance(reply, ErrorReply) and self.address.password and self.address.password in reply.text:
            reply.text = ""
        return reply

    def _left(self) -> float:
        left = self._deadline - monotonic()
        if left <= 0:
            raise StoreError(STORE_TIMEOUT, "no whole reply in time")
        return left

    def _ready(self, seconds: float) -> "_socket.socket":
        if self._socket is None:
            raise StoreError(STORE_UNREACHABLE, "the connection was closed")
        self._socket.settimeout(seconds)
        return self._socket


def ask_once(address: Address, command: "Command", seconds: float) -> "Any":
    """The reply, over a connection of its own, for at most so long in each of its steps. Raises StoreError."""
    link = SocketLink(address, Limits(seconds, seconds, seconds, _ANSWER))
    try:
        return link.ask((command, lambda reply: reply))
    finally:
        link.close()


def accepted(reply: "Reply") -> "Reply":
    """Raises StoreError for an error."""
    if isinstance(reply, ErrorReply):
        raise refusal(reply)
    return reply


def refusal(reply: ErrorReply) -> StoreError:
    return StoreError(STORE_REFUSED, reply.detail)


def _named(error: OSError) -> StoreError:
    if isinstance(error, TimeoutError):
        return StoreError(STORE_TIMEOUT, "the connection timed out")
    return StoreError(STORE_UNREACHABLE, describe(error))


def _connect(address: Address, limits: Limits) -> "_socket.socket":
    deadline = monotonic() + limits.connect
    if address.sentinels:
        from skillcache.stores.cluster import locate  # few URLs name any

        address = locate(address, deadline, ask_once)
    if address.path is not None:
        return _dial((_socket.AF_UNIX, _socket.SOCK_STREAM, 0, address.path), limits.connect)
    places = _resolve(address.host, address.port, max(deadline - monotonic(), 0.001))
    for index, place in enumerate(places):
        # Each address has its share of the time left, or one that swallows packets would starve the next.
        share = max((deadline - monotonic()) / (len(places) - index), 0.001)
        try:
            link = _dial(place, share)
        except OSError:
            if index == len(places) - 1:
                raise
            continue
        link.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        if address.tls is None:
            return link
        from skillcache.stores.tls import wrap  # 30 ms that only rediss:// pays

        return wrap(link, address, limits.connect)
    raise StoreError(STORE_UNREACHABLE, "the host name has no address")


def _dial(place: "SocketAddress", seconds: float) -> "_socket.socket":
    family, kind, protocol, target = place
    link = _socket.socket(family, kind, protocol)
    try:
        link.settimeout(seconds)
        link.connect(target)
    except BaseException:
        link.close()
        raise
    return link


def _resolve(host: str, port: int, seconds: float) -> "list[SocketAddress]":
    """Numbers and localhost ask no resolver; a name is given `seconds`, for a resolver may hang for many."""
    if host.lower() == "localhost":
        return [place for number in _LOOPBACK for place in _look_up(number, port, numeric=True)]
    try:
        return _look_up(host, port, numeric=True)
    except _socket.gaierror:
        pass
    # getaddrinfo cannot be interrupted. In a thread of its own it can be left behind: a raw thread does not
    # hold the end of the process.
    from _thread import allocate_lock, start_new_thread  # for names only

    found: list[list[SocketAddress] | OSError] = []
    done = allocate_lock()
    done.acquire()

    def look_up() -> None:
        try:
            found.append(_look_up(host, port, numeric=False))
        except OSError as error:
            found.append(error)
        finally:
            done.release()

    start_new_thread(look_up, ())
    if not done.acquire(timeout=seconds):
        raise StoreError(STORE_TIMEOUT, "the host name was not resolved in time")
    if isinstance(found[0], OSError):
        raise StoreError(STORE_UNREACHABLE, "the host name was not resolved")
    return found[0]


def _look_up(host: str, port: int, *, numeric: bool) -> "list[SocketAddress]":
    # Bytes: for text the interpreter imports its IDNA codec (7 ms), which only an international name needs.
    flags = _socket.AI_NUMERICHOST if numeric else 0
    try:
        name = host.encode("ascii" if host.isascii() else "idna")
        found = _socket.getaddrinfo(name, port, 0, _socket.SOCK_STREAM, 0, flags)
    except ValueError:
        raise _socket.gaierror("not a host name") from None
    return [(family, kind, protocol, place) for family, kind, protocol, _, place in found]


def describe(error: OSError) -> str:
    """What went wrong without the message: an error's own text may name what it was given."""
    if type(error).__module__ == "ssl":  # whose numbers are none of the system's
        return f"TLS: {getattr(error, 'reason', None) or 'the connection was closed'}"
    return errorcode.get(error.errno or 0, type(error).__name__)
