"""Where the server listens, whom it gives way to and when it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import skillcache
from skillcache import claude
from skillcache.events.server.serve import PROTOCOL
from tests.server.conftest import SCRIPT, Connection, Server, until


def test_it_says_where_it_listens_and_hooks_of_the_same_client_find_it(server: Server) -> None:
    assert server.path == claude.socket_path(server.environ)
    assert claude.is_served(server.environ)
    assert not claude.is_served({**server.environ, "CLAUDE_PID": "1"})
    assert not claude.is_served({**server.environ, "CLAUDE_PID": ""})
    assert server.post("/hello", {})["protocol"] == PROTOCOL


def test_nobody_else_can_use_its_socket(server: Server) -> None:
    path = Path(server.path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_it_does_not_listen_in_a_folder_of_others(cold_server: Server) -> None:
    folder = cold_server.runtime / "skillcache"
    folder.mkdir()
    folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT)], env=cold_server.environ, capture_output=True, timeout=20, check=False
    )
    assert done.stdout == b""
    assert b"is not a folder that its owner alone can use" in done.stderr
    assert not claude.is_served(cold_server.environ)


def test_a_long_cache_folder_is_not_what_it_listens_in(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 90)
    assert claude.run_folder({"HOME": str(long)}) == f"/tmp/skillcache-{os.geteuid()}"  # noqa: S108
    assert claude.run_folder({"HOME": "/h"}) == "/h/.cache/skillcache/run"
    assert claude.run_folder({"HOME": "/h", "XDG_RUNTIME_DIR": "/nonexistent"}) == "/h/.cache/skillcache/run"


def test_what_a_killed_server_left_is_replaced(server: Server) -> None:
    assert server.process is not None
    server.process.kill()
    server.process.communicate()
    assert Path(server.path).exists()
    assert not claude.is_served(server.environ)
    server.start()
    assert claude.is_served(server.environ)


def test_a_server_gives_way_to_a_later_one(server: Server, runtime: Path) -> None:
    later = Server(server.home, runtime, server.project)
    try:
        assert later.start()["socket"] == server.path
        assert server.process is not None
        server.process.communicate(timeout=20)
        assert later.post("/hello", {})["pid"] == later.process.pid  # type: ignore[union-attr]
    finally:
        later.stop()
    assert not Path(server.path).exists()


def test_it_ends_at_once_when_it_is_told_to(server: Server) -> None:
    assert server.process is not None
    server.process.terminate()
    server.process.communicate(timeout=20)
    assert server.process.returncode == 0
    assert not Path(server.path).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_clients_terminal_does_not_end_it(server: Server, number: int) -> None:
    assert server.process is not None
    server.process.send_signal(number)
    assert server.post("/hello", {})["protocol"] == PROTOCOL


def test_it_ends_when_nobody_reads_what_it_says(server: Server) -> None:
    assert server.process is not None
    assert server.process.stdout is not None
    server.process.stdout.close()
    server.process.wait(timeout=20)
    assert not Path(server.path).exists()


def test_it_ends_when_the_process_that_started_it_is_gone(cold_server: Server) -> None:
    """Though somebody else still reads its output."""
    code = "import subprocess, sys, time; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); time.sleep(60)"
    parent = subprocess.Popen(
        [sys.executable, "-c", code, sys.executable, "-I", str(SCRIPT)],
        env=cold_server.environ,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    lines = [parent.stdout.readline(), parent.stdout.readline()]
    pid = int(next(line for line in lines if line.strip().isdigit()))
    parent.kill()
    parent.wait()
    assert until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in _state(pid))
    parent.stdout.close()


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_without_a_client_it_has_to_be_told_where_to_listen(cold_server: Server, runtime: Path) -> None:
    del cold_server.environ["CLAUDE_PID"]
    command = [sys.executable, "-m", "skillcache", "serve"]
    done = subprocess.run(command, env=cold_server.environ, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0
    assert "--socket" in done.stderr
    process = subprocess.Popen(
        [*command, "--socket", str(runtime / "here")], env=cold_server.environ, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["socket"] == str(runtime / "here")
    process.terminate()
    process.communicate(timeout=20)


def test_what_servers_of_clients_that_are_gone_left_is_swept(cold_server: Server) -> None:
    folder = cold_server.runtime / "skillcache"
    folder.mkdir(mode=0o700)
    gone = subprocess.Popen(["true"])
    gone.wait()
    for name in (f"{gone.pid}-1", f"{gone.pid}-1.off", f"{gone.pid}-1.options", f"{os.getpid()}-1"):
        (folder / name).touch()
    cold_server.start()
    own = Path(cold_server.path).name
    assert until(lambda: {path.name for path in folder.iterdir()} == {own, f"{os.getpid()}-1"})


def test_a_connection_that_says_nothing_holds_nobody_up(server: Server) -> None:
    idle = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    for connection in idle:
        connection.connect(server.path)
    assert server.post("/hello", {})["protocol"] == PROTOCOL
    for connection in idle:
        connection.close()


def test_requests_of_one_connection_follow_each_other(server: Server) -> None:
    connection = Connection(server.path)
    for _ in range(3):
        connection.request("POST", "/hello", "{}")
        assert json.loads(connection.getresponse().read())["protocol"] == PROTOCOL
    connection.close()


_NAMES_A_REDIS = """
import sys
sys.path.insert(0, sys.argv[1])
from skillcache.core.outcomes import ConfigError
from skillcache.events.server.world import Connected
try:
    Connected("redis://127.0.0.1:1/0", connect=1.0, reply=1.0)
except ConfigError as fault:
    print(fault)
"""


def test_where_a_redis_is_named_and_redis_py_is_missing_it_says_which_package_it_needs() -> None:
    """As of the plugin from the repository, which brings no packages: `-S` leaves those of the tests out."""
    checkout = str(Path(skillcache.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _NAMES_A_REDIS, checkout],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("redis_url: the plugin's server needs the Python package redis\n", "")
