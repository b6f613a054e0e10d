"""Redis Cluster: whoever has our slot now is found, by hooks and by redis-py alike, and all of ours lies there."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis

from skillcache import AsyncSkillCache, SharedState, SkillCache, generate_cache_key, get_redis_client
from skillcache.cli.checks.folder import refused
from skillcache.cli.output import CLUSTER_COMMANDS, CLUSTER_KEYS, mend_of
from skillcache.core.outcomes import (
    STORE_GARBAGE,
    STORE_REFUSED,
    STORE_TIMEOUT,
    STORE_UNREACHABLE,
    ConfigError,
    StoreError,
)
from skillcache.events.server.world import Stores
from skillcache.settings.in_force import load
from skillcache.stores import connection, link_to, nodes, open_store
from skillcache.stores.cluster import HOME, TAGS, slot_of, spread, tag_of, unnamed
from skillcache.stores.connection import Limits
from skillcache.stores.contract import (
    LUA_NAMES,
    Store,
    agent_key,
    agent_keys,
    claim_key,
    entry_key,
    generation_key,
    inbox_key,
    notes_key,
    registry_keys,
    session_keys,
    sessions_key,
    state_keys,
    talk_key,
    wake_key,
)
from skillcache.stores.nodes import slots_file
from skillcache.stores.redis import RedisStore
from skillcache.stores.redis_py import connect
from skillcache.stores.redis_url import parse_url
from tests.clusters import Cluster
from tests.conftest import RedisServer, free_port, until
from tests.events.conftest import Place
from tests.stores.conftest import KEY, NOW, Impostor, failure_of, open_patiently, open_pooled, put, value_of

KINDS = ["hook", "redis-py"]
DIGEST = "0123456789abcdef" * 2 + "01234567"
OwnCluster = Callable[..., Cluster]
Serving = Callable[[Callable[[socket.socket, Impostor], None]], Impostor]


@pytest.fixture(autouse=True)
def home_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of one cluster is of no other test's."""
    monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path / "home"))


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Starts a cluster of the test's own, with the keywords of Cluster, and ends it after it."""
    made: list[Cluster] = []

    def start(**given: Any) -> Cluster:
        made.append(Cluster(tmp_path / "cluster", **given))
        return made[-1]

    yield start
    for cluster in made:
        cluster.stop()


@pytest.fixture
def passing(tmp_path: Path) -> Iterator[Cluster]:
    """One with a replica, whose owner may be killed, and whose nodes ask for a password."""
    made = Cluster(tmp_path / "cluster", password="s3cret", replica=True)
    yield made
    made.stop()


def opened(url: str, kind: str) -> Store:
    return open_patiently(url) if kind == "hook" else open_pooled(url, now=NOW)


def hang(_: socket.socket, server: Impostor) -> None:
    server.over.wait(30)


A, B = f"{DIGEST[:-1]}0", f"{DIGEST[:-1]}1"  # digests of two tags
OF_A, OF_B = tag_of(entry_key("x", A)), tag_of(entry_key("x", B))
GENERATION = generation_key("pytest")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("GET", "a"), [["GET", "{skillcache}a"]]),
        ((b"get", b"a"), [[b"get", b"{skillcache}a"]]),
        (("SET", f"skill_cache:x:{A}", "b", "EX", 5), [["SET", f"{OF_A}skill_cache:x:{A}", "b", "EX", 5]]),
        (("MGET", "a", b"b"), [["MGET", "{skillcache}a", b"{skillcache}b"]]),
        (
            ("MGET", f"skill_cache:x:{A}", GENERATION, f"team:cache:acme:x:{A}"),
            [["MGET", f"{OF_A}skill_cache:x:{A}", f"{OF_A}{GENERATION}", f"{OF_A}team:cache:acme:x:{A}"]],
        ),
        (
            ("MGET", GENERATION, f"skill_cache:x:{A}", f"skill_cache:x:{B}"),
            [
                ["MGET", f"{OF_A}{GENERATION}", f"{OF_A}skill_cache:x:{A}"],
                ["MGET", f"{OF_B}{GENERATION}", f"{OF_B}skill_cache:x:{B}"],
            ],
        ),
        (("MSET", "a", "1", "b", "2"), [["MSET", "{skillcache}a", "1", "{skillcache}b", "2"]]),
        (
            ("MSET", f"skill_cache:x:{A}", "1", f"skill_cache:x:{B}", "2", f"skill_cache:y:{A}", "3"),
            [
                ["MSET", f"{OF_A}skill_cache:x:{A}", "1", f"{OF_A}skill_cache:y:{A}", "3"],
                ["MSET", f"{OF_B}skill_cache:x:{B}", "2"],
            ],
        ),
        (
            ("UNLINK", f"skill_cache:x:{B}", f"skill_cache:x:{A}", "a"),
            [
                ["UNLINK", f"{OF_B}skill_cache:x:{B}"],
                ["UNLINK", f"{OF_A}skill_cache:x:{A}"],
                ["UNLINK", "{skillcache}a"],
            ],
        ),
        (("INCR", GENERATION), [["INCR", f"{tag}{GENERATION}"] for tag in TAGS]),
        (("PING",), [["PING"]]),
        (("CLIENT SETINFO", "LIB-NAME", "x"), [["CLIENT", "SETINFO", "LIB-NAME", "x"]]),
        (("PUBLISH", "channel", "a"), [["PUBLISH", "channel", "a"]]),
        (("EVAL", "return 1", 2, "a", "b", "c"), [["EVAL", "return 1", 2, "{skillcache}a", "{skillcache}b", "c"]]),
        (("EVAL", b"return 1", b"0", "c"), [["EVAL", b"return 1", b"0", "c"]]),
        (
            ("XREAD", "COUNT", 1, "BLOCK", 5, "STREAMS", f"skillcache:wake:{A}", "0-0"),
            [["XREAD", "COUNT", 1, "BLOCK", 5, "STREAMS", f"{OF_A}skillcache:wake:{A}", "0-0"]],
        ),
        (("MEMORY USAGE", "a"), [["MEMORY", "USAGE", "{skillcache}a"]]),
        (("XGROUP", "CREATE", "a", "g", "$"), [["XGROUP", "CREATE", "{skillcache}a", "g", "$"]]),
        (("SCAN", 0, "MATCH", "a*", "COUNT", 9), [["SCAN", 0, "MATCH", "{*}a*", "COUNT", 9]]),
        (("SCAN", "0", "COUNT", 9), [["SCAN", 0, "COUNT", 9, "MATCH", "{*}*"]]),
        (("SCAN", 7 * 1024 + 2), [["SCAN", 7, "MATCH", "{*}*"]]),
        (("SSCAN", "skillcache:names", 7 * 1024 + 2), [["SSCAN", f"{TAGS[2]}skillcache:names", 7]]),
    ],
)
def test_a_command_is_asked_of_the_slots_that_have_its_keys(
    command: tuple[object, ...], expected: list[list[object]]
) -> None:
    assert [part.words for part in spread(command)[0]] == expected


