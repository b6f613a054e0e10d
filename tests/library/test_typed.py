"""What people type first: bare, methods, classmethods, partials, values of any type, and one call by itself."""

from __future__ import annotations

import asyncio
import copy
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr, field_validator

from skillcache import SkillCache, cached
from skillcache.library.codec import held_by
from skillcache.stores import open_store
from skillcache.stores.contract import MAX_TTL
from tests.library import holding, results, typed
from tests.library.conftest import Cache
from tests.library.typed import Client, Colour, Other, Page, Point, Report, Site


@pytest.fixture(autouse=True)
def in_force(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if url.startswith("embedded:"):
        monkeypatch.setenv("SKILLCACHE_HOME", str(Path(url.removeprefix("embedded:")).parent))
        for name in ("SKILLCACHE_REDIS_URL", "REDIS_URL", "REDIS_HOST"):
            monkeypatch.delenv(name, raising=False)
    else:
        monkeypatch.setenv("SKILLCACHE_REDIS_URL", url)
    typed.RUNS.clear()


def once(call: Callable[[], Any]) -> Any:
    """What the call gives the second time, when it does not run."""
    call()
    runs = len(typed.RUNS)
    given = call()
    assert len(typed.RUNS) == runs
    return given


def test_a_bare_decorator_is_enough() -> None:
    assert once(lambda: typed.bare("Paris")) == {"Paris": 7}
    assert typed.bare(days=7, city="Paris") == {"Paris": 7}
    assert typed.RUNS == ["Paris"]


def test_results_come_back_as_what_they_were() -> None:
    given = once(lambda: typed.report("Paris", date(2024, 1, 1)))
    assert given == Report("Paris", date(2024, 1, 1))
    assert type(given) is Report
    page = once(lambda: asyncio.run(typed.fetched(None, "x")))
    assert page == Page(url="x", read=datetime(2024, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("name", typed.VALUES)
def test_values_of_every_type_come_back(cache: Cache, name: str) -> None:
    value, kind = typed.VALUES[name], typed.TYPES[name]
    assert cache.fetch("typed", name, lambda: value, type=kind) == (value, False)
    again = cache.fetch("typed", name, lambda: None, type=kind)
    assert again == (value, True)
    assert type(again.data) is type(value)
    cache.set("set", name, [value], type=list[kind])  # type: ignore[valid-type]
    assert cache.get("set", name, type=list[kind]) == [value]  # type: ignore[valid-type]


def test_methods_depend_on_their_object() -> None:
    assert once(lambda: Site("a").read(1)) == ("a", 1)
    assert Site("b").read(1) == ("b", 1)
    assert Other("a").read(1) == ("a", 1)
    assert typed.RUNS == [1, 1, 1]  # an object of another class is another object
    assert once(lambda: Site("c").shared(5)) == Site("d").shared(5)
    assert typed.RUNS[3:] == [5]


def test_classmethods_depend_on_their_class() -> None:
    assert [once(lambda: Site.named("x")), once(lambda: Other.named("x"))] == ["Site x", "Other x"]
    assert once(lambda: Site.total(1, 2)) == Site.total(one=1, two=2) == 3
    assert Site("a").total(1, 2) == 3  # type: ignore[call-arg]
    above: Any = classmethod(lambda _: 1)
    with pytest.raises(TypeError, match="@cached stands beneath @classmethod"):
        cached(above)


def test_partials_are_calls_of_their_function() -> None:
    assert once(lambda: typed.add_one(2)) == 3
    assert typed.add(1, 2) == typed.add_one(two=2) == 3
    assert typed.RUNS == [1]
    bound = cached(ignore="self")(Site("a").shared.__wrapped__.__get__(Site("a")))  # type: ignore[attr-defined]
    assert bound.key(1) == Site.shared.key(Site("b"), 1)


def test_what_is_ignored_does_not_matter() -> None:
    client = Client()
    asyncio.run(typed.fetched(client, "x"))
    asyncio.run(typed.fetched(None, "x"))
    assert [client] == typed.RUNS
    with pytest.raises(ValueError, match="_add has no argument three to ignore"):
        cached(ignore=["one", "three"])(typed._add)
    with pytest.raises(ValueError, match="nothing to ignore"):
        cached(ignore="one", key=lambda *_: 1)


ARGUMENTS: list[Any] = [
    *(None, True, False, 0, 1, 1.0, -0.0, 0.0, 1.5, float("inf"), float("nan"), 2**60, -(2**60), 1j),
    *("", "1", b"", b"1", (), (1,), [1], [(1,)], {}, {"a": 1}, {1: "a"}, {"1": "a"}, {"$int": "1"}, {"$dict": []}),
    *(set(), {1}, frozenset({1}), Decimal("1.0"), Decimal("1.00"), date(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)),
    *(datetime(2024, 1, 1), timedelta(1), Path("a"), Colour.RED, Point(1, 2.0), Colour, Point, Site("a"), Other("a")),  # noqa: DTZ001
    *(Report("a", date(2024, 1, 1)), Page(url="a", read=datetime(2024, 1, 1, tzinfo=UTC))),
]


def test_other_arguments_have_other_results() -> None:
    keys = [typed.anything.key(each) for each in ARGUMENTS]
    assert len(set(keys)) == len(keys)
    assert [typed.anything.key(each) for each in ARGUMENTS] == keys
    for each in (1.0, (1,), {"$int": "1"}, 2**60):
        assert once(lambda each=each: typed.anything(each)) == repr(each)  # type: ignore[misc]


@pytest.mark.parametrize("given", [Client(), [Client()], {"a": Client()}, len, Site(Client())])  # type: ignore[arg-type]
def test_an_argument_that_is_no_value_is_refused_before_the_work(given: object) -> None:
    with pytest.raises(TypeError, match=r"the argument given.* is a .*no value: leave it out of the key with ignore="):
        typed.anything(given)
    assert typed.RUNS == []


@pytest.mark.parametrize("group", holding.APART)
def test_a_value_is_known_by_all_that_it_holds(group: list[Any]) -> None:
    keys = [typed.anything.key(each) for each in group]
    assert len(set(keys)) == len(keys)
    assert [typed.anything.key(copy.deepcopy(each)) for each in group] == keys


@pytest.mark.parametrize(("given", "said"), holding.REFUSED)
def test_what_holds_more_than_can_be_told_is_refused(given: object, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        typed.anything(given)
    assert typed.RUNS == []


def test_the_order_of_names_is_known_where_it_is_seen() -> None:
    @cached(skill="names")
    def names(one: int = 1, two: int = 2, **more: int) -> list[str]:
        return [str(one), str(two), *more]

    assert names.key(one=1, two=2) == names.key(two=2, one=1) == names.key()
    assert names.key(a=1, b=2) != names.key(b=2, a=1)
    assert names.key(a=1, one=1, b=2) == names.key(a=1, b=2)


class Loose(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    client: Client


class Raw(BaseModel):
    data: bytes


@dataclass
class Job:
    name: str
    clients: list[Client]


@dataclass
class Task:
    job: Job


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Client, "its result is a Client"),
        (list[Client], r"\[\] is a Client"),
        (Job, r"clients\[\] is a Client"),
        (dict[str, Task], r"\[\]\.job\.clients\[\] is a Client"),
        (Loose, "client is a Client"),
        (Callable[[], int], "its result is a callable"),
        (Iterator[int], "its result is a "),
    ],
)
def test_a_type_that_cannot_be_kept_is_refused_before_the_work(cache: Cache, kind: Any, said: str) -> None:
    def work() -> object:
        raise AssertionError("it was done")

    work.__annotations__["return"] = kind
    with pytest.raises(TypeError, match=rf"work\(\) cannot be kept: {said}"):
        cached(skill="work")(work)()
    with pytest.raises(TypeError, match=f"work cannot be kept: {said}"):
        cache.fetch("work", 1, work, type=kind)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (dict[str, Report], {"a": 1}, r"otherwise|cannot give back"),
        (list[object], [(1, 2)], r"at \[0\]"),
        (tuple[int, ...], [1, 2], "otherwise: the whole"),
        (Decimal, 1, "otherwise: the whole"),
        (SecretStr, SecretStr("x"), "otherwise: the whole"),
        (Raw, Raw(data=b"\xff"), "a model's bytes need ser_json_bytes"),
        (None, {"a": [1, (2,)]}, re.escape("tuple is not JSON: (2,), at ['a'][1]")),
    ],
)
def test_what_would_come_back_otherwise_is_refused(cache: Cache, kind: Any, value: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        cache.fetch("work", 1, lambda: value, type=kind)
    assert cache.get("work", 1, "nothing") == "nothing"


@pytest.mark.parametrize(("kind", "value"), results.COME_BACK)
def test_results_come_back_with_all_that_they_hold(cache: Cache, kind: Any, value: Any) -> None:
    held = held_by(value)
    cache.fetch("work", 1, lambda: value, type=kind)
    again = cache.get("work", 1, "nothing", type=kind)
    assert type(again) is type(value)
    assert repr(again) == repr(value).replace("datetime.timezone.utc", "TzInfo(0)") or again == value
    assert {name: each for name, each in held.items() if name != "twice"} == held_by(again)


@pytest.mark.parametrize(("kind", "value", "where"), results.OTHERWISE)
def test_what_would_lose_something_is_refused(cache: Cache, kind: Any, value: Any, where: str) -> None:
    with pytest.raises(TypeError, match=rf"gave a value that would come back otherwise: {where}$"):
        cache.fetch("work", 1, lambda: value, type=kind)
    assert cache.get("work", 1, "nothing", type=kind) == "nothing"


class Account(BaseModel):
    name: str
    age: int

    @field_validator("name")
    @classmethod
    def check(cls, name: str) -> str:
        if name != "ann":
            raise ValueError(f"what is {name}")
        return name


def test_what_is_refused_is_not_repeated(cache: Cache) -> None:
    """A value may be a secret, and an error goes into logs."""
    with pytest.raises(TypeError) as caught:
        cache.fetch("work", 1, lambda: Account.model_construct(name="hunter2", age="swordfish"), type=Account)
    assert str(caught.value) == "work gave what its type cannot give back: name: value_error; age: int_parsing"
    assert caught.value.__cause__ is None


def test_what_is_stored_of_another_type_is_no_hit(cache: Cache) -> None:
    cache.set("work", 1, "text")
    assert cache.get("work", 1, "nothing", type=date) == "nothing"
    assert cache.fetch("work", 1, lambda: date(2024, 1, 1), type=date) == (date(2024, 1, 1), False)


@pytest.mark.parametrize(
    ("ttl", "seconds"),
    [(90, 90), ("45s", 45), ("1h30m", 5400), ("7d", 604_800), (timedelta(minutes=2), 120), (None, MAX_TTL)],
)
def test_a_time_to_live_is_written_as_people_do(url: str, cache: Cache, ttl: Any, seconds: int) -> None:
    key = cache.set("work", 1, "x", ttl)
    cache.fetch("work", 2, lambda: "x", ttl)
    store = open_store(url, now=time.time() + seconds - 10)
    assert store.get(key, ("work",)).entry is not None
    store.close()
    if url.startswith("embedded:"):
        store = open_store(url, now=time.time() + seconds + 10)
        assert store.get(key, ("work",)).entry is None
        store.close()


@pytest.mark.parametrize("ttl", ["", "60", "1 h", "h", "-1h", "0s", "1.5h", timedelta(0), timedelta(-1)])
def test_a_time_to_live_that_is_none_is_refused(cache: Cache, ttl: Any) -> None:
    for call in (lambda: cache.set("work", 1, 1, ttl), lambda: SkillCache(ttl=ttl), lambda: cached(ttl=ttl)):
        with pytest.raises(ValueError, match="expiry"):
            call()


def test_one_call_is_refreshed_or_deleted() -> None:
    runs = []

    @cached(skill="count")
    def count(name: str) -> int:
        runs.append(name)
        return len(runs)

    assert [count("a"), count("b"), count("a")] == [1, 2, 1]
    assert count.refresh("a") == 3
    assert [count("a"), count("b")] == [3, 2]
    count.delete("a")
    assert [count("a"), count("b")] == [4, 2]
    assert count.cache_info() == (4, 4, 0)
    assert count.cache_info().hits == 4


def test_a_refresh_that_fails_is_told_and_leaves_what_is_there(cache: Cache) -> None:
    def fail() -> str:
        raise LookupError("mine")

    cache.set("work", 1, "kept")
    with pytest.raises(LookupError, match="mine"):
        cache.fetch("work", 1, fail, refresh=True)
    assert cache.get("work", 1) == "kept"
    assert cache.fetch("work", 1, lambda: "new", refresh=True) == ("new", False)
    assert cache.get_or_compute("work", 1, lambda: "newer") == "new"


def test_coroutines_are_refreshed_and_deleted_too() -> None:
    async def main() -> None:
        await typed.fetched(None, "x")
        await typed.fetched.refresh(None, "x")
        await typed.fetched.delete(None, "x")
        await typed.fetched(None, "x")

    before = typed.fetched.cache_info()
    asyncio.run(main())
    after = typed.fetched.cache_info()
    assert typed.RUNS == [None, None, None]
    assert (after.hits - before.hits, after.misses - before.misses, after.errors) == (0, 3, 0)


def test_a_method_takes_its_object_first() -> None:
    Site("a").read(1)
    Site.read.delete(Site("a"), 1)
    assert Site.read.refresh(Site("a"), 1) == ("a", 1)
    assert typed.RUNS == [1, 1]


def test_it_can_be_switched_off(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.set("work", 1, "kept")
    typed.bare("Paris")
    monkeypatch.setenv("SKILLCACHE_DISABLE", "1")
    for _ in range(2):
        typed.bare("Paris")
        asyncio.run(typed.fetched(None, "x"))
    assert typed.RUNS == ["Paris", "Paris", None, "Paris", None]
    assert cache.get("work", 1, "nothing") == "nothing"
    assert cache.fetch("work", 1, lambda: "own") == ("own", False)
    cache.set("work", 1, "lost")
    monkeypatch.setenv("SKILLCACHE_DISABLE", "0")
    assert cache.get("work", 1) == "kept"
    monkeypatch.setenv("SKILLCACHE_DISABLE", "1")
    cache.delete("work", 1)  # what takes back is never off
    monkeypatch.delenv("SKILLCACHE_DISABLE")
    assert cache.get("work", 1) is None


def test_a_broken_project_file_does_not_break_a_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project/.claude").mkdir(parents=True)
    (tmp_path / "project/.claude/skillcache.toml").write_text("not = [toml")
    monkeypatch.chdir(tmp_path / "project")
    before = typed.bare.cache_info().errors
    assert typed.bare("Rome") == {"Rome": 7}
    assert asyncio.run(typed.fetched(None, "y")).url == "y"
    assert typed.bare.cache_info().errors == before + 1


SNIPPET = """
from typing import assert_type
from datetime import date
from skillcache import cached
from tests.library.typed import Report, Site, add, bare, fetched, report, Page, Client

assert_type(bare("x", 1), dict[str, int])
assert_type(report("x", date.today()), Report)
assert_type(Site("a").read(1), tuple[str, int])
assert_type(Site.named("x"), str)
assert_type(Site.total(1, 2), int)
assert_type(bare.refresh("x"), dict[str, int])
assert_type(Site.read.refresh(Site("a"), 1), tuple[str, int])
assert_type(add(1), int)
async def main() -> None:
    assert_type(await fetched(Client(), "x"), Page)
"""
WRONG = ["bare(1)", "bare()", 'report("x")', 'Site("a").read("x")', 'Site("a").read()', "Site.named(1)",
         "bare.key(1)", 'fetched("x")', "cached(ttl=1.5)", "cached(ignore=1)"]  # fmt: skip


def test_types_survive_mypy(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(SNIPPET)
    wrong.write_text("\n".join([SNIPPET, *WRONG, ""]))
    root = Path(__file__).resolve().parents[2]
    words = [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases", "--no-error-summary"]
    done = subprocess.run([*words, str(right), str(wrong)], cwd=root, capture_output=True, text=True, check=False)
    lines = wrong.read_text().splitlines()
    told = [int(found[1]) for found in re.finditer(r"^.*wrong\.py:(\d+): error", done.stdout, re.MULTILINE)]
    assert "right.py" not in done.stdout, done.stdout
    assert [lines[line - 1] for line in dict.fromkeys(told)] == WRONG, done.stdout
