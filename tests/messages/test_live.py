"""Messages for programs: published and listened to, over both stores."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from skillcache.core.outcomes import STORE_TIMEOUT, ConfigError, StoreError
from skillcache.messages import sending
from skillcache.messages.live import Received, Subscription, subscribe_to_agent
from skillcache.messages.sending import Undeliverable, aio_publish_message, publish_message
from tests.conftest import empty_redis
from tests.messages.client import Project, Session, quoted

Values = list[Any]


@pytest.fixture(params=["embedded", "redis", "client", "cluster"])
def client(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[redis.Redis | None]:
    """The store of the settings, or a client of the program's own."""
    project = Project(tmp_path)
    for name, value in project.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CLAUDE_CODE_SESSION_ID", raising=False)
    monkeypatch.chdir(project.root)
    if request.param == "embedded":
        monkeypatch.delenv("SKILLCACHE_REDIS_URL", raising=False)
        yield None
        return
    url = empty_redis(request, request.param)
    if request.param != "client":
        monkeypatch.setenv("SKILLCACHE_REDIS_URL", url)
        yield None
        return
    with redis.Redis.from_url(url, decode_responses=True) as made:
        yield made


@pytest.fixture
def listen(client: redis.Redis | None) -> Iterator[Callable[..., Subscription]]:
    opened: list[Subscription] = []

    def open_one(agent: str = "agent_comm:worker", **options: Any) -> Subscription:
        subscription = Subscription(client, agent, **options)
        opened.append(subscription)
        return subscription

    yield open_one
    for subscription in opened:
        subscription.close()


def next_of(subscription: Subscription, timeout: float = 5.0) -> Received:
    received = subscription.next(timeout)
    while received is None:
        received = subscription.next(timeout)
    return received


def test_what_was_published_before_and_while_it_listens_reaches_the_agent_in_order(
    client: redis.Redis | None, listen: Callable[..., Subscription]
) -> None:
    publish_message(client, "agent_comm:worker", {"task": 1})
    subscription = listen()
    publish_message(client, "agent_comm:worker", "two")
    assert next_of(subscription).value == {"task": 1}
    assert next_of(subscription).value == "two"
    publish_message(client, "agent_comm:worker", [3])
    assert next_of(subscription).value == [3]
    assert subscription.next(0) is None


def test_a_message_says_who_sent_it_and_what_it_answers(
    client: redis.Redis | None, listen: Callable[..., Subscription]
) -> None:
    publish_message(client, "agent_comm:worker", "hello", message_id="mine", reply_to="before")
    received = next_of(listen())
    assert (received.id, received.reply_to, received.name) == ("mine", "before", "somebody")
    assert received.sender.startswith("person:somebody@")
    assert received.at > 0


def test_what_was_not_finished_is_given_to_the_next_listener(
    client: redis.Redis | None, listen: Callable[..., Subscription]
) -> None:
    publish_message(client, "agent_comm:worker", 1)
    publish_message(client, "agent_comm:worker", 2)
    first = listen()
    assert next_of(first).value == 1
    assert next_of(first).value == 2
    first.close()
    assert next_of(listen()).value == 2


def test_a_callback_hears_each_value_until_it_gives_false(client: redis.Redis | None) -> None:
    heard: Values = []

    def callback(value: Any) -> bool:
        heard.append(value)
        return len(heard) < 3

    for number in range(2):
        publish_message(client, "agent_comm:worker", number)
    thread = threading.Thread(target=subscribe_to_agent, args=(client, "agent_comm:worker", callback))
    thread.start()
    publish_message(client, "agent_comm:worker", 2)
    thread.join(10)
    assert heard == [0, 1, 2]
    publish_message(client, "agent_comm:worker", 3)
    subscribe_to_agent(client, "agent_comm:worker", callback)
    assert heard == [0, 1, 2, 3]


def test_it_can_be_awaited(client: redis.Redis | None, listen: Callable[..., Subscription]) -> None:
    async def talk() -> Values:
        subscription, heard = listen(), []
        await aio_publish_message(client, "agent_comm:worker", 0)
        async for received in subscription:
            heard.append(received.value)
            if len(heard) == 3:
                break
            await aio_publish_message(client, "agent_comm:worker", len(heard))
        return heard

    assert asyncio.run(talk()) == [0, 1, 2]


