"""The life of the server: listens, answers over HTTP, and ends with the client, whatever way that goes.

The socket of the server: private, whole or not there, and given over to whoever starts later at the same place.

The resident core: one process for each process of the client, which answers the plugin's mod.

It listens on a unix socket and speaks HTTP/1.1, every message a JSON object. Where it listens it first says on its
standard output:

    {"protocol": 3, "socket": "/run/user/1000/skillcache/4711-98765"}

POST /call     a PreToolUse event. Answers
    {}                                      the call is not ours: run it
    {"follow": true}                        run it, and tell its end
    {"result": ..., "context": [text]}      its result, in the tool's own shape, and what to tell the model
    {"wait": seconds, "ticket": id}         not known yet: ask /wait, which answers within so many seconds
POST /wait     {"ticket": id}. Answers as /call does.
POST /ended    a PostToolUse or PostToolUseFailure event. Answers {} before what follows from it is done.
POST /stop     {}. Answers {}, and the server ends: the client's environment is another now.
POST /hello    {}. Answers {"protocol", "pid"}.

Its lanes, settings and stores are those of the hooks, so that both give the same answers. It ends with the client.
"""

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
from typing import BinaryIO, NamedTuple

from skillcache import claude
from skillcache.claude import MOST, BadEvent, is_private
from skillcache.core import bytecode, files
from skillcache.core.outcomes import BAD_EVENT, SkillcacheError
from skillcache.core.paths import package_folder
from skillcache.events.runtime import arm
from skillcache.events.server.calls import Calls, Endings, Flights, Session
from skillcache.events.server.world import meet
from skillcache.settings import require_folder

_BACKLOG = 128
_ELSEWHERE = "Say where to listen: skillcache serve --socket PATH"


class CannotListen(SkillcacheError):
    """The path cannot be used."""


class Listener:
    """Listens at `path`, in place of a server that did, which notices it (`is_ours`) and ends. Raises CannotListen."""

    def __init__(self, path: str) -> None:
        self.path = path
        folder = os.path.dirname(path)
        # Moved to its place when it listens, so that nobody ever finds one that does not.
        draft = f"{folder}/.{os.getpid()}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            files.make_folder(folder)
            if not is_private(folder):
                raise CannotListen(f"{folder} is not a folder that its owner alone can use. Mend: chmod 700 {folder}")
            files.remove(draft)
            self._socket.bind(draft)
            os.chmod(draft, 0o600)
            self._socket.listen(_BACKLOG)
            status = os.stat(draft)
            os.rename(draft, path)
        except OSError as fault:
            self._socket.close()
            raise CannotListen(f"{path}: {fault.strerror or fault}. {_ELSEWHERE}") from None
        self._identity = (status.st_dev, status.st_ino)

    def accept(self) -> socket.socket:
        """Raises OSError once the listener is closed."""
        return self._socket.accept()[0]

    def is_ours(self) -> bool:
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def close(self) -> None:
        if self.is_ours():
            files.remove(self.path)
        self._socket.close()


def sweep(folder: str, alive: str) -> None:
    """Remove what servers of clients that are gone have left; `alive`: the name of the present one's socket."""
    try:
        with os.scandir(folder) as found:
            for item in found:
                pid = item.name.lstrip(".").partition("-")[0]
                if pid.isdecimal() and not item.name.startswith(alive) and not _is_running(int(pid)):
                    files.remove(item.path)
    except OSError:
        return


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


PROTOCOL = 3  # raised with every change that a mod of another version would not understand


_LINE = 8_192  # bytes of a line of the head
_HEADERS = 64


class BadRequest(Exception):
    """`status`: what to answer before the connection is closed."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class HttpRequest(NamedTuple):
    """last: whether the other side closes the connection after it."""

    method: str
    path: str
    body: bytes
    last: bool


def read_request(stream: BinaryIO) -> HttpRequest | None:
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
    return HttpRequest(words[0], words[1], body, headers.get("connection") == "close" or words[2] == "HTTP/1.0")


def response(status: int, body: bytes, *, last: bool = False) -> bytes:
    head = f"HTTP/1.1 {status} said\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return f"{head}{'connection: close' + chr(13) + chr(10) if last else ''}\r\n".encode("ascii") + body


def _line(stream: BinaryIO) -> str:
    """Without its end; "" for an empty line and at the end of the connection."""
    line = stream.readline(_LINE + 1)
    if len(line) > _LINE:
        raise BadRequest(431, "a line too long")
    return line.rstrip(b"\r\n").decode("latin-1")


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
    require_folder(environ, environ.get("CLAUDE_PROJECT_DIR") or os.getcwd())
    parent = os.getppid()
    sys.setswitchinterval(_TURN)
    path = path or claude.socket_path(environ)
    if path is None:
        raise CannotListen(f"CLAUDE_PID does not name the client. {_ELSEWHERE}")
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
