"""One suite for both journals: what `skillcache.sessions.journal.Journal` promises."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from skillcache.sessions import journal as limits
from skillcache.sessions.journal import Journal, Past, Question, SessionRecord, encode
from skillcache.sessions.signed import SignedJournal
from skillcache.stores.contract import EMBEDDED
from skillcache.stores.signed import Key, Keys
from tests.sessions.conftest import (
    MS,
    PROJECT,
    TTL,
    Teller,
    bash,
    edit,
    end,
    prompt,
    reply,
    start,
    todo,
    tool,
)


def ask(journal: Journal, **more: object) -> list[Past]:
    history = journal.tell((), Question(PROJECT, **more), ttl=TTL)  # type: ignore[arg-type]
    assert history is not None
    return history.sessions


def the_one(journal: Journal) -> Past:
    (past,) = ask(journal)
    return past


def kinds(past: Past) -> list[str]:
    """The kinds of the log's entries, oldest first."""
    return [json.loads(entry)["kind"] for entry in past.log[::-1]]


def test_an_empty_journal_knows_nothing(journal: Journal) -> None:
    assert ask(journal, branch="main", own="nobody") == []
    assert journal.past("nobody", 10) is None


def test_what_was_told_is_known_to_others(open_here: Callable[..., Journal], teller: Teller) -> None:
    told = teller.lines(
        start(),
        prompt("make it faster"),
        edit("a.py"),
        edit("a.py"),
        edit("b.py"),
        bash("pytest", status=2),
        reply("ok"),
    )
    open_here().tell(told, ttl=TTL)

    past = the_one(open_here())

    assert past.id == "one"
    assert past.state["prompt"] == "make it faster"
    assert past.state["reply"] == "ok"
    assert past.state["prompts"] == "1"
    assert past.state["branch"] == "main"
    assert past.state["failed"] == "pytest"
    assert past.state["started"] == str(MS + 1000)
    assert past.state["active"] == str(MS + 7000)
    assert past.files == [("a.py", 2), ("b.py", 1)]
    assert kinds(past) == ["start", "prompt", "edit", "edit", "edit", "command", "reply"]


def test_a_question_is_answered_between_what_is_told_before_and_after_it(journal: Journal, teller: Teller) -> None:
    before, after = teller.lines(start(), prompt("later"))

    history = journal.tell([before], Question(PROJECT), [after], ttl=TTL)

    assert history is not None
    assert [past.state.get("prompt") for past in history.sessions] == [None]
    assert the_one(journal).state["prompt"] == "later"


def test_a_record_told_again_counts_once(open_here: Callable[..., Journal], teller: Teller) -> None:
    told = teller.lines(start(), prompt("once"), edit("a.py"))
    open_here().tell(told, ttl=TTL)
    open_here().tell(told + told, ttl=TTL)

    past = the_one(open_here())

    assert past.files == [("a.py", 1)]
    assert past.state["prompts"] == "1"
    assert kinds(past) == ["start", "prompt", "edit"]


def test_what_comes_late_overwrites_nothing_newer(journal: Journal, teller: Teller) -> None:
    early = teller.lines(start(), prompt("old"), reply("old"), todo(("pending", "old")))
    late = teller.lines(prompt("new"), reply("new"), todo(("completed", "new")))
    journal.tell(late, ttl=TTL)
    journal.tell(early, ttl=TTL)

    past = the_one(journal)

    assert (past.state["prompt"], past.state["reply"]) == ("new", "new")
    assert past.tasks == {"0000": "new", "0000:status": "completed"}
    assert past.state["active"] == str(teller.at)


def test_an_empty_text_takes_a_field_away(journal: Journal, teller: Teller) -> None:
    teller.process = {"pid": "7"}
    journal.tell(teller.lines(start()), ttl=TTL)
    assert the_one(journal).state["pid"] == "7"
    teller.process = {}
    journal.tell(teller.lines(start(source="resume")), ttl=TTL)
    assert "pid" not in the_one(journal).state


def test_tasks_are_made_changed_and_listed_anew(journal: Journal, teller: Teller) -> None:
    first = tool("TaskCreate", {"subject": "first"}, {"task": {"id": "1", "subject": "first"}})
    second = tool("TaskCreate", {"subject": "second"}, {"task": {"id": "2", "subject": "second"}})
    done = tool("TaskUpdate", {"taskId": "1", "status": "completed"}, {"success": True})
    renamed = tool("TaskUpdate", {"taskId": "2", "subject": "last"}, {"success": True})
    journal.tell(teller.lines(start(), first, second, done, renamed), ttl=TTL)
    assert the_one(journal).tasks == {"1": "first", "1:status": "completed", "2": "last", "2:status": "pending"}
    journal.tell(teller.lines(todo(("in_progress", "only"))), ttl=TTL)
    assert the_one(journal).tasks == {"0000": "only", "0000:status": "in_progress"}


