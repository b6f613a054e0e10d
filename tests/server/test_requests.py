"""What the server answers: the same as the hooks, and something bounded to whatever it is sent."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.clusters import Cluster
from tests.conftest import RedisServer
from tests.hostile import HUGE, REPLIES, Hostile, packed
from tests.server.conftest import LINKS, Server, in_parallel, until


def raw(server: Server, data: bytes) -> bytes:
    """All that it sends back until it closes the connection, or says nothing for a moment."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(0.3)
        connection.connect(server.path)
        connection.sendall(data)
        said = b""
        try:
            while piece := connection.recv(1 << 16):
                said += piece
        except (TimeoutError, ConnectionResetError):  # it closes what it has not read to its end
            return said
        return said


def status(said: bytes) -> int:
    return int(said.split(b" ", 2)[1])


def test_a_call_is_recorded_and_answered(server: Server) -> None:
    server.record()
    said = server.call(server.event())
    assert said["result"]["results"][0]["content"] == LINKS[0]["content"]
    assert said["context"][0].startswith("skillcache: the result of this WebSearch call is the recorded one")
    assert server.outcomes() == ["no_entry", "stored", "replayed"]


def test_a_call_that_no_rule_names_is_left_alone(server: Server) -> None:
    assert server.call(server.event(tool_name="Bash", tool_input={"command": "pytest -q"})) == {}
    assert server.call(server.event(tool_name="Read", tool_input={"file_path": "/x"})) == {}
    assert server.outcomes() == []
    assert not (server.home / ".cache/skillcache/pending").exists()


def test_a_call_that_a_settings_hook_has_is_left_to_it(server: Server) -> None:
    event = server.event()
    assert server.call(event) == {"follow": True}
    assert server.call(event) == {}


def test_the_end_of_a_call_that_was_not_followed_changes_nothing(server: Server) -> None:
    server.end(server.event())
    time.sleep(0.2)
    assert server.outcomes() == []


def test_a_call_right_after_the_end_of_the_same_is_answered(server: Server) -> None:
    server.record()  # what only the first call waits for is over
    for number in range(5):
        event = server.event(f"./check {number}")
        assert server.call(event) == {"follow": True}
        server.end(event)
        assert "result" in server.call(server.event(f"./check {number}"))


def test_an_mcp_tool_whose_server_the_account_brings_is_known_after_its_first_end(server: Server) -> None:
    config = server.home / ".config/skillcache/config.toml"
    config.write_text('[[rules]]\nmatch = "mcp__docs"\n')
    call: dict[str, Any] = {"tool_name": "mcp__docs__search", "tool_input": {"query": "x"}}
    blocks = [{"type": "text", "text": "found"}]

    def ask() -> bool:
        event = server.event(**call)
        server.call(event)
        is_known = server.outcomes()[-1] == "no_entry"
        server.end({**event, "mcp_server": {"name": "docs", "source": "claudeai"}}, blocks)
        return is_known

    assert not ask()
    assert until(ask)  # once the end of the first has been looked at
    assert until(lambda: "stored" in server.outcomes())
    assert server.call(server.event(**call))["result"] == blocks
    assert set(server.outcomes()[:-3]) == {"unknown_server"}
    assert server.outcomes()[-3:] == ["no_entry", "stored", "replayed"]


def test_what_is_no_result_of_the_tool_is_not_given(server: Server) -> None:
    """Of another form than the client takes: it would make an error of it."""
    call: dict[str, Any] = {"tool_name": "WebFetch", "tool_input": {"url": "https://x.example/", "prompt": "what?"}}
    event = server.event(**call)
    assert server.call(event) == {"follow": True}
    page = {"bytes": 5, "code": 200, "codeText": "OK", "result": "a page", "url": "https://x.example/"}
    server.end(event, page)  # without its duration
    assert until(lambda: "stored" in server.outcomes())
    assert server.call(server.event(**call)) == {"follow": True}
    assert server.outcomes()[-1] == "unfit"


REQUESTS = (
    b"\r\n",
    b"GET /call HTTP/1.1\r\n\r\n",
    b"POST /nothing HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}",
    b"nonsense\r\n\r\n",
    b"POST /call HTTP/1.1\r\ncontent-length: x\r\n\r\n",
    b"POST /call HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n",
    b"POST /call HTTP/1.1\r\ncontent-length: 999999999999999999999\r\n\r\n",
    b"POST /call HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /call HTTP/1.1\r\n" + b"x: y\r\n" * 100 + b"\r\n",
    b"POST /call HTTP/1.1\r\n" + b"x" * 20_000 + b"\r\n\r\n",
    b"POST /" + b"x" * 20_000,
    b"POST /call HTTP/1.1\r\ncontent-length: 10\r\n\r\n{}",
    b"POST /call HTTP/1.1\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
    b"\0\xff" * 100,
    b"POST /wait HTTP/1.1\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]",
    b"POST /wait HTTP/1.1\r\ncontent-length: 5\r\nconnection: close\r\n\r\n\xff\xfe\xfd{}",
    b"POST /ended HTTP/1.1\r\ncontent-length: 4\r\nconnection: close\r\n\r\nnull",
)


