"""The post in a cluster, where what one call does lies in several slots: whatever fails between them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from skillcache.core.outcomes import StoreError
from skillcache.messages.inbox import GONE, UNKNOWN, Post
from skillcache.messages.live import Subscription
from skillcache.messages.message import HANDOVER, decode
from skillcache.messages.sending import publish_message
from skillcache.stores.cluster import slot_of, tag_of
from skillcache.stores.contract import inbox_key, talk_key
from skillcache.stores.redis_py import connect
from tests.clusters import Cluster
from tests.conftest import RedisServer
from tests.messages.client import Project
from tests.messages.conftest import NOW, PROJECT, agent, letter, open_at
from tests.messages.passing import BOUND, MESSAGES, Passing

HOUR = 3_600
SOON = NOW + HANDOVER + 1


def texts(post: Post, id_: str) -> list[tuple[str, str]]:
    """What is taken and settled as shown until nothing is left, and why it comes back."""
    said: list[tuple[str, str]] = []
    while taken := post.take(id_, 100).deliveries:
        found = [message for each in taken if (message := decode(each.text))]
        post.settle(id_, [(each.entry, message["id"]) for each, message in zip(taken, found, strict=True)])
        said += [(message["text"], message.bounce) for message in found]
    return said


def died(url: str, steps: int, act: str, now: float = NOW) -> bool:
    """Whether it was killed after so many steps, or had no more than that."""
    words = [sys.executable, "-m", "tests.messages.dying", url, str(steps), str(now), act]
    status = subprocess.run(words, check=False, timeout=60).returncode
    assert status in (0, -signal.SIGKILL)
    return status != 0


def every_step(cluster: Cluster, act: str, check: Callable[[], None], *, prepare: Callable[[Post], object],
               now: float = NOW, least: int) -> None:  # fmt: skip
    """Begins anew for each step that it may be killed before, and checks what is left of it."""
    steps = 0
    while True:
        cluster.flush()
        post = open_at(cluster.url, NOW)
        prepare(post)
        post.close()
        is_over = not died(cluster.url, steps, act, now)
        check()
        if is_over:
            break
        steps += 1
    assert steps >= least


@pytest.fixture
def at(redis_cluster: Cluster) -> Iterator[Callable[[float], Post]]:
    opened: list[Post] = []

    def open_one(now: float = NOW) -> Post:
        opened.append(open_at(redis_cluster.url, now))
        return opened[-1]

    yield open_one
    for post in opened:
        post.close()


At = Callable[[float], Post]


def two(post: Post) -> None:
    post.register("a", agent(session="a"), "main")
    post.register("b", agent(session="b"), "main")


def two_messages(post: Post, ttl: int = HOUR) -> None:
    two(post)
    post.send([letter("1", ttl=ttl), letter("2", ttl=ttl)])


def test_agents_lie_on_all_nodes_each_with_its_inbox(redis_cluster: Cluster, at: At) -> None:
    post = at(NOW)
    for number in range(40):
        post.register(f"agent-{number}", agent(session=str(number)), "main")
    post.send([letter("x", to=f"agent-{number}") for number in range(40)])
    for server in redis_cluster.masters:
        inboxes = [key for key in server.held() if key.endswith(b":inbox")]
        assert len(inboxes) > 5
        for inbox in inboxes:
            tag, _, name = inbox.decode().partition("}")
            id_ = name.removeprefix("agent_comm:").removesuffix(":inbox")
            assert f"{tag}}}skillcache:agent:{id_}".encode() in server.held()
    assert not [key for server in redis_cluster.masters for key in server.held() if key.startswith(b"{skillcache}")]
    assert len(post.agents(PROJECT)[1]) == 40


def test_what_an_older_version_has_left_is_missed(redis_cluster: Cluster, at: At) -> None:
    with redis.RedisCluster(host="127.0.0.1", port=redis_cluster.owner.port) as client:
        client.hset("{skillcache}skillcache:agent:b", mapping={"project": PROJECT, "name": "main-7", "active": 1 << 45})
        client.zadd("{skillcache}skillcache:agents:" + PROJECT, {"b": 1 << 45})
        client.xadd("{skillcache}agent_comm:b:inbox", {"message": '"old"'})
    post = at(NOW)
    assert post.look("b", {}) == UNKNOWN
    assert post.agents(PROJECT)[1] == []
    assert post.register("b", agent(), "main") == "main-1"
    assert texts(post, "b") == []


def test_a_message_whose_sender_is_killed_is_there_once_or_not_at_all(redis_cluster: Cluster, at: At) -> None:
    def check() -> None:
        post = at(NOW)
        arrived = post.look("b", {})
        assert arrived in (0, 2)
        if arrived:
            assert post.look("c", {}) == UNKNOWN
        assert post.send([letter("1"), letter("2"), letter("3", to="c")]) == [0, 0, 0]  # told again, as by `sender`
        assert texts(post, "b") == [("1", ""), ("2", "")]
        assert texts(post, "c") == [("3", "")]
        later = at(NOW + HOUR + 1)
        later.look("a", {})
        assert texts(later, "a") == []

    every_step(redis_cluster, "send", check, prepare=two, least=4)


def test_a_message_whose_sender_is_killed_goes_back_if_nobody_reads_it(redis_cluster: Cluster, at: At) -> None:
    def check() -> None:
        arrived = at(NOW).look("b", {})
        later = at(NOW + HOUR + 1)
        for _ in range(3):
            later.look("a", {})
        back = texts(later, "a")
        assert [each for each in back if each[0] != "3"] == [("1", "expired"), ("2", "expired")][:arrived]
        assert texts(later, "b") == []

    every_step(redis_cluster, "send", check, prepare=two, least=4)


@pytest.mark.parametrize("act", ["end", "stop"])
def test_what_an_agent_has_not_read_goes_back_though_who_ends_it_is_killed(
    redis_cluster: Cluster, at: At, act: str
) -> None:
    def check() -> None:
        post = at(SOON)
        post.look("a", {})
        (ended,) = [each.get("ended", "") for each in post.agents(PROJECT)[1] if each["id"] == "b"]
        if not ended:  # nothing has happened
            assert texts(post, "a") == []
            assert texts(post, "b") == [("1", ""), ("2", "")]
            return
        if act == "stop":  # the project was to be told of it at last, so it may be their own time, or who writes next
            assert post.send([letter("late")]) == [GONE]
        assert texts(post, "a") == [("1", "ended"), ("2", "ended")]
        assert texts(post, "b") == []
        post.end("b")
        later = at(NOW + 2 * HOUR)
        later.look("a", {})
        assert texts(later, "a") == []

    every_step(redis_cluster, act, check, prepare=two_messages, least=5)


def test_what_has_expired_goes_back_once_though_who_sees_to_it_is_killed(redis_cluster: Cluster, at: At) -> None:
    def check() -> None:
        later = at(NOW + 11 + HANDOVER + 1)
        assert later.look("a", {}) == 2
        assert texts(later, "a") == [("1", "expired"), ("2", "expired")]
        assert texts(later, "b") == []
        much_later = at(NOW + HOUR)
        assert much_later.look("a", {}) == 0
        assert much_later.look("a", {}) == 0
        assert not [key for server in redis_cluster.masters for key in server.held() if b"skillcache:due:" in key]

    every_step(redis_cluster, "look", check, prepare=lambda post: two_messages(post, 10), now=NOW + 11, least=7)


def test_what_is_refused_goes_back_once_though_who_refuses_is_killed(redis_cluster: Cluster, at: At) -> None:
    def check() -> None:
        post = at(SOON)
        kept = texts(post, "b")
        assert kept in ([], [("1", ""), ("2", "")])
        later = at(NOW + HOUR + 1)
        later.look("a", {})
        assert texts(later, "a") == ([] if kept else [("1", "refused"), ("2", "refused")])

    every_step(redis_cluster, "refuse", check, prepare=two_messages, least=5)


def test_who_is_killed_while_it_registers_is_registered_under_one_name(redis_cluster: Cluster, at: At) -> None:
    def check() -> None:
        post = at(NOW + 1)
        listed = [each["name"] for each in post.agents(PROJECT)[1]]
        assert post.register("c", agent(session="c"), "main") in ("main-2", "main-3")
        name = post.register("b", agent(session="b"), "main")
        assert listed in (["main-1"], ["main-1", name], [name, "main-1"])
        assert sorted(each["name"] for each in post.agents(PROJECT)[1]) == ["main-1", "main-2", "main-3"]

    every_step(
        redis_cluster, "register", check, prepare=lambda post: post.register("a", agent(session="a"), "main"), least=3
    )


def test_who_is_killed_while_it_moves_is_of_one_project(redis_cluster: Cluster, at: At) -> None:
    def check() -> None:
        post = at(NOW + 1)
        here, there = ([each["id"] for each in post.agents(which)[1]] for which in (PROJECT, "another"))
        assert (here.count("b"), there) in ((1, []), (0, ["b"]))

    every_step(redis_cluster, "move", check, prepare=two, least=4)


@pytest.fixture
def own_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """One whose servers may be ended."""
    monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path / "home"))
    made = Cluster(tmp_path / "cluster")
    yield made
    made.stop()


def one_at(cluster: Cluster, server: RedisServer, key_of: Callable[[str], str], beginning: str) -> str:
    """A name whose key lies there."""
    names = (f"{beginning}-{number}" for number in range(1_000))
    return next(name for name in names if cluster.master_of(key_of(name)) is server)


def test_an_agent_hears_what_it_is_sent_while_the_node_of_its_project_is_away(own_cluster: Cluster) -> None:
    away, there = own_cluster.others
    project = one_at(own_cluster, away, talk_key, "project")
    reader, other = (one_at(own_cluster, server, inbox_key, "agent") for server in (there, away))
    post = open_at(own_cluster.url, NOW)
    for id_ in (reader, other):
        post.register(id_, agent(session=id_, project=project), "main")
    assert post.send([letter("1", to=reader, project=project), letter("2", to=other, project=project)]) == [0, 0]
    post.close()

    away.stop()

    acts: list[Callable[[Post], object]] = [
        lambda post: post.look(other, {}),
        lambda post: post.send([letter("3", to=reader, project=project)]),
    ]
    for act in acts:
        post = open_at(own_cluster.url, NOW)
        with pytest.raises(StoreError):
            act(post)
        post.close()
    post = open_at(own_cluster.url, NOW + 20)
    assert post.look(reader, {"tool": "Bash"}) == 1
    assert texts(post, reader) == [("1", "")]
    post.close()


def test_what_waits_at_a_node_that_is_away_holds_up_nobody_else(own_cluster: Cluster) -> None:
    away, there = own_cluster.others
    project, sender = one_at(own_cluster, there, talk_key, "project"), one_at(own_cluster, there, inbox_key, "sender")
    gone, reader = one_at(own_cluster, away, inbox_key, "a"), one_at(own_cluster, there, inbox_key, "b")
    post = open_at(own_cluster.url, NOW)
    post.register(sender, agent(session=sender, project=project), "main")
    for id_ in (gone, reader):
        post.send([letter(id_, to=id_, ttl=10, project=project, **{"from": sender})])
    post.close()
    away.stop()
    for now in (NOW + 11, NOW + 12 + HANDOVER):
        post = open_at(own_cluster.url, now)
        post.look(sender, {})
        post.close()
    post = open_at(own_cluster.url, NOW + 30)
    assert texts(post, sender) == [(reader, "expired")]
    post.close()


def test_what_other_programs_put_among_what_goes_back_harms_nobody(redis_cluster: Cluster, at: At) -> None:
    post = at(NOW)
    two_messages(post)
    with connect(redis_cluster.url) as client:
        client.xadd("skillcache:returning:b", {"nothing": "of ours"})
        client.xadd("skillcache:returning:b", {"to": "a", "envelope": "x" * (3 << 20), "message": "1"})
        client.set("skillcache:returning:c", "no stream")
        client.zadd(f"skillcache:due:{PROJECT}", {"": 1, " ": 2, "c": 3, "nobody": 4})
        client.hset(f"skillcache:agent_names:{PROJECT}", mapping={"b": "nonsense", "nobody": "\n\n\n\n\n"})
        client.zadd(f"skillcache:agents:{PROJECT}", {"nobody": NOW * 1000})
    assert post.send([letter("3", to="c")]) == [0]
    assert texts(post, "c") == [("3", "")]
    assert post.look("a", {}) == 0
    post.end("b")
    assert texts(post, "a") == [("1", "ended"), ("2", "ended")]
    assert post.register("d", agent(type="person", name="d"), "") == "d"


@pytest.fixture
def project(redis_cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Programs run in it, with the cluster as their store."""
    made = Project(tmp_path, redis_cluster.url)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CLAUDE_CODE_SESSION_ID", raising=False)
    monkeypatch.chdir(made.root)
    return made


