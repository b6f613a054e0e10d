"""A server on loopback that answers whatever it is asked with what no honest one would say."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Self

from skillcache.stores.entry import encode
from tests.stores.test_entry import make

Answer = Callable[[Sequence[bytes]], Iterator[bytes]]

_STEP = 0.05  # seconds between two bytes of a reply that drips


def _always(data: bytes) -> Answer:
    def answer(_words: Sequence[bytes]) -> Iterator[bytes]:
        yield data

    return answer


def _for_ever(first: bytes, data: bytes) -> Answer:
    def answer(_words: Sequence[bytes]) -> Iterator[bytes]:
        yield first
        while True:
            yield data

    return answer


# What is over at once, as far as an honest reader is concerned.
REPLIES: dict[str, Answer] = {
    "a string of 10 GB": _for_ever(b"$10000000000\r\n", b"x" * 65_536),
    "a string that goes on": _for_ever(b"$1\r\n", b"x" * 65_536),
    "a line without end": _for_ever(b"+", b"x" * 65_536),
    "digits without end": _for_ever(b":", b"9" * 65_536),
    "4,999 digits": _always(b":" + b"9" * 4_999 + b"\r\n"),
    "a length of many digits": _always(b"$" + b"9" * 30 + b"\r\n"),
    "a negative length": _always(b"$-7\r\n"),
    "arrays 100,000 deep": _always(b"*1\r\n" * 100_000),
    "an array of 10^18": _for_ever(b"*1000000000000000000\r\n", b"$-1\r\n" * 10_000),
    "arrays of arrays": _for_ever(b"*1000\r\n", (b"*1000\r\n" + b"*0\r\n" * 1_000) * 10),
    "pushes without end": _for_ever(b"", b">2\r\n$10\r\ninvalidate\r\n*0\r\n" * 1_000),
    "nothing, without end": _for_ever(b"", b"$-1\r\n" * 10_000),
    "a page": _always(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "a number": _always(b":7\r\n"),
    "a word": _always(b"+WHAT\r\n"),
    "an empty list": _always(b"*0\r\n"),
    "a list of lists": _always(b"*2\r\n*1\r\n:1\r\n*1\r\n*0\r\n"),
    "a walk without end": _always(b"*2\r\n$1\r\n7\r\n*1\r\n$1\r\nx\r\n"),
    "bytes": _always(b"\x00\xff\xfe\r\n"),
}


def drip(_words: Sequence[bytes]) -> Iterator[bytes]:
    yield b"$100000\r\n"
    while True:
        yield b"x"
        Hostile.over.wait(_STEP)


class Hostile:
    """`asked`: the commands so far."""

    over = threading.Event()

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[list[bytes]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ended = False

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                threading.Thread(target=self._converse, args=(link,), daemon=True).start()

    def _converse(self, link: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), link, link.makefile("rb") as stream:
            while (head := stream.readline()) and not self._ended:
                words = []
                for _ in range(int(head[1:])):
                    words.append(stream.read(int(stream.readline()[1:])))
                    stream.readline()
                self.asked.append(words)
                for part in self.answer(words):
                    link.sendall(part)
                    if self._ended:
                        return


@cache
def bomb(size: int) -> bytes:
    packer = zlib.compressobj(1)
    piece = bytes(1 << 20)
    return b"".join([*(packer.compress(piece) for _ in range(size >> 20)), packer.flush()])


def packed(unpacked: int, **header: object) -> bytes:
    """An entry with two parts that unpack to so many bytes; `header`: what it says instead of the truth."""
    first, text, _ = encode(make(output=b"")).split(b"\n", 2)
    body = bomb(unpacked)
    lengths = {"size": unpacked, "body": len(body), "attached": len(body)}
    fields = {**json.loads(text), "coding": "zlib", "details": 0, **lengths, **header}
    return b"\n".join((first, json.dumps(fields).encode(), body + body))


HUGE, LITTLE = 256 << 20, 1 << 20