def test_a_watcher_hears_what_comes_and_takes_nothing(
    client: redis.Redis | None, listen: Callable[..., Subscription]
) -> None:
    publish_message(client, "agent_comm:worker", "before")
    watcher = listen(watch=True)
    watcher.next(0)
    publish_message(client, "agent_comm:worker", "now")
    assert next_of(watcher).value == "now"
    assert watcher.next(0) is None
    agent = listen()
    assert [next_of(agent).value, next_of(agent).value] == ["before", "now"]


def test_a_message_of_one_id_is_read_once(client: redis.Redis | None, listen: Callable[..., Subscription]) -> None:
    subscription = listen()
    publish_message(client, "agent_comm:worker", 1, message_id="once")
    assert next_of(subscription).value == 1
    subscription.settle()
    publish_message(client, "agent_comm:worker", 1, message_id="once")
    publish_message(client, "agent_comm:worker", 2)
    assert next_of(subscription).value == 2


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, "x" * 70_000])
def test_what_is_not_json_or_too_long_is_refused(client: redis.Redis | None, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        publish_message(client, "agent_comm:worker", value)


@pytest.mark.parametrize("id_", ["x" * 41, "two words", "\ud800", "<x>", "a\n"])
def test_an_id_of_a_message_is_one_word(client: redis.Redis | None, id_: str) -> None:
    with pytest.raises(ValueError, match="a message's id is a word"):
        publish_message(client, "agent_comm:worker", 1, message_id=id_)


@pytest.mark.parametrize("agent", ["", "two words", "agent_comm:", "a\n"])
def test_an_agent_is_called_by_one_word(client: redis.Redis | None, agent: str) -> None:
    with pytest.raises(ValueError, match="one word"):
        publish_message(client, f"agent_comm:{agent.removeprefix('agent_comm:')}", "x")
    with pytest.raises(ValueError, match="one word"):
        subscribe_to_agent(client, agent)


def test_an_agent_at_work_reads_what_a_program_publishes_and_one_that_has_ended_does_not(
    client: redis.Redis | None, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    project = Project(tmp_path / "more")
    project.environ["HOME"] = str(tmp_path / "home")
    if "embedded" not in request.node.name:
        kind = "cluster" if "cluster" in request.node.name else "redis"
        project.environ["SKILLCACHE_REDIS_URL"] = empty_redis(request, kind)
    session = Session(project)
    session.start()
    publish_message(client, f"agent_comm:{session.id}", {"build": "green"})
    assert quoted(session.batch()) == ['{"build": "green"}']
    session.hook("SessionEnd", reason="other")
    with pytest.raises(Undeliverable, match="has ended"):
        publish_message(client, f"agent_comm:{session.id}", "x")


def test_other_programs_speak_the_same_channel_and_inbox(
    redis_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path)
    monkeypatch.setenv("HOME", project.environ["HOME"])
    monkeypatch.chdir(project.root)
    with redis.Redis.from_url(redis_server.url) as client, client.pubsub(ignore_subscribe_messages=True) as other:
        other.subscribe("agent_comm:worker")
        other.get_message(timeout=1)
        assert publish_message(client, "agent_comm:worker", {"x": 1}) == 1
        heard = other.get_message(timeout=5)
        assert heard is not None
        assert json.loads(heard["data"]) == {"x": 1}
        kept: Any = client.xrange("agent_comm:worker:inbox")
        assert [json.loads(fields[b"message"]) for _, fields in kept] == [{"x": 1}]
        client.xadd("agent_comm:worker:inbox", {"message": '{"free": "form"}'})
        with Subscription(client, "agent_comm:worker") as subscription:
            assert next_of(subscription).value == {"x": 1}
            assert next_of(subscription).value == {"free": "form"}


@pytest.mark.long
def test_a_server_that_hangs_does_not_hold_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("SKILLCACHE_REDIS_URL", f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        with pytest.raises(StoreError, match="did not answer in time"):
            subscribe_to_agent(None, "worker")


def test_a_channel_of_no_agent_has_listeners_and_no_inbox(
    redis_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with redis.Redis.from_url(redis_server.url) as client, client.pubsub(ignore_subscribe_messages=True) as other:
        other.subscribe("news")
        other.get_message(timeout=1)
        assert publish_message(client, "news", {"x": 1}) == 1
        assert client.keys("*") == []
    monkeypatch.delenv("SKILLCACHE_REDIS_URL", raising=False)
    with pytest.raises(ValueError, match="needs Redis"):
        publish_message(None, "news", 1)


@pytest.mark.parametrize("how", ["cancelled", "timeout"])
def test_what_nobody_received_is_not_lost(
    client: redis.Redis | None, listen: Callable[..., Subscription], how: str
) -> None:
    """A listener that gives up again and again, now before a message comes and now after."""
    count = 20

    async def one(subscription: Subscription, heard: Values) -> None:
        async for received in subscription:
            heard.append(received.value)

    async def give_up(subscription: Subscription, heard: Values) -> None:
        if how == "timeout":
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await one(subscription, heard)
            return
        task = asyncio.create_task(one(subscription, heard))
        await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def main() -> Values:
        heard: Values = []
        subscription = listen()
        for number in range(count):
            await give_up(subscription, heard)
            await aio_publish_message(client, "agent_comm:worker", number)
            await give_up(subscription, heard)
        async with asyncio.timeout(20):
            while len(heard) < count:
                await give_up(subscription, heard)
        return heard

    assert asyncio.run(main()) == list(range(count))


def test_a_fault_reaches_who_waits_and_the_next_one_listens_on(
    client: redis.Redis | None, listen: Callable[..., Subscription], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(timeout: float) -> bool:
        raise StoreError(STORE_TIMEOUT, str(timeout))

    async def main() -> Any:
        subscription = listen()
        assert subscription.next(0) is None
        with monkeypatch.context() as patched:
            patched.setattr(subscription, "_hear", fail)
            with pytest.raises(StoreError):
                await anext(aiter(subscription))
        await aio_publish_message(client, "agent_comm:worker", 1)
        received = await anext(aiter(subscription))
        subscription.close()
        with pytest.raises(StopAsyncIteration):
            await anext(aiter(subscription))
        return received.value

    assert asyncio.run(main()) == 1


def test_one_message_is_read_once_within_a_batch_too(
    client: redis.Redis | None, listen: Callable[..., Subscription]
) -> None:
    for value, id_ in ((1, "once"), (1, "once"), (2, "other"), (1, "once"), (3, "")):
        publish_message(client, "agent_comm:worker", value, message_id=id_)
    subscription = listen()
    assert [next_of(subscription).value for _ in range(3)] == [1, 2, 3]
    subscription.settle()
    assert listen().next(0.0) is None


@pytest.mark.parametrize("watch", [False, True])
def test_the_first_look_waits_as_all_others(
    client: redis.Redis | None, listen: Callable[..., Subscription], watch: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = listen(watch=watch)
    hear, said = subscription._hear, list[int]()

    def hearing(timeout: float) -> bool:
        if not said:
            said.append(publish_message(client, "agent_comm:worker", "late"))
        return hear(timeout)

    monkeypatch.setattr(subscription, "_hear", hearing)
    received = subscription.next(60.0)
    assert received is not None
    assert received.value == "late"


class Cluster(redis.RedisCluster):
    def __init__(self) -> None:
        """Of nothing."""

    def __del__(self) -> None:
        """Nothing is open."""


def test_a_client_of_a_cluster_is_refused() -> None:
    said = "takes no client of a cluster: give None, and redis\\+cluster://host:port in SKILLCACHE_REDIS_URL"
    cluster: Any = Cluster()
    with pytest.raises(TypeError, match=f"publish_message {said}"):
        publish_message(cluster, "agent_comm:worker", 1)
    with pytest.raises(TypeError, match=f"subscribe_to_agent {said}"):
        subscribe_to_agent(cluster, "worker")


def test_without_a_home_nobody_is_anybody(
    client: redis.Redis | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SKILLCACHE_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    mend = "Set HOME or SKILLCACHE_HOME to a folder of yours"
    monkeypatch.setenv("HOME", "")
    for call in (
        lambda: publish_message(client, "agent_comm:worker", 1),
        lambda: subscribe_to_agent(client, "agent_comm:worker"),
    ):
        with pytest.raises(ConfigError, match=f"^HOME: names no folder. {mend}$"):
            call()
    monkeypatch.setenv("HOME", str(tmp_path))

    def refuse(_: str) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sending, "key_of", refuse)
    with pytest.raises(ConfigError, match=f"cannot be used: Permission denied. {mend}$"):
        publish_message(client, "agent_comm:worker", 1)


def test_a_session_that_nobody_registered_has_no_name(
    client: redis.Redis | None, listen: Callable[..., Subscription], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person's own may be another's, and it is not the person who writes."""
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "11111111-1111-4111-8111-111111111111")
    publish_message(client, "agent_comm:worker", 1)
    assert next_of(listen())[2:4] == ("11111111-1111-4111-8111-111111111111", "")