@pytest.mark.usefixtures("project")
def test_a_channel_is_heard_over_any_node_and_each_listener_of_ours_counts(redis_cluster: Cluster) -> None:
    workers = [one_at(redis_cluster, server, inbox_key, "worker") for server in redis_cluster.masters]
    for worker in workers:
        channel = f"agent_comm:{worker}"
        clients = [redis.Redis(port=server.port) for server in redis_cluster.masters]
        others = [client.pubsub(ignore_subscribe_messages=True) for client in clients]  # type: ignore[no-untyped-call]
        for other in others:
            other.subscribe(channel)
            other.get_message(timeout=5)
        with Subscription(None, channel) as own:
            own.next(0)
            assert publish_message(None, channel, {"task": 1}) >= 1
            assert [heard_by(other) for other in others] == [{"task": 1}] * 3
            received = own.next(5)
            assert received is not None
            assert received.value == {"task": 1}
            own.settle()
        with Subscription(None, channel, watch=True) as watcher:
            for number, client in enumerate(clients):  # as a program in any language may, at whatever node
                client.publish(channel, json.dumps(number))
                assert next_of(watcher) == number
        for each in (*others, *clients):
            each.close()


@pytest.mark.usefixtures("project")
def test_nobody_is_counted_where_nobody_listens(redis_cluster: Cluster) -> None:
    for server in redis_cluster.masters:
        worker = one_at(redis_cluster, server, inbox_key, "worker")
        assert publish_message(None, f"agent_comm:{worker}", 1) == 0
        with Subscription(None, f"agent_comm:{worker}"):
            assert publish_message(None, f"agent_comm:{worker}", 2) == 1


