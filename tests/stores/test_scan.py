"""What a store is asked for beyond the hook path, over both stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from skillcache.cli.invalidate import Contents, contents_of
from skillcache.core.outcomes import StoreError
from skillcache.stores.contract import entry_key, generation_key
from skillcache.stores.entry import Unreadable, encode
from skillcache.stores.patterns import Parts, parts_of
from skillcache.stores.scan import read_header, with_pin
from tests.conftest import RedisServer, empty_redis
from tests.shelf import Shelf, digest_of
from tests.stores.test_entry import make

KEY = entry_key("report", digest_of(0))


@pytest.fixture(params=["embedded", "redis", "cluster"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    if request.param == "embedded":
        return Shelf(f"embedded:{tmp_path}/cache/store.sqlite3")
    return Shelf(empty_redis(request, request.param))


@pytest.fixture
def contents(shelf: Shelf) -> Iterator[Contents]:
    contents = contents_of(shelf.target)
    yield contents
    contents.close()


def test_a_value_is_replaced_only_while_it_is_the_one_that_was_read(shelf: Shelf, contents: Contents) -> None:
    holdings = contents.holdings
    shelf.put("report", output=b"old")
    read = contents.take(holdings.value(KEY)) or b""
    shelf.put("report", output=b"new")

    assert contents.take(holdings.replace(KEY, read, b"mine", 60)) is False
    assert shelf.entry("report").output == b"new"
    assert contents.take(holdings.replace(KEY, shelf.read("report") or b"", b"mine", 60)) is True
    assert shelf.read("report") == b"mine"
    assert 55 < contents.take(holdings.expiries([KEY]))[KEY] <= 60
    assert contents.take(holdings.replace(entry_key("other", "0"), b"", b"mine", 60)) is False


def test_what_is_gone_is_left_out(shelf: Shelf, contents: Contents) -> None:
    holdings = contents.holdings
    shelf.put("report")
    keys = [KEY, entry_key("report", digest_of(1))]

    assert list(contents.take(holdings.heads(keys))) == [KEY]
    assert list(contents.take(holdings.sizes(keys))) == [KEY]
    assert list(contents.take(holdings.expiries(keys))) == [KEY]
    assert contents.take(holdings.value(keys[1])) is None
    assert contents.take(holdings.remove(keys)) == 1


def test_an_empty_store_holds_nothing(contents: Contents) -> None:
    holdings = contents.holdings

    assert list(contents.batches("*")) == []
    assert contents.take(holdings.names()) == []
    assert contents.take(holdings.generations(["a"])) == {"a": 0}
    assert contents.take(holdings.remove([KEY])) == 0


def test_what_another_wrote_in_the_place_of_a_generation_is_a_fault_of_the_store(redis_server: RedisServer) -> None:
    redis_server.command("SET", generation_key("report"), "many")
    contents = contents_of(redis_server.url)

    for steps in (contents.holdings.generations, contents.holdings.raise_generations):
        with pytest.raises(StoreError, match=r"ValueError|ERR value is not an integer"):
            contents.take(steps(["report"]))
    contents.close()


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        (KEY, Parts("", "report", digest_of(0))),
        (f"{KEY}:v2", Parts("", "report", f"{digest_of(0)}:v2")),
        (entry_key("plugin:skill", "0f", "acme"), Parts("acme", "plugin:skill", "0f")),
        ("skill_cache:report", None),
        ("skill_session:1:log", None),
    ],
)
def test_a_key_says_whose_entry_it_is(key: str, parts: Parts | None) -> None:
    assert parts_of(key) == parts


@pytest.mark.parametrize(
    "fields",
    [
        {"names": {"report": "3"}},
        {"names": {"report": 10**400}},
        {"status": True},
        {"key": 7},
        {"form": "other"},
        {"writer": {"user": 7}},
        {"finished": None},
        {"duration": 1 << 63},
    ],
)
def test_a_header_of_another_shape_is_unreadable(fields: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        read_header(encode(make(**fields)))


@pytest.mark.parametrize(("field", "text"), [("names", b'["report"]'), ("writer", b'"u"'), ("writer", b"null")])
def test_a_header_with_a_list_or_text_for_an_object_is_unreadable(field: str, text: bytes) -> None:
    value = encode(make(names={}, writer={})).replace(b'"%s":{}' % field.encode(), b'"%s":%s' % (field.encode(), text))

    with pytest.raises(Unreadable):
        read_header(value)


def test_a_pin_leaves_what_it_does_not_know() -> None:
    value = encode(make()).replace(b'"pinned":false', b'"later":[1],"pinned":false')

    assert with_pin(value, pinned=True) == value.replace(b'"pinned":false', b'"pinned":true')
