"""What Python wrote, Node reads through ioredis, and the other way round: the stored form is nobody's own."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skillcache import (
    SkillCache,
    generate_cache_key,
    load_session_state,
    publish_message,
    save_session_state,
    subscribe_to_agent,
)
from skillcache.stores.redis_py import connect
from tests.conftest import empty_redis, require_program, unavailable

Node = Callable[..., Any]
Nodes = Callable[[str, list[dict[str, Any]]], list[Any]]

INPUTS: Any = {
    "z": 1,
    "a": [1.0, -0.0, 1e21, 1e-7, 0.1, 123456789012345680000, 333333333.33333329],
    "é": None,
    "\ufb33": True,
    "😀": '"\\\n\t\x01\x7f ',
    "nested": {"b": {}, "a": []},
}
SMALL = {"text": "é 漢字 😀", "numbers": [1, 1.5, -3], "nothing": None, "yes": True}
LARGE = {"lines": [f"line {number} of é" for number in range(2_000)]}


TEAM = f"{'0123456789abcdef' * 4},{'fedcba9876543210' * 4} ci@acme"


@pytest.fixture(autouse=True, params=["", TEAM], ids=["anybody", "a team"])
def team(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The keys of both sides."""
    if request.param:
        monkeypatch.setenv("SKILLCACHE_TEAM_KEY", request.param)
    return str(request.param)


@pytest.fixture(params=["redis", "cluster"])
def url(request: pytest.FixtureRequest) -> str:
    return empty_redis(request, request.param)


@pytest.fixture
def nodes(url: str) -> Nodes:
    """Runs a command of entry.mjs once for each of the arguments, in one process."""

    def run(command: str, calls: list[dict[str, Any]]) -> list[Any]:
        done = subprocess.run(
            node_command(url, command),
            input=json.dumps(calls),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=True,
            env={**os.environ, "IOREDIS": find_ioredis()},
        )
        answers: list[Any] = json.loads(done.stdout)
        return answers

    return run


@pytest.fixture
def node(nodes: Nodes) -> Node:
    """Runs a command of entry.mjs with the keywords as its arguments."""
    return lambda command, **arguments: nodes(command, [arguments])[0]


def node_command(url: str, command: str) -> list[str]:
    return [require_program("node"), str(Path(__file__).with_name("entry.mjs")), url, command]