def next_of(watcher: Subscription) -> object:
    while (found := watcher.next(5)) is None:
        pass
    return found.value


def heard_by(listener: redis.client.PubSub) -> object:
    while (heard := listener.get_message(timeout=5)) is None:
        pass
    return json.loads(heard["data"])


def test_messages_that_wait_are_read_once_and_in_order_while_their_slot_moves(own_cluster: Cluster) -> None:
    slot, source = slot_of(tag_of(inbox_key("b"))), own_cluster.master_of(inbox_key("b"))
    target = next(server for server in own_cluster.masters if server is not source)
    heard: list[str] = []
    sent: list[int] = []

    def work(*, send: bool = True) -> bool:
        """Whether it could send one more, and read one. A sender that was refused sends it again."""
        post = open_at(own_cluster.url, NOW)
        try:
            if send and post.send([letter(str(len(sent)))]) == [0]:
                sent.append(len(sent))
            for each in post.take("b", 1).deliveries:
                message = decode(each.text)
                assert message is not None
                post.settle("b", [(each.entry, message["id"])])
                heard.append(message["text"])
        except StoreError:
            return False
        finally:
            post.close()
        return True

    post = open_at(own_cluster.url, NOW)
    post.send([letter(str(number)) for number in range(5)])
    sent += range(5)
    post.close()
    assert work()
    words = ("CLUSTER", "SETSLOT", str(slot))
    target.command(*words, "IMPORTING", own_cluster.id_of(source))
    source.command(*words, "MIGRATING", own_cluster.id_of(target))
    work()
    while keys := source.command("CLUSTER", "GETKEYSINSLOT", str(slot), "1").split(b"\r\n")[2::2]:
        said = source.command("MIGRATE", "127.0.0.1", str(target.port), keys[0].decode(), "0", "5000")
        assert said == b"+OK\r\n"  # nothing was made anew over there, or here
        work()
    for server in (target, source, *own_cluster.servers):
        server.command(*words, "NODE", own_cluster.id_of(target))
    assert work()
    assert work(send=False)
    while len(heard) < len(sent):
        assert work(send=False)
    assert heard == [str(number) for number in sent]


@pytest.mark.parametrize("killed", ["inbox", "project"])
def test_each_message_is_heard_once_and_in_order_while_masters_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path / "home"))
    cluster = Cluster(tmp_path / "cluster", replica=True)
    try:
        at_owner, elsewhere = (cluster.owner, cluster.others[0]) if killed == "inbox" else (
            cluster.others[0], cluster.owner)  # fmt: skip
        reader = one_at(cluster, at_owner, inbox_key, "reader")
        project = one_at(cluster, elsewhere, talk_key, "project")
        crowd = Passing(cluster.url, reader, project)
        crowd.run(cluster.kill)
        assert crowd.lost == []
        assert crowd.heard == [str(number) for number in range(MESSAGES)]
        assert crowd.longest < 2 * (BOUND.connect + BOUND.operation)  # two nodes, and each was waited for once
    finally:
        cluster.stop()
