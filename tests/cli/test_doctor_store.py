"""Doctor writes what hooks write: a store that answers and takes nothing is never called well."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from skillcache.cli.checks import Finding, Place
from skillcache.cli.checks.store import check_store
from skillcache.stores.contract import NAMES_KEY
from tests.cli.conftest import Person
from tests.conftest import ACL_KEYS, RedisServer, until

NOW = 1_700_000_000.0
Factory = Callable[..., RedisServer]
ALL = "results, invalidations, claims, records, sessions, messages and shared values"


def look(person: Person, url: str, **variables: str) -> list[Finding]:
    environ = {**person.variables, "SKILLCACHE_REDIS_URL": url, **variables}
    found = check_store(Place(environ, str(person.home), NOW))
    return [finding for finding in found if finding.subject == "store"]


def mended(server: RedisServer, mend: str) -> None:
    """Does what is said behind `redis-cli -p PORT`, in a person's shell."""
    command = re.search(rf"redis-cli -p {server.port} (.*)", mend)
    assert command is not None
    assert server.command(*re.findall(r"[^' ]+", command[1])).startswith(b"+OK")


def test_what_is_tried_is_taken_back(person: Person, redis_server: RedisServer) -> None:
    (finding,) = look(person, redis_server.url, SKILLCACHE_TEAM="acme")

    assert finding.level == "ok"
    assert finding.text.endswith(" and takes what hooks write")
    assert redis_server.command("DBSIZE") == b":0\r\n"


def test_what_is_tried_in_the_embedded_store_is_taken_back(person: Person, tmp_path: Path) -> None:
    home = tmp_path / "cache"
    person.variables["SKILLCACHE_HOME"] = str(home)
    for words in (("note", "x"), ("state", "set", "a", "1"), ("agents",)):
        assert person.skillcache(*words).status == 0
    held = {path.name for path in home.iterdir()}
    assert {"sessions.sqlite3", "state.sqlite3"} <= held

    assert "and takes what hooks write" in person.skillcache("doctor").out
    assert person.skillcache("entries", "list", "--all").out == "0 entries, 0 bytes.\n"
    assert person.skillcache("invalidate", "--pattern", "*").out.startswith("No name is like *.")
    assert person.skillcache("state", "list", "--team", "skillcache-doctor").out == ""


def test_a_replica_takes_nothing(person: Person, redis_factory: Factory) -> None:
    server = redis_factory(options=("--replicaof", "127.0.0.1", "1"))

    answers, refuses = look(person, server.url)

    assert answers.level == "ok"
    assert refuses == Finding(
        "mend",
        "store",
        f"Redis at 127.0.0.1:{server.port}, database 0 does not take {ALL}: the store answered with an error: READONLY",
        f"name its master in SKILLCACHE_REDIS_URL, which is told by: redis-cli -p {server.port} INFO replication",
    )


def test_a_server_without_memory_takes_nothing_until_old_results_may_go(person: Person, redis_factory: Factory) -> None:
    server = redis_factory(options=("--maxmemory", "8mb"))
    while not (reply := server.command("SET", f"old:{reply_of(server)}", "x" * 100_000, "EX", "1000")).startswith(b"-"):
        assert reply == b"+OK\r\n"

    _, refuses = look(person, server.url)

    assert refuses.level == "mend"
    assert refuses.text.endswith(": the store answered with an error: OOM")
    mended(server, refuses.mend)
    assert [finding.level for finding in look(person, server.url)] == ["ok"]


def reply_of(server: RedisServer) -> str:
    return server.command("DBSIZE").decode().strip(":\r\n")


def test_a_server_without_scripts_is_named_with_what_it_says(person: Person, redis_factory: Factory) -> None:
    server = redis_factory(options=("--rename-command", "EVAL", ""))

    _, refuses = look(person, server.url)

    assert refuses.text.endswith(
        " does not take results, claims, sessions, messages and shared values:"
        " the store answered with an error: ERR unknown command 'EVAL'"
    )
    assert "rename-command" in refuses.mend


