from __future__ import annotations

import sqlite3
import time

import pytest

from skillcache.cache import history
from skillcache.cli.invalidate import EmbeddedContents, empty
from skillcache.core import counts, outcomes
from skillcache.core.outcomes import REPLAYED
from skillcache.stores import open_store
from skillcache.stores.contract import NAMES_KEY, entry_key, generation_key, record_key
from tests.cli.conftest import Person


def fill(target: str, count: int = 3) -> None:
    """Results of ten bytes behind their stamp, and what else lies in a store."""
    store = open_store(target, now=time.time())
    store.invalidate("pytest")
    for number in range(count):
        value = b"%016d" % 5 + b"0123456789"
        key = entry_key("pytest", f"{number:040x}")
        assert store.put(key, value, ttl=600, started=5, names=("pytest",), generations=(1,))
    store.write(record_key("latest", "pytest:1"), b"0" * 40, 600)
    store.close()


def place(person: Person) -> str:
    return f"the embedded store {person.cache}/store.sqlite3"


def test_removes_the_results_and_keeps_the_generations(person: Person) -> None:
    target = f"embedded:{person.cache}/store.sqlite3"
    fill(target)

    ran = person.skillcache("clear", "--yes")

    assert ran == (0, f"{place(person)} is empty: 3 results removed.\n", "")
    store = open_store(target, now=time.time())
    found = store.get(entry_key("pytest", f"{0:040x}"), ("pytest",))
    assert (found.entry, found.generations) == (None, (1,))
    assert store.read((record_key("latest", "pytest:1"),)) == (None,)
    store.close()


def test_asks_first_and_says_what_would_go(person: Person) -> None:
    fill(f"embedded:{person.cache}/store.sqlite3")

    refused = person.skillcache("clear", answer="n\n")

    question = f"Remove 3 results (78 bytes) from {place(person)}? [y/N]: "
    assert refused == (1, f"{question}Nothing was removed.\n", "")
    assert person.skillcache("clear", answer="y\n") == (
        0,
        f"{question}{place(person)} is empty: 3 results removed.\n",
        "",
    )


def test_without_an_answer_nothing_is_removed(person: Person) -> None:
    fill(f"embedded:{person.cache}/store.sqlite3")

    ran = person.skillcache("clear")

    assert ran.status == 130
    assert person.skillcache("clear", answer="n\n").out.startswith("Remove 3 results")


def test_an_empty_cache_can_be_cleared(person: Person) -> None:
    assert person.skillcache("clear", "--yes") == (0, f"{place(person)} is empty: 0 results removed.\n", "")
    assert person.files() == {}


def test_forgets_durations_but_not_the_counts(person: Person) -> None:
    cache = str(person.cache)
    now = time.time()
    history.learn(cache, "/project", "pytest", 5_000)
    outcomes.record(cache, now, REPLAYED)

    empty(cache, EmbeddedContents(f"{cache}/store.sqlite3"))

    assert history.learnt(cache, "/project", "pytest") is None
    assert len(counts.read(cache)) == 1


def test_a_damaged_store_is_one_clear_line_with_the_way_out(person: Person) -> None:
    person.cache.mkdir(parents=True, mode=0o700)
    path = person.cache / "store.sqlite3"
    path.write_bytes(b"not a database, however long one looks at it" * 100)

    ran = person.skillcache("clear", "--yes")

    assert ran.status == 1
    assert ran.err == (
        f"skillcache: the embedded store {path}: a file of ours could not be written or read: file is not a database."
        f" Mend: rm {path}, in whose place the next call puts a new one\n"
    )


def test_a_store_that_another_process_writes_is_waited_for(person: Person) -> None:
    target = f"embedded:{person.cache}/store.sqlite3"
    fill(target)
    with sqlite3.connect(f"{person.cache}/store.sqlite3") as reader:
        reader.execute("SELECT * FROM entries").fetchone()

        assert person.skillcache("clear", "--yes").status == 0
    reader.close()


def test_in_redis_only_our_own_keys_go(person: Person, request: pytest.FixtureRequest) -> None:
    redis = pytest.importorskip("redis")
    url = request.getfixturevalue("redis_server").url
    client = redis.Redis.from_url(url)
    others = ["skill_cache", "skill_session:1", "team:cache:t:pytest:1", "user:1", generation_key("pytest")]
    for key in others[:-1]:
        client.set(key, "theirs")
    fill(url, 1_203)
    person.variables["SKILLCACHE_REDIS_URL"] = url

    ran = person.skillcache("clear", "--yes")

    assert ran.status == 0
    assert ran.out.endswith(" is empty: 1,203 results removed.\n")
    assert sorted(map(bytes.decode, client.keys("*"))) == sorted([*others, NAMES_KEY])
    client.close()


def test_what_a_team_shares_stays(person: Person) -> None:
    target = f"embedded:{person.cache}/store.sqlite3"
    fill(target, 1)
    store = open_store(target, now=time.time())
    shared = entry_key("pytest", "0" * 40, "acme")
    assert store.put(shared, b"%016d" % 5 + b"text", ttl=600, started=5, names=(), generations=())

    assert person.skillcache("clear", "--yes").out.endswith(" is empty: 1 result removed.\n")
    assert store.get(shared, ()).entry is not None
    store.close()


def test_a_redis_that_is_not_there_is_one_clear_line_without_its_password(person: Person) -> None:
    person.variables["SKILLCACHE_REDIS_URL"] = "redis://:hunter2@127.0.0.1:1/3"

    ran = person.skillcache("clear", "--yes")

    assert ran == (
        1,
        "",
        (
            "skillcache: Redis at 127.0.0.1:1, database 3: the store could not be reached: ECONNREFUSED."
            " Mend: start the server, or correct SKILLCACHE_REDIS_URL. Check with: skillcache doctor\n"
        ),
    )
