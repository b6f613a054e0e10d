"""Both journals make the same of any records, in any order and told any number of times."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillcache.sessions.delivery import open_journal
from skillcache.sessions.journal import DAY, History, Journal, Question
from tests.conftest import RedisServer
from tests.sessions.conftest import MS, NOW, PROJECT, TTL, Teller, bash, edit, end, prompt, reply, start, todo, tool

NAMES = st.sampled_from(["one", "two"])
WORDS = st.sampled_from(["a", "b", "é 漢字", "x" * 700])
EVENTS = st.one_of(
    st.builds(start, NAMES, st.sampled_from(["startup", "resume", "compact"])),
    st.builds(prompt, WORDS, NAMES),
    st.builds(edit, WORDS, NAMES),
    st.builds(lambda text, name, code: bash(text, name, status=code), WORDS, NAMES, st.integers(0, 2)),
    st.builds(lambda text, name: todo(("pending", text), ("completed", "done"), session=name), WORDS, NAMES),
    st.builds(
        lambda id_, name: tool("TaskCreate", {}, {"task": {"id": id_, "subject": id_}}, session=name),
        st.sampled_from(["1", "2"]),
        NAMES,
    ),
    st.builds(
        lambda id_, status, name: tool("TaskUpdate", {"taskId": id_, "status": status}, {}, session=name),
        st.sampled_from(["1", "2"]),
        st.sampled_from(["completed", "in_progress", "deleted"]),
        NAMES,
    ),
    st.builds(reply, WORDS, NAMES),
    st.builds(end, NAMES),
)


def shape(history: History | None) -> object:
    assert history is not None
    pasts = [(past.id, past.state, past.log, sorted(past.files), past.tasks) for past in history.sessions]
    return pasts, history.edited


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENTS, min_size=1, max_size=20), data=st.data())
def test_both_say_the_same(redis_server: RedisServer, events: list[object], data: st.DataObject) -> None:
    days = data.draw(st.integers(-1, 8))
    lines = Teller().lines(*events)  # type: ignore[arg-type]
    told = data.draw(st.permutations(lines)) + data.draw(st.lists(st.sampled_from(lines), max_size=5))
    cut = data.draw(st.integers(0, len(told)))
    redis_server.command("FLUSHALL")
    question = Question(PROJECT, branch="main", own="one", edited=3, now=MS + days * DAY)

    def play(journal: Journal) -> tuple[object, object]:
        try:
            between = journal.tell(told[:cut], question, told[cut:], ttl=TTL)
            return shape(between), shape(journal.tell((), question, ttl=TTL))
        finally:
            journal.close()

    with tempfile.TemporaryDirectory() as folder:
        embedded = play(open_journal(f"embedded:{folder}/store.sqlite3", now=NOW, patient=True))
    assert play(open_journal(redis_server.url, now=NOW, patient=True)) == embedded


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENTS, min_size=1, max_size=15), data=st.data())
def test_the_state_does_not_depend_on_the_order(
    redis_server: RedisServer, events: list[object], data: st.DataObject
) -> None:
    lines = Teller().lines(*events)  # type: ignore[arg-type]
    orders = [lines, data.draw(st.permutations(lines))]
    found = []
    for order in orders:
        redis_server.command("FLUSHALL")
        journal = open_journal(redis_server.url, now=NOW, patient=True)
        history = journal.tell(order, Question(PROJECT), ttl=TTL)
        journal.close()
        assert history is not None
        found.append([(past.id, past.state, sorted(past.files)) for past in history.sessions])
    assert found[0] == found[1]


@pytest.mark.parametrize("store", ["embedded", "redis"])
def test_a_session_stands_where_its_last_record_puts_it(store: str, redis_server: RedisServer, tmp_path: Path) -> None:
    """Also where that was told before the one that names its project."""
    first, second, third, last = Teller().lines(start("two"), start("one"), start("one"), end("two"))
    url = redis_server.url if store == "redis" else f"embedded:{tmp_path}/store.sqlite3"
    for order in ([first, second, third, last], [last, third, second, first], [third, last, first, second]):
        redis_server.command("FLUSHALL")
        (tmp_path / "sessions.sqlite3").unlink(missing_ok=True)
        journal = open_journal(url, now=NOW, patient=True)
        history = journal.tell(order, Question(PROJECT), ttl=TTL)
        journal.close()
        assert history is not None
        assert [past.id for past in history.sessions] == ["two", "one"]
