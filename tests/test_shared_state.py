"""One suite for shared values over every store, called plainly and awaited."""

from __future__ import annotations

import asyncio
import inspect
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio.retry import Retry as AioRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from skillcache.core.outcomes import ConfigError, StoreError
from skillcache.library.shared_state import SIZE, SharedState, StateConflict, Value
from tests.conftest import empty_redis, free_port

DAY = 86_400
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Awaited:
    """The `aio_` methods under the plain names."""

    def __init__(self, state: SharedState) -> None:
        self._state = state

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._state, f"aio_{name}")
        return lambda *args, **more: asyncio.run(method(*args, **more))


@pytest.fixture(
    params=["embedded", "redis", "client", "embedded, awaited", "redis, awaited", "cluster", "cluster, awaited"]
)
def open_state(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    monkeypatch.chdir(tmp_path)
    store, _, awaited = request.param.partition(", ")
    url = f"embedded:{tmp_path}/cache/store.sqlite3"
    if store != "embedded":
        url = empty_redis(request, store)
    client = redis.Redis.from_url(url, decode_responses=True) if store == "client" else None
    made: list[SharedState] = []

    def make(name: str = "release", **more: Any) -> Any:
        made.append(SharedState(name, url=None if client else url, client=client, **more))
        return Awaited(made[-1]) if awaited else made[-1]

    yield make
    for state in made:
        state.close()
    if client is not None:
        client.close()


@pytest.fixture
def state(open_state: Callable[..., Any]) -> Any:
    return open_state()


def test_a_value_that_is_not_set_is_the_default(state: Any) -> None:
    assert state.get("stage") is None
    assert state.get("stage", "none") == "none"
    assert state.find("stage") is None
    assert state.items() == {}
    assert state.delete("stage") is False


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None]}, "text", "007", 0, 1.0, False, None, [], "Grüße \U0001f600"])
def test_a_value_keeps_its_type(state: Any, value: Any) -> None:
    state.set("stage", value)
    found = state.get("stage")
    assert found == value
    assert type(found) is type(value)


def test_each_change_has_a_version_of_its_own(state: Any) -> None:
    first = state.set("a", 1)
    second = state.set("b", 1)
    third = state.set("a", 2)
    assert 0 < first < second < third
    assert state.find("a") == Value(2, third)
    assert state.delete("a")
    assert state.set("a", 3) > third


def test_a_value_is_set_only_while_it_has_the_version(state: Any) -> None:
    version = state.set("stage", "build", version=0)
    with pytest.raises(StateConflict, match="stage is not as expected: it has version") as conflict:
        state.set("stage", "test", version=version - 1)
    assert conflict.value.version == version
    with pytest.raises(StateConflict):
        state.set("stage", "test", version=0)
    assert state.set("stage", "test", version=version) > version
    with pytest.raises(StateConflict, match="other is not as expected: it is not set"):
        state.set("other", 1, version=version)
    assert state.get("stage") == "test"


def test_a_value_is_set_only_while_it_is_the_expected_one(state: Any) -> None:
    state.set("lock", {"b": 1, "a": None})
    with pytest.raises(StateConflict):
        state.set("lock", 2, expected={"b": 1})
    state.set("lock", None, expected={"a": None, "b": 1})
    state.set("lock", 3, expected=None)
    with pytest.raises(StateConflict):
        state.set("missing", 1, expected=None)
    assert state.get("lock") == 3


def test_a_value_is_deleted_only_while_it_has_the_version(state: Any) -> None:
    version = state.set("stage", 1)
    with pytest.raises(StateConflict) as conflict:
        state.delete("stage", version=version + 1)
    assert conflict.value.version == version
    assert state.delete("stage", version=version) is True
    with pytest.raises(StateConflict):
        state.delete("stage", version=version)


def test_a_number_is_incremented(state: Any) -> None:
    assert state.increment("attempts") == 1
    assert state.increment("attempts", 5) == 6
    assert state.increment("attempts", -7) == -1
    assert state.get("attempts") == -1
    assert state.increment("large", (1 << 62) - 1 + (1 << 62)) == (1 << 63) - 1
    with pytest.raises(ValueError, match="large is no whole number of 64 bits, or would be none"):
        state.increment("large")
    version = state.find("attempts").version
    state.increment("attempts")
    assert state.find("attempts").version > version


