"""One suite for every post: what `skillcache.messages.inbox.Post` promises."""

from __future__ import annotations

import pytest

from skillcache.messages import message as limits
from skillcache.messages.inbox import FULL, GONE, STOP, STOP_AGAIN, UNKNOWN, WORK, Post
from skillcache.messages.message import Message, decode
from tests.messages.conftest import MS, NOW, PROJECT, Opener, agent, letter

DAY = 86_400
SENT = 0  # and nobody listens


def texts(post: Post, id_: str = "b") -> list[str]:
    """What is taken and settled as shown, until nothing is left."""
    said: list[str] = []
    while taken := post.take(id_, 100).deliveries:
        found = [read(each.text) for each in taken]
        post.settle(id_, [(each.entry, message["id"]) for each, message in zip(taken, found, strict=True)])
        said += [message["text"] for message in found]
    return said


def read(text: str) -> Message:
    message = decode(text)
    assert message is not None
    return message


def returned(post: Post, id_: str = "a") -> list[tuple[str, str]]:
    """Text and reason of what came back."""
    return [
        (message["text"], message.bounce) for each in post.take(id_, 100).deliveries if (message := read(each.text))
    ]


def names(post: Post) -> list[str]:
    return [each["name"] for each in post.agents(PROJECT)[1]]


def test_an_empty_post_knows_nobody_and_holds_nothing(post: Post) -> None:
    assert post.agents(PROJECT) == (MS, [])
    assert post.look("b", {"tool": "Bash"}) == UNKNOWN
    assert post.take("b", 10).deliveries == []
    assert post.talk(PROJECT) == []
    post.end("b")
    assert post.agents(PROJECT) == (MS, [])


def test_what_is_noted_of_an_agent_before_it_is_there_is_known_of_it_then(post: Post) -> None:
    post.note("b", {"task": "look at the parser"})
    assert post.agents(PROJECT)[1] == []
    assert post.look("b", {}) == UNKNOWN
    assert post.edited("b", "place") == []
    post.end("b")
    assert post.send([letter()]) == [SENT]
    assert post.register("b", agent(), "reviewer") == "reviewer-1"
    (found,) = post.agents(PROJECT)[1]
    assert (found["task"], found["name"], found.get("ended")) == ("look at the parser", "reviewer-1", None)


def test_agents_are_numbered_by_what_they_are_called_after(post: Post) -> None:
    assert post.register("a", agent(), "somebody") == "somebody-1"
    assert post.register("b", agent(type="reviewer"), "reviewer") == "reviewer-1"
    assert post.register("c", agent(type="reviewer"), "reviewer") == "reviewer-2"
    assert post.register("d", agent(project="another"), "reviewer") == "reviewer-1"
    assert post.register("e", agent(type="person", name="somebody"), "") == "somebody"
    assert sorted(names(post)) == ["reviewer-1", "reviewer-2", "somebody", "somebody-1"]


def test_an_agent_keeps_its_name_and_no_other_gets_it(open_here: Opener) -> None:
    first = open_here()
    first.register("a", agent(), "reviewer")
    first.end("a")
    assert first.register("b", agent(), "reviewer") == "reviewer-2"
    later = open_here(NOW + 60)
    assert later.register("a", agent(branch="topic"), "reviewer") == "reviewer-1"
    _, (again, _) = later.agents(PROJECT)
    assert again == {
        **agent(branch="topic"),
        "id": "a",
        "name": "reviewer-1",
        "started": str(MS),
        "active": str(MS + 60_000),
    }


def test_an_agent_is_listed_with_what_it_does_the_last_active_first(open_here: Opener) -> None:
    post = open_here()
    post.register("a", agent(), "main")
    post.register("b", agent(), "main")
    open_here(NOW + 30).look("a", {"task": "make it faster", "tool": "Bash: pytest"})
    post.note("b", {"task": "look at the parser"})

    now, agents = open_here(NOW + 40).agents(PROJECT)

    assert now == MS + 40_000
    assert [(each["name"], each["active"], each["task"]) for each in agents] == [
        ("main-1", str(MS + 30_000), "make it faster"),
        ("main-2", str(MS), "look at the parser"),
    ]


def test_many_that_have_ended_push_nobody_at_work_out_of_the_list(open_here: Opener) -> None:
    open_here().register("idle", agent(), "main")
    post = open_here(NOW + 60)
    for number in range(limits.AGENTS + 1):
        post.register(f"helper-{number}", agent(), "helper")
        post.end(f"helper-{number}")
    found = names(post)
    assert len(found) == limits.AGENTS + 1
    assert found[-1] == "main-1"


