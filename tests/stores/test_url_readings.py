"""One reading of a URL: hooks and redis-py's clients mean the same server, or both refuse in the same words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skillcache.core.outcomes import ConfigError, StoreError
from skillcache.stores.pooled import translating
from skillcache.stores.redis_py import aio_connect, connect
from skillcache.stores.redis_url import Address, parse_url

SECRET = "hunter2"  # noqa: S105 - of no server
OPTIONS = {
    "db": ["0", "7", "-1", "x", "", "99999999999", "٣"],
    "username": ["ada", "%zz"],
    "password": [SECRET, "%00%FF"],
    "virtual_host": ["3"],
    "ssl_cert_reqs": ["none", "OPTIONAL", "required", "CERT_NONE"],
    "ssl_check_hostname": ["no", "True", "maybe"],
    "ssl_ca_certs": ["/nowhere/ca.crt"],
    "ssl_certfile": ["/nowhere/a.crt"],
    "ssl_keyfile": ["/nowhere/a.key"],
    "ssl_ca_path": ["/etc"],
    "sentinel_password": [SECRET],
    "socket_timeout": ["0.01", "0", "nan", "-1", "1e9", "x"],
    "socket_connect_timeout": ["0.01", "3601"],
    "socket_keepalive": ["1", "off", "2"],
    "health_check_interval": ["30", "0.5"],
    "max_connections": ["8", "0"],
    "retry_on_timeout": ["yes"],
    "decode_responses": ["True"],
    "client_name": ["me", "a%20b", "a%0Ab"],
    "protocol": ["2", "3", "4"],
    "family": ["0"],
    "tls": ["true"],
    "connection_class": ["x"],
    "connection_pool": ["x"],
    "host": ["elsewhere"],
    "path": ["/elsewhere"],
    "retry_on_error": ["x"],
    "hunter2": [""],
    "": ["", "x"],
}
pairs = st.sampled_from([f"{name}={value}" for name, values in OPTIONS.items() for value in values])
urls = st.builds(
    lambda scheme, login, place, path, options, end: (
        f"{scheme}://{login}{place}{path}{'?' + '&'.join(options) if options else ''}{end}"
    ),
    st.sampled_from(
        ["redis", "rediss", "unix", "redis+socket", "redis+sentinel", "rediss+sentinel", "redis+cluster",
         "rediss+cluster", "REDIS", "http", ""]
    ),
    st.sampled_from(["", f":{SECRET}@", f"ada:{SECRET}@", "ada@", f":{SECRET}/x@", "@@", "%40:%3A@", "é:%C3%A9@"]),
    st.sampled_from(
        ["", "127.0.0.1:1", "127.0.0.1", "[::1]:1", "[::1", "::1", "[fe80::1%25lo]:1", "localhost:1", "a..b:1",
         "x" * 70 + ":1", "a b:1", "a%00b:1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "127.0.0.1:1,[::1]:1",
         ",", "ä:1"]
    ),
    st.sampled_from(["", "/", "/0", "/5", "/x", "/-1", "/%30", "//", "/nowhere/redis.sock", "/results", "/results/2"]),
    st.lists(pairs, max_size=3),
    st.sampled_from(["", "", "#x", "?", "\n", "\udcff"]),
)  # fmt: skip


def read_by(open_client: Any, url: str) -> Any:
    try:
        return open_client(url, socket_connect_timeout=0.2, socket_timeout=0.2)
    except ConfigError as fault:
        return str(fault)


def differences(address: Address, client: Any) -> dict[str, tuple[object, object]]:
    """What redis-py's connections are told besides what the hooks' reading says."""
    told = client.connection_pool.connection_kwargs
    tls = address.tls or {}
    meant = {"username": address.username, "password": address.password, "db": address.db, **address.tuning}
    if address.tls is not None:
        checked = tls["ssl_cert_reqs"] != "none" and "ssl_check_hostname" not in tls
        meant |= {name: tls.get(name) for name in ("ssl_cert_reqs", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")}
        meant["ssl_check_hostname"] = checked
    if address.path is not None:
        meant["path"] = address.path
        meant.pop("socket_keepalive", None)
    elif not address.sentinels and not address.nodes:
        meant |= {"host": address.host, "port": address.port}
    meant.pop("max_connections", None)  # the pool's own
    return {name: (told.get(name), value) for name, value in meant.items() if told.get(name) != value}


@example("redis://127.0.0.1:1/0?ssl_cert_reqs=none")
@example("redis://127.0.0.1:1/0?family=0")
@example("unix:///nowhere/redis.sock?socket_keepalive=1")
@example("rediss://127.0.0.1:1?ssl_certfile=/nowhere/a.crt&ssl_check_hostname=no&ssl_cert_reqs=none")
@given(urls)
def test_hooks_and_redis_py_read_a_url_alike_or_refuse_it_in_the_same_words(url: str) -> None:
    try:
        address = parse_url(url)
    except ConfigError as fault:
        said = str(fault)
        assert SECRET not in said
        assert (read_by(connect, url), read_by(aio_connect, url)) == (said, said)
        return
    for client in (read_by(connect, url), read_by(aio_connect, url)):
        assert differences(address, client) == {}
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # raises TypeError for an option that it does not know
    if address.nodes or address.sentinels or address.port != 1:  # others may listen at the usual port
        return
    with connect(url, socket_connect_timeout=0.2, socket_timeout=0.2) as client:
        with pytest.raises(StoreError) as caught, translating(client):
            client.ping()
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://h?ssl_cert_reqs=none", "has ssl_cert_reqs only where it is one of TLS: rediss:// or rediss+...://"),
        ("redis://h?db=1&db=2", "has db once"),
        ("redis://h?socket_timeout=soon", "has socket_timeout as a number of seconds over 0, at most 3600"),
        ("redis://h?client_name=a%20b", "has client_name as a word of letters, digits and ._:-"),
        ("redis://h?retry_on_timeout=perhaps", "has retry_on_timeout as true or false"),
        ("redis://h?protocol=4", "has protocol as 2 or 3"),
        ("rediss://h?ssl_keyfile=/k", "has ssl_keyfile beside the ssl_certfile that it belongs to"),
        ("redis://h\udcff", "is UTF-8 text on one line"),
        ("redis://a b", "names a host without blanks"),
    ],
)
def test_what_is_allowed_is_said(url: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_url(url, "REDIS_URL")
    assert str(caught.value) == f"REDIS_URL: a Redis URL {said}"


def test_an_option_that_is_none_is_told_by_its_place_for_it_may_be_of_a_password() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_url(f"rediss://h:6379?ssl_cert_reqs=none&{SECRET}=1")
    said = str(caught.value)
    assert "its option number 2 is none of them; in a password, `?` and `&` are percent-encoded" in said
    assert ", ssl_check_hostname, " in said
    assert SECRET not in said