@pytest.mark.parametrize("by", ["1", 1.5, True, None])
def test_a_step_is_a_whole_number(state: Any, by: Any) -> None:
    with pytest.raises(TypeError, match="a step is a whole number"):
        state.increment("x", by)
    assert state.get("x") is None


@pytest.mark.parametrize(
    "call", [lambda state: state.set("x", 1, ttl=1.5), lambda state: state.increment("x", ttl="9")]
)
def test_a_time_to_live_is_a_whole_number(state: Any, call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="an expiry is a whole number of seconds"):
        call(state)
    assert state.get("x") is None


@pytest.mark.parametrize("value", ["1", 1.5, True, None, [1], 1 << 64])
def test_what_is_no_whole_number_is_not_incremented(state: Any, value: Any) -> None:
    state.set("x", value)
    with pytest.raises(ValueError, match="x is no whole number"):
        state.increment("x")
    assert state.get("x") == value


def test_the_values_of_a_namespace_are_listed_in_order(state: Any, open_state: Callable[..., Any]) -> None:
    open_state("another").set("stage", 1)
    open_state(team="widgets").set("stage", 2)
    state.set("b", 1)
    state.set("a", [2])
    state.delete("gone")
    assert [(key, item.value) for key, item in state.items().items()] == [("a", [2]), ("b", 1)]
    assert open_state(team="widgets").get("stage") == 2
    assert open_state(team="others").get("stage") is None


def test_many_increments_at_once_are_all_counted(open_state: Callable[..., Any]) -> None:
    def work() -> None:
        state = open_state()
        for _ in range(25):
            state.increment("count")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert open_state().get("count") == 200


def test_of_many_who_set_the_same_version_one_does(open_state: Callable[..., Any]) -> None:
    done: list[int] = []

    def work(number: int) -> None:
        try:
            open_state().set("lock", number, version=0)
        except StateConflict:
            return
        done.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [open_state().get("lock")]


