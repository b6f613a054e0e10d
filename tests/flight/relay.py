"""A way to a Redis server that can be told to keep a command to itself for a while, or the reply to it for ever."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

from tests.conftest import RedisServer

_PIECE = 65536


class Relay:
    """`url`: for hooks. They send a command whole and wait for its reply, so that each piece is one.

    held: set once the command that is kept has come; passed: once it was let go and its reply was given.
    """

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self.held, self.passed = threading.Event(), threading.Event()
        self._free = threading.Event()
        self._wanted = b""
        self._then: Callable[[], object] | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, wanted: bytes, then: Callable[[], object]) -> None:
        """Keep the next command that holds `wanted` until `let_go`, and do something once it is there."""
        self._wanted, self._then = wanted, then

    def lose_reply(self, wanted: bytes) -> None:
        self._wanted, self._then = wanted, None

    def let_go(self) -> None:
        self._free.set()

    def close(self) -> None:
        self.let_go()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        with contextlib.suppress(OSError), link, socket.create_connection(("127.0.0.1", self._server.port)) as there:
            while data := link.recv(_PIECE):
                is_wanted = bool(self._wanted) and self._wanted in data
                if is_wanted:
                    self._wanted = b""
                    if self._then is not None:
                        self._then()
                        self.held.set()
                        self._free.wait()
                there.sendall(data)
                reply = there.recv(_PIECE)
                if not is_wanted or self._then is not None:
                    link.sendall(reply)
                if is_wanted:
                    self.passed.set()
