"""What the post asks of a Redis server: the documented rights, expiring keys, and what a restart leaves of messages."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import redis

from skillcache.messages import message as limits
from skillcache.messages.inbox import Post
from skillcache.messages.message import decode
from skillcache.messages.opening import open_post
from tests.conftest import ACL_KEYS, RedisServer, start_redis
from tests.messages.conftest import NOW, PROJECT, agent, letter


def go_through(post: Post) -> None:
    """Every call of the post, some of them with something to do."""
    for id_ in "abc":
        post.register(id_, agent(session=id_), "main")
    post.note("d", {"task": "x"})
    post.send([letter("1"), letter("2"), letter("3", to="c"), letter("4", ttl=1)])
    post.look("b", {"tool": "Bash"})
    first, second, *_ = post.take("b", 10).deliveries
    post.settle("b", [(first.entry, "1")], [(second.entry, "refused")], size=100, stopped=True)
    post.edited("a", "place")
    post.edited("b", "place")
    post.end("c")
    post.agents(PROJECT)
    post.talk(PROJECT)


def test_everything_expires(redis_server: RedisServer) -> None:
    with closing(open_post(redis_server.url, now=NOW, patient=True)) as post:
        go_through(post)
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        left = {key: int(client.ttl(key)) for key in client.scan_iter("*")}
    assert {key.rpartition(":")[0] for key in left} >= {"skillcache:agent", "skillcache:shown", "skillcache:edits"}
    assert [key for key, seconds in left.items() if not 0 < seconds <= limits.NUMBERS_TTL] == []


def test_a_user_of_the_documented_rights_needs_no_other(redis_server: RedisServer) -> None:
    rule = ["ACL", "SETUSER", "mail", "on", ">pw", "resetkeys", "resetchannels", *ACL_KEYS.split(), "&agent_comm:*"]
    assert redis_server.command(*rule, "+@all", "-@dangerous", "-@admin") == b"+OK\r\n"
    try:
        with (
            closing(open_post(redis_server.url.replace("//", "//mail:pw@"), now=NOW, patient=True)) as post,
            redis.Redis.from_url(redis_server.url) as client,
            client.pubsub(ignore_subscribe_messages=True) as channel,
        ):
            go_through(post)
            channel.subscribe("agent_comm:b")
            channel.get_message(timeout=1)
            assert post.send([letter("heard")]) == [1]
            redis_server.command("ACL", "SETUSER", "mail", "resetchannels")
            assert post.send([letter("not heard, and kept")]) == [0]
    finally:
        redis_server.command("ACL", "DELUSER", "mail")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_keeps_a_log_loses_and_doubles_nothing_when_it_is_restarted(
    tmp_path: Path, end: signal.Signals
) -> None:
    kept = ("--appendonly", "yes", "--appendfsync", "always")
    heard: list[str] = []

    def with_server(step: Callable[[Post], None]) -> None:
        server = start_redis(tmp_path, options=kept)
        with closing(open_post(f"unix://{tmp_path}/redis.sock", now=NOW, patient=True)) as post:
            step(post)
        server.process.send_signal(end)
        server.process.wait(20)

    def read(post: Post, count: int) -> None:
        taken = post.take("b", count).deliveries
        found = [decode(each.text) for each in taken]
        heard.extend(message["text"] for message in found if message is not None)
        shown = [(each.entry, message["id"]) for each, message in zip(taken, found, strict=True) if message is not None]
        post.settle("b", shown)

    def begin(post: Post) -> None:
        post.register("b", agent(), "main")
        post.send([letter(str(number)) for number in range(6)])
        read(post, 2)
        post.take("b", 2)  # by a hook that dies with the server

    def go_on(post: Post) -> None:
        assert post.look("b", {}) == 4
        read(post, 3)
        post.send([letter("0"), letter("6")])  # a sender that did not hear that the first was taken in

    with_server(begin)
    with_server(go_on)
    with_server(lambda post: read(post, 10))
    assert heard == [str(number) for number in range(7)]
