import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest

from skillcache.core.outcomes import StoreError
from skillcache.stores import link_to, open_store
from skillcache.stores.connection import Limits
from skillcache.stores.contract import EMBEDDED, Store, entry_key
from skillcache.stores.pooled import AsyncStore, PooledLink
from skillcache.stores.redis import RedisStore
from skillcache.stores.redis_py import aio_connect, connect
from skillcache.stores.sqlite import SqliteStore
from tests.conftest import empty_redis

# A busy machine must not decide a test that is not about time.
PATIENT = Limits(connect=20, silence=20, operation=20)

NOW = 1_700_000_000.25
KEY = entry_key("Bash", "0" * 40)


def open_patiently(url: str) -> RedisStore:
    return RedisStore(link_to(url, PATIENT))


def open_pooled(target: str, *, now: float) -> Store:
    """As `open_store`, for a process that stays."""
    return open_store(target, now=now) if target.startswith(EMBEDDED) else RedisStore(PooledLink(connect(target)))


def value_of(started: int, text: bytes = b"result") -> bytes:
    return b"%016d" % started + text


def put(store: Store, key: str, started: int, *, ttl: int = 60, text: bytes = b"result", **raised: int) -> bool:
    """Puts with the generations given as keywords."""
    return store.put(
        key,
        value_of(started, text),
        ttl=ttl,
        started=started,
        names=tuple(raised),
        generations=tuple(raised.values()),
    )


def open_embedded(path: Path, now: float = NOW) -> SqliteStore:
    return SqliteStore(str(path), now=now)


def put_one(path: Path) -> Path:
    """The path of an embedded file with one entry."""
    store = open_embedded(path)
    assert put(store, KEY, 1000)
    store.close()
    return path


def failure_of(store: Store, *, writing: bool = False) -> StoreError:
    with pytest.raises(StoreError) as caught:
        _ = put(store, KEY, 2000) if writing else store.get(KEY, ("Bash",))
    return caught.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where an embedded file may be made, in a folder that is not there yet."""
    return tmp_path / "cache" / "store.sqlite"


@pytest.fixture(scope="session")
def fake_redis() -> Iterator[int]:
    """The port of a fakeredis server."""
    import fakeredis
    from fakeredis.commands_mixins.scripting_mixin import ScriptingCommandsMixin

    scripting: Any = ScriptingCommandsMixin
    of_server = scripting._get_server_runtime

    def with_sha1(self: Any, *words: Any) -> Any:
        """It has no `redis.sha1hex`, which every server has."""
        lua = of_server(self, *words)
        lua.globals()[b"redis"][b"sha1hex"] = lambda data: sha1(data, usedforsecurity=False).hexdigest().encode()
        return lua

    scripting._get_server_runtime = with_sha1
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(10)
    scripting._get_server_runtime = of_server


class Looped(Store):
    """The coroutines of AsyncStore as plain calls, on an event loop of its own."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._store = AsyncStore(aio_connect(url, decode_responses=True))
        for name in set(vars(Store)) - {"close"}:
            if not name.startswith("_"):
                setattr(self, name, self._plain(getattr(self._store, name)))

    def close(self) -> None:
        if not self._loop.is_closed():
            self._plain(self._store.close)()

    def end(self) -> None:
        self.close()
        self._loop.close()

    def _plain(self, call: Callable[..., Coroutine[object, object, Any]]) -> Callable[..., Any]:
        return lambda *given, **more: self._loop.run_until_complete(call(*given, **more))


@pytest.fixture(
    params=[
        *("embedded", "fakeredis", "redis", "pooled", "async"),
        *("sentinel", "sentinel, pooled", "cluster", "cluster, pooled", "cluster, async"),
    ]
)
def open_here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens a store, empty at the test's start; every call gives another process's view of the same data."""
    opened: list[Store] = []
    place, _, kind = request.param.rpartition(", ")
    target = ""
    if kind == "embedded":
        target = f"embedded:{tmp_path}/cache/store.sqlite"
    elif kind == "fakeredis":
        port = request.getfixturevalue("fake_redis")
        with socket.create_connection(("127.0.0.1", port)) as link:
            link.sendall(b"*1\r\n$8\r\nFLUSHALL\r\n")
            assert link.recv(100) == b"+OK\r\n"
        target = f"redis://127.0.0.1:{port}/0"
    else:
        target = empty_redis(request, place or kind)

    def open_one() -> Store:
        if kind == "embedded":
            store = open_store(target, now=NOW)
        elif kind == "pooled":
            store = open_pooled(target, now=NOW)
        elif kind == "async":
            store = Looped(target)
        else:
            store = open_patiently(target)
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        store.close()
        if isinstance(store, Looped):
            store.end()


@pytest.fixture
def store(open_here: Callable[[], Store]) -> Store:
    return open_here()


class Impostor:
    """A server on loopback that does to each connection what `serve` does; `seen` is what clients sent."""

    def __init__(self, serve: Callable[[socket.socket, "Impostor"], None]) -> None:
        self.seen = b""
        self.connections = 0
        self.over = threading.Event()
        self._serve = serve
        self._links: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def hear(self, link: socket.socket) -> bytes:
        heard = link.recv(65536)
        self.seen += heard
        return heard

    def stop(self) -> None:
        self.over.set()
        self._listener.close()
        for link in self._links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        self._listener.settimeout(0.05)
        while not self.over.is_set():
            try:
                link, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.connections += 1
            self._links.append(link)
            thread = threading.Thread(target=self._handle, args=(link,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _handle(self, link: socket.socket) -> None:
        with link:
            try:
                self._serve(link, self)
            except OSError:
                return


@pytest.fixture
def impostor() -> Iterator[Callable[[Callable[[socket.socket, Impostor], None]], Impostor]]:
    started: list[Impostor] = []

    def start(serve: Callable[[socket.socket, Impostor], None]) -> Impostor:
        started.append(Impostor(serve))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def measure(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began
