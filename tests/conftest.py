"""Servers for the tests: real ones on loopback, each ended by the process id it was started with.

A test that needs a program this machine lacks is skipped by name, and fails where CI=true; the summary says how many
were skipped for want of what.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.clusters import Cluster
    from tests.stores.sentinels import Service

# A property is about what is so, not about how busy the machine is. In CI one change is judged as the next: by the same
# examples; elsewhere each run looks for new ones.
settings.register_profile("untimed", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("untimed")

# Tests press Ctrl-C and close terminals: whoever starts them in the background may have had both ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# What takes longest begins first, or a processor has nothing to do in the end.
LONG = (
    *("tests/fidelity/", "tests/shims/test_shim.py::test_nothing_on_path"),
    *("tests/e2e/test_plugin_doctor.py", "tests/e2e/test_plugin_install.py", "tests/e2e/test_shims_sandbox.py"),
)

SECONDS = 30.0  # for servers to agree, on a busy machine
ACL_KEYS = "~skill_cache* ~skillcache:* ~team:cache:* ~skill_session* ~agent_comm:*"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line per reason, where pytest would write one per test."""
    skipped = terminalreporter.getreports("skipped")
    reasons = Counter(report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple))
    if reasons:
        terminalreporter.section("what was skipped")
    for reason, tests in reasons.most_common():
        terminalreporter.line(f"{tests:5d}  {reason.removeprefix('Skipped: ')}")


def unavailable(what: str) -> NoReturn:
    """Ends the test that lacks what `what` says: as failed in CI, as skipped elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and CI requires it")
    pytest.skip(what)


def require_program(name: str) -> str:
    return shutil.which(name) or unavailable(f"{name} is not installed")


def until(condition: Callable[[], object]) -> None:
    ends = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.02)


@dataclass
class RedisServer:
    """A running redis-server: port (0: unix socket only), path of its unix socket, process."""

    port: int
    path: Path
    process: "subprocess.Popen[bytes]"
    password: str = ""
    tls: bool = False
    certificates: Path = field(default_factory=Path)
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        login = f":{self.password}@" if self.password else ""
        return f"redis://{login}{self.host}:{self.port}/0"

    @property
    def unix_url(self) -> str:
        login = f":{self.password}@" if self.password else ""
        return f"unix://{login}{self.path}?db=0"

    def command(self, *words: str) -> bytes:
        """One command over the unix socket, whatever the port speaks; the raw reply."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(10)
            link.connect(str(self.path))
            with link.makefile("rb") as replies:
                if self.password:
                    link.sendall(_inline("AUTH", self.password))
                    _whole_reply(replies)
                link.sendall(_inline(*words))
                return _whole_reply(replies)

    def held(self) -> set[bytes]:
        """Its keys."""
        return set(self.command("KEYS", "*").split(b"\r\n")[2::2])

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)


def _inline(*words: str) -> bytes:
    parts = [f"*{len(words)}\r\n"] + [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return "".join(parts).encode()


def _whole_reply(replies: BinaryIO) -> bytes:
    """However many pieces it comes in; b"" of a server that closes instead."""
    line = replies.readline()
    count = int(line[1:]) if line[:1] in {b"$", b"*"} else 0
    if line.startswith(b"$"):
        return line + replies.read(count + 2) if count >= 0 else line
    return line + b"".join(_whole_reply(replies) for _ in range(count))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_redis(
    folder: Path,
    *,
    password: str = "",
    certificates: Path | None = None,
    options: tuple[str, ...] = (),
    port: int = 0,
    host: str = "127.0.0.1",
    within: tuple[str, ...] = (),
) -> RedisServer:
    """Starts a server without persistence and returns when it answers PING. within: words in front of its command."""
    program = require_program("redis-server")
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    path = folder / "redis.sock"
    words = [
        *within,
        program,
        "--bind",
        host,
        "--protected-mode",
        "no",
        "--unixsocket",
        str(path),
        "--dir",
        str(folder),
        "--save",
        "",
    ]
    if certificates is None:
        words += ["--port", str(port)]
    else:
        words += ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
        for option, name in (("cert-file", "server.crt"), ("key-file", "server.key"), ("ca-cert-file", "ca.crt")):
            words += [f"--tls-{option}", str(certificates / name)]
    if password:
        words += ["--requirepass", password]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*words, *options], stdout=log, stderr=log)
    server = RedisServer(port, path, process, password, certificates is not None, certificates or Path(), host)
    deadline = time.monotonic() + 20
    while True:
        try:
            if server.command("PING").startswith(b"+PONG"):
                return server
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            server.stop()
            pytest.fail(f"redis-server did not start: {(folder / 'log').read_text()[-500:]}")
        time.sleep(0.01)


@pytest.fixture
def redis_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RedisServer]]:
    """Starts servers of the test's own, with the keywords of start_redis, and ends them after it."""
    servers: list[RedisServer] = []

    def start(**keywords: object) -> RedisServer:
        folder = tmp_path_factory.mktemp("redis")
        server = start_redis(folder, **keywords)  # type: ignore[arg-type]
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def redis_server(shared_redis: RedisServer) -> RedisServer:
    """A server without a single key; one process for the whole run."""
    shared_redis.command("FLUSHALL")
    return shared_redis


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Cluster]":
    from tests.clusters import Cluster

    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()


@pytest.fixture
def redis_cluster(
    shared_cluster: "Cluster", tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> "Cluster":
    """Three servers without a single key; one cluster for the whole run. What is remembered of it is the test's own."""
    from skillcache.stores import nodes

    folder = str(tmp_path_factory.mktemp("slots"))
    monkeypatch.setattr(nodes, "cache_folder", lambda _environ: folder)
    shared_cluster.flush()
    return shared_cluster


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Service]":
    from tests.stores.sentinels import Service

    service = Service(tmp_path_factory.mktemp("service"))
    yield service
    service.stop()


def empty_redis(request: pytest.FixtureRequest, kind: str) -> str:
    """The URL of a server without a single key; "cluster": of three; "sentinel": of one that Sentinels name."""
    if kind == "sentinel":
        service: Service = request.getfixturevalue("shared_service")
        service.master.command("FLUSHALL")
        return service.url()
    url: str = request.getfixturevalue("redis_cluster" if kind == "cluster" else "redis_server").url
    return url


@pytest.fixture(scope="session")
def redis_with_password(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = start_redis(tmp_path_factory.mktemp("redis"), password="pa:ss/w@rd%#?")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_with_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """TLS for the name `localhost` only; `certificates` holds ca.crt."""
    folder = tmp_path_factory.mktemp("certificates")
    _make_certificates(folder)
    server = start_redis(tmp_path_factory.mktemp("redis"), certificates=folder)
    yield server
    server.stop()


def _make_certificates(folder: Path) -> None:
    program = require_program("openssl")

    def openssl(*words: str) -> None:
        subprocess.run([program, *words], check=True, capture_output=True, cwd=folder, timeout=60)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    authority = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl(
        "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test ca", "-days", "2", *authority
    )
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text(
        "subjectAltName=DNS:localhost\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
    )
    signing = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    openssl("x509", "-req", "-in", "server.csr", "-out", "server.crt", *signing)
