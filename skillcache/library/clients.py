"""Clients of Redis that a program gives, checked and made fit for our stores."""

from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

import redis
import redis.asyncio

from skillcache.stores.redis_cluster import AioClusterClient, ClusterClient
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
    if isinstance(client, ClusterClient | AioClusterClient):  # ours, which renames none
        return
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
