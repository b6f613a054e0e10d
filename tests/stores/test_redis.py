"""What only a Redis server has: logins, databases, sockets, TLS, expiry by its own clock, refusals."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from skillcache.core import outcomes
from skillcache.core.outcomes import StoreError
from skillcache.stores import open_store
from skillcache.stores.contract import NAMES_KEY, Store, entry_key, generation_key, record_key
from tests.conftest import ACL_KEYS, RedisServer
from tests.stores.conftest import KEY, failure_of, open_patiently, put, value_of

TEAM_KEY = entry_key("Bash", "0" * 40, team="red")


def use_everything(store: Store) -> None:
    assert store.get(KEY, ("Bash", "all")).entry is None
    assert put(store, KEY, 1000, Bash=0)
    assert put(store, TEAM_KEY, 1000, Bash=0)
    assert store.get(KEY, ("Bash",)).entry == value_of(1000)
    store.invalidate("Bash")
    store.write(record_key("quarantine", "q"), b"1", 60)
    assert store.read((record_key("quarantine", "q"),)) == (b"1",)
    store.delete(KEY)
    assert store.claim("d", "owner", 60).holder == ""
    assert store.claim("d", "other", 60).holder == "owner"
    assert store.release("d", "owner")
    store.claim("d", "owner", 60)
    assert store.wait("d", store.claim("d", "other", 60).mark, 0.01) is False
    store.release("d", "owner")
    store.ping()
    store.close()


def test_keys_and_expiry_are_as_the_layout_says(redis_server: RedisServer) -> None:
    store = open_patiently(redis_server.url)
    put(store, KEY, 1000, ttl=1234, Bash=0)
    store.write(record_key("pending", "toolu_1"), b"x", 99)
    store.invalidate("Bash")
    store.close()
    assert redis_server.command("TTL", "skill_cache:Bash:" + "0" * 40) in (b":1234\r\n", b":1233\r\n")
    assert redis_server.command("TTL", "skillcache:pending:toolu_1") in (b":99\r\n", b":98\r\n")
    assert redis_server.command("GET", "skill_cache_gen:Bash") == b"$1\r\n1\r\n"
    assert redis_server.command("TTL", "skill_cache_gen:Bash") == b":-1\r\n"
    assert redis_server.command("SMEMBERS", "skillcache:names") == b"*1\r\n$4\r\nBash\r\n"
    assert redis_server.command("DBSIZE") == b":4\r\n"


def test_only_what_is_stored_adds_its_names(redis_server: RedisServer) -> None:
    store = open_patiently(redis_server.url)
    assert put(store, KEY, 1000)
    assert not put(store, KEY, 2000, Bash=1)
    assert not put(store, KEY, 999, Bash=0)
    assert redis_server.command("EXISTS", NAMES_KEY) == b":0\r\n"
    assert put(store, KEY, 2000, Bash=0, pytest=0)
    store.close()
    assert redis_server.command("SCARD", NAMES_KEY) == b":2\r\n"


def test_a_user_who_may_not_add_names_stores_nothing(redis_server: RedisServer) -> None:
    rules = ("ACL", "SETUSER", "narrow", "on", ">pw", *ACL_KEYS.split(), "+@all", "-sadd")
    assert redis_server.command(*rules) == b"+OK\r\n"
    try:
        store = open_patiently(f"redis://narrow:pw@127.0.0.1:{redis_server.port}/0")
        with pytest.raises(StoreError):
            put(store, KEY, 1000, Bash=0)
    finally:
        redis_server.command("ACL", "DELUSER", "narrow")
    assert redis_server.command("DBSIZE") == b":0\r\n"


def test_a_refused_put_keeps_the_expiry(redis_server: RedisServer) -> None:
    store = open_patiently(redis_server.url)
    put(store, KEY, 2000, ttl=50)
    assert not put(store, KEY, 1000, ttl=5000)
    store.close()
    assert redis_server.command("TTL", KEY) in (b":50\r\n", b":49\r\n")


def test_a_damaged_value_gives_way(redis_server: RedisServer) -> None:
    redis_server.command("SET", KEY, "zzzzzzzzzzzzzzzzzzzz")
    store = open_patiently(redis_server.url)
    assert put(store, KEY, 1000)
    assert store.get(KEY, ()).entry == value_of(1000)
    store.close()


def test_each_call_is_one_command(redis_server: RedisServer) -> None:
    redis_server.command("CONFIG", "RESETSTAT")
    store = open_patiently(redis_server.url)
    store.get(KEY, ("Bash", "all"))
    put(store, KEY, 1000, Bash=0)
    store.write(record_key("pending", "1"), b"", 1)
    store.read((record_key("pending", "1"), record_key("pending", "2")))
    store.close()
    sent = redis_server.command("INFO", "commandstats").decode()
    calls = {line.split(":")[0]: line.split("calls=")[1].split(",")[0] for line in sent.split() if "calls=" in line}
    assert calls["cmdstat_mget"] == "2"
    assert calls["cmdstat_eval"] == "1"
    # The calls of the script are counted with the others.
    within = ("get", "getrange", "sadd", "set")
    assert set(calls) <= {f"cmdstat_{word}" for word in ("mget", "eval", *within, "config|resetstat")}


def test_the_unix_socket(redis_server: RedisServer) -> None:
    use_everything(open_patiently(redis_server.unix_url))
    assert redis_server.command("GET", generation_key("Bash")) == b"$1\r\n1\r\n"


@pytest.mark.parametrize("form", ["redis://127.0.0.1:{port}/3", "redis://localhost:{port}?db=3", "unix://{path}?db=3"])
def test_the_database_of_the_url(redis_server: RedisServer, form: str) -> None:
    store = open_patiently(form.format(port=redis_server.port, path=redis_server.path))
    put(store, KEY, 1000)
    store.close()
    assert redis_server.command("DBSIZE") == b":0\r\n"
    assert b"db3:keys=1" in redis_server.command("INFO", "keyspace")


def test_a_database_that_is_not_there_is_refused(redis_server: RedisServer) -> None:
    error = failure_of(open_patiently(f"redis://127.0.0.1:{redis_server.port}/9999"))
    assert error.outcome is outcomes.STORE_REFUSED
    assert error.detail == "ERR DB index is out of range"


@pytest.mark.parametrize("login", ["default:{}", ":{}"])
def test_a_password(redis_with_password: RedisServer, login: str) -> None:
    redis_with_password.command("FLUSHALL")
    login = login.format(quote(redis_with_password.password, safe=""))
    use_everything(open_patiently(f"redis://{login}@127.0.0.1:{redis_with_password.port}/2"))
    use_everything(open_patiently(f"unix://{login}@{redis_with_password.path}?db=1"))


@pytest.mark.parametrize(
    ("login", "code"), [("", "NOAUTH"), (":secret-w0rd@", "WRONGPASS"), ("somebody:secret-w0rd@", "WRONGPASS")]
)
def test_a_wrong_login_is_refused_and_not_repeated(redis_with_password: RedisServer, login: str, code: str) -> None:
    error = failure_of(open_patiently(f"redis://{login}127.0.0.1:{redis_with_password.port}/0"))
    assert error.outcome is outcomes.STORE_REFUSED
    assert error.detail == code
    assert "secret" not in f"{error!r} {error}"


def test_a_user_restricted_to_our_keys(redis_server: RedisServer) -> None:
    rules = ("ACL", "SETUSER", "cache", "on", ">pw", "resetkeys", *ACL_KEYS.split(), "-@all", "+@all", "-@dangerous")
    assert redis_server.command(*rules) == b"+OK\r\n"
    try:
        use_everything(open_patiently(f"redis://cache:pw@127.0.0.1:{redis_server.port}/0"))
        stranger = open_patiently(f"redis://cache:pw@127.0.0.1:{redis_server.port}/0")
        with pytest.raises(StoreError) as caught:
            stranger.read(("somebody:elses",))
        assert caught.value.detail.startswith("NOPERM ")
    finally:
        redis_server.command("ACL", "DELUSER", "cache")


def test_a_user_restricted_to_our_commands(redis_server: RedisServer) -> None:
    commands: tuple[str, ...] = ("+mget", "+eval", "+get", "+getrange", "+sadd", "+set", "+del", "+incr", "+ping")
    commands += ("+pttl", "+xadd", "+xread", "+xrevrange", "+pexpire")
    rules = ("ACL", "SETUSER", "narrow", "on", ">pw", "resetkeys", *ACL_KEYS.split(), "-@all", *commands)
    assert redis_server.command(*rules) == b"+OK\r\n"
    try:
        use_everything(open_patiently(f"redis://narrow:pw@127.0.0.1:{redis_server.port}/0"))
    finally:
        redis_server.command("ACL", "DELUSER", "narrow")


def test_a_full_server_is_a_failure_of(redis_factory: Callable[..., RedisServer]) -> None:
    server = redis_factory(options=("--maxmemory", "1"))
    store = open_patiently(server.url)
    assert store.get(KEY, ()).entry is None
    with pytest.raises(StoreError) as caught:
        store.write(record_key("pending", "1"), b"x", 60)
    assert (caught.value.outcome, caught.value.detail) == (outcomes.STORE_REFUSED, "OOM")
    with pytest.raises(StoreError, match="OOM"):
        store.get(KEY, ())
    writer = open_patiently(server.url)
    with pytest.raises(StoreError) as caught:
        put(writer, KEY, 1)
    assert caught.value.outcome is outcomes.STORE_REFUSED


def test_a_replica_is_read_and_refuses_to_write(redis_factory: Callable[..., RedisServer]) -> None:
    server = redis_factory(options=("--replicaof", "127.0.0.1", "1"))
    store = open_patiently(server.url)
    assert store.get(KEY, ()).entry is None
    with pytest.raises(StoreError) as caught:
        put(store, KEY, 1)
    assert caught.value.detail == "READONLY"


def test_a_server_stopped_in_the_middle(redis_factory: Callable[..., RedisServer]) -> None:
    server = redis_factory()
    store = open_patiently(server.url)
    put(store, KEY, 1)
    server.stop()
    error = failure_of(store)
    assert error.outcome is outcomes.STORE_UNREACHABLE
    assert failure_of(store).detail == error.detail


def test_tls_verifies_the_server(redis_with_tls: RedisServer) -> None:
    redis_with_tls.command("FLUSHALL")
    authority = redis_with_tls.certificates / "ca.crt"
    use_everything(open_patiently(f"rediss://localhost:{redis_with_tls.port}/1?ssl_ca_certs={authority}"))


def test_tls_refuses_a_server_it_cannot_verify(redis_with_tls: RedisServer) -> None:
    error = failure_of(open_patiently(f"rediss://:secret-w0rd@127.0.0.1:{redis_with_tls.port}/0"))
    assert error.outcome is outcomes.STORE_UNREACHABLE
    assert error.detail == "TLS: CERTIFICATE_VERIFY_FAILED"


def test_tls_refuses_a_server_of_another_name(redis_with_tls: RedisServer) -> None:
    authority = redis_with_tls.certificates / "ca.crt"
    error = failure_of(open_patiently(f"rediss://127.0.0.1:{redis_with_tls.port}/0?ssl_ca_certs={authority}"))
    assert (error.outcome, error.detail) == (outcomes.STORE_UNREACHABLE, "TLS: CERTIFICATE_VERIFY_FAILED")


@pytest.mark.parametrize("options", ["ssl_cert_reqs=none", "ssl_check_hostname=false&ssl_ca_certs={ca}"])
def test_tls_verification_can_be_relaxed_by_the_url(redis_with_tls: RedisServer, options: str) -> None:
    redis_with_tls.command("FLUSHALL")
    options = options.format(ca=redis_with_tls.certificates / "ca.crt")
    use_everything(open_patiently(f"rediss://127.0.0.1:{redis_with_tls.port}/0?{options}"))


@pytest.mark.parametrize(
    ("options", "detail"),
    [
        ("ssl_ca_certs={gone}", "ssl_ca_certs {gone}: is no file there"),
        ("ssl_ca_certs={text}", "ssl_ca_certs {text}: no certificate or crl found"),
        ("ssl_cert_reqs=none&ssl_certfile={gone}", "ssl_certfile {gone}: is no file there"),
        ("ssl_cert_reqs=none&ssl_certfile={crt}&ssl_keyfile={gone}", "ssl_keyfile {gone}: is no file there"),
        ("ssl_cert_reqs=none&ssl_certfile={crt}&ssl_keyfile={other}", "ssl_certfile {crt}: key values mismatch"),
        ("ssl_cert_reqs=none&ssl_certfile={crt}&ssl_keyfile={locked}", "ssl_certfile {crt}: "),  # asks nobody for it
    ],
)
def test_a_file_that_tls_cannot_use_is_named(
    redis_with_tls: RedisServer, tmp_path: Path, options: str, detail: str
) -> None:
    held = redis_with_tls.certificates
    (tmp_path / "text").write_text("no certificate")
    encrypt = (
        "openssl",
        "ec",
        "-aes256",
        "-passout",
        "pass:x",
        "-in",
        held / "server.key",
        "-out",
        tmp_path / "locked",
    )
    subprocess.run(encrypt, check=True, capture_output=True)
    paths = {"crt": held / "server.crt", "other": held / "ca.key", "gone": tmp_path / "gone"}
    paths |= {name: tmp_path / name for name in ("text", "locked")}
    url = f"rediss://127.0.0.1:{redis_with_tls.port}/0?{options.format(**paths)}"
    error = failure_of(open_patiently(url))
    assert error.outcome is outcomes.STORE_UNREACHABLE
    assert error.detail.startswith(f"TLS: {detail.format(**paths)}")


def test_a_client_certificate_that_the_server_wants_is_named(
    redis_with_tls: RedisServer, redis_factory: Callable[..., RedisServer]
) -> None:
    held = redis_with_tls.certificates
    server = redis_factory(certificates=held, options=("--tls-auth-clients", "yes"))
    url = f"rediss://localhost:{server.port}/0?ssl_ca_certs={held}/ca.crt"
    use_everything(open_patiently(f"{url}&ssl_certfile={held}/server.crt&ssl_keyfile={held}/server.key"))
    assert failure_of(open_patiently(url)).detail.startswith("TLS: ")


def test_tls_to_a_server_without_it(redis_server: RedisServer) -> None:
    # The server waits for the rest of what it takes for a command, so that the limits of every day end this.
    error = failure_of(open_store(f"rediss://127.0.0.1:{redis_server.port}/0?ssl_cert_reqs=none", now=0))
    assert error.outcome in (outcomes.STORE_UNREACHABLE, outcomes.STORE_TIMEOUT)


def test_a_plain_client_to_a_server_with_tls(redis_with_tls: RedisServer) -> None:
    error = failure_of(open_patiently(f"redis://127.0.0.1:{redis_with_tls.port}/0"))
    assert error.outcome in (outcomes.STORE_GARBAGE, outcomes.STORE_UNREACHABLE)


def test_a_lookup_imports_no_more_than_it_needs(redis_server: RedisServer) -> None:
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    script = (
        f"import sys; sys.path.insert(0, {root!r}); bare = set(sys.modules)\n"
        "from skillcache.stores import open_store\n"
        f"open_store({redis_server.url!r}, now=0).get('k', ('a',))\n"
        "print(*sorted(m for m in set(sys.modules) - bare if not m.startswith('skillcache')))"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, check=True, timeout=60)
    assert set(ran.stdout.decode().split()) <= {"_socket", "errno"}
