"""What other programs write into an inbox of Redis, which anybody who has the store may do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from skillcache.messages import message
from skillcache.messages.inbox import Post
from skillcache.messages.live import Subscription
from skillcache.messages.message import foreign
from skillcache.stores.redis_py import connect
from tests.conftest import empty_redis
from tests.messages.conftest import NOW, PROJECT, agent, letter, open_at

INBOX = "agent_comm:b:inbox"

# Values that look like something of ours.
VALUES: list[Any] = [
    {"version": 1, "status": "green"},
    {"version": 2, "event": "deployed"},
    {"version": 1, "text": "x", "kind": "text", "from": "a", "bounce": "ended"},
    {"expires": 5, "id": "1"},
    {"from": "a", "kind": "text", "expires": 1},
    "text",
    None,
    [],
]


@pytest.fixture(params=["redis", "cluster"])
def url(request: pytest.FixtureRequest) -> str:
    return empty_redis(request, request.param)


@pytest.fixture
def client(url: str) -> Iterator[redis.Redis]:
    with connect(url) as made:
        yield made


@pytest.fixture
def post(url: str) -> Iterator[Post]:
    post = open_at(url, NOW)
    yield post
    post.close()


@pytest.mark.parametrize("value", VALUES)
def test_a_value_without_an_envelope_is_a_value_whatever_it_looks_like(
    client: redis.Redis, post: Post, value: Any
) -> None:
    client.xadd(INBOX, {"message": json.dumps(value)})
    (taken,) = post.take("b", 10).deliveries
    assert (taken.bare, json.loads(taken.text)) == (True, value)
    assert foreign(taken.text)["text"] == (value if isinstance(value, str) else json.dumps(value))
    post.settle("b", [(taken.entry, "")])
    assert client.xlen(INBOX) == 0


@pytest.mark.parametrize("value", VALUES)
def test_a_listener_hears_it_from_the_inbox_and_over_the_channel(
    client: redis.Redis, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    client.xadd(INBOX, {"message": json.dumps(value)})
    channel = "agent_comm:b"
    with Subscription(client, channel) as own, Subscription(client, channel, watch=True) as watcher:
        heard = own.next(5)
        assert heard is not None
        assert heard.value == value
        watcher.next(0)
        client.publish("agent_comm:b", json.dumps(value))
        while (heard := watcher.next(5)) is None:
            pass
        assert heard.value == value


def test_a_listener_outlives_what_nobody_can_read(
    client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    deep = "[" * 100_000
    for text in (deep, b"\xff\xfe"):
        client.xadd(INBOX, {"message": text})
    with Subscription(client, "agent_comm:b") as own:
        assert [own.next(5).value for _ in range(2)] == [deep, "\ufffd\ufffd"]  # type: ignore[union-attr]


def test_a_value_that_is_not_wanted_goes_back_to_nobody(client: redis.Redis, post: Post) -> None:
    post.register("a", agent(), "main")
    post.register("b", agent(), "main")
    for value in VALUES:
        client.xadd(INBOX, {"message": json.dumps(value)})
    taken = post.take("b", 10).deliveries
    post.settle("b", (), [(each.entry, "refused") for each in taken[:4]])
    post.end("b")
    assert client.exists(INBOX) == 0
    assert post.look("a", {}) == 0


def test_what_other_programs_left_does_not_stay_for_ever(client: redis.Redis, post: Post) -> None:
    client.xadd(INBOX, {"message": "1"})
    assert client.ttl(INBOX) == -1
    post.take("b", 1)
    assert 0 < int(client.ttl(INBOX)) <= message.MOST_TTL
    for _ in range(message.INBOX + 100):
        client.xadd(INBOX, {"message": "1"})
    post.register("b", agent(), "main")
    post.end("b")
    assert client.exists(INBOX) == 0


def test_a_few_large_messages_are_taken_at_a_time_and_too_large_ones_dropped(client: redis.Redis, post: Post) -> None:
    client.xadd(INBOX, {"message": "x" * (message.ENVELOPE + 1)})
    for _ in range(10):
        client.xadd(INBOX, {"message": "y" * (message.TAKE // 4)})
    first = post.take("b", 32).deliveries
    assert [len(each.text) for each in first] == [message.TAKE // 4] * 4
    post.settle("b", [(each.entry, "") for each in first])
    client.xadd(INBOX, {"message": "z" * (message.ENVELOPE - 1)})
    assert len(post.take("b", 32).deliveries) == 4
    assert len(post.take("b", 32).deliveries) == 4
    assert client.xlen(INBOX) == 7


def test_what_lies_in_the_place_of_one_inbox_holds_up_nobody_else(url: str, client: redis.Redis, post: Post) -> None:
    post.register("a", agent(), "main")
    post.send([letter("1", to="c", ttl=1), letter("2", to="d", ttl=1)])
    client.set("agent_comm:c:inbox", "no stream")
    client.zadd(f"skillcache:due:{PROJECT}", {"nonsense": 1, " ": 2, "e not-an-entry": 3})
    later = open_at(url, NOW + 2)
    assert later.look("a", {}) == 1
    assert later.look("a", {}) == 1
    assert client.zcard(f"skillcache:due:{PROJECT}") == 0
    later.close()


def test_what_lies_in_the_place_of_one_agent_hides_no_other(client: redis.Redis, post: Post) -> None:
    post.register("one", agent(session="one"), "main")
    post.register("b", agent(session="one"), "helper")
    client.set("skillcache:agent:odd", "no hash")
    client.zadd(f"skillcache:agents:{PROJECT}", {"odd": NOW * 1000 + 1, "gone": NOW * 1000 + 2})
    assert [each["id"] for each in post.agents(PROJECT)[1]] == ["one", "b"]
    post.end("one")
    assert all(each.get("ended") for each in post.agents(PROJECT)[1])


def test_a_message_in_the_hands_of_a_hook_that_dies_comes_back_when_it_expires(
    url: str, client: redis.Redis, post: Post
) -> None:
    post.register("a", agent(), "main")
    post.send([letter("x", ttl=1)])
    (taken,) = post.take("b", 1).deliveries
    later = open_at(url, NOW + 2)
    assert later.look("a", {}) == 0
    client.xclaim(INBOX, "agent", "hook", 0, [taken.entry], idle=(message.GRACE + 1) * 1000, justid=True)
    assert later.look("a", {}) == 1
    later.close()