def find_ioredis() -> str:
    """The folder of the package, where `.ci/run` installs it."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(cache, "skillcache-test/node_modules/ioredis")
    if not folder.exists():
        unavailable("ioredis is not installed")
    return str(folder)


@pytest.fixture
def cache(url: str) -> Iterator[SkillCache]:
    with SkillCache(url) as cache:
        yield cache


KEYED: tuple[Any, ...] = (INPUTS, None, [], {}, "é", 1.0, 5e-324, 1.7976931348623157e308, [[[]]])


@pytest.mark.parametrize("url", ["redis"], indirect=True)
def test_both_build_the_same_key(nodes: Nodes) -> None:
    keys = nodes("key", [{"skill": "report", "inputs": inputs} for inputs in KEYED])
    assert keys == [generate_cache_key("report", inputs) for inputs in KEYED]
    keys = nodes("key", [{"skill": "é: x", "inputs": inputs, "version": 2} for inputs in KEYED])
    assert keys == [generate_cache_key("é: x", inputs, 2) for inputs in KEYED]


VALUES: tuple[Any, ...] = (SMALL, LARGE, None, 0, "", "x" * 4096, "x" * 4095, "x" * 4094, "é" * 4096)
CALLS = [{"skill": f"report{at}", "inputs": INPUTS} for at in range(len(VALUES))]


def test_node_reads_an_entry_of_python(nodes: Nodes, cache: SkillCache) -> None:
    for call, value in zip(CALLS, VALUES, strict=True):
        cache.set(str(call["skill"]), INPUTS, value)

    assert nodes("get", CALLS) == [{"found": True, "value": value} for value in VALUES]
    assert nodes("get", [{**CALLS[0], "inputs": [INPUTS]}]) == [{"found": False}]


def test_python_reads_an_entry_of_node(nodes: Nodes, cache: SkillCache) -> None:
    calls = [{**call, "value": value, "ttl": 500} for call, value in zip(CALLS, VALUES, strict=True)]
    assert nodes("set", calls) == [True] * len(VALUES)

    for call, value in zip(CALLS, VALUES, strict=True):
        name = str(call["skill"])
        assert cache.get(name, INPUTS, "nothing") == value
        assert cache.fetch(name, INPUTS, lambda: "computed") == (value, True)
        assert cache.get(name, [INPUTS], "nothing") == "nothing"


def test_each_hears_the_other_s_invalidation(node: Node, cache: SkillCache, url: str) -> None:
    cache.set("report", 1, "python's")
    node("set", skill="report", inputs=2, value="node's", ttl=500)
    assert cache.invalidate("skill_cache:rep*") == 2
    cache.set("report", 1, "new")
    assert node("get", skill="report", inputs=1) == {"found": True, "value": "new"}
    assert node("get", skill="report", inputs=2) == {"found": False}
    cache.set("report", 2, "kept")
    with connect(url) as client:
        client.incr("skill_cache_gen:report")  # as any client may
    assert cache.get("report", 2) is None
    cache.set("report", 2, "kept again")
    assert node("raise", name="report") >= 3
    assert cache.get("report", 2) is None
    assert node("get", skill="report", inputs=2) == {"found": False}


def test_teams_and_versions_are_read_across(node: Node, url: str) -> None:
    with SkillCache(url, team="acme") as team:
        team.set("report", INPUTS, "python's", version=2)
        assert node("get", skill="report", inputs=INPUTS, version=2, team="acme")["value"] == "python's"
        assert node("get", skill="report", inputs=INPUTS, version=2) == {"found": False}
        node("set", skill="report", inputs=INPUTS, version="3.1", team="acme", value="node's", ttl=500)
        assert team.get("report", INPUTS, version="3.1") == "node's"
        assert team.invalidate("team:cache:acme:*") == 2


def test_session_fields_are_read_across(node: Node, url: str) -> None:
    state = {"step": 2, "parsed": SMALL, "é": [None, "7", 7.5]}
    save_session_state("workflow", state, url=url, namespace="here")
    assert node("load", session="workflow@here") == state
    node("save", session="workflow@here", state={"step": 3, "done": True}, ttl=500)
    assert load_session_state("workflow", url=url, namespace="here") == {**state, "step": 3, "done": True}
    assert node("load", session="nobody") == {}


def test_messages_are_read_across(node: Node, url: str) -> None:
    with connect(url) as client:
        publish_message(client, "agent_comm:writer", SMALL)
        node("send", agent="writer", message=["from node", 1.5])
        assert node("inbox", agent="writer") == [SMALL, ["from node", 1.5]]
        with subscribe_to_agent(client, "agent_comm:writer") as listener:
            received = [listener.next(5), listener.next(5)]
        assert [each and each.value for each in received] == [SMALL, ["from node", 1.5]]


def test_node_hears_a_message_of_python(url: str) -> None:
    listener = subprocess.Popen(
        node_command(url, "listen"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "IOREDIS": find_ioredis()},
    )
    assert listener.stdin is not None
    assert listener.stdout is not None
    listener.stdin.write(json.dumps({"agent": "node"}))
    listener.stdin.close()
    assert listener.stdout.readline() == "listening\n"
    with connect(url) as client:
        listeners = publish_message(client, "agent_comm:node", SMALL)
        assert listeners == 1 or url.startswith("redis+cluster")  # where only some nodes are asked
    assert json.loads(listener.stdout.readline()) == SMALL
    assert listener.wait(30) == 0
    listener.stdout.close()


def test_python_hears_a_message_of_node(node: Node, url: str) -> None:
    heard: list[Any] = []

    def hear(message: Any) -> bool:
        heard.append(message)
        return False

    with connect(url) as client:
        listener = threading.Thread(target=subscribe_to_agent, args=(client, "agent_comm:python", hear))
        listener.start()
        while client.pubsub_numsub("agent_comm:python") != [(b"agent_comm:python", 1)]:
            pass
        listeners = node("send", agent="python", message=SMALL)
        assert listeners == 1 or url.startswith("redis+cluster")
        listener.join(30)
    assert heard == [SMALL]


def test_neither_takes_what_the_other_s_team_has_not_signed(
    node: Node, cache: SkillCache, url: str, team: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.set("report", 1, "of version 2", version=2)
    save_session_state("workflow", {"step": 1}, url=url, namespace="here")
    with connect(url) as client:
        publish_message(client, "agent_comm:writer", SMALL)
        entry = client.get(generate_cache_key("report", 1, 2))
        client.set(generate_cache_key("report", 1), entry, ex=60)
    assert node("get", skill="report", inputs=1, version=2)["found"]
    assert node("get", skill="report", inputs=1)["found"] == (not team)
    assert (cache.get("report", 1) is None) == bool(team)
    if not team:
        return
    monkeypatch.setenv("SKILLCACHE_TEAM_KEY", "ffeeddccbbaa99887766554433221100")
    assert node("load", session="workflow@here") == {}
    assert node("inbox", agent="writer") == []
    assert node("get", skill="report", inputs=1, version=2) == {"found": False}
    node("set", skill="report", inputs=3, value="of another team", ttl=500)
    assert node("get", skill="report", inputs=3)["value"] == "of another team"
    assert cache.get("report", 3) is None
