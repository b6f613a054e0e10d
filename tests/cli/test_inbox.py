"""`skillcache inbox`: what is for whoever asks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from skillcache.messages.message import base_of, person_id, token_of
from tests.conftest import start_redis
from tests.messages.client import Project, Session, quoted


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.run("inbox")  # from now on the person is known
    return project


def answer(project: Project, session: Session, text: str) -> None:
    project.run("send", "--to", "somebody", text, CLAUDE_CODE_SESSION_ID=session.id)


def test_an_empty_inbox_prints_nothing_and_says_so_to_the_person(project: Project) -> None:
    done = project.skillcache("inbox")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "No message for you.\n")


def test_messages_are_printed_once_in_order(project: Project) -> None:
    session = Session(project)
    session.start()
    answer(project, session, "first\x1b[2J")
    answer(project, session, "second")
    text = project.run("inbox")
    assert quoted(text) == ["first[2J", "second"]
    assert text.count(" from somebody-1 (") == 2
    assert project.run("inbox") == ""


def test_each_message_is_one_line_of_json(project: Project) -> None:
    session = Session(project)
    session.start()
    answer(project, session, "first")
    answer(project, session, "second")
    first, second = [json.loads(line) for line in project.run("inbox", "--json").splitlines()]
    assert (first["text"], first["from"], first["from_name"]) == ("first", session.id, "somebody-1")
    assert first["at"] <= second["at"]
    assert first["bounce"] == ""


def follow(project: Project) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "skillcache", "inbox", "--follow", "--json"],
        cwd=project.root,
        env={**project.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_follows_what_comes(project: Project) -> None:
    session = Session(project)
    session.start()
    following = follow(project)
    assert following.stdout is not None
    for text in ("one", "two"):
        answer(project, session, text)
        assert json.loads(following.stdout.readline())["text"] == text
    following.send_signal(signal.SIGINT)
    _, said = following.communicate(timeout=20)
    assert (following.returncode, said.strip()) == (130, "Stopped.")


def test_it_follows_over_a_restart_of_redis(tmp_path: Path) -> None:
    server = start_redis(tmp_path / "redis")
    project = Project(tmp_path)
    project.environ["SKILLCACHE_REDIS_URL"] = server.url
    project.run("inbox")
    following = follow(project)
    assert following.stdout is not None
    assert following.stderr is not None
    try:
        for text in ("before", "after", "later"):
            session = Session(project)
            session.start()
            sending = ("send", "--to", "somebody", text)
            while project.skillcache(*sending, CLAUDE_CODE_SESSION_ID=session.id).returncode != 0:
                assert following.poll() is None  # it has not found the store again yet
            assert json.loads(following.stdout.readline())["text"] == text
            if text == "later":
                break
            server.stop()
            assert following.stderr.readline().startswith("Waiting for the store: ")
            server = start_redis(tmp_path / "redis", port=server.port)  # it remembers nobody
    finally:
        following.send_signal(signal.SIGINT)
        _, said = following.communicate(timeout=20)
        server.stop()
    assert (following.returncode, said.strip()) == (130, "Stopped.")


def test_two_homes_follow_each_their_own_over_a_restart_of_redis(tmp_path: Path) -> None:
    server = start_redis(tmp_path / "redis")
    project = Project(tmp_path)
    project.environ["SKILLCACHE_REDIS_URL"] = server.url
    homes = [project.environ, {**project.environ, "HOME": str(tmp_path / "another")}]
    readers = []
    for project.environ in homes:
        project.run("inbox")
        me = person_id("somebody", base_of(os.uname().nodename), token_of(str(project.cache)))
        readers.append((project.environ, me, follow(project)))
    assert sorted(each["name"] for each in project.agents("--all")) == ["somebody", "somebody:2"]
    try:
        for number in range(20):
            if number == 10:
                server.stop()
                for _, _, following in readers:
                    assert following.stderr is not None
                    assert following.stderr.readline().startswith("Waiting for the store: ")
                server = start_redis(tmp_path / "redis", port=server.port)  # it remembers nobody
            for project.environ, me, following in readers:
                sending = ("send", "--to", me, str(number))
                while project.skillcache(*sending, CLAUDE_CODE_SESSION_ID="one").returncode != 0:
                    assert following.poll() is None  # it has not found the store again yet
                assert following.stdout is not None
                assert json.loads(following.stdout.readline())["text"] == str(number)
    finally:
        for _, _, following in readers:
            following.send_signal(signal.SIGINT)
        left = [following.communicate(timeout=20)[0] for _, _, following in readers]
        server.stop()
    assert left == ["", ""]