def test_a_session_is_found_in_its_project_only(journal: Journal, teller: Teller) -> None:
    other = Teller(project="example.org/other")
    journal.tell(teller.lines(start("here")) + other.lines(start("there")), ttl=TTL)
    assert [past.id for past in ask(journal)] == ["here"]


def test_sessions_come_by_last_activity_and_the_asking_one_first(journal: Journal, teller: Teller) -> None:
    journal.tell(teller.lines(start("a"), start("b"), start("c"), edit("x", "a")), ttl=TTL)
    assert [past.id for past in ask(journal)] == ["a", "c", "b"]
    assert [past.id for past in ask(journal, own="b")] == ["b", "a", "c"]
    assert [past.id for past in ask(journal, sessions=2)] == ["a", "c"]


@pytest.mark.parametrize("signed", [False, True])
def test_details_are_given_of_the_branch_of_the_newest_and_of_the_asking_one(
    journal: Journal, teller: Teller, target: str, tmp_path: Path, *, signed: bool
) -> None:
    if signed:
        if target.startswith(EMBEDDED):
            pytest.skip("an embedded store is one person's")
        journal = SignedJournal(journal, Keys([Key(b"k" * 32)], cache=str(tmp_path), environ={}))
    other = Teller(teller.at + 100_000, branch="feature")
    journal.tell(teller.lines(start("a"), start("b"), start("c")) + other.lines(start("d"), start("e")), ttl=TTL)

    detailed = [past.id for past in ask(journal, branch="main", own="a", near=1, any=1) if past.log]

    assert detailed == ["a", "e", "c"]


def test_of_a_long_history_only_a_bounded_part_is_read(journal: Journal, teller: Teller) -> None:
    names = [f"s{number}" for number in range(16)]
    for name in names:
        journal.tell(teller.lines(start(name), *[edit("a", name)] * 90), ttl=TTL)
    found = ask(journal, branch="main", own="new")
    assert [past.id for past in found] == names[::-1][:12]
    assert [len(past.log) for past in found] == [80, 80, 80] + [0] * 9


def test_the_log_is_given_newest_first_and_no_longer_than_asked_for(journal: Journal, teller: Teller) -> None:
    journal.tell(teller.lines(start(), *(bash(f"echo {number}") for number in range(9))), ttl=TTL)
    past = journal.past("one", 3)
    assert past is not None
    assert [json.loads(entry)["text"] for entry in past.log] == ["echo 8", "echo 7", "echo 6"]


