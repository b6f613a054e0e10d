"""Hosts whose clocks are an hour apart, over one server."""

from __future__ import annotations

import time

from skillcache.messages.inbox import STOP, Post
from skillcache.messages.message import Message, decode
from skillcache.messages.opening import open_post
from skillcache.messages.page import block
from tests.messages.conftest import PROJECT, agent, letter

HOUR = 3_600.0


def test_the_clocks_of_hosts_do_not_matter(redis_server: object) -> None:
    url = redis_server.url  # type: ignore[attr-defined]
    ahead, behind = host(url, HOUR), host(url, -HOUR)
    ahead.register("a", agent(host="ahead"), "main")
    behind.register("b", agent(host="behind"), "main")

    assert ahead.send([letter("to the one behind", to="b", ttl=60)]) == [0]
    assert behind.send([letter("to the one ahead", to="a", ttl=60)]) == [0]

    for post, id_, text in ((behind, "b", "to the one behind"), (ahead, "a", "to the one ahead")):
        assert post.look(id_, {}, moment=STOP, most=6) == 1
        taken = post.take(id_, 5)
        (message,) = [read(each.text) for each in taken.deliveries]
        assert message["text"] == text
        assert " sent just now>" in block(message, taken.now)[0]
        assert message.time("expires") - message.time("at") == 60_000
    now, agents = ahead.agents(PROJECT)
    assert abs(now / 1000 - time.time()) < 60
    assert all(abs(now - int(each["active"])) < 60_000 for each in agents)
    assert [(each.id, each.ago < 60_000) for each in ahead.edited("a", "x")] == [("a", True)]
    assert [(each.id, each.ago < 60_000) for each in behind.edited("b", "x")] == [("b", True), ("a", True)]
    ahead.close()
    behind.close()


def host(url: str, skew: float) -> Post:
    return open_post(url, now=time.time() + skew, patient=True)


def read(text: str) -> Message:
    message = decode(text)
    assert message is not None
    return message