@given(JSON)
def test_any_json_comes_back_equal(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    state = SharedState("any", url=f"embedded:{tmp_path_factory.getbasetemp()}/any/store.sqlite3")
    try:
        state.set("x", value)
    except ValueError:
        return  # half a surrogate pair
    assert state.get("x") == value
    state.set("x", 1, expected=value)


@pytest.mark.parametrize("value", [{1: 2}, (1, 2), {1}, b"x"])
def test_what_is_not_json_is_refused(state: Any, value: Any) -> None:
    with pytest.raises(TypeError):
        state.set("x", value)
    assert state.get("x") is None


def test_what_is_too_long_is_refused(state: Any) -> None:
    with pytest.raises(ValueError, match="at most 65536 bytes"):
        state.set("x", "x" * SIZE)
    for key in ("", "x" * 201):
        with pytest.raises(ValueError, match="a name is a text of 1 to 200 characters"):
            state.set(key, 1)
    with pytest.raises(ValueError, match="1 to"):
        state.set("x", 1, ttl=0)
    with pytest.raises(ValueError, match="not both"):
        state.set("x", 1, version=1, expected=2)


def test_a_value_is_gone_when_its_time_is_over(redis_server: Any, tmp_path: Path) -> None:
    state = SharedState("release", url=redis_server.url)
    state.set("short", 1, ttl=60)
    state.increment("long")
    with redis.Redis.from_url(redis_server.url) as client:
        lives = sorted(client.ttl(key) for key in client.keys("skillcache:state:*"))
        assert [0 < lives[0] <= 60, lives[1] > 29 * 86_400] == [True, True]
        for key in client.scan_iter("skillcache:state:*:short"):
            client.delete(key)
    assert list(state.items()) == ["long"]
    state.close()
    from skillcache.library.shared_state import SqliteState

    file = SqliteState(f"{tmp_path}/state.sqlite3", now=1_000.0)
    file.set("s", "short", "1", 60, ("", ""))
    file.close()
    for now, found in ((1_059.0, ("1", 1)), (1_060.0, None)):
        later = SqliteState(f"{tmp_path}/state.sqlite3", now=now)
        assert later.find("s", "short") == found
        later.close()


def test_no_two_values_share_a_place(open_state: Callable[..., Any]) -> None:
    open_state("a").set("b:c", 1)
    assert open_state("a").get("b:c") == 1
    for namespace, team in (("a:b", None), ("", None), ("x\ud800", None), ("a", "b:c"), ("a", "")):
        with pytest.raises(ValueError, match="is a text"):
            open_state(namespace, team=team)


def test_a_name_is_one_that_every_store_takes(state: Any) -> None:
    with pytest.raises(ValueError, match="a name is a text"):
        state.get("\ud800")
    state.set("a\0b \u2028", 1)
    assert state.get("a\0b \u2028") == 1


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize("fields", [{"value": "{"}, {"value": "[" * 50_000}, {"value": "1", "version": "x"}])
def test_what_another_put_there_is_a_fault_of_the_store(
    redis_server: Any, fields: dict[str, str], awaited: bool
) -> None:
    plain = SharedState("release", url=redis_server.url)
    state: Any = Awaited(plain) if awaited else plain
    state.set("stage", 1)
    with redis.Redis.from_url(redis_server.url) as client:
        (key,) = client.keys("skillcache:state:*:stage")
        client.hset(key, mapping=fields)
    with pytest.raises(StoreError):
        state.find("stage")
    with pytest.raises(StoreError):
        state.items()
    plain.close()


def test_everything_of_a_namespace_expires_the_version_last(redis_server: Any) -> None:
    state = SharedState("release", url=redis_server.url)
    state.increment("a", ttl=90 * DAY)
    state.set("b", 1, ttl=60)
    state.close()
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        left = {key: int(client.ttl(key)) for key in client.scan_iter("*")}
    named = {key.split(":")[1]: seconds for key, seconds in left.items() if not key.endswith(":b")}
    assert 90 * DAY - 60 < named["state"] <= named["states"] <= 90 * DAY < 119 * DAY < named["state_version"]
    assert min(left.values()) > 0


def test_a_store_out_of_reach_is_said_so() -> None:
    state = SharedState("x", url=f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(StoreError):
        state.get("x")
    with pytest.raises(StoreError):
        asyncio.run(state.aio_get("x"))
    state.close()
    with pytest.raises(ConfigError):
        SharedState("x", url="redis://host:port").get("x")


def test_every_plain_method_has_one_that_is_awaited() -> None:
    public = {name for name, _ in inspect.getmembers(SharedState, inspect.isfunction) if not name.startswith("_")}
    plain = {name for name in public if not name.startswith("aio_")} - {"close"}
    assert {name.removeprefix("aio_") for name in public if name.startswith("aio_")} == plain
    for name in plain:
        signatures = [inspect.signature(getattr(SharedState, each)) for each in (name, f"aio_{name}")]
        assert signatures[0] == signatures[1]


def test_an_asynchronous_client_is_awaited(redis_server: Any) -> None:
    import redis.asyncio

    async def work() -> Any:
        async with redis.asyncio.Redis.from_url(redis_server.url) as client:
            state = SharedState("release", client=client)
            await state.aio_set("stage", "build")
            return await state.aio_get("stage")

    assert asyncio.run(work()) == "build"
    with pytest.raises(TypeError, match=r"a client is a redis\.Redis or"):
        asyncio.run(SharedState("release", client=object()).aio_get("x"))


class Lossy:
    """Stands before a Redis, and loses the reply to the first script of each run."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server, suppress(OSError):
            while asked := client.recv(1 << 20):
                server.sendall(asked)
                reply = server.recv(1 << 20)
                if b"EVAL" in asked and not self.lost:
                    self.lost += 1
                    return
                client.sendall(reply)

    def close(self) -> None:
        self._listener.close()


@pytest.mark.parametrize("how", ["url", "client", "awaited", "awaited client"])
def test_a_step_whose_reply_is_lost_is_not_done_twice(
    redis_server: Any, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lossy = Lossy(redis_server.port)

    async def aio() -> None:
        if how == "awaited":
            await SharedState("release", url=lossy.url).aio_increment("count")
            return
        retry = AioRetry(NoBackoff(), 3)
        async with redis.asyncio.Redis.from_url(lossy.url, retry=retry) as client:
            await SharedState("release", client=client).aio_increment("count")

    def plain() -> None:
        if how == "url":
            with SharedState("release", url=lossy.url) as state:
                state.increment("count")
            return
        with redis.Redis.from_url(lossy.url, retry=Retry(NoBackoff(), 3)) as client:
            SharedState("release", client=client).increment("count")

    with pytest.raises(StoreError):
        asyncio.run(aio()) if "awaited" in how else plain()
    assert lossy.lost == 1
    lossy.close()
    with SharedState("release", url=redis_server.url) as state:
        assert state.get("count") == 1