def test_the_caps_hold(journal: Journal, teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FILES", 3)
    monkeypatch.setattr(limits, "TASKS", 3)
    monkeypatch.setattr(limits, "SESSIONS", 2)
    tasks = [tool("TaskCreate", {}, {"task": {"id": str(n), "subject": "s"}}) for n in range(6)]
    files = [edit(f"{n}.py") for n in range(6)] + [edit("0.py"), edit("5.py")]
    journal.tell(teller.lines(start("a"), start("b"), start("one"), *tasks, *files), ttl=TTL)

    found = ask(journal)

    assert [past.id for past in found] == ["one", "b"]
    assert len(found[0].files) == 3
    assert len(found[0].tasks) == 6
    assert journal.past("a", 1) is None


def test_the_log_is_capped(journal: Journal, teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOG", 100)
    journal.tell(teller.lines(start(), *(bash(f"echo {number}") for number in range(450))), ttl=TTL)
    past = journal.past("one", 1000)
    assert past is not None
    assert 100 <= len(past.log) <= 200  # a server trims whole nodes of its stream
    assert json.loads(past.log[0])["text"] == "echo 449"


def test_a_session_can_be_put_back_as_it_was(journal: Journal, teller: Teller) -> None:
    told = teller.lines(
        start(), prompt("é 漢字 🎉"), edit("a.py"), edit("a.py"), bash("make"), todo(("pending", "t")), end()
    )
    journal.tell(told, ttl=TTL)
    whole = journal.past("one", 1000)
    assert whole is not None
    assert journal.forget("one", PROJECT)
    assert ask(journal) == []

    journal.restore(whole, project=PROJECT, at=teller.at, ttl=TTL)

    again = the_one(journal)
    assert (again.state, again.log, again.files, again.tasks) == (whole.state, whole.log, whole.files, whole.tasks)


MONTH = 30 * 86_400


def edits_of_days(*days: tuple[int, str, int, str]) -> list[bytes]:
    """Of a session, so many days ago, of a path, so many."""
    lines = []
    for ago, session, count, path in days:
        teller = Teller(MS - ago * limits.DAY, branch=f"{session}-{ago}-{path}")
        lines += teller.lines(start(session), *[edit(path, session)] * count)
    return lines


def edited(journal: Journal, now: int = MS + 60_000, most: int = 20) -> list[tuple[str, int]]:
    history = journal.tell((), Question(PROJECT, edited=most, now=now), ttl=MONTH)
    assert history is not None
    return history.edited


def test_the_files_edited_most_weigh_half_of_it_for_each_day(journal: Journal) -> None:
    days = [(6, "a", 9, "old.py"), (7, "a", 99, "older.py"), (3, "b", 2, "x.py"), (0, "c", 1, "x.py")]
    journal.tell(edits_of_days(*days, (1, "c", 2, "y.py"), (0, "c", 1, "z.py")), ttl=MONTH)
    assert edited(journal) == [("x.py", 80), ("y.py", 64), ("z.py", 64), ("old.py", 9)]
    assert edited(journal, most=2) == [("x.py", 80), ("y.py", 64)]
    assert edited(journal, MS + limits.DAY) == [("x.py", 40), ("y.py", 32), ("z.py", 32)]
    assert edited(journal, MS + 7 * limits.DAY) == []
    assert edited(journal, most=0) == []


def test_edits_of_another_project_or_a_forgotten_session_do_not_count(journal: Journal) -> None:
    other = Teller(project="example.org/other")
    journal.tell(other.lines(start("there"), edit("theirs.py", "there")), ttl=MONTH)
    journal.tell(edits_of_days((0, "a", 1, "a.py"), (0, "b", 1, "b.py")), ttl=MONTH)
    journal.forget("b", PROJECT)
    assert edited(journal) == [("a.py", 64)]


def test_a_session_that_is_put_back_has_edited_on_its_last_day(journal: Journal) -> None:
    journal.tell(edits_of_days((2, "a", 3, "a.py")), ttl=MONTH)
    whole = journal.past("a", 1000)
    assert whole is not None
    journal.restore(whole, project=PROJECT, at=MS, ttl=MONTH)
    assert edited(journal) == [("a.py", 48)]


def test_the_files_of_days_are_capped(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days that nobody asks about make room."""
    monkeypatch.setattr(limits, "DAYS", 3)
    journal.tell(edits_of_days((8, "a", 1, "old.py"), (0, "a", 1, "1"), (0, "a", 1, "2")), ttl=MONTH)
    assert edited(journal) == [("1", 64), ("2", 64)]
    journal.tell(edits_of_days(*((0, "a", 1, str(number)) for number in range(2, 6))), ttl=MONTH)
    assert edited(journal) == [("1", 64), ("2", 64), ("3", 64)]


def test_forgetting_tells_whether_there_was_anything(journal: Journal, teller: Teller) -> None:
    journal.tell(teller.lines(start(), edit("a.py")), ttl=TTL)
    assert journal.forget("one", PROJECT)
    assert not journal.forget("one", PROJECT)
    assert journal.past("one", 5) is None


def test_notes_are_kept_until_they_are_removed(journal: Journal) -> None:
    journal.add_note(PROJECT, "n1", "first")
    journal.add_note(PROJECT, "n2", "é 漢字")
    journal.add_note("example.org/other", "n1", "not ours")
    history = journal.tell((), Question(PROJECT), ttl=TTL)
    assert history is not None
    assert history.notes == {"n1": "first", "n2": "é 漢字"}
    assert journal.remove_note(PROJECT, "n1")
    assert not journal.remove_note(PROJECT, "n1")


@pytest.mark.parametrize("text", ["", "\x00\r\n$-1\r\n", "'); drop table log; --", "a" * 200_000, "\udcff", "]]><x>"])
def test_any_text_is_kept_or_replaced_but_harms_nothing(journal: Journal, text: str) -> None:
    record = SessionRecord("r", "one", MS)
    record.project = PROJECT
    record.state["prompted"] = {"prompt": text or "-"}
    record.log = {"kind": "prompt", "text": text}
    record.files = [text or "-"]
    journal.tell([encode(record).replace(b"\\udcff", b"\\ufffd")], ttl=TTL)
    assert json.loads(the_one(journal).log[0])["text"] == text.replace("\udcff", "\ufffd")
