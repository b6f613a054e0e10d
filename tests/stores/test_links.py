"""One suite over the links: requests go in, and what their readers make of the replies comes out."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from skillcache.core.outcomes import STORE_REFUSED, StoreError
from skillcache.stores.connection import SocketLink
from skillcache.stores.pooled import AioLink, PooledLink
from skillcache.stores.redis_url import parse_url
from tests.conftest import RedisServer
from tests.stores.conftest import PATIENT

Run = Callable[[Any], Any]
LINKS = ["socket", "pooled", "a client itself", "coroutines", "a client of coroutines itself"]


@pytest.fixture(params=LINKS)
def link(request: pytest.FixtureRequest, redis_server: RedisServer) -> Iterator[tuple[Any, Run]]:
    """A link, and what gives the result of its calls."""
    itself = request.param.endswith("itself")
    if request.param == "socket":
        made = SocketLink(parse_url(redis_server.url), PATIENT)
        yield made, lambda result: result
        made.close()
    elif "coroutines" not in request.param:
        with redis.Redis.from_url(redis_server.url) as client:
            pooled = PooledLink(client, itself=itself)
            yield pooled, lambda result: result
            pooled.close()
    else:
        with asyncio.Runner() as runner:
            aio = AioLink(redis.asyncio.Redis.from_url(redis_server.url), itself=itself)
            yield aio, runner.run
            runner.run(aio.close())


def asked(server: RedisServer) -> int:
    """The commands that the server was told so far, this one among them."""
    (line,) = [line for line in server.command("INFO", "stats").splitlines() if b"total_commands_processed" in line]
    return int(line.partition(b":")[2])


def test_a_reader_has_the_reply_to_its_command(link: tuple[Any, Run]) -> None:
    asking, run = link
    requests = [(("SET", "k", "\u00e9"), str), (("GET", "k"), bytes.decode), (("STRLEN", "k"), lambda size: size + 1)]
    assert run(asking.ask_all(requests))[1:] == ["\u00e9", 3]
    assert run(asking.ask((("GET", "k"), len))) == 2


def test_an_empty_command_asks_nobody(link: tuple[Any, Run], redis_server: RedisServer) -> None:
    asking, run = link
    run(asking.ask((("PING",), bool)))
    before = asked(redis_server)
    assert run(asking.ask(((), lambda reply: (reply, "nothing")))) == (None, "nothing")
    assert asked(redis_server) == before + 1


def test_what_the_server_refuses_is_told_as_everywhere(link: tuple[Any, Run]) -> None:
    asking, run = link
    run(asking.ask((("RPUSH", "list", "x"), int)))
    with pytest.raises(StoreError) as caught:
        run(asking.ask_all([(("INCR", "list"), int)]))
    assert (caught.value.outcome, caught.value.detail) == (STORE_REFUSED, "WRONGTYPE")
