"""The stores of the library: Redis clients and the embedded file.

One idle connection is held besides. Without it every step would be the last to close the file, which copies the log
into it and waits for the disk: 5 ms instead of 0.2. SQLite forbids to carry a connection over a fork, so that it is
let go before one.
"""

import os
import sqlite3
import time
import weakref
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from threading import Lock
from typing import Any
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

import redis
import redis.asyncio

from skillcache.library.runs import Step
from skillcache.stores.contract import EMBEDDED
from skillcache.stores.opening import open_store
from skillcache.stores.redis_py import aio_connect, connect

_CLUSTERS = (redis.RedisCluster, redis.asyncio.RedisCluster)
_OPTIONS = ("socket_timeout", "socket_connect_timeout")
_TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
# What no URL can say, and would be missing.
_UNSAID = (
    "credential_provider", "ssl_ca_data", "ssl_ca_path", "ssl_ciphers", "ssl_include_verify_flags", "ssl_min_version",
    "ssl_ocsp_context", "ssl_ocsp_expected_cert", "ssl_password", "ssl_validate_ocsp", "ssl_validate_ocsp_stapled",
)  # fmt: skip

_of_clusters: MutableMapping[object, Any] = WeakKeyDictionary()


def is_cluster(client: object) -> bool:
    return isinstance(client, _CLUSTERS)


def check(client: Any, *, aio: bool) -> None:
    """Raises TypeError for what would reach another place than its user believes."""
    kind, cluster = (redis.asyncio.Redis, _CLUSTERS[1]) if aio else (redis.Redis, _CLUSTERS[0])
    is_one = isinstance(client, cluster)
    if not is_one and not isinstance(client, kind):
        wanted = "redis.asyncio.Redis" if aio else "redis.Redis"
        raise TypeError(f"a client is a {wanted} or a {wanted}Cluster, not {_name_of(client)}")
    plain: Any = cluster if is_one else kind
    if type(client).execute_command is not plain.execute_command or "execute_command" in vars(client):
        raise TypeError(
            f"{_name_of(client)} has its own execute_command, as clients have that rename keys, and it would be passed"
            " by: give a plain client, and namespace= for names of your own"
        )


def usable(client: Any, *, aio: bool) -> Any:
    """The client itself, or one of our own for the same cluster, which lives as long. Raises as `check`."""
    check(client, aio=aio)
    if not is_cluster(client):
        return client
    if client not in _of_clusters:
        url = url_of(client)
        _of_clusters[client] = aio_connect(url) if aio else connect(url)
    return _of_clusters[client]


def url_of(cluster: Any) -> str:
    """How we name the cluster; with its password, so that it is shown to nobody. Raises TypeError."""
    given: Mapping[str, Any] = getattr(cluster, "connection_kwargs", None) or cluster.nodes_manager.connection_kwargs
    unsaid = [name for name in _UNSAID if given.get(name)]
    if unsaid or getattr(cluster.nodes_manager, "address_remap", None):
        what = unsaid[0] if unsaid else "address_remap"
        raise TypeError(f"a RedisCluster with {what} cannot be followed: give the URL, redis+cluster://host:port")
    connection = given.get("connection_class")
    encrypted = bool(given.get("ssl")) or (connection is not None and "SSL" in connection.__name__)
    nodes = [*cluster.nodes_manager.startup_nodes.values(), *cluster.nodes_manager.nodes_cache.values()]
    hosts = [(f"[{each.host}]" if ":" in each.host else each.host, each.port) for each in nodes]
    places = dict.fromkeys(f"{host}:{port}" for host, port in hosts)
    names = _OPTIONS + (_TLS_OPTIONS if encrypted else ())
    options = {name: _word(given[name]) for name in names if given.get(name) is not None}
    user, password = (quote(str(given.get(name) or ""), safe="") for name in ("username", "password"))
    login = f"{user}:{password}@" if user or password else ""
    return f"redis{'s' * encrypted}+cluster://{login}{','.join(places)}?{urlencode(options)}".rstrip("?")


def _word(value: Any) -> str:
    """As a URL has it."""
    if isinstance(value, bool):
        return str(value).lower()
    name = getattr(value, "name", None)  # of ssl.VerifyMode
    return {"CERT_NONE": "none", "CERT_OPTIONAL": "optional", "CERT_REQUIRED": "required"}.get(str(name), str(value))


def _name_of(client: object) -> str:
    kind = type(client)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


class EmbeddedFile:
    """target: `embedded:` and a path."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._path = target.removeprefix(EMBEDDED)
        self._lock = Lock()
        self._held: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        _files.add(self)

    def take(self, step: Step) -> Any:
        """What the step gives. Raises StoreError."""
        store = open_store(self._target, now=time.time())
        try:
            given = step(store)
            self._hold()
            return given
        finally:
            store.close()

    def close(self) -> None:
        with self._lock:
            if self._held is not None:
                self._held.close()
                self._held = None

    def __del__(self) -> None:
        self.close()

    def _hold(self) -> None:
        try:
            found = os.stat(self._path)
        except OSError:
            return
        identity = (found.st_dev, found.st_ino)
        with self._lock:
            if self._held is not None and identity == self._identity:
                return
            if self._held is not None:  # another file has taken the place of a damaged one
                self._held.close()
            self._held, self._identity = _connect(self._path), identity

    def unlock(self) -> None:
        """In the child of a fork, the thread that may have had the lock is gone."""
        self._lock = Lock()


def _connect(path: str) -> sqlite3.Connection | None:
    connection = None
    with suppress(sqlite3.Error):  # every step does without
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        connection.execute("SELECT 1 FROM entries LIMIT 1").fetchall()
    return connection


def _let_go() -> None:
    for file in list(_files):
        file.close()


def _unlock() -> None:
    for file in list(_files):
        file.unlock()


_files: "weakref.WeakSet[EmbeddedFile]" = weakref.WeakSet()
os.register_at_fork(before=_let_go, after_in_child=_unlock)