def test_what_several_slots_answer_is_one_reply() -> None:
    def joined(command: tuple[object, ...], *replies: object) -> object:
        return spread(command)[1](list(replies))

    both = (f"skill_cache:x:{A}", f"skill_cache:x:{B}", f"skill_cache:y:{A}")
    # A generation that is not the same everywhere is the highest: what is bound to another is served nowhere then.
    assert joined(("MGET", GENERATION, *both), [b"1", b"a", b"c"], [b"2", b"b"]) == [b"2", b"a", b"b", b"c"]
    assert joined(("MGET", GENERATION, *both), [None, b"a", b"c"], [b"2", None]) == [b"2", b"a", None, b"c"]
    assert joined(("INCR", GENERATION), *range(9, 73)) == 72
    assert joined(("GET", GENERATION), *[None] * 64) is None
    assert joined(("GET", GENERATION), *[b"9"] * 62, b"x", b"10") == b"x"
    assert joined(("UNLINK", *both), 1, 1) == 2
    assert joined(("SCAN", 0), ([b"7", [b"{skillcache}a", b"{s0}a", b"{other}b", b"c"]], 3)) == (7 * 1024, [b"a"])
    assert joined(("SCAN", 7 * 1024), ((0, []), 3)) == (1, [])
    assert joined(("SCAN", 2), ((0, []), 3)) == (0, [])
    assert joined(("SSCAN", "skillcache:names", 5), (0, ["a"])) == (6, ["a"])
    assert joined(("SSCAN", "skillcache:names", 63), (0, ["a"])) == (0, ["a"])


@pytest.mark.parametrize(
    "keys",
    [
        (entry_key("pytest", DIGEST), entry_key("a:b", DIGEST), entry_key("pytest", DIGEST, "acme"),
         claim_key(DIGEST), wake_key(DIGEST)),
        (entry_key("report", DIGEST) + ":v2", entry_key("report", DIGEST) + ":v3.1", entry_key("report", DIGEST)),
        session_keys("5e9b@example.org"),
        state_keys("example.org/a:steps", "stage:b"),
        state_keys("team:acme:steps", "stage"),
        (sessions_key("example.org/a"), notes_key("example.org/a")),
        (inbox_key("5e9b@example.org"), agent_key("5e9b@example.org"), *agent_keys("5e9b@example.org")),
        agent_keys("person:somebody@box:0123456789ab"),
        (talk_key("example.org/a"), notes_key("example.org/a"), *registry_keys("example.org/a")),
    ],
)  # fmt: skip
def test_what_one_step_touches_lies_in_one_slot(keys: tuple[str, ...]) -> None:
    assert len({tag_of(key) for key in keys}) == len({tag_of(key.encode()) for key in keys}) == 1
    assert {unnamed(f"{tag_of(key)}{key}") for key in keys} == set(keys)


