"""The server lives as long as its client, whatever way that ends, and sessions wait for each other's runs."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skillcache.cli.checks.client import Session
from skillcache.cli.checks.messages_api import Api, bash
from skillcache.core.paths import hooks_folder
from tests.conftest import RedisServer
from tests.e2e.plugin import SECONDS, Plugged, notes
from tests.e2e.project import COUNT, after

ENDS = ("by itself", "SIGTERM", "SIGINT", "SIGKILL")
SESSIONS = int(os.environ.get("SKILLCACHE_TEST_SESSIONS", "4"))  # in all


def ours(plugged: Plugged) -> list[str]:
    """Command lines of the processes of ours that run for this person."""
    mark = os.fsencode(hooks_folder())
    found = []
    for pid in plugged.processes():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:  # gone meanwhile
            continue
        if mark in command:
            found.append(command.replace(b"\0", b" ").decode())
    return found


def until(condition: Callable[[], object], seconds: float = SECONDS) -> bool:
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("way", ENDS)
def test_nothing_of_ours_is_left_when_the_client_has_ended(plugged: Plugged, way: str) -> None:
    for _ in range(max(1, SESSIONS // len(ENDS))):
        last = "true" if way == "by itself" else "sleep 30"
        before = set(plugged.sockets())
        with Api([plugged.once_served(COUNT, before), bash(last)]) as api:
            client = plugged.client.start(plugged.project, api, plugin=plugged.folder, mcp_config=plugged.servers())
            assert until(lambda: len(api.requests) > 1)
            if way != "by itself":
                assert until(lambda: ours(plugged))
                client.send_signal(getattr(signal, way))
            client.communicate(timeout=SECONDS)
        assert until(lambda: not ours(plugged)), ours(plugged)
    assert plugged.sockets() == []
    assert plugged.outcomes()[:2] == ["no_entry", "stored"]


def test_a_result_is_stored_although_the_client_is_killed_at_once(plugged: Plugged) -> None:
    with Api([plugged.once_served(COUNT, set()), "done"]) as api:
        client = plugged.client.start(plugged.project, api, plugin=plugged.folder, mcp_config=plugged.servers())
        assert until(lambda: len(api.requests) > 1)
        client.kill()
        client.communicate(timeout=SECONDS)
    assert until(lambda: "stored" in plugged.outcomes()), plugged.outcomes()


def test_two_sessions_make_a_call_once(plugged: Plugged, redis_server: RedisServer) -> None:
    """The second, which begins while the first makes it, waits for its result. In the embedded store: the next test."""
    plugged.client.env["SKILLCACHE_REDIS_URL"] = redis_server.url
    plugged.client.env["E2E_GO_LOCK"] = str(plugged.root / "go")
    second: list[Session] = []

    def follow() -> None:
        assert until(lambda: plugged.count() == 1)
        second.append(plugged.play(after(open_soon, COUNT)))

    def open_soon() -> None:
        threading.Timer(2, lambda: plugged.write("go", "", plugged.root)).start()

    thread = threading.Thread(target=follow)
    thread.start()
    first = plugged.play(COUNT)
    thread.join()
    assert plugged.count() == 1, plugged.outcomes()
    assert second[0].results[0][1:] == first.results[0][1:]
    assert sorted(plugged.outcomes()) == ["no_entry", "stored", "waited"]
    assert len(notes(second[0])) == 1


def test_an_agent_that_is_interrupted_while_it_waits_holds_nobody_up(plugged: Plugged) -> None:
    """Its client is killed while the run that it waits for goes on; a third session then waits for that run as well."""
    plugged.client.env["E2E_GO_LOCK"] = str(plugged.root / "go")
    third: list[Session] = []

    def follow() -> None:
        assert until(lambda: plugged.count() == 1)
        before = set(plugged.sockets())
        with Api([plugged.once_served(COUNT, before)]) as api:
            client = plugged.client.start(plugged.project, api, plugin=plugged.folder, mcp_config=plugged.servers())
            assert until(lambda: len(api.requests) == 1 and len(plugged.sockets()) == 2)
            time.sleep(0.5)
            client.kill()
            client.communicate(timeout=SECONDS)
        third.append(plugged.play(after(open_soon, COUNT)))

    def open_soon() -> None:
        threading.Timer(2, lambda: plugged.write("go", "", plugged.root)).start()

    thread = threading.Thread(target=follow)
    thread.start()
    first = plugged.play(COUNT)
    thread.join()
    assert plugged.count() == 1, plugged.outcomes()
    assert third[0].results[0][1:] == first.results[0][1:]
    assert [name for name in plugged.outcomes() if name != "interrupted"].count("waited") == 1, plugged.outcomes()
    assert len(notes(third[0])) == 1


def test_after_a_clear_the_same_server_serves_the_new_conversation(plugged: Plugged) -> None:
    both = [COUNT, bash("./check")]
    turns = [plugged.once_served(both, set()), "one", both, "two"]
    more: dict[str, Any] = {"plugin": plugged.folder, "mcp_config": plugged.servers(), "talk": True}
    with Api(turns) as api:
        client = plugged.client.start(plugged.project, api, options=["--input-format", "stream-json"], **more)
        assert client.stdin is not None
        for text, asked in (("go", 2), ("/clear", 2), ("go on", 4)):
            message = {"type": "user", "message": {"role": "user", "content": text}}
            client.stdin.write(json.dumps(message).encode() + b"\n")
            client.stdin.flush()
            assert until(lambda asked=asked: len(api.of()) >= asked)  # type: ignore[misc]
        client.stdin.close()
        assert client.stdout is not None
        stream = [json.loads(line) for line in client.stdout if line.strip()]
        client.stdin = None
        client.communicate(timeout=SECONDS)
    assert len({event["session_id"] for event in stream if event.get("subtype") == "init"}) == 2
    assert sorted(plugged.outcomes()) == sorted(["no_entry", "stored", "replayed"] * 2)
    assert plugged.count() == 2