def test_an_agent_that_was_not_active_for_a_day_is_gone(open_here: Opener) -> None:
    open_here().register("a", agent(), "main")
    later = open_here(NOW + DAY + 1)
    assert later.agents(PROJECT)[1] == []
    assert later.send([letter(to="a", sender="b")]) == [GONE]
    assert later.look("a", {}) == UNKNOWN


def test_messages_arrive_in_the_order_of_their_sending(open_here: Opener) -> None:
    post = open_here()
    post.register("b", agent(), "main")
    assert post.look("b", {}) == 0
    assert post.send([letter("1"), letter("2"), letter("other", to="c")]) == [SENT, SENT, SENT]
    assert open_here().send([letter("3")]) == [SENT]
    assert post.look("b", {}) == 3
    assert texts(open_here()) == ["1", "2", "3"]
    assert post.look("b", {}) == 0
    assert texts(post) == []
    assert texts(post, "c") == ["other"]


def test_the_post_says_when_a_message_was_sent_and_until_when_it_waits(post: Post) -> None:
    post.send([letter(ttl=60)])
    message = read(post.take("b", 1).deliveries[0].text)
    assert (message.time("at"), message.time("expires")) == (MS, MS + 60_000)


def test_what_was_taken_and_not_settled_is_taken_again_before_what_came_after(open_here: Opener) -> None:
    post = open_here()
    post.register("b", agent(), "main")
    post.send([letter("1"), letter("2"), letter("3")])
    first = post.take("b", 2)
    assert (first.name, first.now) == ("main-1", MS)
    assert [(read(each.text)["text"], each.again) for each in first.deliveries] == [("1", False), ("2", False)]
    post.settle("b", [(first.deliveries[0].entry, "1")])
    post.send([letter("4")])

    again = open_here(NOW + 1).take("b", 10).deliveries

    assert [(read(each.text)["text"], each.again) for each in again] == [("2", True), ("3", False), ("4", False)]


def test_a_message_that_was_shown_is_never_taken_again_even_if_it_is_sent_again(post: Post) -> None:
    post.send([letter("once")])
    assert texts(post) == ["once"]
    post.send([letter("once"), letter("twice")])
    assert texts(post) == ["twice"]


def test_a_settled_message_without_an_id_leaves_the_inbox(post: Post) -> None:
    post.send([letter("x", id="")])
    (each,) = post.take("b", 1).deliveries
    post.settle("b", [(each.entry, "")])
    assert post.take("b", 1).deliveries == []


def test_a_message_to_an_agent_that_has_ended_is_not_taken_in(post: Post) -> None:
    post.register("b", agent(), "main")
    post.end("b")
    assert post.send([letter("late"), letter("other", to="c")]) == [GONE, SENT]
    assert post.take("b", 10).deliveries == []
    assert [read(text)["text"] for _, text in post.talk(PROJECT)] == ["other"]


def test_unread_messages_of_an_agent_that_ends_go_back_to_their_senders(open_here: Opener) -> None:
    post = open_here()
    post.register("a", agent(), "main")
    post.register("b", agent(), "main")
    post.send([letter("1"), letter("2")])
    open_here(NOW + 5).end("b")

    assert post.look("a", {}) == 2
    assert returned(post) == [("1", "ended"), ("2", "ended")]
    (first, _) = [read(each.text) for each in post.take("a", 2).deliveries]
    assert (first["from"], first["to"], first["seal"]) == ("a", "b", read_seal("1"))
    assert first.time("returned") == MS + 5_000


def read_seal(text: str) -> str:
    return read(letter(text).envelope.decode())["seal"]


def test_with_a_session_end_its_subagents(post: Post) -> None:
    for id_ in ("one", "helper"):
        post.register(id_, agent(session="one"), "main")
    post.register("a", agent(session="two"), "main")
    post.send([letter("x", to="helper")])
    post.end("one")
    assert [each["id"] for each in post.agents(PROJECT)[1] if not each.get("ended")] == ["a"]
    assert returned(post) == [("x", "ended")]


def test_what_nobody_reads_in_time_goes_back_with_the_next_look_of_anyone_in_the_project(open_here: Opener) -> None:
    post = open_here()
    post.register("a", agent(), "main")
    post.send([letter("short", ttl=10), letter("long", ttl=100)])
    assert open_here(NOW + 9).look("a", {}) == 0
    assert open_here(NOW + 11).look("a", {}) == 1
    assert returned(open_here(NOW + 12)) == [("short", "expired")]
    assert texts(open_here(NOW + 12)) == ["long"]


