"""Commands whose store is in trouble: one line that says what happened, where, and what mends it; status 1."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from skillcache.__main__ import main
from skillcache.cli import output
from tests.cli.test_errors import says_what_next
from tests.conftest import RedisServer, free_port
from tests.stores.conftest import Impostor

DOCTOR = ". Check with: skillcache doctor"  # where the mend is no command
SECRET = "hunter2"  # noqa: S105 - of no server


class Fail(Protocol):
    def __call__(self, url: str, commands: list[tuple[str, ...]] = ...) -> str: ...


# Over redis-py, over a hook's own link, and through a script.
COMMANDS = [("entries", "list"), ("sessions", "list"), ("state", "set", "a", "1")]
WRITING = [("note", "x"), ("state", "set", "a", "1"), ("invalidate", "--skill", "x")]


@pytest.fixture
def fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fail:
    """What follows the place in the one line that each command says with this URL."""
    for name, value in {"HOME": str(tmp_path), "SKILLCACHE_HOME": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def ask(url: str, commands: list[tuple[str, ...]] = COMMANDS) -> str:
        monkeypatch.setenv("SKILLCACHE_REDIS_URL", url)
        lines = set()
        for words in commands:
            assert main(list(words)) == output.FAILED
            said = capsys.readouterr()
            assert (said.out, said.err.count("\n"), SECRET in said.err) == ("", 1, False)
            assert says_what_next(said.err.strip())
            lines.add(
                re.sub(
                    r"^skillcache: Redis at (\S+:\d+|/\S+), database 0: ",
                    "",
                    said.err.rstrip("\n").removesuffix(DOCTOR),
                )
            )
        assert len(lines) == 1, lines
        return lines.pop()

    return ask


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], str]]:
    """The URL of a server that answers every command so, behind a login."""
    servers = []

    def start(line: bytes) -> str:
        def serve(link: socket.socket, server: Impostor) -> None:
            while heard := server.hear(link):
                for word in re.findall(rb"\*\d+\r\n\$\d+\r\n(\w+)", heard):
                    link.sendall(b"+OK\r\n" if word in (b"AUTH", b"CLIENT") else line)

        servers.append(Impostor(serve))
        return f"redis://:{SECRET}@127.0.0.1:{servers[-1].port}/0"

    yield start
    for server in servers:
        server.stop()


def test_nobody_listens(fail: Fail) -> None:
    said = "the store could not be reached: ECONNREFUSED. Mend: start the server, or correct SKILLCACHE_REDIS_URL"
    assert fail(f"redis://:{SECRET}@127.0.0.1:{free_port()}/0") == said


def test_no_socket_is_there(fail: Fail) -> None:
    said = "the store could not be reached: ENOENT. Mend: start the server, or correct SKILLCACHE_REDIS_URL"
    assert fail("unix:///nowhere/redis.sock") == said


@pytest.mark.parametrize(
    ("line", "detail", "mend"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "LOADING", "wait until it has read its data: "),
        (b"-MOVED 1 127.0.0.1:7\r\n", "MOVED", "write redis+cluster:// in place of redis:// in SKILLCACHE_REDIS_URL"),
        (b"-MISCONF Redis is configured\r\n", "MISCONF", "make room on its disk, then: redis-cli -p "),
        (b"-DENIED Redis is running in protected mode\r\n", "DENIED", "give that server a password, "),
        (b"-ERR out of tea\x1b[2J\r\n", "ERR out of tea?[2J", "see what the server says: redis-cli -p "),
        (b"-ERR no %s here\r\n" % SECRET.encode(), "ERR", "see what the server says: redis-cli -p "),
        (b"-BUSY Redis is busy running a script\r\n", "BUSY", "redis-cli -p "),
    ],
)  # fmt: skip
def test_a_refusal_says_its_mend(
    fail: Fail, answering: Callable[[bytes], str], line: bytes, detail: str, mend: str
) -> None:
    assert fail(answering(line)).startswith(f"the store answered with an error: {detail}. Mend: {mend}")


def test_a_wrong_password_and_none(fail: Fail, redis_with_password: RedisServer) -> None:
    port = redis_with_password.port
    refused = "the store answered with an error: "
    wrong = f"{refused}WRONGPASS. Mend: correct user and password in SKILLCACHE_REDIS_URL"
    assert fail(f"redis://:{SECRET}@127.0.0.1:{port}/0") == wrong
    assert fail(f"redis://127.0.0.1:{port}/0").startswith(f"{refused}NOAUTH. Mend: write its password into ")


def test_a_password_where_none_is_wanted(fail: Fail, redis_server: RedisServer) -> None:
    said = fail(f"redis://:{SECRET}@127.0.0.1:{redis_server.port}/0")
    assert said.startswith("the store answered with an error: ")
    assert said.endswith(" SKILLCACHE_REDIS_URL")


def test_tls_where_the_certificate_is_of_nobody_known(fail: Fail, redis_with_tls: RedisServer) -> None:
    said = fail(f"rediss://localhost:{redis_with_tls.port}/0")
    assert said.startswith("the store could not be reached: TLS: CERTIFICATE_VERIFY_FAILED. Mend: name the server in ")


def test_a_certificate_that_is_missing(fail: Fail, redis_with_tls: RedisServer, tmp_path: Path) -> None:
    url = f"rediss://localhost:{redis_with_tls.port}/0?ssl_ca_certs={tmp_path}/none"
    said = (
        f"the store could not be reached: TLS: ssl_ca_certs {tmp_path}/none: is no file there. Mend: correct that file"
    )
    assert fail(url, [("sessions", "list")]).startswith(said)


def test_a_replica(fail: Fail, redis_factory: Callable[..., RedisServer]) -> None:
    server = redis_factory(options=("--replicaof", "127.0.0.1", "1"))
    said = (
        "the store answered with an error: READONLY. Mend: name its master in SKILLCACHE_REDIS_URL, which is told by: "
    )
    assert fail(server.url, WRITING) == f"{said}redis-cli -p {server.port} INFO replication"


def test_a_full_server(fail: Fail, redis_factory: Callable[..., RedisServer]) -> None:
    server = redis_factory(options=("--maxmemory", "1"))
    assert fail(server.url, WRITING).startswith("the store answered with an error: OOM. Mend: give it more memory, ")


def test_a_user_who_may_not(fail: Fail, redis_server: RedisServer) -> None:
    redis_server.command("ACL", "SETUSER", "cache", "on", f">{SECRET}", "~*", "+@all", "-eval")
    try:
        said = fail(f"redis://cache:{SECRET}@127.0.0.1:{redis_server.port}/0", COMMANDS[1:])
    finally:
        redis_server.command("ACL", "DELUSER", "cache")
    assert said.startswith("the store answered with an error: NOPERM this user has no permissions to run the 'eval' ")
    assert f"Mend: redis-cli -p {redis_server.port} ACL SETUSER cache +@read +@write" in said


def test_scripts_that_the_server_forgets_are_sent_again(
    fail: Fail, redis_server: RedisServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del fail  # for its home folder alone
    monkeypatch.setenv("SKILLCACHE_REDIS_URL", redis_server.url)
    for _ in range(2):
        assert main(["state", "increment", "a"]) == output.OK
        redis_server.command("SCRIPT", "FLUSH")
    assert capsys.readouterr().out == "1\n2\n"


def test_a_hanging_server(fail: Fail) -> None:
    def hang(_link: socket.socket, server: Impostor) -> None:
        server.over.wait()

    server = Impostor(hang)
    try:
        said = fail(f"redis://127.0.0.1:{server.port}/0?socket_timeout=0.2", [COMMANDS[0], COMMANDS[2]])
    finally:
        server.stop()
    assert said.startswith("the store did not answer in time: no whole reply in time. Mend: see whether ")


@pytest.mark.parametrize(
    "command", [*COMMANDS, ("doctor",), ("clear", "--yes"), ("invalidate", "--project"), ("inbox",)]
)
@pytest.mark.parametrize("url", ["redis://h?family=0", "redis://h?ssl_cert_reqs=none", f"redis://:{SECRET}@h:x", "é"])
def test_a_url_that_is_none_ends_no_command_in_a_traceback(
    fail: Fail, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: tuple[str, ...], url: str
) -> None:
    del fail
    monkeypatch.setenv("REDIS_URL", url)
    assert main(list(command)) == output.FAILED
    said = "".join(capsys.readouterr())
    assert said.count("REDIS_URL: a Redis URL ") == 1
    assert SECRET not in said
