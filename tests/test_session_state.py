"""State under a session's id: the same over Redis and the embedded store, in both colours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import skillcache
from skillcache.core.outcomes import StoreError
from skillcache.stores.contract import session_key
from tests.conftest import RedisServer, empty_redis

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    # A surrogate alone is no text that UTF-8 can carry.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


class Library:
    """The functions, plain or through an event loop, on one store."""

    def __init__(self, url: str, *, aio: bool) -> None:
        self.url = url
        self._prefix = "aio_" if aio else ""

    def save(self, session: str, state: Any, **more: Any) -> None:
        self._run("save_session_state", session, state, **more)

    def load(self, session: str, **more: Any) -> Any:
        return self._run("load_session_state", session, **more)

    def clear(self, session: str) -> Any:
        return self._run("clear_session", session)

    def _run(self, name: str, *words: Any, **more: Any) -> Any:
        function: Callable[..., Any] = getattr(skillcache, self._prefix + name)
        result = function(*words, url=self.url, **more)
        return asyncio.run(result) if self._prefix else result


@pytest.fixture(params=["embedded", "redis", "cluster"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "embedded":
        return f"embedded:{tmp_path}/store.sqlite3"
    return empty_redis(request, request.param)


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def library(request: pytest.FixtureRequest, url: str) -> Library:
    return Library(url, aio=request.param)


def test_what_was_saved_is_loaded_with_its_types(library: Library) -> None:
    state = {"page": 7, "share": 0.5, "done": False, "none": None, "text": "7", "é 漢字": ["a", {"b": [1, "1", 1.0]}]}
    library.save("work", state)
    loaded = library.load("work")
    assert loaded == state
    assert [type(value) for value in loaded["é 漢字"][1]["b"]] == [int, str, float]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON)
def test_any_json_value_comes_back_equal(url: str, value: Any) -> None:
    library = Library(url, aio=False)
    library.save("work", {"value": value}, replace=True)
    loaded = library.load("work")["value"]
    assert json.dumps(loaded) == json.dumps(value)


def test_a_session_without_state_is_none(library: Library) -> None:
    assert library.load("nobody") is None
    assert library.clear("nobody") is False


def test_steps_add_to_what_is_there(library: Library) -> None:
    library.save("work", {"fetched": ["a"], "page": 1})
    library.save("work", {"page": 2})
    assert library.load("work") == {"fetched": ["a"], "page": 2}
    library.save("work", {"page": 3}, replace=True)
    assert library.load("work") == {"page": 3}


def test_projects_and_namespaces_do_not_mix(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"  # of Claude Code
    for project in ("one", "two"):
        (tmp_path / project).mkdir()
        monkeypatch.chdir(tmp_path / project)
        assert library.load("workflow-12") is None
        library.save("workflow-12", {"project": project})
        library.save("workflow-12", {"project": project}, namespace="both")
        library.save(session, {project: 1})
    assert library.load("workflow-12") == {"project": "two"}
    assert library.load("workflow-12", namespace="both") == {"project": "two"}
    assert library.load(session) == {"one": 1, "two": 1}
    monkeypatch.chdir(tmp_path / "one")
    assert library.load("workflow-12") == {"project": "one"}
    assert library.clear("workflow-12") is True
    monkeypatch.chdir(tmp_path / "two")
    assert library.load("workflow-12") == {"project": "two"}
    for namespace in ("", "a@b", "a b"):
        with pytest.raises(ValueError, match="namespace"):
            library.load("workflow-12", namespace=namespace)


def test_sessions_do_not_mix(library: Library) -> None:
    library.save("one", {"x": 1})
    library.save("two", {"x": 2})
    assert library.clear("one") is True
    assert library.load("one") is None
    assert library.load("two") == {"x": 2}


@pytest.mark.parametrize("value", [(1, 2), {1: "x"}, {"x": {2: "y"}}, float("nan"), float("inf"), b"x", {1}, object()])
def test_what_json_cannot_say_exactly_is_refused(library: Library, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        library.save("work", {"value": value})
    assert library.load("work") is None


@pytest.mark.parametrize("ttl", [0, -1])
def test_a_time_to_live_is_positive(library: Library, ttl: int) -> None:
    with pytest.raises(ValueError, match="an expiry is"):
        library.save("work", {"x": 1}, ttl=ttl)
    with pytest.raises(ValueError, match="an expiry is"):
        library.load("work", ttl=ttl)


def test_names_and_ids_are_texts(library: Library) -> None:
    with pytest.raises(TypeError):
        library.save("work", {7: "x"})
    with pytest.raises(ValueError, match="id"):
        library.load("")


WORK = "work@here"


def test_expiry_is_set_with_the_value_and_slides_when_asked_to(redis_server: RedisServer) -> None:
    import redis

    for aio in (False, True):
        library = Library(redis_server.url, aio=aio)
        with redis.Redis.from_url(redis_server.url) as client:
            library.save("work", {"x": 1}, ttl=100, namespace="here")
            assert 90 < client.ttl(session_key(WORK)) <= 100
            library.load("work", namespace="here")
            assert client.ttl(session_key(WORK)) <= 100
            library.load("work", ttl=500, namespace="here")
            assert 490 < client.ttl(session_key(WORK)) <= 500
            assert client.hget(session_key(WORK), "x") == b"1"
            assert client.keys("*") == [session_key(WORK).encode()]


def test_expiry_slides_in_the_embedded_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(f"embedded:{tmp_path}/store.sqlite3", aio=False)
    now = [1_000_000.0]
    monkeypatch.setattr("skillcache.library.session_state.time.time", lambda: now[0])
    library.save("work", {"x": 1}, ttl=100)
    now[0] += 90
    assert library.load("work", ttl=100) == {"x": 1}
    now[0] += 90
    assert library.load("work") == {"x": 1}
    now[0] += 11
    assert library.load("work") is None
    library.save("work", {"y": 2}, ttl=100)
    assert library.load("work") == {"y": 2}


def test_a_store_out_of_reach_is_an_error_of_ours() -> None:
    for aio in (False, True):
        with pytest.raises(StoreError) as fault:
            Library("redis://:password@127.0.0.1:1/0", aio=aio).load("work")
        assert "password" not in str(fault.value)


def test_the_default_store_is_that_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SKILLCACHE_REDIS_URL", "REDIS_URL", "REDIS_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    skillcache.save_session_state("work", {"x": 1})
    assert skillcache.load_session_state("work") == {"x": 1}
    assert (tmp_path / "home/sessions.sqlite3").stat().st_mode & 0o777 == 0o600


def test_every_public_name_is_there() -> None:
    for name in skillcache.__all__:
        assert callable(getattr(skillcache, name))
    with pytest.raises(AttributeError):
        _ = skillcache.nothing
