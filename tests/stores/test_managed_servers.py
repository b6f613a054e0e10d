"""Servers as providers have them: what each lacks is lost and nothing else, and is told by doctor and in the docs."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from skillcache.cli.checks import Finding, Place
from skillcache.cli.checks.store import check_store
from skillcache.core.outcomes import STORE_REFUSED, StoreError
from skillcache.core.paths import package_folder
from skillcache.messages.inbox import Letter
from skillcache.messages.message import Message
from skillcache.messages.opening import open_post
from skillcache.stores import open_store
from skillcache.stores.contract import entry_key
from tests.clusters import Cluster
from tests.conftest import RedisServer, start_redis, until
from tests.stores.conftest import KEY, open_patiently, put, value_of

Factory = Callable[..., RedisServer]
NAMED = "allow that command on the server"
SCRIPTS = "allow what our scripts call"
# Commands that are not there, the level and the middle of what doctor says, and how it is mended.
FORBIDDEN: list[tuple[tuple[str, ...], str, str, str]] = [
    (("CONFIG", "KEYS", "FLUSHALL", "MONITOR"), "", "", ""),
    (("SCAN",), "note", "lets nobody look through it: entries, clear and invalidations by pattern fail", NAMED),
    (("SSCAN",), "note", "lets nobody look through it: entries, clear and invalidations by pattern fail", NAMED),
    (("PUBLISH",), "note", "passes nothing on to who listens on a channel", NAMED),
    (("INFO",), "note", "does not say whether it evicts what an invalidation has written", NAMED),
    (("TIME",), "note", "does not take messages", SCRIPTS),
    (("XREADGROUP",), "note", "does not take messages: the store answered with an error: ERR what was sent", ""),
    (("XREAD",), "mend", "does not take claims", NAMED),
    (("EVAL",), "mend", "does not take results, claims, sessions, messages and shared values", NAMED),
]
POLICIES = ["noeviction", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru"]


def told(folder: Path, url: str) -> list[Finding]:
    """What doctor says beside that all is well."""
    environ = {"HOME": str(folder), "SKILLCACHE_REDIS_URL": url}
    found = check_store(Place(environ, str(folder), time.time()))
    return [each for each in found if each.level != "ok"]


@pytest.mark.parametrize(("commands", "level", "says", "mend"), FORBIDDEN, ids=lambda given: given and given[0])
def test_what_is_lost_without_a_command_is_told(
    redis_factory: Factory, tmp_path: Path, commands: tuple[str, ...], level: str, says: str, mend: str
) -> None:
    server = redis_factory(options=tuple(word for each in commands for word in ("--rename-command", each, "")))
    found = told(tmp_path, server.url)
    assert [each.level for each in found] == ([level] if level else [])
    for each in found:
        assert says in each.text
        assert mend in each.mend


def test_each_of_them_has_a_row_in_the_docs() -> None:
    with open(f"{package_folder()}/docs/redis.md", encoding="utf-8") as file:
        rows = [line.split(" | ")[0] for line in file if line.startswith("| ")]
    for commands, *_ in FORBIDDEN:
        assert any(all(f"`{each}`" in row for each in commands) for row in rows), commands
    for each in POLICIES:
        kind = each.partition("-")[0]
        assert any(f"`{each}`" in row or f"`{kind}-...`" in row for row in rows), each


def test_without_scripts_what_is_there_is_served_and_invalidations_hold(redis_factory: Factory) -> None:
    server = redis_factory(options=("--rename-command", "EVAL", ""))
    server.command("SET", KEY, value_of(1000).decode())
    with closing(open_patiently(server.url)) as store:
        assert store.get(KEY, ("Bash",)).entry == value_of(1000)
        assert store.invalidate("Bash") == 1
        assert store.get(KEY, ("Bash",)).generations == (1,)
    for call in (lambda s: put(s, KEY, 2000, Bash=1), lambda s: s.claim("d", "me", 5)):
        with closing(open_patiently(server.url)) as store, pytest.raises(StoreError) as caught:
            call(store)
        assert caught.value.outcome is STORE_REFUSED


def test_commands_run_where_there_is_no_scripting(redis_factory: Factory, tmp_path: Path) -> None:
    """With nothing printed by us, and once per call."""
    from tests.shims.shell import Shell

    server = redis_factory(options=("--rename-command", "EVAL", ""))
    shell = Shell(tmp_path, "bash", plain=True)
    shell.environ["SKILLCACHE_REDIS_URL"] = server.url
    shell.tool("pytest")
    shell.start()
    shell.same("pytest -q", runs=2)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_server_that_is_full(redis_factory: Factory, tmp_path: Path, policy: str) -> None:
    server = redis_factory(options=("--maxmemory", "8mb", "--maxmemory-policy", policy))
    kept = entry_key("kept", "f" * 40)
    with closing(open_patiently(server.url)) as store:
        assert store.invalidate("kept") == 1
        assert put(store, kept, 1000, kept=1)
    refused = 0
    for number in range(6_000):
        with closing(open_store(server.url, now=time.time())) as store:
            try:
                put(store, entry_key("Bash", f"{number:040x}"), 1000, text=b"x" * 2_000, Bash=0)
            except StoreError as fault:
                refused += fault.detail == "OOM"
                if policy == "noeviction":
                    break
    with closing(open_patiently(server.url)) as store:
        found = store.get(kept, ("kept",))
    assert bool(refused) is (policy == "noeviction")
    if policy == "noeviction":
        assert found.entry == value_of(1000)
    if not policy.startswith("allkeys"):
        assert found.generations == (1,)
    says = [each.text for each in told(tmp_path, server.url)]
    assert any("OOM" in each for each in says) is (policy == "noeviction")
    assert any(f"evicts by {policy}" in each for each in says) is policy.startswith("allkeys")


def again(server: RedisServer, *options: str) -> RedisServer:
    """Killed, and started on the same folder."""
    server.process.kill()
    server.process.wait(10)
    return start_redis(server.path.parent, port=server.port, options=options)


def message(number: int) -> Letter:
    fields = {"id": f"m{number}", "kind": "text", "from": "a", "from_name": "a", "to": "b", "project": "p"}
    return Letter(Message({**fields, "text": "x", "form": "text"}), ttl=600)


def test_a_restart_with_an_append_only_file_keeps_what_was_told(tmp_path: Path) -> None:
    kept = ("--appendonly", "yes", "--appendfsync", "always")
    server = start_redis(tmp_path / "r", options=kept)
    try:
        with closing(open_patiently(server.url)) as store:
            assert put(store, KEY, 1000, Bash=0)
            assert store.invalidate("Bash") == 1
        with closing(open_post(server.url, now=time.time(), patient=True)) as post:
            post.send([message(1)])
        server = again(server, *kept)
        with closing(open_patiently(server.url)) as store:
            assert store.get(KEY, ("Bash",)).generations == (1,)
        with closing(open_post(server.url, now=time.time(), patient=True)) as post:
            assert len(post.take("b", 10).deliveries) == 1
        assert told(tmp_path, server.url) == []
    finally:
        server.stop()


def test_a_restart_without_persistence_forgets_all_and_serves_nothing(tmp_path: Path) -> None:
    server = start_redis(tmp_path / "r")
    try:
        with closing(open_patiently(server.url)) as store:
            assert put(store, KEY, 1000, Bash=0)
            assert store.invalidate("Bash") == 1
        server = again(server)
        with closing(open_patiently(server.url)) as store:
            assert store.get(KEY, ("Bash",)).entry is None
            assert put(store, KEY, 2000, Bash=0)
        assert told(tmp_path, server.url) == []
    finally:
        server.stop()


def test_that_snapshots_alone_bring_back_what_was_invalidated_is_told(tmp_path: Path) -> None:
    server = start_redis(tmp_path / "r")
    try:
        with closing(open_patiently(server.url)) as store:
            assert put(store, KEY, 1000, Bash=0)
            until(lambda: _uptime(server) > 2)
            server.command("SAVE")
            assert store.invalidate("Bash") == 1
        (finding,) = told(tmp_path, server.url)
        assert finding.level == "note"
        assert "keeps snapshots alone: after a crash what was invalidated since the last may be served" in finding.text
        server = again(server)
        with closing(open_patiently(server.url)) as store:
            assert store.get(KEY, ("Bash",)).generations == (0,)  # the loss that is told of
    finally:
        server.stop()


def _uptime(server: RedisServer) -> int:
    return int(server.command("INFO", "server").split(b"uptime_in_seconds:")[1].split(b"\r\n")[0])


def test_a_replica_that_is_promoted_has_what_had_reached_it(redis_factory: Factory) -> None:
    master = redis_factory()
    replica = redis_factory(options=("--replicaof", f"127.0.0.1 {master.port}", "--repl-diskless-sync-delay", "0"))
    until(lambda: b"master_link_status:up" in replica.command("INFO", "replication"))
    with closing(open_patiently(master.url)) as store:
        assert put(store, KEY, 1000, Bash=0)
        assert store.invalidate("Bash") == 1
    until(lambda: b":1" in replica.command("EXISTS", "skill_cache_gen:Bash"))
    master.stop()
    with closing(open_patiently(replica.url)) as store, pytest.raises(StoreError) as caught:
        store.invalidate("Bash")
    assert caught.value.detail == "READONLY"
    assert replica.command("REPLICAOF", "NO", "ONE") == b"+OK\r\n"
    with closing(open_patiently(replica.url)) as store:
        assert store.get(KEY, ("Bash",)).generations == (1,)
        assert store.invalidate("Bash") == 2


def test_a_cluster_without_wait_is_used_and_told_of(redis_cluster: Cluster, tmp_path: Path) -> None:
    for server in redis_cluster.servers:
        assert server.command("ACL", "SETUSER", "cache", "on", ">pw", "~*", "&*", "+@all", "-wait") == b"+OK\r\n"
    url = redis_cluster.url_of(login="cache:pw@")
    try:
        (finding,) = told(tmp_path, url)
        with closing(open_patiently(url)) as store:
            assert put(store, KEY, 1000, Bash=0)
            assert store.invalidate("Bash") == 1
    finally:
        for server in redis_cluster.servers:
            server.command("ACL", "DELUSER", "cache")
    assert "promises of no replica that takes over" in finding.text
    assert "+wait" in finding.mend
