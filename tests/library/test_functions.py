"""The functions of guides to Redis caching for skills, used as such guides use them, on a real Redis."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

import skillcache
from skillcache import (
    ConfigError,
    StoreError,
    Undeliverable,
    aio_get_cached_data,
    aio_get_team_cached_data,
    cached_skill_execution,
    create_agent_channel,
    generate_cache_key,
    get_cached_data,
    get_redis_client,
    get_team_cached_data,
    invalidate_pattern,
    invalidate_skill_cache,
    publish_message,
    safe_redis_operation,
    subscribe_to_agent,
)
from tests.conftest import RedisServer, free_port

Client = redis.Redis


@pytest.fixture(autouse=True)
def environment(redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SKILLCACHE_REDIS_URL", "REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REDIS_URL", redis_server.url)


@pytest.fixture
def client() -> Iterator[Client]:
    with get_redis_client() as client:
        yield client


def test_the_client_gives_texts_and_is_pooled(client: Client) -> None:
    client.set("test_key", "wért")
    assert client.get("test_key") == "wért"
    assert client.connection_pool.connection_kwargs["socket_timeout"] > 0


def test_the_client_is_that_of_host_port_and_password(
    redis_with_password: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL")
    monkeypatch.setenv("REDIS_HOST", "127.0.0.1")
    monkeypatch.setenv("REDIS_PORT", str(redis_with_password.port))
    monkeypatch.setenv("REDIS_PASSWORD", redis_with_password.password)
    with get_redis_client() as client:
        assert client.ping()
    monkeypatch.setenv("REDIS_PORT", "six")
    with pytest.raises(ConfigError):
        get_redis_client()


def test_the_client_is_of_this_machine_where_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL")
    with get_redis_client() as client:
        place = client.connection_pool.connection_kwargs
        assert (place["host"], place["port"]) == ("localhost", 6379)


def test_a_skill_is_executed_once_for_its_inputs(client: Client) -> None:
    executed = []

    def execute(inputs: dict[str, Any]) -> dict[str, Any]:
        executed.append(inputs)
        return {"output": f"Processed {inputs['file']}", "skill": "convert"}

    first = cached_skill_execution("convert", {"file": "a.md", "to": "pdf"}, client, execute=execute)
    again = cached_skill_execution("convert", {"to": "pdf", "file": "a.md"}, client, 600, execute=execute)
    assert first == again == {"output": "Processed a.md", "skill": "convert"}
    assert executed == [{"file": "a.md", "to": "pdf"}]
    key = generate_cache_key("convert", {"file": "a.md", "to": "pdf"})
    assert client.exists(key)
    assert 3500 < client.ttl(key) <= 3600
    assert invalidate_skill_cache(client, "convert") == 1
    cached_skill_execution("convert", {"to": "pdf", "file": "a.md"}, client, 600, execute=execute)
    assert len(executed) == 2
    assert 500 < client.ttl(key) <= 600


def test_what_a_guide_stored_before_gives_way(client: Client) -> None:
    key = generate_cache_key("convert", {"file": "a.md"})
    client.set(key, json.dumps({"stored": "by a guide"}), ex=60)
    assert cached_skill_execution("convert", {"file": "a.md"}, client, execute=lambda _: "ours") == "ours"
    assert cached_skill_execution("convert", {"file": "a.md"}, client, execute=lambda _: "new") == "ours"


def test_a_workflow_goes_on_from_its_last_step(client: Client) -> None:
    parsed = {"rows": [1, 2], "title": "é"}
    assert skillcache.load_session_state(client, "workflow_123") == {}
    skillcache.save_session_state(
        client, "workflow_123", {"step": "1", "parsed_data": json.dumps(parsed), "status": "in_progress"}
    )
    assert 86_300 < client.ttl("skill_session:workflow_123") <= 86_400
    session = skillcache.load_session_state(client, "workflow_123")
    assert session["step"] == "1"
    assert json.loads(session["parsed_data"]) == parsed
    skillcache.save_session_state(client, "workflow_123", {"step": 2, "parsed": parsed}, 50)
    assert client.ttl("skill_session:workflow_123") <= 50
    assert skillcache.load_session_state(client, "workflow_123")["parsed"] == parsed
    assert skillcache.load_session_state("workflow_123") is None  # a project's own
    assert skillcache.clear_session(client, "workflow_123") is True
    assert skillcache.clear_session(client=client, session_id="workflow_123") is False
    assert skillcache.load_session_state("workflow_123") is None


@pytest.mark.parametrize("decode", [True, False])
def test_coroutines_take_a_client_too(redis_server: RedisServer, decode: bool) -> None:
    assert inspect.iscoroutinefunction(skillcache.aio_load_session_state)

    async def main() -> None:
        async with redis.asyncio.Redis.from_url(redis_server.url, decode_responses=decode) as client:
            await skillcache.aio_save_session_state(client, "work", {"é": [1, 1.5]})
            assert await skillcache.aio_load_session_state(client, "work") == {"é": [1, 1.5]}
            assert await skillcache.aio_load_session_state("work", url=redis_server.url) is None
            assert await skillcache.aio_clear_session(client, "work") is True
            assert await skillcache.aio_load_session_state(client, "work") == {}
            for call in (
                skillcache.aio_load_session_state(client, ""),
                skillcache.aio_save_session_state(client, "work", {"x": 1}, ttl=0),
            ):
                with pytest.raises(ValueError, match=r"."):
                    await call

    asyncio.run(main())


def test_state_that_is_not_json_is_refused_with_a_client_too(client: Client) -> None:
    with pytest.raises(TypeError):
        skillcache.save_session_state(client, "work", {"x": (1, 2)})
    with pytest.raises(ValueError, match="id"):
        skillcache.load_session_state(client, "")
    assert client.keys("*") == []


def test_messages_reach_who_listens_and_stay_for_who_does_not(client: Client) -> None:
    channel = create_agent_channel("writer")
    assert channel.startswith("agent_comm:writer@")
    assert publish_message(client, channel, {"first": 1}) == 0
    heard: list[Any] = []

    def hear(message: Any) -> bool | None:
        heard.append(message)
        return False if message == "end" else None

    kept: Any = client.xrange(f"{channel}:inbox")
    assert [json.loads(fields["message"]) for _, fields in kept] == [{"first": 1}]
    listener = threading.Thread(target=subscribe_to_agent, args=(client, "writer", hear))
    listener.start()
    while publish_message(client, channel, {"é": [1, None]}) == 0:
        time.sleep(0.005)  # what nobody hears fills the inbox
    publish_message(client, channel, "end")
    listener.join(30)
    assert heard[0] == {"first": 1}  # what waited comes first
    assert heard[-2:] == [{"é": [1, None]}, "end"]


def test_what_a_listener_raises_passes(client: Client) -> None:
    def fail(_: Any) -> None:
        raise ValueError("mine")

    failed: list[BaseException] = []

    def listen() -> None:
        try:
            subscribe_to_agent(client, "agent_comm:writer", fail)
        except ValueError as fault:
            failed.append(fault)

    publish_message(client, "agent_comm:writer", 1)
    listener = threading.Thread(target=listen)
    listener.start()
    listener.join(30)
    assert [str(fault) for fault in failed] == ["mine"]


def test_an_inbox_that_nobody_reads_says_so_when_it_is_full(client: Client) -> None:
    for number in range(1_000):
        publish_message(client, "agent_comm:reader", number)
    with pytest.raises(Undeliverable, match="full inbox"):
        publish_message(client, "agent_comm:reader", "one more")
    assert client.xlen("agent_comm:reader:inbox") == 1_000


def test_a_channel_of_no_agent_has_no_inbox(client: Client) -> None:
    publish_message(client, "news", 1)
    assert client.keys("*") == []
    with pytest.raises(TypeError):
        publish_message(client, "news", {1})
    with pytest.raises(ValueError, match="id"):
        create_agent_channel("")


def test_data_comes_with_where_it_is_from(client: Client) -> None:
    data, cached = get_cached_data("weather:paris", lambda: {"sky": "grey"}, 60)
    assert (data, cached) == ({"sky": "grey"}, False)
    assert get_cached_data("weather:paris", lambda: {"sky": "blue"}, 60) == ({"sky": "grey"}, True)
    assert get_cached_data("weather:rome", lambda: {"sky": "blue"}, 60).cached is False
    assert invalidate_skill_cache(client, "data") == 2
    assert get_cached_data("weather:paris", lambda: {"sky": "blue"}).data == {"sky": "blue"}


def test_short_names_are_a_project_s_own(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, channels = generate_cache_key("report", {"q": 1}), set()
    session = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    for number, project in enumerate(("one", "two")):
        (tmp_path / project / "src").mkdir(parents=True)
        (tmp_path / project / ".git").mkdir()
        monkeypatch.chdir(tmp_path / project / "src")
        assert get_cached_data("users", partial(str, project)) == (project, False)
        assert get_cached_data("users", lambda: "both", namespace="shared") == ("both", number > 0)
        assert get_cached_data(key, lambda: 1).cached is (number > 0)
        channels.add(create_agent_channel("worker"))
        assert create_agent_channel("worker", namespace="shared") == "agent_comm:worker@shared"
        assert create_agent_channel(session) == f"agent_comm:{session}"
        monkeypatch.chdir(tmp_path / project)
        assert get_cached_data("users", lambda: "other") == (project, True)
        assert asyncio.run(aio_get_cached_data("users", asyncio.Future)) == (project, True)
        publish_message(client, create_agent_channel("worker"), project)
        publish_message(client, "agent_comm:worker", project)
        heard = subscribe_to_agent(client, "worker")
        assert heard is not None
        with heard:
            received = heard.next(5)
            assert received is not None
            assert received.value == project
            assert heard.next(0) is None
    assert len(channels) == 2
    said = subscribe_to_agent(client, "agent_comm:worker")
    assert said is not None
    with said:
        assert [received.value for _, received in zip(range(2), said, strict=False)] == ["one", "two"]


def test_data_under_a_generated_key_goes_with_its_skill(client: Client) -> None:
    for version in (None, 2):
        key = generate_cache_key("report", {"q": 1}, version)
        assert get_cached_data(key, lambda: "old").cached is False
        assert get_cached_data(key, lambda: "new") == ("old", True)
    assert invalidate_skill_cache(client, "report") == 2
    assert get_cached_data(generate_cache_key("report", {"q": 1}), lambda: "new") == ("new", False)


def test_a_team_shares_its_data(client: Client) -> None:
    assert get_team_cached_data("acme", "flags", lambda: {"dark": True}, 60) == ({"dark": True}, False)
    assert get_team_cached_data("acme", "flags", dict, 60) == ({"dark": True}, True)
    assert get_team_cached_data("other", "flags", dict, 60) == ({}, False)
    (key,) = client.keys("team:cache:acme:flags:*")
    assert 50 < client.ttl(key) <= 60
    assert invalidate_pattern(client, "team:cache:acme:*") == 1
    assert get_team_cached_data("acme", "flags", dict, 60) == ({}, False)


def test_coroutines_have_the_same() -> None:
    async def fetch() -> str:
        return "fetched"

    async def main() -> None:
        assert await aio_get_cached_data("x", fetch, 60) == ("fetched", False)
        assert await aio_get_cached_data("x", fetch) == ("fetched", True)
        assert await aio_get_team_cached_data("acme", "x", fetch, 60) == ("fetched", False)
        assert await aio_get_team_cached_data("acme", "x", fetch) == ("fetched", True)

    asyncio.run(main())
    assert get_cached_data("x", lambda: "other") == ("fetched", True)
    assert get_team_cached_data("acme", "x", lambda: "other") == ("fetched", True)


def test_a_pattern_is_invalidated(client: Client) -> None:
    for skill in ("report", "reports", "other"):
        cached_skill_execution(skill, {}, client, execute=lambda _: 1)
    assert invalidate_pattern(client, "skill_cache:report:*") == 1
    assert invalidate_pattern(client, "skill_cache:repor*") == 1
    assert cached_skill_execution("other", {}, client, execute=lambda _: 2) == 1


def test_a_fallback_takes_the_place_of_an_unreachable_redis(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    began = time.monotonic()
    with get_redis_client() as nowhere:
        assert safe_redis_operation(lambda: nowhere.get("x"), "fallback") == "fallback"
        assert safe_redis_operation(lambda: nowhere.get("x")) is None
        assert safe_redis_operation(lambda: nowhere.get("x"), dict) == {}
        assert safe_redis_operation(lambda: skillcache.load_session_state(nowhere, "w"), "fallback") == "fallback"
        assert safe_redis_operation(lambda: invalidate_skill_cache(nowhere, "x"), -1) == -1
        assert cached_skill_execution("report", {}, nowhere, execute=lambda _: "computed") == "computed"
        for call in (
            lambda: publish_message(nowhere, "agent_comm:x", 1),
            lambda: subscribe_to_agent(nowhere, "x", print),
            lambda: skillcache.save_session_state(nowhere, "w", {"x": 1}),
        ):
            with pytest.raises(StoreError):
                call()
    assert time.monotonic() - began < 30  # redis-py by itself tries anew for seconds, each time
    assert safe_redis_operation(lambda: client.set("x", "1"), "fallback") is True


def test_a_fallback_hides_no_mistake(client: Client) -> None:
    client.set("text", "x")
    with pytest.raises(redis.ResponseError):
        safe_redis_operation(lambda: client.incr("text"), 0)
    with pytest.raises(ZeroDivisionError):
        safe_redis_operation(lambda: 1 // 0, 0)


def test_every_public_name_is_there() -> None:
    assert sorted(skillcache.__all__) == skillcache.__all__ == dir(skillcache)
    for name in skillcache.__all__:
        assert getattr(skillcache, name).__name__ == name
    with pytest.raises(AttributeError):
        _ = skillcache.nothing


def test_a_process_whose_folder_was_removed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert get_cached_data("weather", lambda: 21) == (21, False)
    assert get_cached_data("weather", lambda: 22) == (21, True)
    with get_redis_client() as client:
        assert client.ping()
    skillcache.save_session_state("s", {"a": 1})
    assert skillcache.load_session_state("s") == {"a": 1}