@pytest.mark.parametrize(
    ("pattern", "kinds", "level"),
    [
        ("~skillcache:*", "results, claims, records, sessions, messages and shared values", "mend"),
        ("~skill_session*", "sessions", "mend"),
        ("~agent_comm:*", "messages", "note"),
        ("~team:cache:*", "a team's results", "mend"),
    ],
)
def test_each_pattern_of_keys_that_a_user_lacks_is_found_and_the_command_mends_it(
    person: Person, redis_server: RedisServer, pattern: str, kinds: str, level: str
) -> None:
    rest = [each for each in ACL_KEYS.split() if each != pattern]
    rules = ("ACL", "SETUSER", "cache", "on", ">pw", "resetkeys", *rest, "&*", "+@all", "-@dangerous", "+info")
    assert redis_server.command(*rules) == b"+OK\r\n"
    url = f"redis://cache:pw@127.0.0.1:{redis_server.port}/0"
    team = {"SKILLCACHE_TEAM": "acme"} if pattern == "~team:cache:*" else {}
    try:
        _, refuses = look(person, url, **team)
        assert refuses.level == level
        assert f" does not take {kinds}: the store answered with an error: " in refuses.text
        mended(redis_server, refuses.mend)
        assert [finding.level for finding in look(person, url, **team)] == ["ok"]
    finally:
        redis_server.command("ACL", "DELUSER", "cache")
    assert redis_server.command("KEYS", "*") == b"*0\r\n"


def test_a_user_of_reading_alone_is_mended_by_the_command(person: Person, redis_server: RedisServer) -> None:
    assert redis_server.command("ACL", "SETUSER", "cache", "on", ">pw", "~*", "-@all", "+@read") == b"+OK\r\n"
    url = f"redis://cache:pw@127.0.0.1:{redis_server.port}/0"
    try:
        _, refuses, *_ = look(person, url)
        assert f" does not take {ALL}: the store answered with an error: NOPERM " in refuses.text
        mended(redis_server, refuses.mend)
        _, channels = look(person, url)
        mended(redis_server, channels.mend)
        assert [finding.level for finding in look(person, url)] == ["ok"]
    finally:
        redis_server.command("ACL", "DELUSER", "cache")


def test_a_user_who_may_not_even_look_is_mended_by_the_command(person: Person, redis_server: RedisServer) -> None:
    assert redis_server.command("ACL", "SETUSER", "cache", "on", ">pw", "~app:*", "+@all") == b"+OK\r\n"
    url = f"redis://cache:pw@127.0.0.1:{redis_server.port}/0"
    try:
        (refuses,) = look(person, url)
        assert ": the store answered with an error: NOPERM " in refuses.text
        mended(redis_server, refuses.mend)
        _, channels = look(person, url)
        mended(redis_server, channels.mend)
        assert [finding.level for finding in look(person, url)] == ["ok"]
    finally:
        redis_server.command("ACL", "DELUSER", "cache")


def test_what_cannot_be_taken_back_expires(person: Person, redis_server: RedisServer) -> None:
    rules = ("ACL", "SETUSER", "cache", "on", ">pw", *ACL_KEYS.split(), "&*", "+@all", "-unlink", "-del", "-srem")
    assert redis_server.command(*rules) == b"+OK\r\n"
    try:
        look(person, f"redis://cache:pw@127.0.0.1:{redis_server.port}/0")
    finally:
        redis_server.command("ACL", "DELUSER", "cache")
    keys = re.findall(rb"\$\d+\r\n([^\r]*)", redis_server.command("KEYS", "*"))
    lasting = {key for key in keys if redis_server.command("TTL", key.decode()) == b":-1\r\n"}
    assert {key.split(b":")[0] for key in lasting - {NAMES_KEY.encode()}} <= {b"skill_cache_gen"}


def test_a_replica_without_its_master_is_named(person: Person, redis_factory: Factory) -> None:
    server = redis_factory(options=("--replicaof", "127.0.0.1", "1"))
    server.command("CONFIG", "SET", "replica-serve-stale-data", "no")
    until(lambda: b"master_link_status:down" in server.command("INFO", "replication"))

    (finding,) = look(person, server.url)

    assert finding.text.endswith(": the store answered with an error: MASTERDOWN")
    assert finding.mend == "start its master, or name that one in SKILLCACHE_REDIS_URL"
