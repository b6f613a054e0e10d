"""A password in a Redis URL is in nothing that the library's objects say: no error, none behind it, no repr, no log."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from skillcache import (
    AsyncSkillCache,
    SharedState,
    SkillCache,
    aio_publish_message,
    get_redis_client,
    load_session_state,
    publish_message,
    save_session_state,
    subscribe_to_agent,
)
from skillcache.core.outcomes import SkillcacheError
from tests.conftest import free_port

SECRET = "s3cret-of-nobody"  # noqa: S105 - it opens nothing


class Parrot:
    """A server that refuses every command, and repeats all that it was told: what proxies and old servers do."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        try:
            while True:
                threading.Thread(target=self._answer, args=(self._server.accept()[0],), daemon=True).start()
        except OSError:
            return

    @staticmethod
    def _answer(link: socket.socket) -> None:
        told = b""
        with link, suppress(OSError):  # who talks TLS hangs up
            while data := link.recv(65_536):
                told += data.replace(b"\r\n", b" ")
                said = b"-ERR unknown command, with args beginning with: " + told[:400] + b"\r\n"
                link.sendall(said * max(1, data.count(b"*")))


@pytest.fixture(scope="module")
def parrot() -> Iterator[Parrot]:
    server = Parrot()
    yield server
    server.close()


PLACES = (
    "redis://user:{secret}@127.0.0.1:{parrot}/0",
    "redis://:{secret}@127.0.0.1:{parrot}/0",
    "redis://127.0.0.1:{parrot}/0?password={secret}",
    "redis+cluster://user:{secret}@127.0.0.1:{parrot}",
    "redis+sentinel://user:{secret}@127.0.0.1:{parrot}/service?sentinel_password={secret}",
    "redis://user:{secret}@127.0.0.1:{closed}/0",
    "rediss://user:{secret}@127.0.0.1:{parrot}/0",
    "unix://user:{secret}@/nowhere/redis.sock",
    "redis://user:{secret}@127.0.0.1:99999/0",
    "redis://user:{secret}@127.0.0.1:{parrot}/0?unknown={secret}",
    "http://user:{secret}@127.0.0.1:{parrot}/0",
)


@pytest.fixture(params=PLACES, ids=lambda place: place.partition("?")[0].replace("{secret}", "x"))
def url(request: pytest.FixtureRequest, parrot: Parrot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    made: str = request.param.format(secret=SECRET, parrot=parrot.port, closed=free_port())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SKILLCACHE_REDIS_URL", made)
    monkeypatch.chdir(tmp_path)
    return made


def everything(url: str) -> dict[str, Callable[[], Any]]:
    """What fails without a store, by what it is; each gives the object that it was done with."""

    def cache(step: Callable[[SkillCache], Any]) -> Callable[[], Any]:
        def do() -> SkillCache:
            with SkillCache(url) as made:
                said.append(repr(made))
                step(made)
            return made

        return do

    def coroutine(step: Callable[[AsyncSkillCache], Any]) -> Callable[[], Any]:
        async def do() -> AsyncSkillCache:
            async with AsyncSkillCache(url) as made:
                said.append(repr(made))
                await step(made)
            return made

        return lambda: asyncio.run(do())

    def state(step: Callable[[SharedState], Any]) -> Callable[[], Any]:
        def do() -> SharedState:
            with SharedState("release", url=url) as made:
                said.append(repr(made))
                step(made)
            return made

        return do

    return {
        "get": cache(lambda made: made.get("skill", 1)),
        "set": cache(lambda made: made.set("skill", 1, 1)),
        "compute": cache(lambda made: made.get_or_compute("skill", 1, lambda: 1)),
        "delete": cache(lambda made: made.delete("skill", 1)),
        "invalidate": cache(lambda made: made.invalidate_skill("skill")),
        "pattern": cache(lambda made: made.invalidate("skill*")),
        "a client's": lambda: SkillCache(client=get_redis_client()).delete("skill", 1),
        "aio delete": coroutine(lambda made: made.delete("skill", 1)),
        "aio invalidate": coroutine(lambda made: made.invalidate_skill("skill")),
        "state": state(lambda made: made.set("stage", 1)),
        "state of a client": lambda: SharedState("release", client=get_redis_client()).increment("stage"),
        "aio state": state(lambda made: asyncio.run(made.aio_set("stage", 1))),
        "publish": lambda: publish_message(None, "agent_comm:worker", 1),
        "publish over a client": lambda: publish_message(get_redis_client(), "agent_comm:worker", 1),
        "publish elsewhere": lambda: publish_message(None, "elsewhere", 1),
        "aio publish": lambda: asyncio.run(aio_publish_message(None, "agent_comm:worker", 1)),
        "subscribe": lambda: subscribe_to_agent(None, "worker").next(0),
        "subscribe over a client": lambda: subscribe_to_agent(get_redis_client(), "worker").next(0),
        "save": lambda: save_session_state("one", {"a": 1}),
        "load over a client": lambda: load_session_state(get_redis_client(), "one"),
    }


said: list[str] = []


@pytest.mark.parametrize("what", list(everything("")))
def test_no_password_is_said(
    what: str, url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    said.clear()
    caplog.set_level(logging.DEBUG)
    try:
        said.append(repr(everything(url)[what]()))
    except SkillcacheError as fault:
        said.extend(traceback.format_exception(fault))
        said.extend(each for error in chain(fault) for each in (str(error), repr(error), repr(vars(error))))
    assert [text for text in (*said, caplog.text, *capfd.readouterr()) if SECRET in text] == []


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that stand behind it, shown or not: reports of errors hold them all."""
    seen: list[BaseException] = []
    found: list[BaseException | None] = [error]
    while found:
        each = found.pop()
        if each is not None and each not in seen:
            seen.append(each)
            found += [each.__cause__, each.__context__]
    yield from seen


def test_a_server_that_repeats_a_password_is_quoted_without_it(parrot: Parrot) -> None:
    with (
        redis.Redis(port=parrot.port, password=SECRET, protocol=2) as client,
        pytest.raises(SkillcacheError) as caught,
    ):
        SkillCache(client=client).delete("skill", 1)
    assert str(caught.value) == "the store answered with an error: ERR"
    assert isinstance(caught.value.__context__, redis.RedisError)
    assert str(caught.value.__context__) == type(caught.value.__context__).__name__