def test_tags_are_spread_evenly_over_all_slots(redis_cluster: Cluster) -> None:
    slots = [int(redis_cluster.owner.command("CLUSTER", "KEYSLOT", f"{tag}x")[1:]) for tag in (*TAGS, HOME)]
    assert slots == [slot_of(tag) for tag in (*TAGS, HOME)]
    assert [slot // 256 for slot in slots[:-1]] == list(range(64))


def test_entries_lie_on_all_nodes(redis_cluster: Cluster) -> None:
    store = opened(redis_cluster.url, "hook")
    digests = [f"{number:040x}" for number in range(300)]
    for digest in digests:
        assert put(store, entry_key("Bash", digest), 1000, Bash=0)
    assert [store.get(entry_key("Bash", digest), ()).entry for digest in digests] == [value_of(1000)] * 300
    counts = [sum(b"skill_cache:" in key for key in server.held()) for server in redis_cluster.masters]
    assert sum(counts) == 300
    assert min(counts) > 60
    store.close()


def test_a_script_that_names_keys_itself_is_given_the_tag() -> None:
    for script in (LUA_NAMES, LUA_NAMES.encode()):
        told = spread(("EVAL", script, "0"))[0][0].words[1]
        text = told.decode() if isinstance(told, bytes) else told
        assert text.startswith("local tag = '{skillcache}'\n")
        assert type(told) is type(script)


@pytest.mark.parametrize("kind", KINDS)
def test_an_invalidation_holds_with_every_tag(redis_cluster: Cluster, kind: str) -> None:
    store = opened(redis_cluster.url, kind)
    entries = [entry_key("Bash", f"{number:040x}") for number in range(100)]
    for key in entries:
        assert put(store, key, 1000, Bash=0)
    assert store.invalidate("Bash") == 1
    assert {store.get(key, ("Bash",)).generations for key in entries} == {(1,)}
    assert {lookup.generations for lookup in store.get_many(tuple(entries), ("Bash", "other"))} == {(1, 0)}
    assert not any(put(store, key, 2000, Bash=0) for key in entries)
    assert all(put(store, key, 2000, Bash=1) for key in entries)
    assert store.invalidate("Bash") == 2
    store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_an_invalidation_that_a_node_has_not_heard_of_fails(own_cluster: OwnCluster, kind: str) -> None:
    """The others have: what lies there is served no more, and somebody is told that the rest may be."""
    cluster = own_cluster()
    store = opened(cluster.url_of(*[server.port for server in cluster.servers]), kind)
    assert store.invalidate("Bash") == 1
    cluster.masters[0].stop()
    assert failure(lambda: store.invalidate("Bash")).outcome is STORE_UNREACHABLE
    for server in cluster.masters[1:]:
        values = [server.command("GET", key.decode()) for key in server.held() if b"skill_cache_gen" in key]
        assert set(values) == {b"$1\r\n2\r\n"}
        assert len(values) > 20
    store.close()
    cluster.stop()


def failure(act: Callable[[], object]) -> StoreError:
    with pytest.raises(StoreError) as caught:
        act()
    return caught.value


def slot_questions(cluster: Cluster) -> int:
    """How often the nodes were asked which has what."""
    said = b"".join(server.command("INFO", "commandstats") for server in cluster.masters)
    lines = [line for line in said.split(b"\r\n") if line.startswith((b"cmdstat_cluster|slots:", b"cmdstat_cluster:"))]
    return sum(int(line.split(b"calls=")[1].split(b",")[0]) for line in lines)  # Redis 6 has no lines of subcommands


def connections(cluster: Cluster) -> int:
    said = b"".join(server.command("INFO", "stats") for server in cluster.masters)
    return sum(int(line.split(b":")[1]) for line in said.split(b"\r\n") if line.startswith(b"total_connections_rec"))


def test_the_second_process_asks_the_right_node_in_one_step(redis_cluster: Cluster) -> None:
    def look() -> tuple[int, int]:
        questions, made = slot_questions(redis_cluster), connections(redis_cluster)
        store = open_patiently(redis_cluster.url)
        store.get(KEY, ("Bash",))
        store.close()
        counted = connections(redis_cluster) - made - 3  # what counts is itself a connection to each
        return slot_questions(redis_cluster) - questions, counted

    assert look() == (1, 2)  # one of these to ask who has what
    assert look() == (0, 1)


@pytest.mark.parametrize("number", [b"\xb2", b"9" * 5_000], ids=["a digit of another script", "too many digits"])
def test_a_generation_that_is_no_number_costs_the_results_of_its_name_alone(
    redis_cluster: Cluster, number: bytes
) -> None:
    async def computed() -> object:
        async with AsyncSkillCache(redis_cluster.url) as values:
            return await values.get("s", [1], default="none"), await values.get("t", [1])

    with SkillCache(redis_cluster.url) as values:
        values.set("s", [1], "fine")
        values.set("t", [1], "fine")
        for tag in TAGS:
            with redis.Redis(port=redis_cluster.master_of_slot(slot_of(tag)).port) as client:
                client.set(f"{tag}{generation_key('s')}", number)
        assert (values.get("s", [1], default="none"), values.get("t", [1])) == ("none", "fine")
        assert values.get_many("s", [[1], [2], [3]], default="none") == ["none"] * 3
        failure(lambda: values.invalidate_skill("s"))
        assert values.get_or_compute("s", [1], lambda: "anew") == "anew"
    assert asyncio.run(computed()) == ("none", "fine")
    keys = tuple([entry_key("s", f"{number:040x}") for number in range(9)])
    with closing(open_patiently(redis_cluster.url)) as store:
        assert failure(lambda: store.get_many(keys, ("s",))).outcome is STORE_GARBAGE


HOSTILE = {
    "nothing": b"",
    "another version": b"skillcache slots 2\n0 16383 0 1 127.0.0.1\nend\n",
    "torn": b"skillcache slots 1\n0 16383 0 1 127.0.0.1\n",
    "torn in a number": b"skillcache slots 1\n0 16383",
    "no runs": b"skillcache slots 1\nend\n",
    "out of order": b"skillcache slots 1\n5 16383 0 1 127.0.0.1\n0 4 0 1 127.0.0.1\nend\n",
    "overlapping": b"skillcache slots 1\n0 16383 0 1 127.0.0.1\n7 9 0 1 127.0.0.1\nend\n",
    "too many slots": b"skillcache slots 1\n0 16384 0 1 127.0.0.1\nend\n",
    "no port": b"skillcache slots 1\n0 16383 0 0 127.0.0.1\nend\n",
    "no number": b"skillcache slots 1\n0 -1 0 1 127.0.0.1\nend\n",
    "huge numbers": b"skillcache slots 1\n0 " + b"9" * 5000 + b" 0 1 127.0.0.1\nend\n",
    "control characters": b"skillcache slots 1\n0 16383 0 1 127.0.0.1\x1b\nend\n",
    "bytes": bytes(range(256)),
    "huge": b"skillcache slots 1\n" + b"0 16383 0 1 127.0.0.1\n" * 60_000 + b"end\n",
}


@pytest.mark.parametrize("name", [*HOSTILE, "writable by others", "a link", "a pipe", "a folder"])
def test_a_map_that_is_not_ours_or_not_whole_is_ignored(redis_cluster: Cluster, tmp_path: Path, name: str) -> None:
    path = Path(slots_file(parse_url(redis_cluster.url)))
    path.parent.mkdir(parents=True, exist_ok=True)
    wrong = b"skillcache slots 1\n0 16383 0 1 127.0.0.1\nend\n"
    if name == "a pipe":
        os.mkfifo(path)
    elif name == "a folder":
        path.mkdir()
    elif name == "a link":
        (tmp_path / "wrong").write_bytes(wrong)
        path.symlink_to(tmp_path / "wrong")
    else:
        path.write_bytes(HOSTILE.get(name, wrong))
        path.chmod(0o666 if name == "writable by others" else 0o600)
    before = slot_questions(redis_cluster)
    store = open_patiently(redis_cluster.url)
    assert put(store, KEY, 1000)
    store.close()
    assert slot_questions(redis_cluster) == before + 1
    if not path.is_dir():
        assert path.read_text().startswith("skillcache slots 1\n0 5460 ")
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_map_that_is_wrong_is_followed_to_the_right_node_and_written_anew(redis_cluster: Cluster) -> None:
    path = Path(slots_file(parse_url(redis_cluster.url)))
    path.parent.mkdir(parents=True, exist_ok=True)
    for others in redis_cluster.masters:
        path.write_text(f"skillcache slots 1\n0 16383 0 {others.port} 127.0.0.1\nend\n")
        store = open_patiently(redis_cluster.url)
        store.invalidate("Bash")
        assert put(store, KEY, 1000, Bash=store.get(KEY, ("Bash",)).generations[0])
        store.delete(KEY)
        store.close()
        assert path.read_text().startswith("skillcache slots 1\n0 5460 ")
    # A node that is gone, of a map from before.
    path.write_text(f"skillcache slots 1\n0 16383 0 {free_port()} 127.0.0.1\nend\n")
    store = open_patiently(redis_cluster.url)
    assert put(store, KEY, 1000, Bash=3)
    store.close()
    assert path.read_text().startswith("skillcache slots 1\n0 5460 ")


def test_a_map_is_not_written_and_removed_by_each_of_many_that_meet_one_fault(
    redis_cluster: Cluster, impostor: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would wait for each other's turn in its folder for longer than for any server."""
    monkeypatch.setattr(nodes, "_NEW", 60.0)
    silent = impostor(hang)
    url = redis_cluster.url
    path = Path(slots_file(parse_url(url)))
    with closing(open_patiently(url)) as store:
        store.ping()
    wrong = re.sub(r"(?m)^(\d+ \d+ \d) \d+", rf"\1 {silent.port}", path.read_text())
    path.write_text(wrong)
    kept = path.stat().st_ino
    for _ in range(3):
        connection.silent.clear()  # as of three processes
        with closing(open_store(url, now=NOW)) as store, pytest.raises(StoreError):
            store.get(KEY, ("Bash",))
    assert path.stat().st_ino == kept
    os.utime(path, (0, time.time() - 100))
    connection.silent.clear()
    with closing(open_store(url, now=NOW)) as store, pytest.raises(StoreError):
        store.get(KEY, ("Bash",))
    assert not path.exists() or path.read_text() != wrong


@pytest.mark.parametrize("kind", KINDS)
def test_a_slot_that_is_on_its_way_is_asked_for_at_both_its_nodes(redis_cluster: Cluster, kind: str) -> None:
    slot, source = str(slot_of(tag_of(KEY))), redis_cluster.master_of(KEY)
    target = next(server for server in redis_cluster.masters if server is not source)
    store = opened(redis_cluster.url, kind)
    assert put(store, KEY, 1000)
    target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", redis_cluster.id_of(source))
    source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", redis_cluster.id_of(target))
    try:
        assert store.get(KEY, ()).entry == value_of(1000)  # still here
        source.command("MIGRATE", "127.0.0.1", str(target.port), f"{tag_of(KEY)}{KEY}", "0", "5000")
        assert store.get(KEY, ()).entry == value_of(1000)  # there already
        assert store.get(KEY, ()).entry == value_of(1000)
        assert failure(lambda: store.get(KEY, ("Bash",))).outcome is STORE_REFUSED  # neither has both: a miss
    finally:
        store.close()
        for server in (source, target):
            server.command("CLUSTER", "SETSLOT", slot, "STABLE")
        target.command("FLUSHALL")


def test_a_node_that_is_away_costs_its_share_only(own_cluster: OwnCluster) -> None:
    cluster = own_cluster()
    store = open_patiently(cluster.url)
    entries = [entry_key("Bash", f"{number:040x}") for number in range(60)]
    for key in entries:
        assert put(store, key, 1000)
    gone = cluster.masters[2]
    gone.process.kill()
    gone.process.wait(10)
    for _ in range(2):  # the same process, and another that remembers the map of before
        served = [key for key in entries if _fault_of(store, key) is None]
        assert served == [key for key in entries if cluster.master_of(key) is not gone]
        assert 0 < len(served) < 60
        store.close()
        store = open_patiently(cluster.url)
    store.close()


def test_a_node_that_has_lost_the_others_serves_only_where_it_is_set_to(own_cluster: OwnCluster) -> None:
    cluster = own_cluster()
    left = cluster.master_of(KEY)
    url = cluster.url_of(left.port)
    store = open_patiently(url)
    assert put(store, KEY, 1000)
    store.close()
    for server in cluster.masters:
        if server is not left:
            server.stop()
    until(lambda: b"cluster_state:fail" in left.command("CLUSTER", "INFO"))
    assert failure_of(open_patiently(url)).outcome is STORE_REFUSED
    # What others invalidate from here on it does not hear of, which is why `doctor` says to set it otherwise.
    left.command("CONFIG", "SET", "cluster-allow-reads-when-down", "yes")
    store = open_patiently(url)
    assert store.get(KEY, ("Bash",)).entry == value_of(1000)
    assert failure_of(store, writing=True).outcome is STORE_REFUSED
    store.close()


def test_a_node_that_hangs_is_waited_for_once(own_cluster: OwnCluster) -> None:
    cluster = own_cluster()
    store = RedisStore(link_to(cluster.url, Limits(connect=10, silence=1, operation=10)))
    entries = [entry_key("Bash", f"{number:040x}") for number in range(60)]
    for key in entries:
        store.get(key, ())
    hanging = cluster.masters[2]
    hanging.process.send_signal(signal.SIGSTOP)
    try:
        faults = [fault for key in entries if (fault := _fault_of(store, key)) is not None]
        of_hanging = [key for key in entries if cluster.master_of(key) is hanging]
        assert len(faults) == len(of_hanging)
        assert {fault.outcome for fault in faults} == {STORE_TIMEOUT}
        began = time.monotonic()
        for key in of_hanging:
            assert _fault_of(store, key) is not None
        assert time.monotonic() - began < 0.5 * len(of_hanging)  # they have not waited again
    finally:
        hanging.process.send_signal(signal.SIGCONT)
        store.close()


def test_a_server_that_stays_rests_from_a_node_alone(own_cluster: OwnCluster) -> None:
    cluster = own_cluster()
    stores = Stores(connect=5, reply=1)
    entries = [entry_key("Bash", f"{number:040x}") for number in range(60)]
    of_hanging = [key for key in entries if cluster.master_of(key) is cluster.masters[2]]

    def faults() -> list[str]:
        return [key for key in entries if _fault_of(stores.open(cluster.url, now=NOW), key) is not None]

    assert faults() == []
    cluster.masters[2].process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert faults() == of_hanging
        assert len(of_hanging) > 5
        assert time.monotonic() - began < 1 * len(of_hanging)  # they have not all waited
    finally:
        cluster.masters[2].process.send_signal(signal.SIGCONT)
    cluster.stop()
    until(lambda: _cannot(lambda: stores.open(cluster.url, now=NOW).get(entries[0], ())))
    with pytest.raises(StoreError, match="a moment ago"):
        until(lambda: [_fault_of(stores.open(cluster.url, now=NOW), key) for key in entries] == [])


def _cannot(act: Callable[[], object]) -> bool:
    try:
        act()
    except StoreError:
        return True
    return False


def _fault_of(store: Store, key: str) -> StoreError | None:
    try:
        store.get(key, ())
    except StoreError as fault:
        return fault
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_the_owner_of_the_slot_is_found_by_any_node(redis_cluster: Cluster, kind: str) -> None:
    for server in redis_cluster.servers:
        redis_cluster.flush()
        store = opened(redis_cluster.url_of(server.port), kind)
        assert put(store, KEY, 1000, Bash=0)
        assert store.get(KEY, ("Bash",)).entry == value_of(1000)
        store.close()
        assert redis_cluster.keys() == {f"{tag_of(KEY)}{key}".encode() for key in (KEY, "skillcache:names")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_that_is_gone_is_passed_over(redis_cluster: Cluster, kind: str) -> None:
    store = opened(redis_cluster.url_of(1, redis_cluster.owner.port), kind)
    store.ping()
    store.close()


def test_a_node_that_hangs_when_the_map_is_asked_for_leaves_time_for_the_next(
    redis_cluster: Cluster, impostor: Serving
) -> None:
    silent = impostor(hang)
    limits = Limits(connect=4, silence=20, operation=20)
    store = RedisStore(link_to(redis_cluster.url_of(silent.port, redis_cluster.owner.port), limits))
    store.ping()
    store.close()
    assert silent.connections == 1


def test_nodes_that_all_hang_cost_no_more_than_a_server_that_does(impostor: Serving) -> None:
    silent = impostor(hang)
    store = open_store(f"redis+cluster://127.0.0.1:{silent.port},localhost:{silent.port}", now=NOW)
    began = time.monotonic()
    assert failure_of(store).outcome is STORE_TIMEOUT
    assert silent.connections == 2
    assert time.monotonic() - began < 30  # they were asked, and given up


def test_a_node_that_says_something_else_is_passed_over(redis_cluster: Cluster, impostor: Serving) -> None:
    answers = [
        b"+OK\r\n",
        b"*0\r\n",
        b"*1\r\n:1\r\n",
        b"*1\r\n*3\r\n:0\r\n:16383\r\n:1\r\n",
        b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n:1\r\n:2\r\n",
        b"*1\r\n*3\r\n$1\r\n0\r\n:16383\r\n*2\r\n$1\r\nx\r\n:2\r\n",
        b"*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\nx\r\n:2\r\n",
        b"-ERR This instance has cluster support disabled\r\n",
        b"HTTP\r\n",
    ]

    def serve(link: socket.socket, server: Impostor) -> None:
        server.hear(link)
        link.sendall(answers[server.connections - 1])

    odd = impostor(serve)
    for _ in answers:
        url = redis_cluster.url_of(odd.port, redis_cluster.owner.port)
        store = open_patiently(url)
        store.ping()
        store.close()
        Path(slots_file(parse_url(url))).unlink()
    assert odd.connections == len(answers)


@pytest.mark.parametrize("host", [b"$-1\r\n", b"$0\r\n\r\n", b"$1\r\n?\r\n"])
def test_a_node_that_does_not_know_its_own_name_is_reached_by_the_one_in_the_url(
    redis_cluster: Cluster, impostor: Serving, host: bytes
) -> None:
    def serve(link: socket.socket, server: Impostor) -> None:
        server.hear(link)
        link.sendall(b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n" + host + b":%d\r\n" % redis_cluster.owner.port)

    store = open_patiently(redis_cluster.url_of(impostor(serve).port))
    store.ping()
    store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_in_no_cluster_refuses(redis_server: RedisServer, kind: str) -> None:
    fault = failure_of(opened(f"redis+cluster://127.0.0.1:{redis_server.port}", kind))
    assert fault.outcome is STORE_REFUSED
    assert "cluster support disabled" in str(fault)


@pytest.mark.parametrize(
    "url",
    ["redis+cluster://", "redis+cluster:///", "redis+cluster://a,b/2", "redis+cluster://a?db=1", "redis+cluster://a:x",
     "rediss+cluster://a?ssl_cert_reqs=maybe"],
)  # fmt: skip
def test_a_url_that_is_none_says_so_without_its_password(url: str) -> None:
    for place in (url, url.replace("://", "://:hunter2@")):
        with pytest.raises(ConfigError) as caught:
            parse_url(place)
        assert "hunter2" not in str(caught.value)


def test_what_a_url_says_of_a_cluster() -> None:
    address = parse_url("rediss+cluster://user:p%40ss@a,b:7000,[::1]:7001/0?ssl_ca_certs=/ca.crt")
    assert address.nodes == (("a", 6379), ("b", 7000), ("::1", 7001))
    node = address.at(("10.0.0.7", 6380))
    assert (node.host, node.port, node.nodes, node.db) == ("10.0.0.7", 6380, (), 0)
    assert node.greeting() == (("AUTH", "user", "p@ss"),)
    assert node.tls == {"ssl_ca_certs": "/ca.crt", "ssl_cert_reqs": "required"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_cluster_is_reached_over_tls(redis_with_tls: RedisServer, own_cluster: OwnCluster, kind: str) -> None:
    cluster = own_cluster(certificates=redis_with_tls.certificates)
    options = f"ssl_ca_certs={redis_with_tls.certificates}/ca.crt&ssl_check_hostname=no"  # they go by their numbers
    url = cluster.url_of(options=f"?{options}").replace("redis+", "rediss+")
    store = opened(url, kind)
    assert put(store, KEY, 1000)
    store.close()
    assert cluster.keys() == {f"{tag_of(KEY)}{KEY}".encode()}
    refused = opened(url.replace("&ssl_check_hostname=no", ""), kind)
    assert failure_of(refused).outcome is STORE_UNREACHABLE


@pytest.mark.parametrize("kind", KINDS)
def test_a_cluster_that_asks_for_a_certificate_is_shown_one_by_every_step(
    redis_with_tls: RedisServer, own_cluster: OwnCluster, kind: str
) -> None:
    held = redis_with_tls.certificates
    cluster = own_cluster(certificates=held, clients=True)
    options = f"?ssl_ca_certs={held}/ca.crt&ssl_check_hostname=no"
    bare = opened(cluster.url_of(options=options).replace("redis+", "rediss+"), kind)
    assert failure_of(bare).outcome is STORE_UNREACHABLE
    bare.close()
    options += f"&ssl_certfile={held}/server.crt&ssl_keyfile={held}/server.key"
    store = opened(cluster.url_of(options=options).replace("redis+", "rediss+"), kind)
    assert put(store, KEY, 1000, Bash=0)
    assert store.get(KEY, ("Bash",)).entry == value_of(1000)
    assert store.invalidate("Bash") == 1  # at every node
    store.close()


def test_a_slot_that_moves_is_followed(own_cluster: OwnCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = own_cluster()
    monkeypatch.setenv("SKILLCACHE_REDIS_URL", cluster.url)
    store, cache, client = open_pooled(cluster.url, now=NOW), SkillCache(cluster.url), get_redis_client()
    aio, runner = AsyncSkillCache(cluster.url), asyncio.Runner()
    store.ping()
    cache.set("report", "a", "before", 60)
    runner.run(aio.set("report", "b", "before", 60))
    client.set("x", "1")
    hook = open_patiently(cluster.url)
    hook.get(KEY, ())

    for source in cluster.masters[:2]:
        cluster.move_slots(source, cluster.masters[2])

    assert store.get(KEY, ()).entry is None  # which moved without what was in them
    assert put(store, KEY, 1000)
    assert hook.get(KEY, ()).entry == value_of(1000)
    for name, found in (("a", cache.get("report", "a")), ("b", runner.run(aio.get("report", "b")))):
        moved = cluster.master_of(generate_cache_key("report", name)) is not cluster.masters[2]
        assert found == (None if moved else "before")
    cache.set("report", "a", "after", 60)
    runner.run(aio.set("report", "b", "after", 60))
    assert client.get("x") is None
    client.set("x", "2")
    assert (client.get("x"), cache.get("report", "a"), runner.run(aio.get("report", "b"))) == ("2", "after", "after")
    another = open_patiently(cluster.url)
    assert another.get(KEY, ()).entry == value_of(1000)

    for each in (store, cache, client, hook, another):
        each.close()
    runner.run(aio.close())
    runner.close()


def test_after_a_failover_everything_that_lived_before_works_again(
    passing: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its data: what was written before it was copied to the replica."""
    url = passing.url_of(login=":s3cret@")
    monkeypatch.setenv("SKILLCACHE_REDIS_URL", url)
    (tmp_path / "place").mkdir()
    place = Place(tmp_path / "place")
    place.environ["SKILLCACHE_REDIS_URL"] = url
    assert place.call("pytest -q")[1] is False
    assert place.call("pytest -q")[1] is True

    store, cache, state = open_pooled(url, now=NOW), SkillCache(url), SharedState("steps", url=url)
    runner, aio = asyncio.Runner(), AsyncSkillCache(url)
    assert put(store, KEY, 1000)
    cache.set("report", "a", "before", 60)
    runner.run(aio.set("report", "b", "before", 60))
    state.set("stage", 1)
    until(lambda: passing.replica.held() == passing.owner.held())

    passing.fail_over()

    until(lambda: _works(lambda: store.get(KEY, ()).entry == value_of(1000)))
    until(lambda: _works(lambda: cache.get("report", "a") == "before"))
    until(lambda: _works(lambda: runner.run(aio.get("report", "b")) == "before"))
    until(lambda: _works(lambda: state.get("stage") == 1))
    assert put(store, KEY, 2000)
    state.set("stage", 2)
    assert place.call("pytest -q")[1] is True
    assert place.call("pytest -q sub")[1] is False
    assert place.call("pytest -q sub")[1] is True

    for each in (store, cache, state):
        each.close()
    runner.run(aio.close())
    runner.close()


def _works(act: Callable[[], bool]) -> bool:
    try:
        return act()
    except (StoreError, redis.RedisError):
        return False


@pytest.fixture
def restricted(redis_cluster: Cluster) -> Iterator[Callable[[str], str]]:
    """The URL for a user who may run these commands on our keys, and nothing else; as a provider gives one."""

    def allow(commands: str) -> str:
        rule = f"resetkeys resetchannels -@all {CLUSTER_KEYS.replace(chr(39), '')} {commands}"
        for server in redis_cluster.masters:
            assert server.command("ACL", "SETUSER", "ours", "on", ">s3cret", *rule.split()) == b"+OK\r\n"
        return redis_cluster.url.replace("://", "://ours:s3cret@")

    yield allow
    for server in redis_cluster.masters:
        server.command("ACL", "DELUSER", "ours")


def test_a_user_of_the_documented_keys_and_commands_needs_no_other(
    restricted: Callable[[str], str], tmp_path: Path
) -> None:
    url = restricted(CLUSTER_COMMANDS)
    assert refused(load({"SKILLCACHE_REDIS_URL": url, "HOME": str(tmp_path)}, str(tmp_path)), time.time()) == {}
    with SkillCache(url) as cache:
        cache.set("report", "a", 1)
        assert cache.invalidate("rep*") == 1


def test_what_a_server_without_scripts_does_not_take_is_told(restricted: Callable[[str], str], tmp_path: Path) -> None:
    url = restricted(f"{CLUSTER_COMMANDS} -@scripting")
    found = refused(load({"SKILLCACHE_REDIS_URL": url, "HOME": str(tmp_path)}, str(tmp_path)), time.time())
    lost = {"results", "claims", "sessions", "messages", "shared values"}
    assert {kind.what for kind in found} == lost
    assert {fault.outcome for fault in found.values()} == {STORE_REFUSED}
    for fault in found.values():
        assert mend_of(fault, url, "X").endswith(f"ACL SETUSER ours {CLUSTER_COMMANDS}")
    store = open_store(url, now=NOW)
    assert store.get(KEY, ("Bash",)).entry is None  # what is there is served
    assert store.invalidate("Bash") == 1
    store.close()


def test_a_client_names_keys_as_elsewhere(redis_cluster: Cluster) -> None:
    client = connect(redis_cluster.url)
    client.mset({"a": "1", "b": "2"})
    with client.pipeline() as pipe:
        pipe.set("c", "3")
        pipe.incr("n")
        pipe.mget("a", "b")
        assert pipe.execute() == [True, 1, [b"1", b"2"]]
    assert sorted(client.scan_iter("*")) == [b"a", b"b", b"c", b"n"]
    assert list(client.scan_iter("a*")) == [b"a"]
    assert client.unlink("a", "b") == 2
    client.close()
    assert redis_cluster.owner.held() == {b"{skillcache}c", b"{skillcache}n"}
    assert [server.held() for server in redis_cluster.others] == [set(), set()]


def test_a_client_answers_as_one_server_does(redis_cluster: Cluster, redis_server: RedisServer) -> None:
    """Whatever keys a command has, wherever they lie; but in which order a walk goes."""
    chance = Random(18)
    digests = [f"{number:040x}" for number in range(12)]
    keys = [
        *[entry_key("x", digest) for digest in digests],
        *[entry_key("x", digest, "acme") for digest in digests[:3]],
        *[claim_key(digest) for digest in digests[:3]],
        *["mine", "yours", "skill_session:a", "skillcache:notes:p"],
    ]
    generations = [generation_key("x"), generation_key("@project:p")]
    one, all_ = connect(redis_server.url), connect(redis_cluster.url)

    def some() -> list[str]:
        return chance.choices(keys, k=chance.randint(1, 6))

    makers: list[Callable[[], tuple[Any, ...]]] = [
        lambda: ("GET", chance.choice(keys)),
        lambda: ("STRLEN", chance.choice(keys)),
        lambda: ("SET", chance.choice(keys), chance.randint(0, 99)),
        lambda: ("MSET", *[word for key in some() for word in (key, chance.randint(0, 99))]),
        lambda: ("MGET", *some()),
        lambda: ("MGET", *some(), *generations),
        lambda: ("DEL", *some()),
        lambda: ("UNLINK", *some()),
        lambda: ("EXISTS", *some()),
        lambda: ("INCR", chance.choice(generations)),
        lambda: ("PING",),
    ]

    def walked(client: redis.Redis) -> list[Any]:
        found = list(client.scan_iter("skill_cache:*", count=3))
        assert len(found) == len(set(found))
        return sorted(found)

    for turn in range(60):
        commands = [chance.choice(makers)() for _ in range(5)]
        for each in commands[:3]:
            assert all_.execute_command(*each) == one.execute_command(*each), each  # type: ignore[no-untyped-call]
        replies = []
        for client in (one, all_):
            with client.pipeline(transaction=bool(turn % 2)) as pipe:
                for each in commands:
                    pipe.execute_command(*each)  # type: ignore[no-untyped-call]
                replies.append(pipe.execute())
        assert replies[0] == replies[1], commands
        assert walked(all_) == walked(one)
    one.close()
    all_.close()
