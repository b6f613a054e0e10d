"""Who is who where users, home folders and machines share one Redis: each is called by a name of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from skillcache.core.git import locate, project_of
from skillcache.messages.inbox import Denied
from skillcache.messages.live import subscribe_to_agent
from skillcache.messages.message import proof_of, token_of
from skillcache.messages.sending import publish_message
from tests.conftest import RedisServer
from tests.messages.client import Project, Session, quoted


@pytest.fixture
def project(redis_server: RedisServer, tmp_path: Path) -> Project:
    return Project(tmp_path, redis_server.url)


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as made:
        yield made


def another_home(project: Project, **environ: str) -> Project:
    """The same repository, as a user with another home folder has it."""
    home = project.folder / f"home-{len(list(project.folder.iterdir()))}"
    home.mkdir()
    other = object.__new__(Project)
    other.folder, other.root = project.folder, project.root
    other.environ = {**project.environ, "HOME": str(home), **environ}
    return other


def people(project: Project) -> list[str]:
    return sorted(each["name"] for each in project.agents("--all") if each["type"] == "person")


def test_another_home_of_one_user_reads_none_of_the_answers(project: Project) -> None:
    session, other = Session(project), another_home(project)
    session.start()
    project.run("send", "--to", "somebody-1", "which parser?")
    assert other.run("inbox") == ""
    assert people(project) == ["somebody", "somebody:2"]
    session.batch()
    project.run("send", "--to", "somebody", "the new one", CLAUDE_CODE_SESSION_ID=session.id)
    project.run("send", "--to", "somebody:2", "hello", CLAUDE_CODE_SESSION_ID=session.id)
    assert "> the new one" not in other.run("inbox")
    assert quoted(project.run("inbox")) == ["the new one"]
    back = session.batch()  # for the other home takes messages of nobody else
    assert "comes back undelivered: somebody:2 takes no messages from this sender" in back


def test_a_user_who_is_called_like_a_session_is_called_otherwise(project: Project) -> None:
    session, other = Session(project), another_home(project, USER="somebody-1")
    other.run("inbox")
    session.start()
    other.run("inbox")
    assert people(project) == ["somebody-1:1"]
    assert [each["name"] for each in project.agents()] == ["somebody-1"]
    project.run("send", "--to", "somebody-1", "for the session")
    assert quoted(session.batch()) == ["for the session"]
    assert other.run("inbox") == ""


def test_a_session_that_is_at_work_in_two_homes_is_two_agents(project: Project) -> None:
    session = Session(project)
    there = Session(another_home(project, SKILLCACHE_MESSAGES_FROM="anyone"))
    there.id = session.id
    session.start()
    there.start()
    assert sorted(each["name"] for each in project.agents()) == ["somebody-1", "somebody-2"]
    assert there.hook("SubagentStart", "a1").startswith("Other agents of this project know you as reviewer-1. ")

    project.run("send", "--to", "somebody-1", "one")
    project.run("send", "--to", "somebody-2", "two")
    there.transcript = project.folder / "there.jsonl"
    assert quoted(there.batch()) == ["two"]
    assert quoted(session.batch()) == ["one"]
    assert there.batch() + session.batch() == ""

    there.project.run("send", "--to", "somebody-1", "from there", CLAUDE_CODE_SESSION_ID=session.id)
    back = session.hook("Stop")  # which takes messages of nobody else, so it goes back
    assert back == ""
    assert "from somebody-2" not in back
    assert quoted(there.batch()) == ["from there"]

    session.start()
    there.hook("SessionEnd", reason="other")
    assert [each["name"] for each in project.agents()] == ["somebody-1", "reviewer-1"]


def test_a_session_that_is_resumed_keeps_its_name(project: Project) -> None:
    session = Session(project)
    session.start()
    session.hook("SessionEnd", reason="other")
    thief = Session(another_home(project))
    thief.id = session.id
    thief.start()
    Session(project).start()
    session.start()
    names = {each["id"]: each["name"] for each in project.agents()}
    assert names[session.id] == "somebody-1"
    assert sorted(names.values()) == ["somebody-1", "somebody-2", "somebody-3"]


def test_an_ambiguous_name_is_refused_with_all_who_are_called_so(project: Project, client: redis.Redis) -> None:
    where = project_of(locate(str(project.root)))
    for id_ in ("x1", "x2"):
        put(client, id_, project=where, name="twin", type="main")
    done = project.skillcache("send", "--to", "twin", "hello")
    assert (done.returncode, done.stdout) == (1, "")
    said, _, rest = done.stderr.partition(": several agents are called twin: ")
    assert said == "skillcache"
    assert sorted(rest.removesuffix(". See: skillcache agents --all\n").split(", ")) == [
        "twin is --to x1",
        "twin is --to x2",
    ]
    assert project.run("send", "--to", "x2", "hello").startswith("Sent to twin as ")
    assert (client.xlen("agent_comm:x1:inbox"), client.xlen("agent_comm:x2:inbox")) == (0, 1)


def put(client: redis.Redis, id_: str, **fields: Any) -> None:
    """As an older version, or another program, registers an agent."""
    now, _ = client.time()
    held: dict[Any, Any] = {**fields, "active": now * 1000, "started": now * 1000}
    client.hset(f"skillcache:agent:{id_}", mapping=held)
    client.zadd(f"skillcache:agents:{fields['project']}", {id_: now * 1000})


def test_a_name_is_whose_proves_it_though_an_older_version_says_it_too(project: Project, client: redis.Redis) -> None:
    session = Session(project)
    session.start()
    where = project_of(locate(str(project.root)))
    put(client, "person:somebody-1@box", project=where, name="somebody-1", type="person")
    project.run("send", "--to", "somebody-1", "hello")
    assert quoted(session.batch()) == ["hello"]
    session.hook("SessionEnd", reason="other")
    done = project.skillcache("send", "--to", "somebody-1", "too late")
    assert done.stderr == "somebody-1 has ended: the message was not delivered. Who is there: skillcache agents\n"
    assert client.exists("agent_comm:person:somebody-1@box:inbox") == 0


def test_a_subagent_is_written_for_only_from_where_it_was_registered(project: Project) -> None:
    session, other = Session(project), another_home(project)
    session.start()
    session.hook("SubagentStart", "a1")
    words = ("send", "--from", "reviewer-1", "--to", "somebody-1", "x")
    refused = (
        "skillcache: reviewer-1 was registered from another home folder, and only from there it writes."
        " See: skillcache agents\n"
    )
    for more in ({"CLAUDE_CODE_SESSION_ID": session.id}, {}):
        done = other.skillcache(*words, **more)
        assert (done.returncode, done.stdout, done.stderr) == (
            1,
            "",
            refused,
        )
    assert project.run(*words, CLAUDE_CODE_SESSION_ID=session.id).startswith("Sent to somebody-1 as ")


def test_a_session_s_inbox_is_read_only_where_it_was_registered_and_elsewhere_it_has_another(project: Project) -> None:
    session, other = Session(project), another_home(project, SKILLCACHE_MESSAGES_DELIVER="0")
    session.start()
    project.run("send", "--to", "somebody-1", "hello")
    here = {"CLAUDE_CODE_SESSION_ID": session.id}
    assert other.run("inbox", **here) == ""
    other.run("send", "--to", "somebody-1", "from elsewhere", **here)
    assert quoted(session.batch()) == ["hello"]
    back = other.run("inbox", **here)
    assert "comes back undelivered: somebody-1 takes no messages from this sender" in back
    assert quoted(back) == ["from elsewhere"]
    assert session.batch() == ""


def test_what_another_project_s_session_is_sent_is_refused_elsewhere(project: Project, client: redis.Redis) -> None:
    other = another_home(project, SKILLCACHE_MESSAGES_DELIVER="0")
    put(client, "one", project="example.org/another", name="somebody-1", type="main", proof="0" * 40)
    done = other.skillcache("inbox", CLAUDE_CODE_SESSION_ID="one")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", REFUSED)


REFUSED = (
    "skillcache: one is an agent of another user or home folder: only there its messages can be read, or its name used."
    " See: skillcache agents --all\n"
)


def test_a_program_elsewhere_only_watches_a_session(
    project: Project, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, other = Session(project), another_home(project)
    session.start()
    monkeypatch.chdir(project.root)
    for name, value in project.environ.items():
        monkeypatch.setenv(name, value)
    publish_message(client, f"agent_comm:{session.id}", "hello")
    monkeypatch.setenv("HOME", other.environ["HOME"])
    with subscribe_to_agent(client, session.id) as theirs, pytest.raises(Denied):
        theirs.next(5)
    with subscribe_to_agent(client, session.id, watch=True) as watcher:
        watcher.next(0)
        publish_message(client, f"agent_comm:{session.id}", "and again")
        while (heard := watcher.next(5)) is None:
            pass
        assert heard.value == "and again"
    monkeypatch.setenv("HOME", project.environ["HOME"])
    with subscribe_to_agent(client, session.id) as ours:
        found = [ours.next(5), ours.next(5)]
        ours.settle()
    assert [each and each.value for each in found] == ["hello", "and again"]
    first, second = [each.sender for each in found if each is not None]
    assert {first.rpartition(":")[0], second.rpartition(":")[0]} == {f"person:somebody@{os.uname().nodename.lower()}"}
    assert first != second


def test_who_published_can_be_answered_by_the_name_that_is_said(
    project: Project, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.environ["SKILLCACHE_MESSAGES_FROM"] = "anyone"
    session, other = Session(project), another_home(project)
    session.start()
    project.run("inbox")
    monkeypatch.chdir(project.root)
    monkeypatch.delenv("CLAUDE_CODE_SESSION_ID", raising=False)
    for name, value in other.environ.items():
        monkeypatch.setenv(name, value)
    publish_message(client, f"agent_comm:{session.id}", "from a person")
    assert f" from somebody:2 (somebody@{os.uname().nodename.lower()}, unproven), " in session.batch()
    project.run("send", "--to", "somebody:2", "an answer", CLAUDE_CODE_SESSION_ID=session.id)
    assert quoted(other.run("inbox")) == ["an answer"]

    there = Session(other)
    there.id = session.id
    there.start()
    expected = [("somebody-1", project, session.id), ("somebody:2", other, ""), ("somebody-2", other, session.id)]
    for name, home, id_ in expected:
        monkeypatch.setenv("HOME", home.environ["HOME"])
        monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", id_)
        publish_message(client, "agent_comm:worker", name)
    with subscribe_to_agent(client, "agent_comm:worker") as worker:
        heard = [worker.next(5) for _ in range(3)]
    assert [each and (each.name, each.value) for each in heard] == [(name, name) for name, _, _ in expected]
    assert heard[0] is not None
    assert heard[2] is not None
    assert heard[2].sender.startswith(f"{heard[0].sender}:")


def test_a_program_that_can_keep_no_key_listens_all_the_same(
    project: Project, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("HOME", project.environ["HOME"])
    assert project.agents() == []
    (project.cache / "seal.key").unlink()
    (project.cache / "seal.key").mkdir()
    client.xadd("agent_comm:worker:inbox", {"message": "1"})
    with subscribe_to_agent(client, "agent_comm:worker") as listener:
        heard = listener.next(5)
    assert heard is not None
    assert heard.value == 1


def test_the_token_is_nowhere_but_with_whom_it_proves(project: Project, client: redis.Redis) -> None:
    session = Session(project)
    session.start()
    project.run("send", "--to", "somebody-1", "hello")
    session.batch()
    token = token_of(str(project.cache))
    assert client.hget(f"skillcache:agent:{session.id}", "proof") == proof_of(token)
    with redis.Redis.from_url(project.environ["SKILLCACHE_REDIS_URL"]) as raw:
        assert [key for key in raw.scan_iter() if token.encode() in (raw.dump(key) or b"")] == []
    assert (project.cache / "seal.key").stat().st_mode & 0o777 == 0o600
    assert all("proof" not in each for each in json.loads(project.run("agents", "--all", "--json")))