def test_no_request_ends_the_server(server: Server) -> None:
    for data in REQUESTS:
        said = raw(server, data)
        assert said == b"" or status(said) in {200, 400, 404, 411, 413, 431}, data
        assert server.post("/hello", {})["pid"] == server.process.pid, data  # type: ignore[union-attr]
    server.record()


def test_random_requests_do_not_end_the_server(server: Server) -> None:
    random = Random(7)
    good = json.dumps(server.event()).encode()
    whole = b"POST /call HTTP/1.1\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(good), good)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(random.randrange(1, 6)):
            data[random.randrange(len(data))] = random.randrange(256)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(server.path)
            connection.sendall(bytes(data))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 16):
                pass
    server.record("./check after")


CHANGES: tuple[dict[str, object], ...] = (
    {"tool_input": 5},
    {"tool_use_id": None},
    {"cwd": "relative"},
    {"root": 5},
    {"root": "relative"},
    {"session_id": ["x"]},
    {"tool_input": {"command": ["x"]}},
    {"tool_input": {"command": "./check \ud800"}},
    {"cwd": "/nonexistent/folder"},
    {"tool_use_id": "../../x"},
    {"agent_id": 7},
)


def test_an_odd_event_is_run_and_the_next_one_answered(server: Server) -> None:
    server.record("./check next")
    for number, change in enumerate(CHANGES):
        assert server.call({**server.event(f"./check {number}"), **change}) in ({}, {"follow": True}), change
        assert "result" in server.call(server.event("./check next")), change


def test_many_calls_at_once_are_each_answered_and_leave_no_thread(server: Server) -> None:
    for number in range(8):
        server.record(f"./check {number}")
    events = [server.event(f"./check {number % 8}") for number in range(40)]
    answers = in_parallel(40, lambda number: server.call(events[number]))
    assert all("result" in answer for answer in answers), server.outcomes()  # type: ignore[operator]
    assert server.outcomes().count("replayed") == 40
    assert until(lambda: server.threads() < 8)


def test_many_misses_at_once_run_once_each(server: Server, redis_server: RedisServer) -> None:
    server.stop()
    server.environ["SKILLCACHE_REDIS_URL"] = redis_server.url
    server.start()
    events = [server.event(f"./check {number}") for number in range(30)]
    answers = in_parallel(30, lambda number: server.call(events[number]))
    assert answers == [{"follow": True}] * 30
    in_parallel(30, lambda number: server.end(events[number]))
    assert until(lambda: server.outcomes().count("stored") == 30), server.outcomes()


def test_nothing_is_served_before_the_store_knows_that_it_is_out_of_date(server: Server) -> None:
    """Reading goes on while another process writes to the store; writing waits for it."""
    rule = '[[rules]]\nmatch = "WebFetch(domain:x.example)"\ninvalidated_by = ["mcp__db__write"]\n'
    (server.home / ".config/skillcache/config.toml").write_text(rule)
    call: dict[str, Any] = {"tool_name": "WebFetch", "tool_input": {"url": "https://x.example/", "prompt": "what?"}}
    event = server.event(**call)
    assert server.call(event) == {"follow": True}
    page = {"bytes": 5, "code": 200, "codeText": "OK", "result": "a page", "url": "https://x.example/"}
    server.end(event, {**page, "durationMs": 3_000})
    assert until(lambda: "stored" in server.outcomes())
    assert "result" in server.call(server.event(**call))

    (store,) = (server.home / ".cache/skillcache").glob("*.sqlite3")
    written = {**server.event(tool_name="mcp__db__write", tool_input={}), "hook_event_name": "PostToolUse"}
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert server.post("/ended", {**written, "tool_response": "done"}) == {}
        event = server.event(**call)
        said = server.call(event)
        other.execute("ROLLBACK")
    assert said in ({}, {"follow": True})  # the store was not told in time, or could not be: then the rule rests
    if said:
        assert server.post("/ended", {**event, "hook_event_name": "PostToolUseFailure", "error": "no answer"}) == {}
    else:
        assert until(lambda: server.outcomes()[-2:] == ["time_up", "outdated"]), server.outcomes()
    assert server.call(server.event(**call)) == {"follow": True}


def test_who_comes_second_waits_for_the_run_of_the_first(server: Server) -> None:
    first = server.event(session_id="one")
    assert server.call(first) == {"follow": True}
    said = server.post("/call", server.event(session_id="two"))
    assert set(said) == {"wait", "ticket"}
    assert server.post("/wait", {"ticket": said["ticket"]}) == said  # a round that nothing came of
    server.end(first)
    assert "result" in server.post("/wait", {"ticket": said["ticket"]})
    assert server.post("/wait", {"ticket": said["ticket"]}) == {}


