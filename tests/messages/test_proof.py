"""An agent is its installation's: who has another token takes neither its name nor its messages, on every store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from skillcache.core.outcomes import StoreError
from skillcache.messages import message
from skillcache.messages.inbox import DENIED, UNKNOWN, Denied, Post
from skillcache.messages.message import marked, person_id, proof_of, token_by
from skillcache.messages.opening import open_post
from tests.messages.conftest import NOW, PROJECT, Opener, agent, letter
from tests.messages.test_post import read, texts

OURS, THEIRS, NOBODYS = token_by(b"ours"), token_by(b"theirs"), ""
DAY = message.AGENT_TTL


@pytest.fixture
def open_as(open_here: Opener) -> Callable[..., Post]:
    def open_one(token: str, now: float = NOW) -> Post:
        post = open_here(now)
        post.token = token
        return post

    return open_one


def person(name: str = "alice", **fields: str) -> dict[str, str]:
    return agent(**{"type": "person", "session": "", "name": name, **fields})


def names(post: Post) -> dict[str, str]:
    return {each["id"]: each["name"] for each in post.agents(PROJECT)[1]}


def denied(step: Callable[..., Any], *words: Any) -> bool:
    try:
        step(*words)
    except Denied as fault:
        return str(fault).startswith("b is an agent of another user or home folder: ")
    return False


@pytest.mark.parametrize("token", [THEIRS, NOBODYS])
def test_nobody_else_takes_a_name_or_reads_or_takes_out_its_messages(open_as: Callable[..., Post], token: str) -> None:
    ours, theirs = open_as(OURS), open_as(token)
    assert ours.register("b", agent(task="ours"), "main") == "main-1"
    ours.send([letter("1"), letter("2")])
    (first, _) = ours.take("b", 2).deliveries

    assert denied(theirs.register, "b", agent(task="theirs", branch="theirs"), "main")
    assert denied(theirs.register, "b", agent(name="theirs"), "")
    assert denied(theirs.take, "b", 10)
    assert denied(theirs.settle, "b", [(first.entry, "1"), ("1-1", "2"), ("2", "2")])
    assert denied(theirs.settle, "b", [], [(first.entry, "refused")])
    assert theirs.look("b", {"task": "theirs"}, ends=True) == DENIED
    theirs.note("b", {"task": "theirs"})
    assert theirs.end("b") is False
    assert theirs.edited("b", "place") == []

    assert ours.look("b", {}) == 2
    (found,) = ours.agents(PROJECT)[1]
    assert (found["task"], found["name"], found["proof"]) == ("ours", "main-1", proof_of(OURS))
    assert found.get("branch") is None
    assert found.get("ended") is None
    assert texts(ours) == ["1", "2"]
    assert [read(text).bounce for _, text in ours.talk(PROJECT)] == ["", ""]


def test_the_same_agent_comes_back_under_its_name_and_no_other_does_meanwhile(open_as: Callable[..., Post]) -> None:
    ours = open_as(OURS)
    assert ours.register("b", agent(), "main") == "main-1"
    assert ours.end("b") is True
    assert denied(open_as(THEIRS, NOW + 60).register, "b", agent(), "main")
    assert open_as(OURS, NOW + 120).register("b", agent(), "main") == "main-1"
    assert open_as(OURS, NOW + 121).look("b", {}) == 0


def test_a_name_is_free_when_its_agent_is_gone_and_what_waited_for_it_goes_back(open_as: Callable[..., Post]) -> None:
    ours = open_as(OURS)
    ours.register("b", agent(), "main")
    open_as(OURS, NOW + DAY - 100).register("a", agent(), "main")
    open_as(OURS, NOW + DAY - 50).send([letter("late")])

    theirs = open_as(THEIRS, NOW + DAY + 1)
    assert theirs.look("b", {}) == UNKNOWN
    assert theirs.register("b", agent(), "main") == "main-3"
    assert theirs.take("b", 10).deliveries == []
    assert [read(each.text).bounce for each in open_as(OURS, NOW + DAY + 2).take("a", 10).deliveries] == ["ended"]
    assert open_as(OURS, NOW + DAY + 3).look("b", {}) == DENIED


def test_what_an_older_version_has_registered_is_whose_who_comes_first_with_a_token(
    open_as: Callable[..., Post],
) -> None:
    old, ours, theirs = open_as(NOBODYS), open_as(OURS), open_as(THEIRS)
    for id_ in ("b", "c"):
        old.register(id_, agent(session=id_), "main")
    old.send([letter("1")])
    assert ours.look("b", {}) == 1
    assert theirs.look("b", {}) == DENIED
    assert denied(old.take, "b", 10)
    assert texts(ours) == ["1"]
    assert ours.register("c", agent(session="c"), "main") == "main-2"
    assert theirs.look("c", {}) == DENIED


def test_an_inbox_of_no_registered_agent_is_anybody_s(open_as: Callable[..., Post]) -> None:
    ours, theirs = open_as(OURS), open_as(THEIRS)
    ours.send([letter("1", to="worker"), letter("2", to="worker")])
    (each,) = ours.take("worker", 1).deliveries
    ours.settle("worker", [(each.entry, "1")])
    assert texts(theirs, "worker") == ["2"]


def test_a_person_s_inbox_is_theirs_though_they_were_never_registered(open_as: Callable[..., Post]) -> None:
    ours, theirs = open_as(OURS), open_as(THEIRS)
    me = person_id("alice", "box", OURS)
    ours.send([letter("1", to=me)])
    for stranger in (theirs, open_as(NOBODYS)):
        with pytest.raises(Denied):
            stranger.take(me, 1)
        with pytest.raises(Denied):
            stranger.register(me, person(), "")
    assert texts(ours, me) == ["1"]


def test_two_of_one_name_are_two_and_each_keeps_its_own(open_as: Callable[..., Post]) -> None:
    ours, theirs = open_as(OURS), open_as(THEIRS)
    first, second = person_id("alice", "box", OURS), person_id("alice", "box", THEIRS)
    assert first != second
    assert ours.register(first, person(), "") == "alice"
    assert theirs.register(second, person(), "") == "alice:2"
    assert open_as(token_by(b"third")).register("third", person(), "") == "alice:3"
    assert open_as(OURS, NOW + 60).register(first, person(), "") == "alice"
    assert open_as(THEIRS, NOW + DAY - 1).register(second, person(), "") == "alice:2"
    # The first one is gone, and the second keeps what others know it by.
    assert open_as(THEIRS, NOW + DAY + 62).register(second, person(), "") == "alice:2"
    assert open_as(OURS, NOW + DAY + 63).register(first, person(), "") == "alice"


@pytest.mark.parametrize("token", [THEIRS, NOBODYS])
def test_a_user_who_is_called_like_a_session_is_not(open_as: Callable[..., Post], token: str) -> None:
    ours, theirs = open_as(OURS), open_as(token)
    assert theirs.register("early", person("alice-1"), "") == "alice-1:1"
    assert ours.register("b", agent(), "alice") == "alice-1"
    assert theirs.register("late", person("alice-1"), "") == "alice-1:2"
    assert theirs.register("d", agent(), "alice-1") == "alice-1-1"
    assert theirs.register("early", person("alice-1"), "") == "alice-1:1"
    assert len(set(names(ours).values())) == 4


def test_who_proves_nothing_takes_a_name_from_nobody_and_keeps_none_from_who_does(open_as: Callable[..., Post]) -> None:
    old, ours = open_as(NOBODYS), open_as(OURS)
    assert old.register("old", person("bob"), "") == "bob"
    assert ours.register("new", person("bob"), "") == "bob"
    assert old.register("older", person("bob"), "") == "bob:2"
    assert old.register("old", person("bob"), "") == "bob:3"


def test_a_session_s_end_ends_nobody_else_s(open_as: Callable[..., Post]) -> None:
    ours, theirs = open_as(OURS), open_as(THEIRS)
    ours.register("helper", agent(session="one"), "helper")
    theirs.register("lookalike", agent(session="one"), "helper")
    theirs.register("one", agent(session="one"), "main")
    assert theirs.end("one") is True
    ended = {each["id"]: bool(each.get("ended")) for each in ours.agents(PROJECT)[1]}
    assert ended == {"helper": False, "lookalike": True, "one": True}


def test_who_reads_its_messages_is_there(open_as: Callable[..., Post]) -> None:
    open_as(OURS).register("b", agent(), "main")
    open_as(OURS, NOW + DAY - 60).take("b", 1)
    later = open_as(OURS, NOW + DAY + 60)
    assert list(names(later)) == ["b"]
    assert later.send([letter("1")]) == [0]
    assert later.look("b", {}) == 1


def test_an_agent_is_found_by_its_id(open_as: Callable[..., Post]) -> None:
    ours = open_as(OURS)
    assert ours.find("b") == {}
    ours.register("b", agent(), "main")
    found = {**agent(), "name": "main-1", "proof": proof_of(OURS)}
    assert open_as(THEIRS).find("b") == found
    ours.end("b")
    assert ours.find("b") == found


def test_ids_are_told_apart_by_the_installation() -> None:
    assert marked("s", OURS) == f"s:{proof_of(OURS)[:12]}"
    assert len({marked("s", OURS), marked("s", THEIRS), marked("t", OURS), marked("s", "")}) == 4
    assert person_id("alice", "box", "") == "person:alice@box"
    assert proof_of("") == ""


@pytest.mark.parametrize("store", ["embedded", "redis"])
def test_all_messages_are_read_once_in_order_while_others_try_to_take_the_agent_over(
    store: str, request: pytest.FixtureRequest, tmp_path: Any
) -> None:
    target = request.getfixturevalue("redis_server").url if store == "redis" else f"embedded:{tmp_path}/store.sqlite3"

    def opened(token: str) -> Post:
        return open_post(target, now=time.time(), patient=True, token=token)

    with closing(opened(OURS)) as post:
        post.register("b", agent(), "main")
    got: list[Any] = []
    over = threading.Event()

    steps: list[Callable[[Post], Any]] = [
        lambda post: post.register("b", agent(), "main"),
        lambda post: post.take("b", 32).deliveries,
        lambda post: post.settle("b", [(str(n), str(n)) for n in range(20)]),
        lambda post: post.end("b") or post.look("b", {}, ends=True),
    ]

    def attack(token: str) -> None:
        while not over.is_set():
            for step in steps:
                try:
                    with closing(opened(token)) as post:
                        found = step(post)
                except (Denied, StoreError):
                    continue
                if found != DENIED:
                    got.append(found)

    attackers = [threading.Thread(target=attack, args=(token,)) for token in (THEIRS, NOBODYS)]
    for thread in attackers:
        thread.start()
    heard = []
    try:
        for number in range(20):
            with closing(opened(token_by(b"sender"))) as post:
                assert post.send([letter(str(number))]) == [0]
            with closing(opened(OURS)) as post:
                heard += texts(post)
    finally:
        over.set()
        for thread in attackers:
            thread.join()
    assert heard == [str(number) for number in range(20)]
    assert got == []
