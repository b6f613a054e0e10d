"""The life of the server: listens, answers, and ends with the client, whatever way that goes."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping
from threading import BoundedSemaphore, Thread

from skillcache.claude import resident
from skillcache.claude.event import BadEvent
from skillcache.core import bytecode
from skillcache.core.errors import SkillcacheError
from skillcache.core.outcomes import BAD_EVENT
from skillcache.core.paths import package_folder
from skillcache.events.runtime import arm
from skillcache.events.server.calls import Calls
from skillcache.events.server.endings import Endings
from skillcache.events.server.flights import Flights
from skillcache.events.server.http import BadRequest, read_request, response
from skillcache.events.server.listening import PROTOCOL, CannotListen, Listener, sweep
from skillcache.events.server.patterns import meet
from skillcache.events.server.session import Session
from skillcache.settings.trust import require

IDLE = 3_600.0  # seconds without a request after which the server ends; the mod starts it again
_TURN = 0.001  # seconds that a thread which stores a long output may keep the one that answers
_LOOK = 2.0  # seconds between two looks at what it lives for
_STUCK = 15.0  # seconds without a look: a thread keeps the interpreter from all others, and so from every call
_CONNECTIONS = 64  # at once
_SILENT = 120.0  # seconds that a connection may say nothing
_STOPPED = 0.4  # seconds for what is under way when the client stops us: half a second later it kills
_ORPHANED = 10.0  # and when the client is gone
_WARM = ("cache.decision", "fingerprint.capture", "stores.sqlite", "tools.lookup", "tools.record")
_HANG_UP = select.POLLERR | select.POLLHUP | select.POLLNVAL


def serve(environ: Mapping[str, str], path: str | None = None, *, options: bool = False) -> None:
    """Serve until the client ends; `path`: of the socket, by default where the hooks of this client look for it.

    `options`: whether to wait for the plugin's options, which a hook brings. Raises CannotListen and Untrusted.
    """
    require(environ, environ.get("CLAUDE_PROJECT_DIR") or os.getcwd())
    parent = os.getppid()
    sys.setswitchinterval(_TURN)
    path = path or resident.socket_path(environ)
    if path is None:
        raise CannotListen("CLAUDE_PID does not name the client; give --socket PATH")
    for number in (signal.SIGINT, signal.SIGHUP):  # meant for the client: we end when it does
        signal.signal(number, signal.SIG_IGN)
    waking, woken = socket.socketpair()
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno())
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    listener = Listener(path)
    server = _Server(environ, listener, options=options)
    Thread(target=server.accept, daemon=True).start()
    Thread(target=server.warm, daemon=True).start()
    _say(json.dumps({"protocol": PROTOCOL, "socket": path}) + "\n")
    patience = _watch(waking.fileno(), parent, listener, server)
    listener.close()
    server.flights.end_all(but=server.endings.under_way())  # nobody will tell us of their end
    server.endings.settled(patience)


def _say(line: str) -> None:
    try:
        os.write(1, line.encode())
    except OSError:  # nobody wants to know
        return


def _watch(waking: int, parent: int, listener: Listener, server: _Server) -> float:
    """Until the server is to end; how many seconds what is under way may still take."""
    poll = select.poll()
    poll.register(waking, select.POLLIN)
    poll.register(1, 0)  # the client's end of it is closed when the client is gone, killed or not
    while True:
        arm(_STUCK)
        events = dict(poll.poll(_LOOK * 1_000))
        if events.get(waking):
            return _STOPPED
        if events.get(1, 0) & _HANG_UP or os.getppid() != parent:
            return _ORPHANED
        if not listener.is_ours() or server.is_done(time.monotonic()):
            return _ORPHANED


class _Server:
    def __init__(self, environ: Mapping[str, str], listener: Listener, *, options: bool) -> None:
        self._listener = listener
        self._session = Session(environ, listener.path, options=options)
        self.flights = Flights()
        self.endings = Endings(self._session, self.flights)
        self._calls = Calls(self._session, self.endings, self.flights)
        self._asked = time.monotonic()
        self._free = BoundedSemaphore(_CONNECTIONS)
        self._environ = environ

    def is_done(self, now: float) -> bool:
        """Whether there is nothing left to do for this process."""
        quiet = not self._calls.count and self.endings.settled(0)
        return quiet and (now - self._asked > IDLE or self._session.is_over(time.time()))

    def warm(self) -> None:
        """Import what the first call would have to wait for, and do what can be done before it."""
        bytecode.use(package_folder())
        for name in _WARM:
            __import__(f"skillcache.{name}")
        sweep(os.path.dirname(self._listener.path), os.path.basename(self._listener.path))
        try:
            meet(self._environ.get("CLAUDE_PROJECT_DIR", ""), self._environ)
            if bytecode.is_needed():
                bytecode.write(package_folder())
                bytecode.use(package_folder())
        except (SkillcacheError, OSError):  # hooks do without, as we do
            return

    def accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:
                return
            if self._free.acquire(blocking=False):
                Thread(target=self._converse, args=(connection,), daemon=True).start()
            else:
                connection.close()

    def _converse(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                connection.settimeout(_SILENT)
                while (request := read_request(stream)) is not None:
                    self._asked = time.monotonic()
                    body = self._answer(request.method, request.path, request.body)
                    connection.sendall(response(200 if body is not None else 404, body or b"{}", last=request.last))
                    if request.last:
                        return
        except BadRequest as fault:
            _try_to_send(connection, response(fault.status, b"{}", last=True))
        except OSError:
            return
        finally:
            self._free.release()

    def _answer(self, method: str, path: str, body: bytes) -> bytes | None:
        """None for what is not spoken here."""
        if method != "POST":
            return None
        try:
            if path == "/call":
                return self._calls.begin(body).encode("ascii")
            if path == "/wait":
                return self._calls.wait(body).encode("ascii")
            if path == "/ended":
                self.endings.begin(body)
                return b"{}"
            if path == "/stop":
                os.kill(os.getpid(), signal.SIGTERM)
                return b"{}"
            if path == "/hello":
                return json.dumps({"protocol": PROTOCOL, "pid": os.getpid()}).encode("ascii")
        except BadEvent:
            self._session.count(BAD_EVENT)
            return b"{}"
        except (SkillcacheError, OSError, ValueError):
            return b"{}"
        return None


def _try_to_send(connection: socket.socket, message: bytes) -> None:
    try:
        connection.sendall(message)
    except OSError:
        return


def main() -> None:
    """For the mod, which starts us by hooks/serve.py."""
    try:
        serve(os.environ, options="--options" in sys.argv)
    except SkillcacheError as fault:
        sys.stderr.write(f"skillcache: {fault}\n")
    os._exit(0)  # threads may still hang on what never answers
