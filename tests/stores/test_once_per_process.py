"""A server that hangs is waited for once by a process, however often it would ask: counted are connections to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from skillcache.core.paths import hooks_folder
from tests.clusters import Cluster
from tests.conftest import RedisServer
from tests.shims.shell import Shell

# Runs until the servers that are to hang do: `stopping` says which processes those are.
_TOOL = """#!/bin/sh
echo "ran $*" >>"$COUNTER"
[ ! -e "$STOPPING" ] || kill -STOP $(cat "$STOPPING")
echo "done $*"
"""


def connections(server: RedisServer) -> int:
    return int(server.command("INFO", "stats").split(b"total_connections_received:")[1].split(b"\r\n")[0])


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path, "bash", plain=True)
    made.environ |= {"STOPPING": str(tmp_path / "stopping"), "SKILLCACHE_NEAR_CACHE": "0"}
    made.tool("pytest", _TOOL)
    made.start()
    return made


def hook(shell: Shell, script: str, name: str, **fields: object) -> None:
    event = {"session_id": "one", "cwd": str(shell.project), "hook_event_name": name, **fields}
    done = subprocess.run(
        [sys.executable, "-I", "-S", f"{hooks_folder()}/{script}.py"],
        input=json.dumps(event).encode(),
        env=shell.environ,
        cwd=shell.project,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"", b"")


def met(servers: list[RedisServer], work: Callable[[], object]) -> int:
    """How many connections servers that hang have met."""
    before = sum(map(connections, servers))
    try:
        work()
    finally:
        for each in servers:
            each.process.send_signal(signal.SIGCONT)
    return sum(map(connections, servers)) - before - len(servers)  # each was asked for it


@pytest.mark.parametrize("kind", ["alone", "cluster"])
def test_a_server_that_hangs_from_the_middle_of_a_run_is_waited_for_once(
    shell: Shell, tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    where: RedisServer | Cluster = request.getfixturevalue("redis_server" if kind == "alone" else "redis_cluster")
    servers = [where] if isinstance(where, RedisServer) else where.servers
    shell.environ["SKILLCACHE_REDIS_URL"] = where.url
    shell.call("pytest -q one.py")  # the map of a cluster is known from then on
    ask = met(servers, lambda: shell.call("pytest -q one.py"))
    (tmp_path / "stopping").write_text(" ".join(str(each.process.pid) for each in servers))
    called = []
    found = met(servers, lambda: called.append(shell.call("pytest -q two.py")))
    assert called[0].stdout == "done -q two.py\n"
    assert ask == 1
    others = len(servers) - 1  # which are asked whether they have its slots now
    assert 3 <= found <= 3 + others  # what is known, and the claim; then what was stored in vain


def test_a_hook_with_more_than_one_thing_to_say_waits_once(shell: Shell, redis_server: RedisServer) -> None:
    shell.environ |= {
        "SKILLCACHE_REDIS_URL": redis_server.url,
        "SKILLCACHE_MESSAGES_DELIVER": "1",
        "CLAUDE_PID": str(os.getpid()),
    }
    edit = {"tool_name": "Edit", "tool_input": {"file_path": str(shell.project / "data")}, "tool_response": {}}
    assert met([redis_server], lambda: hook(shell, "record", "PostToolUse", **edit)) > 1

    def while_it_hangs() -> None:
        redis_server.process.send_signal(signal.SIGSTOP)
        hook(shell, "record", "PostToolUse", **edit)

    assert met([redis_server], while_it_hangs) == 1