@pytest.mark.long
def test_who_gives_up_waiting_holds_nobody(server: Server) -> None:
    """The second call's client is gone when the run it waited for ends without a result: a third runs at once."""
    first = server.event(session_id="one")
    assert server.call(first) == {"follow": True}
    assert "ticket" in server.post("/call", server.event(session_id="two"))
    failed = {**first, "hook_event_name": "PostToolUseFailure", "error": "Exit code 1", "duration_ms": 3_000}
    assert server.post("/ended", failed) == {}
    assert until(lambda: not list((server.home / ".cache/skillcache/pending").iterdir()))
    assert server.first_round(server.event(session_id="three")) == {"follow": True}


def test_a_bad_configuration_is_counted_and_its_mending_seen(server: Server) -> None:
    config = server.home / ".config/skillcache/config.toml"
    good = config.read_text()
    config.write_text("ttl = 'x'\n")
    assert server.call(server.event()) == {}
    assert server.outcomes() == ["bad_config"]
    config.write_text(good)
    assert server.call(server.event()) == {"follow": True}


def test_it_has_the_project_of_the_moment(server: Server, tmp_path: Path) -> None:
    """The client may have moved to another project: its rules count then."""
    other = tmp_path / "other"
    (other / ".claude").mkdir(parents=True)
    (other / ".claude/skillcache.toml").write_text('[[rules]]\nmatch = "WebSearch"\nenabled = false\n')
    (other / "check").write_text("#!/bin/sh\n")
    (other / "check").chmod(0o755)
    os.system(f"git init -q {other}")  # noqa: S605
    assert server.call(server.event(cwd=str(other), root=str(other))) == {}
    assert server.call(server.event()) == {"follow": True}


@pytest.mark.long
def test_another_environment_is_not_answered_for_until_another_server_takes_over(server: Server) -> None:
    settings = server.home / ".claude/settings.json"
    server.record()
    settings.parent.mkdir()
    settings.write_text('{"permissions": {"allow": ["Bash"]}}')
    assert "result" in server.call(server.event())
    settings.write_text('{"env": {"CI": "1"}}')
    assert server.call(server.event()) == {}
    assert server.process is not None
    server.process.communicate(timeout=30)
    server.start()
    assert "result" in server.call(server.event())


def test_options_are_waited_for(cold_server: Server, redis_server: RedisServer) -> None:
    cold_server.start("--options")
    assert cold_server.call(cold_server.event()) == {}
    Path(f"{cold_server.path}.options").write_text(json.dumps({"SKILLCACHE_REDIS_URL": redis_server.url}))
    cold_server.record()
    assert b"skill_cache:" in redis_server.command("KEYS", "*")


@pytest.mark.table
@pytest.mark.parametrize("name", ["a string of 10 GB", "arrays of arrays", "pushes without end", "a list of lists"])
def test_a_store_that_means_ill_holds_nobody_up(cold_server: Server, name: str) -> None:
    with Hostile(REPLIES[name]) as store:
        cold_server.environ["SKILLCACHE_REDIS_URL"] = store.url
        cold_server.start()
        assert [cold_server.call(cold_server.event()) for _ in range(3)] == [{}] * 3
        assert cold_server.process is not None
        assert cold_server.post("/hello", {})["pid"] == cold_server.process.pid
    assert set(cold_server.outcomes()) <= {"store_garbage", "store_timeout", "store_unreachable", "store_refused"}


def test_a_poisoned_entry_holds_no_other_call_up(cold_server: Server) -> None:
    entry = packed(HUGE)

    def answer(words: Sequence[bytes]) -> Iterator[bytes]:
        count = len(words) - 1
        found = b"$%d\r\n%b\r\n" % (len(entry), entry)
        yield b"*%d\r\n%b" % (count, found + b"$-1\r\n" * (count - 1)) if words[0] == b"MGET" else b"+OK\r\n"

    with Hostile(answer) as store:
        cold_server.environ |= {"SKILLCACHE_REDIS_URL": store.url, "SKILLCACHE_WAIT": "0"}
        cold_server.start()
        assert {str(cold_server.call(cold_server.event())) for _ in range(3)} <= {"{}", "{'follow': True}"}
    assert cold_server.process is not None
    peak = Path(f"/proc/{cold_server.process.pid}/status").read_text().partition("VmHWM:")[2].split()[0]
    assert int(peak) * 1024 < HUGE
    assert set(cold_server.outcomes()) <= {"unreadable_entry", "store_timeout"}


def test_a_cluster_keeps_results_and_says_when_a_run_is_over(cold_server: Server, redis_cluster: Cluster) -> None:
    cold_server.environ["SKILLCACHE_REDIS_URL"] = redis_cluster.url
    cold_server.start()
    cold_server.record()
    assert "result" in cold_server.call(cold_server.event(session_id="another"))
    first = cold_server.event("./check more", session_id="one")
    assert cold_server.call(first) == {"follow": True}
    said = cold_server.post("/call", cold_server.event("./check more", session_id="two"))
    cold_server.end(first)
    assert "result" in cold_server.post("/wait", {"ticket": said["ticket"]})
