"""HTTP/1.1 on a connected socket, as little of it as the mod speaks: request after request, bodies with a length."""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

from skillcache.claude.event import MOST

_LINE = 8_192  # bytes of a line of the head
_HEADERS = 64


class BadRequest(Exception):
    """`status`: what to answer before the connection is closed."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Request(NamedTuple):
    """last: whether the other side closes the connection after it."""

    method: str
    path: str
    body: bytes
    last: bool


def read_request(stream: BinaryIO) -> Request | None:
    """None at the end of the connection. Raises BadRequest and OSError."""
    line = _line(stream)
    if not line:
        return None
    words = line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(400, "no request of HTTP/1.1")
    headers: dict[str, str] = {}
    while header := _line(stream):
        name, colon, value = header.partition(":")
        if not colon or len(headers) == _HEADERS:
            raise BadRequest(400, "no header")
        headers[name.strip().lower()] = value.strip().lower()
    if "transfer-encoding" in headers:
        raise BadRequest(411, "a body without a length")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 12:
        raise BadRequest(400, "no length")
    if int(length) > MOST:
        raise BadRequest(413, "larger than any event")
    body = stream.read(int(length))
    if len(body) != int(length):
        return None
    return Request(words[0], words[1], body, headers.get("connection") == "close" or words[2] == "HTTP/1.0")


def response(status: int, body: bytes, *, last: bool = False) -> bytes:
    head = f"HTTP/1.1 {status} said\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return f"{head}{'connection: close' + chr(13) + chr(10) if last else ''}\r\n".encode("ascii") + body


def _line(stream: BinaryIO) -> str:
    """Without its end; "" for an empty line and at the end of the connection."""
    line = stream.readline(_LINE + 1)
    if len(line) > _LINE:
        raise BadRequest(431, "a line too long")
    return line.rstrip(b"\r\n").decode("latin-1")
