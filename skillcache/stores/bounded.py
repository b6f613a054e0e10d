"""redis-py's reading of replies with the bounds of ours: a server may send whatever it likes.

It knows how long a server may be silent, and nothing of how long, deep or slow a reply may be. A reply that is over a
bound is none that we understand (InvalidResponse, of redis-py's errors).
"""

from time import monotonic
from typing import Any

from redis._parsers import _AsyncRESP2Parser, _RESP2Parser
from redis._parsers.socket import SocketBuffer
from redis.exceptions import InvalidResponse

from skillcache.stores.resp import MAX_DEPTH, MAX_ITEMS, MAX_LINE

SIZE = 64 << 20  # bytes of a reply
_SLOW = 6  # silences of the length that is borne, from a reply's first byte to its last
_BORNE = 5.0  # seconds of silence where nobody says how many


class _Count:
    """What of a reply has come."""

    def __init__(self) -> None:
        self._items = 0
        self._depth = 0

    def begin(self) -> None:
        self._items = self._depth = 0

    def __enter__(self) -> None:
        self._items += 1
        self._depth += 1
        if self._items > MAX_ITEMS or self._depth > MAX_DEPTH + 1:
            raise InvalidResponse("an array out of bounds")

    def __exit__(self, *_: object) -> None:
        self._depth -= 1


class _Link:
    """The socket, as the buffer uses it."""

    def __init__(self, socket: Any, silence: float | None) -> None:
        self._socket = socket
        self._seconds = _SLOW * (silence or _BORNE)
        self.begin()

    def begin(self) -> None:
        self._left = SIZE
        self._ends: float | None = None

    def recv(self, size: int) -> bytes:
        if self._ends is not None and monotonic() > self._ends:
            raise TimeoutError
        data: bytes = self._socket.recv(size)
        self._ends = self._ends or monotonic() + self._seconds
        self._left -= len(data)
        if self._left < 0:
            raise InvalidResponse("a reply over the cap")
        return data

    def settimeout(self, seconds: float | None) -> None:
        self._socket.settimeout(seconds)


class _Buffer(SocketBuffer):
    def read(self, length: int, *given: Any, **more: Any) -> bytes:
        if not 0 <= length <= SIZE:
            raise InvalidResponse("a length out of bounds")
        return super().read(length, *given, **more)

    def readline(self, *given: Any, **more: Any) -> bytes:
        line = self._buffer.readline()
        while not line.endswith(b"\r\n"):
            if len(line) > MAX_LINE:
                raise InvalidResponse("a line over the cap")
            self._read_from_socket(*given, **more)
            line += self._buffer.readline()
        return line[:-2]


class Parser(_RESP2Parser):
    def __init__(self, socket_read_size: int) -> None:
        super().__init__(socket_read_size)  # type: ignore[no-untyped-call]
        self._count = _Count()

    def on_connect(self, connection: Any) -> None:
        super().on_connect(connection)  # type: ignore[no-untyped-call]
        self._link = _Link(connection._sock, connection.socket_timeout)  # noqa: SLF001 - as every parser of redis-py
        self._buffer = _Buffer(self._link, self.socket_read_size, connection.socket_timeout)  # type: ignore[arg-type]

    def on_disconnect(self) -> None:
        super().on_disconnect()  # type: ignore[no-untyped-call]

    def read_response(self, *given: Any, **more: Any) -> Any:
        self._count.begin()
        self._link.begin()
        return super().read_response(*given, **more)

    def _read_response(self, *given: Any, **more: Any) -> Any:
        with self._count:
            return super()._read_response(*given, **more)


class AsyncParser(_AsyncRESP2Parser):
    """asyncio's own reader bounds lines, and redis-py the time of a whole reply there."""

    def __init__(self, socket_read_size: int) -> None:
        super().__init__(socket_read_size)
        self._count = _Count()
        self._left = SIZE

    async def read_response(self, *given: Any, **more: Any) -> Any:
        self._count.begin()
        self._left = SIZE
        return await super().read_response(*given, **more)

    async def _read_response(self, *given: Any, **more: Any) -> Any:
        with self._count:
            return await super()._read_response(*given, **more)

    async def _read(self, length: int) -> bytes:
        self._left -= length
        if length < 0 or self._left < 0:
            raise InvalidResponse("a length out of bounds")
        return await super()._read(length)


# How a connection of redis-py is to read: of RESP3 there is no parser with bounds.
READING: dict[str, Any] = {"parser_class": Parser, "protocol": 2}
AIO_READING: dict[str, Any] = {"parser_class": AsyncParser, "protocol": 2}
