"""One connection to a Redis server, over `_socket`, held to deadlines.

A deadline is for the whole step, not for one read: a server that drips bytes cannot hold a call. The time a
server is silent is bounded more tightly than the whole reply, so that a hanging one costs a call less than
150 ms while a large reply may take its time.
"""

import _socket
from errno import errorcode
from time import monotonic

from skillcache.core.outcomes import STORE_GARBAGE, STORE_TIMEOUT, STORE_UNREACHABLE, StoreError
from skillcache.core.record import Record
from skillcache.stores.redis_url import Address
from skillcache.stores.resp import Reader, Refusal, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from skillcache.stores.resp import Reply

    SocketAddress = tuple[int, int, int, Any]  # family, kind, protocol, address

_PIECE = 65536
_ANSWER = 1 << 20  # bytes, at most, of where a server is: a node tells of every other
_LOOPBACK = ("127.0.0.1", "::1")


class Limits(Record):
    """Seconds, but for `size`."""

    connect: float = 0.1  # with name resolution, and once more for a TLS handshake
    silence: float = 0.13  # until the reply's first byte
    operation: float = 0.25  # request and whole reply
    size: int = 64 << 20  # most bytes of a reply


PATIENT = Limits(connect=2, silence=5, operation=30)  # of a person, who waits longer than a hook


class Connection:
    """Connects at the first exchange.

    After a StoreError, or a Refusal, replies may still be due: close it and do not use it again.
    """

    def __init__(self, address: Address, limits: Limits) -> None:
        self._address = address
        self._limits = limits
        self._is_tagged = bool(address.nodes)
        self._socket: _socket.socket | None = None
        self._reader = Reader(self._receive, limits.size)
        self._deadline = 0.0
        self._silence = 0.0

    def exchange(self, command: "tuple[str | bytes, ...]", patience: float = 0.0) -> "Reply":
        """The reply to `command`; the greeting of a fresh connection travels with it. Raises StoreError.

        patience: seconds that the reply may take beyond the limits, for a command that blocks.
        """
        return self.exchange_all((command,), patience)[-1]

    def exchange_all(self, commands: "tuple[tuple[str | bytes, ...], ...]", patience: float = 0.0) -> "list[Reply]":
        """The reply to each command, in one round trip; a refused greeting is the only reply. Raises StoreError."""
        greeting: tuple[tuple[str, ...], ...] = ()
        try:
            if self._socket is None:
                self._socket = _connect(self._address, self._limits)
                greeting = self._address.greeting()
            self._deadline = monotonic() + self._limits.operation + patience
            self._silence = self._limits.silence + patience
            if self._is_tagged:
                from skillcache.stores.cluster import tagged  # few URLs name one

                commands = tuple([tuple(tagged(words)) for words in commands])
            self._send(b"".join([encode(words) for words in (*greeting, *commands)]))
            for words in greeting:
                reply = self._reader.read()
                if isinstance(reply, Refusal):
                    # The commands' own (NOAUTH) would only be its consequence, or never come.
                    return [self._discreet(reply)]
                if reply != b"OK":
                    raise StoreError(STORE_GARBAGE, f"{words[0]} was not answered by OK")
            replies = [self._discreet(self._reader.read()) for _ in commands]
        except TimeoutError:
            raise StoreError(STORE_TIMEOUT, "the connection timed out") from None
        except OSError as error:
            raise StoreError(STORE_UNREACHABLE, describe(error)) from None
        self._reader.require_drained()
        return replies

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

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

    def _discreet(self, reply: "Reply") -> "Reply":
        if isinstance(reply, Refusal) and self._address.password and self._address.password in reply.text:
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


def ask_once(address: Address, command: "tuple[str, ...]", seconds: float) -> "Reply":
    """Over a connection of its own, for at most so long in each of its steps. Raises StoreError."""
    connection = Connection(address, Limits(seconds, seconds, seconds, _ANSWER))
    try:
        return connection.exchange(command)
    finally:
        connection.close()


def _connect(address: Address, limits: Limits) -> "_socket.socket":
    deadline = monotonic() + limits.connect
    if address.sentinels or address.nodes:
        from skillcache.stores.discovery import locate  # few URLs name any

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