def test_an_expired_message_is_not_taken(open_here: Opener) -> None:
    open_here().send([letter("short", ttl=10), letter("long", ttl=100)])
    later = open_here(NOW + 11)
    assert texts(later) == ["long"]
    assert returned(later) == [("short", "expired")]


def test_a_hook_at_work_on_a_message_keeps_it_from_expiring(open_here: Opener) -> None:
    post = open_here()
    post.register("a", agent(), "main")
    post.send([letter("just in time", ttl=10)])
    (taken,) = open_here(NOW + 9.9).take("b", 1).deliveries
    assert open_here(NOW + 10.1).look("a", {}) == 0
    post.settle("b", [(taken.entry, "just in time")])
    assert open_here(NOW + DAY / 2).look("a", {}) == 0


def test_a_message_can_be_refused(post: Post) -> None:
    post.send([letter("from a stranger"), letter("from a friend")])
    refused, kept = post.take("b", 2).deliveries
    post.settle("b", [(kept.entry, "from a friend")], [(refused.entry, "refused")])
    assert returned(post) == [("from a stranger", "refused")]
    assert post.take("b", 2).deliveries == []


def test_what_came_back_does_not_come_back_again(open_here: Opener) -> None:
    post = open_here()
    post.register("a", agent(), "main")
    post.register("b", agent(), "main")
    post.send([letter("x")])
    post.end("b")
    (bounce,) = post.take("a", 1).deliveries
    post.settle("a", (), [(bounce.entry, "refused")])
    post.send([letter("y")])
    post.end("a")
    assert post.take("b", 9).deliveries == []
    assert post.take("a", 9).deliveries == []


def test_a_message_is_not_returned_to_a_sender_that_has_ended_too(post: Post) -> None:
    post.register("a", agent(), "main")
    post.send([letter("x")])
    post.end("a")
    post.end("b")
    assert post.take("a", 9).deliveries == []
    assert post.take("b", 9).deliveries == []


def test_a_notice_never_comes_back(post: Post) -> None:
    post.send([letter("x", kind="notice")])
    post.end("b")
    assert post.take("a", 9).deliveries == []


def test_a_full_inbox_refuses_more_and_loses_nothing(post: Post) -> None:
    assert post.send([letter(str(n)) for n in range(limits.INBOX)]) == [SENT] * limits.INBOX
    assert post.send([letter("one more")]) == [FULL]
    assert texts(post) == [str(n) for n in range(limits.INBOX)]
    assert post.send([letter("room again")]) == [SENT]


def test_a_full_inbox_takes_in_nothing_that_comes_back(post: Post) -> None:
    post.send([letter("x", to="b")])
    post.send([letter(str(n), to="a") for n in range(limits.INBOX)])
    post.register("b", agent(), "main")
    post.end("b")
    assert texts(post, "a") == [str(n) for n in range(limits.INBOX)]
    assert [read(text).bounce for _, text in post.talk(PROJECT)[-1:]] == ["ended"]


def test_a_few_large_messages_are_taken_at_a_time(post: Post) -> None:
    post.send([letter("x" * 65_000, id=str(n)) for n in range(12)])
    taken = post.take("b", 12).deliveries
    assert len(taken) == limits.TAKE // 65_000 + 1
    post.settle("b", [(each.entry, read(each.text)["id"]) for each in taken])
    assert [each.entry for each in post.take("b", 12).deliveries] > [each.entry for each in taken]


def test_an_agent_is_kept_from_stopping_only_so_often_in_a_row(post: Post) -> None:
    post.register("b", agent(), "main")
    post.send([letter(str(n)) for n in range(5)])
    assert post.look("b", {}, moment=STOP, most=2) == 5
    for waiting in (4, 3):
        (each,) = post.take("b", 1).deliveries
        post.settle("b", [(each.entry, read(each.text)["id"])], stopped=True)
        assert post.look("b", {}) == waiting
    assert post.look("b", {}, moment=STOP_AGAIN, most=2) == 0
    assert post.look("b", {}, moment=STOP, most=2) == 3
    assert post.look("b", {}, moment=STOP_AGAIN, most=2) == 3


