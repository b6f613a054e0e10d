"""Redis URLs: read as redis-py reads them, so that hook and command line mean the same server."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.connection import parse_url as redis_py_parse_url

from skillcache.core.outcomes import ConfigError
from skillcache.stores.redis_url import parse_url

URLS = [
    "redis://",
    "redis:///4",
    "redis://cache",
    "redis://cache:7000",
    "redis://cache:7000/",
    "redis://cache/12",
    "redis://:secret@cache:7000/1",
    "redis://user:secret@cache",
    "redis://user@cache/0",
    "redis://us%3Aer:p%40ss%2Fw%23rd%25@cache:7000/1",
    "redis://user:pa:ss@cache",
    "redis://user:%zz%4@cache",
    "redis://user:%C3%A4%ff@cache",
    "redis://user:a+b@cache",
    "redis://cache?db=3",
    "redis://cache/2?db=3",
    "redis://cache/?username=u+1&password=p%26",
    "redis://[::1]:7000/2",
    "redis://[fe80::1%25eth0]/2",
    "redis://user:secret@[2001:db8::2]",
    "redis://10.0.0.1:7000/2?socket_timeout=3&protocol=3",
    "rediss://cache:7000/2",
    "rediss://cache/2?ssl_cert_reqs=none&ssl_ca_certs=%2Fetc%2Fca.crt",
    "rediss://cache?ssl_check_hostname=no&ssl_certfile=/c&ssl_keyfile=/k",
    "unix:///run/redis.sock",
    "unix://user:secret@/run/redis.sock?db=3",
    "unix:///run/a%20b.sock?db=1&password=p",
]


@pytest.mark.parametrize("url", URLS)
def test_urls_mean_what_they_mean_to_redis_py(url: str) -> None:
    address = parse_url(url)
    expected = redis_py_parse_url(url)  # type: ignore[no-untyped-call]
    assert address.path == expected.get("path")
    if address.path is None:
        assert (address.host, address.port) == (expected.get("host", "localhost"), expected.get("port", 6379))
    assert (address.username, address.password) == (expected.get("username"), expected.get("password"))
    assert address.db == expected.get("db", 0)
    assert (address.tls is not None) == url.startswith("rediss")
    for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile"):
        assert (address.tls or {}).get(name) == expected.get(name)


@given(st.text(min_size=1), st.text(min_size=1), st.integers(1, 65535), st.integers(0, 999))
def test_any_login_survives_encoding(user: str, password: str, port: int, db: int) -> None:
    def encode(text: str) -> str:
        return "".join(f"%{byte:02X}" for byte in text.encode())

    address = parse_url(f"redis://{encode(user)}:{encode(password)}@cache.example:{port}/{db}")
    assert (address.username, address.password) == (user, password)
    assert (address.host, address.port, address.db) == ("cache.example", port, db)


def test_a_unix_socket_may_be_written_as_celery_does() -> None:
    address = parse_url("redis+socket:///run/redis.sock?virtual_host=2")
    assert (address.path, address.db) == ("/run/redis.sock", 2)


def test_verification_is_on_unless_switched_off() -> None:
    assert parse_url("rediss://cache").tls == {"ssl_cert_reqs": "required"}
    relaxed = parse_url("rediss://cache?ssl_cert_reqs=NONE&ssl_check_hostname=False").tls
    assert relaxed == {"ssl_cert_reqs": "none", "ssl_check_hostname": "false"}


def test_the_greeting_names_only_what_is_set() -> None:
    assert parse_url("redis://cache/0").greeting() == ()
    assert parse_url("redis://:pw@cache/7").greeting() == (("AUTH", "pw"), ("SELECT", "7"))
    assert parse_url("redis://user:pw@cache").greeting() == (("AUTH", "user", "pw"),)
    assert parse_url("redis://user@cache").greeting() == (("AUTH", "user", ""),)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "cache:6379",
        "http://cache",
        "redis:/cache",
        "redis://cache:port",
        "redis://cache:0",
        "redis://cache:65536",
        "redis://cache:٣",
        "redis://:hunter2/3@cache",
        "redis://:hunter2#3@cache",
        "redis://cache/first",
        "redis://cache/-1",
        "redis://cache/99999999999",
        "redis://[::1/0",
        "redis://[::1]6379",
        "rediss://cache?ssl_cert_reqs=hunter2",
        "unix://run/redis.sock",
        "unix://",
        "unix:///",
    ],
)
def test_a_malformed_url_is_named_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_url(url)
    assert "hunter2" not in str(caught.value)


@given(st.text())
def test_any_text_is_an_address_or_a_config_error(text: str) -> None:
    for prefix in ("", "redis://", "unix://", "rediss://"):
        with contextlib.suppress(ConfigError):
            parse_url(prefix + text)
