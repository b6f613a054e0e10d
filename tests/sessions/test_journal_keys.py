"""What each journal alone is about: the keys of a server, which others may have made, and the expiry of rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from skillcache.sessions import journal as record
from skillcache.sessions.delivery import open_journal
from skillcache.sessions.journal import Journal, Question
from tests.clusters import Cluster
from tests.conftest import ACL_KEYS, RedisServer
from tests.sessions.conftest import NOW, PROJECT, TTL, Teller, edit, prompt, start, todo
from tests.sessions.test_journal import ask, the_one


@pytest.fixture
def server(redis_server: RedisServer) -> Iterator[Journal]:
    journal = open_journal(redis_server.url, now=NOW, patient=True)
    yield journal
    journal.close()


def test_a_session_is_forgotten_when_its_time_is_up(tmp_path: Path) -> None:
    def open_here(now: float = NOW) -> Journal:
        return open_journal(f"embedded:{tmp_path}/store.sqlite3", now=now)

    open_here().tell(Teller().lines(start(), prompt("x")), ttl=TTL)
    assert [past.id for past in ask(open_here(NOW + TTL - 1))] == ["one"]
    assert ask(open_here(NOW + TTL + 1)) == []
    assert open_here(NOW + TTL + 1).past("one", 5) is None


def test_keys_of_a_server_expire(server: Journal, redis_server: RedisServer, teller: Teller) -> None:
    server.tell(teller.lines(start(), prompt("x"), edit("a.py"), todo(("pending", "t"))), ttl=TTL)

    with redis.Redis.from_url(redis_server.url) as client:
        left = {key.decode(): client.ttl(key) for key in client.keys("*")}
    assert set(left) == {
        "skill_session:one",
        "skill_session:one:log",
        "skill_session:one:files",
        "skill_session:one:days",
        "skill_session:one:tasks",
        f"skill_sessions:{PROJECT}",
        "skillcache:told:one",
    }
    assert all(TTL - 60 < seconds <= TTL for key, seconds in left.items() if "told" not in key)
    assert 0 < left["skillcache:told:one"] <= record.TOLD_TTL


def test_a_user_of_the_documented_keys_needs_no_other(redis_server: RedisServer, teller: Teller) -> None:
    rule = ["ACL", "SETUSER", "sessions", "on", ">secret", "resetkeys", *ACL_KEYS.split(), "+@all"]
    assert redis_server.command(*rule) == b"+OK\r\n"
    journal = open_journal(redis_server.url.replace("//", "//sessions:secret@"), now=NOW, patient=True)
    journal.tell(teller.lines(start(), edit("a.py"), todo(("pending", "t"))), Question(PROJECT), ttl=TTL)
    journal.add_note(PROJECT, "n", "note")
    assert the_one(journal).files == [("a.py", 1)]
    assert journal.forget("one", PROJECT)
    journal.close()


def test_a_record_that_is_none_does_not_hold_up_the_rest(redis_server: RedisServer, teller: Teller) -> None:
    journal = open_journal(redis_server.url, now=NOW, patient=True)
    journal.tell([b"{", b'{"session": "\\ud83c"}', b"7", *teller.lines(start(), prompt("x"))], ttl=TTL)
    assert the_one(journal).state["prompt"] == "x"
    journal.close()


def test_a_session_of_odd_keys_does_not_hide_the_others(redis_server: RedisServer, teller: Teller) -> None:
    journal = open_journal(redis_server.url, now=NOW, patient=True)
    journal.tell(teller.lines(start("odd"), start("half"), start()), ttl=TTL)
    with redis.Redis.from_url(redis_server.url) as client:
        for key in ("skill_session:odd", "skill_session:half:log", f"skillcache:notes:{PROJECT}"):
            client.delete(key)
            client.set(key, "odd")
    assert [past.id for past in ask(journal, branch="main", own="odd")] == ["one", "half"]
    journal.close()


def test_an_odd_key_does_not_hold_up_the_rest(server: Journal, redis_server: RedisServer, teller: Teller) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        client.set("skill_session:one:files", "not a sorted set")
        client.hset("skill_session:one", "prompts", "not a number")
    server.tell(teller.lines(start(), edit("a.py"), prompt("counted")), ttl=TTL)
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.hget("skill_session:one", "prompt") == b"counted"


def test_sessions_of_one_project_lie_on_all_nodes_of_a_cluster(redis_cluster: Cluster, teller: Teller) -> None:
    journal = open_journal(redis_cluster.url, now=NOW, patient=True)
    names = [f"session-{number}" for number in range(40)]
    journal.tell(teller.lines(*[start(name) for name in names]), ttl=TTL)
    held = [{key for key in server.held() if b"}skill_session:" in key} for server in redis_cluster.masters]
    assert min(map(len, held)) > 5
    history = journal.tell((), Question(PROJECT, sessions=50), ttl=TTL)
    assert history is not None
    assert [past.id for past in history.sessions] == names[::-1]
    journal.close()


def test_what_was_cut_off_between_session_and_project_is_made_up_for(redis_cluster: Cluster, teller: Teller) -> None:
    journal = open_journal(redis_cluster.url, now=NOW, patient=True)
    lines = teller.lines(start(), prompt("x"), edit("a.py"))
    journal.tell(lines, ttl=TTL)
    for server in redis_cluster.masters:
        for key in server.held():
            if b"skill_sessions:" in key:
                server.command("DEL", key.decode())
    assert ask(journal) == []
    journal.tell(lines, ttl=TTL)  # as from the spool, once the node is back
    assert the_one(journal).files == [("a.py", 1)]
    assert the_one(journal).state["active"] == str(teller.at)
    journal.close()