@pytest.mark.parametrize("moment", [WORK, STOP, STOP_AGAIN])
def test_an_agent_that_was_shown_much_of_late_is_shown_more_a_minute_later(open_here: Opener, moment: str) -> None:
    post = open_here()
    post.register("b", agent(), "main")
    post.send([letter(str(n)) for n in range(4)])
    shown(post, limits.PACE // 2)
    assert post.look("b", {}, moment=moment, most=6) == 3
    later = open_here(NOW + 59)
    shown(later, limits.PACE // 2)
    assert later.look("b", {}, moment=moment, most=6) == 0
    much_later = open_here(NOW + 60)
    assert much_later.look("b", {}, moment=moment, most=6) == 2
    shown(much_later, 100)
    assert much_later.look("b", {}, moment=moment, most=6) == 1


def shown(post: Post, size: int) -> None:
    """One message is."""
    (each,) = post.take("b", 1).deliveries
    post.settle("b", [(each.entry, read(each.text)["id"])], size=size)


def test_an_agent_without_messages_ends_where_it_says_so(post: Post) -> None:
    post.register("b", agent(), "main")
    post.send([letter("wait")])
    assert post.look("b", {}, moment=STOP, most=6, ends=True) == 1
    assert texts(post) == ["wait"]
    assert post.look("b", {}, moment=STOP_AGAIN, most=6, ends=True) == 0
    assert post.send([letter("too late")]) == [GONE]
    assert post.agents(PROJECT)[1][0]["ended"] == str(MS)


def test_an_agent_that_may_not_be_kept_any_longer_ends_and_its_messages_go_back(post: Post) -> None:
    post.register("a", agent(), "main")
    post.register("b", agent(), "main")
    post.send([letter("x")])
    assert post.look("b", {}, moment=STOP_AGAIN, most=0, ends=True) == 0
    assert returned(post) == [("x", "ended")]


def test_an_agent_at_work_again_has_not_ended(post: Post) -> None:
    post.register("b", agent(), "main")
    post.end("b")
    assert post.look("b", {"tool": "Bash"}) == 0
    assert post.send([letter()]) == [SENT]


@pytest.mark.parametrize(("seconds", "met"), [(0, True), (300, True), (301, False)])
def test_two_live_agents_meet_at_a_file_they_edit_within_five_minutes(
    open_here: Opener, seconds: int, met: bool
) -> None:
    post = open_here()
    post.register("a", agent(), "main")
    post.register("b", agent(), "reviewer")
    assert [(each.id, each.ago) for each in post.edited("a", "place")] == [("a", 0)]
    later = open_here(NOW + seconds)
    assert [(each.id, each.name, each.ago) for each in later.edited("b", "place")] == [
        ("b", "reviewer-1", 0),
        *[("a", "main-1", seconds * 1000)] * met,
    ]


def test_agents_meet_once_at_a_file_and_again_later(open_here: Opener) -> None:
    post = open_here()
    for id_ in "abc":
        post.register(id_, agent(), "main")
    post.edited("a", "place")
    assert others(post, "b", "place") == ["a"]
    assert others(post, "a", "place") == []
    assert others(post, "a", "elsewhere") == []
    assert others(post, "b", "elsewhere") == ["a"]
    assert others(post, "c", "place") == ["a", "b"]
    later = open_here(NOW + 302)
    assert others(later, "a", "place") == []
    assert others(later, "b", "place") == ["a"]


def others(post: Post, id_: str, place: str) -> list[str]:
    return sorted(each.id for each in post.edited(id_, place)[1:])


def test_nobody_meets_an_agent_that_has_ended_or_was_never_there(post: Post) -> None:
    post.register("a", agent(), "main")
    post.register("b", agent(), "main")
    post.edited("a", "place")
    post.end("a")
    assert others(post, "b", "place") == []
    assert post.edited("stranger", "place") == []
    assert others(post, "b", "place") == []


def test_the_talk_of_a_project_is_told_from_a_mark_on(post: Post) -> None:
    post.send([letter("1"), letter("2")])
    said = post.talk(PROJECT)
    assert [read(text)["text"] for _, text in said] == ["1", "2"]
    assert post.talk(PROJECT, said[-1][0]) == []
    post.end("b")
    assert [read(text).bounce for _, text in post.talk(PROJECT, said[-1][0])] == ["ended", "ended"]
    assert post.talk("another") == []


@pytest.mark.parametrize("text", ["Grüße\n\u2028 \x1b[0m", '"}{', "\\u0000", "x" * 4_000, "\U0001f600"])
def test_any_text_arrives_as_it_was_sent(post: Post, text: str) -> None:
    post.send([letter(text, id="1")])
    assert texts(post) == [text]
