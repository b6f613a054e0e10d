"""Servers that fail in every way: the outcome is named, the time is bounded, and the store is dead afterwards."""

import socket
from collections.abc import Callable

import pytest

from skillcache.core import outcomes
from skillcache.core.outcomes import Outcome, StoreError
from skillcache.stores.connection import Limits, SocketLink
from skillcache.stores.contract import Store
from skillcache.stores.redis import RedisStore
from skillcache.stores.redis_url import parse_url
from tests.conftest import free_port
from tests.stores.conftest import PATIENT, Impostor, measure, put

Serve = Callable[[socket.socket, Impostor], None]
Start = Callable[[Serve], Impostor]

SECRET = "s3cr3t"  # noqa: S105 - of no server
BOUND = 5.0  # seconds; the limits are far below, and a busy machine is slow

CALLS: list[Callable[[Store], object]] = [
    lambda store: store.get("k", ("a",)),
    lambda store: put(store, "k", 1, a=0),
    lambda store: store.delete("k"),
    lambda store: store.invalidate("a"),
    lambda store: store.read(("k",)),
    lambda store: store.write("k", b"", 1),
    lambda store: store.ping(),
    lambda store: store.claim("d", "owner", 1),
    lambda store: store.release("d", "owner"),
    lambda store: store.wait("d", "0-0", 0),
]


def open_at(port: int, limits: Limits | None = None) -> RedisStore:
    return RedisStore(SocketLink(parse_url(f"redis://user:{SECRET}@127.0.0.1:{port}/1"), limits))


def failure(store: Store, call: Callable[[Store], object] = CALLS[0]) -> StoreError:
    with pytest.raises(StoreError) as caught:
        call(store)
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.detail}"
    return caught.value


def assert_dead(store: Store, error: StoreError) -> None:
    for call in CALLS:
        again = failure(store, call)
        assert (again.outcome, again.detail) == (error.outcome, error.detail)


def reply(data: bytes) -> Serve:
    def serve(link: socket.socket, server: Impostor) -> None:
        server.hear(link)
        link.sendall(data)
        while not server.over.is_set() and server.hear(link):
            link.sendall(data)

    return serve


def hang(link: socket.socket, server: Impostor) -> None:  # noqa: ARG001 - the link stays open
    server.over.wait()


def drip(link: socket.socket, server: Impostor) -> None:
    """A reply that is right so far, and never done."""
    server.hear(link)
    link.sendall(b"+OK\r\n+OK\r\n$1000000\r\n")
    while not server.over.wait(0.01):
        link.sendall(b"x")


def test_a_refusing_port() -> None:
    store = open_at(free_port())
    error = failure(store)
    assert (error.outcome, error.detail) == (outcomes.STORE_UNREACHABLE, "ECONNREFUSED")
    assert_dead(store, error)


def test_a_missing_unix_socket() -> None:
    store = RedisStore(SocketLink(parse_url("unix:///nowhere/redis.sock")))
    assert failure(store).detail == "ENOENT"


@pytest.mark.parametrize("serve", [hang, drip])
def test_a_server_that_takes_its_time(impostor: Start, serve: Serve) -> None:
    server = impostor(serve)
    store = open_at(server.port)
    seen: list[StoreError] = []
    assert measure(lambda: seen.append(failure(store))) < BOUND
    assert seen[0].outcome is outcomes.STORE_TIMEOUT
    assert measure(lambda: assert_dead(store, seen[0])) < BOUND
    assert server.connections <= 1


def test_a_listener_that_never_accepts() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        crowd = []
        for _ in range(4):  # fills the queue of a listener nobody serves
            link = socket.socket()
            link.setblocking(False)
            link.connect_ex(listener.getsockname())
            crowd.append(link)
        store = open_at(listener.getsockname()[1])
        seen: list[StoreError] = []
        assert measure(lambda: seen.append(failure(store))) < BOUND
        assert seen[0].outcome is outcomes.STORE_TIMEOUT
        for link in crowd:
            link.close()


def test_a_server_that_does_not_read(impostor: Start) -> None:
    store = open_at(impostor(hang).port)
    value = b"%016d" % 1 + b"x" * 30_000_000
    seen: list[StoreError] = []

    def call() -> None:
        seen.append(failure(store, lambda s: s.put("k", value, ttl=1, started=1, names=(), generations=())))

    assert measure(call) < BOUND
    assert seen[0].outcome is outcomes.STORE_TIMEOUT


OK = b"+OK\r\n+OK\r\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", outcomes.STORE_UNREACHABLE),
        (OK + b"*2\r\n$3\r\nab", outcomes.STORE_UNREACHABLE),
        (OK + b"*2\r\n$3\r\nabc\r\n", outcomes.STORE_UNREACHABLE),
        (OK, outcomes.STORE_UNREACHABLE),
    ],
    ids=["at once", "in a string", "in an array", "after the login"],
)
def test_a_server_that_hangs_up(impostor: Start, data: bytes, expected: Outcome) -> None:
    def serve(link: socket.socket, server: Impostor) -> None:
        server.hear(link)
        link.sendall(data)

    store = RedisStore(SocketLink(parse_url(f"redis://user:{SECRET}@127.0.0.1:{impostor(serve).port}/1"), PATIENT))
    error = failure(store)
    assert error.outcome is expected
    assert_dead(store, error)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00\x01\x02\x03",
        b"x" * 200_000,
        b"+" + b"x" * 200_000,
        OK + b":1\r\n",
        OK + b"*1\r\n$-1\r\n",
        OK + b"*3\r\n$-1\r\n$-1\r\n$-1\r\n",
        OK + b"*2\r\n$-1\r\n:1\r\n",
        OK + b"*2\r\n$-1\r\n$2\r\n1x\r\n",
        OK + b"*2\r\n$-1\r\n*0\r\n",
        OK + b"*-1\r\n",
        OK + b"*2\r\n$-1\r\n$-2\r\n",
        OK + b"*2\r\n$99999999999\r\n",
        OK + b"*99999999999\r\n",
        OK + b"*1\r\n" * 50_000,
        OK + b"*2\r\n$1\r\nabc\r\n",
        OK + b"*2\r\n$-1\r\n$-1\r\n+more\r\n",
        b"+QUEUED\r\n+OK\r\n*2\r\n$-1\r\n$-1\r\n",
        f"+{SECRET}\r\n".encode() * 3,
        b"$1_0\r\n",
        b":" + b"9" * 5000 + b"\r\n",
    ],
)
def test_garbage(impostor: Start, data: bytes) -> None:
    store = open_at(impostor(reply(data)).port, PATIENT)
    error = failure(store)
    assert error.outcome is outcomes.STORE_GARBAGE
    assert_dead(store, error)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("data", [OK + b"*0\r\n", OK + b"+WHAT\r\n", OK + b":-77\r\n", b"\xff\xff"])
def test_garbage_in_every_call(impostor: Start, call: Callable[[Store], object], data: bytes) -> None:
    store = open_at(impostor(reply(data)).port, PATIENT)
    if (data == OK + b":-77\r\n" and call in (CALLS[2], CALLS[3])) or (data == OK + b"*0\r\n" and call is CALLS[9]):
        call(store)  # an integer is what these take, and nothing heard what this one does
        store.close()
    else:
        assert failure(store, call).outcome is outcomes.STORE_GARBAGE


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (
            b"-ERR unknown command 'AUTH', with args beginning with: '%s'\r\n" % SECRET.encode() * 3,
            "ERR unknown command 'AUTH'",
        ),
        (b"-ERR the password " + SECRET.encode() + b" is wrong\r\n+OK\r\n+OK\r\n", "ERR"),
        (OK + b"-ERR of \xff\x1b[2J" + b"x" * 200 + b"\r\n", "ERR of ??[2J" + "x" * 152),
        (b"-" + SECRET.encode() + b" nonsense\r\n+OK\r\n+OK\r\n", "ERR"),
        (b"-WRONGPASS no\r\n-NOAUTH no\r\n-NOAUTH no\r\n", "WRONGPASS"),
        (OK + b"-LOADING Redis is loading the dataset in memory\r\n", "LOADING"),
        (OK + b"-MOVED 3999 127.0.0.1:6381\r\n", "MOVED"),
    ],
)
def test_refusals_say_the_code_and_of_a_bare_one_more(impostor: Start, data: bytes, detail: str) -> None:
    error = failure(open_at(impostor(reply(data)).port, PATIENT))
    assert (error.outcome, error.detail) == (outcomes.STORE_REFUSED, detail)


def test_a_server_that_refuses_and_hangs_up(impostor: Start) -> None:
    def serve(link: socket.socket, server: Impostor) -> None:
        server.hear(link)
        link.sendall(b"-ERR max number of clients reached\r\n")

    store = open_at(impostor(serve).port, PATIENT)
    error = failure(store)
    assert error.outcome is outcomes.STORE_REFUSED
    assert_dead(store, error)


def test_a_reply_over_the_cap(impostor: Start) -> None:
    limits = Limits(connect=20, silence=20, operation=20, size=1000)
    items = b"*2\r\n" + b"$600\r\n" + b"x" * 600 + b"\r\n" + b"$600\r\n" + b"x" * 600 + b"\r\n"
    error = failure(open_at(impostor(reply(OK + items)).port, limits), lambda store: store.read(("a", "b")))
    assert error.outcome is outcomes.STORE_GARBAGE


def test_login_and_command_travel_together(impostor: Start) -> None:
    server = impostor(reply(OK + b"*2\r\n$-1\r\n$1\r\n7\r\n"))
    store = open_at(server.port, PATIENT)
    lookup = store.get("k", ("a",))
    store.close()
    assert (lookup.entry, lookup.generations) == (None, (7,))
    assert server.seen == (
        b"*3\r\n$4\r\nAUTH\r\n$4\r\nuser\r\n$6\r\ns3cr3t\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n"
        b"*3\r\n$4\r\nMGET\r\n$1\r\nk\r\n$17\r\nskill_cache_gen:a\r\n"
    )


def test_a_call_cut_short_by_an_alarm_leaves_no_reply_to_the_next(impostor: Start) -> None:
    class Alarm(BaseException):
        pass

    store = open_at(impostor(reply(OK + b"*2\r\n$-1\r\n$-1\r\n")).port, PATIENT)
    reader = store.link._reader  # type: ignore[attr-defined] # of a socket
    receive = reader._receive

    def receive_and_ring() -> bytes:
        receive()
        raise Alarm

    reader._receive = receive_and_ring
    with pytest.raises(Alarm):
        store.get("k", ("a",))
    assert failure(store).outcome is outcomes.STORE_UNREACHABLE
    store.close()


def test_a_host_name_that_does_not_resolve() -> None:
    store = RedisStore(SocketLink(parse_url("redis://name.invalid:6379/0")))
    seen: list[StoreError] = []
    assert measure(lambda: seen.append(failure(store))) < BOUND
    assert seen[0].outcome in (outcomes.STORE_UNREACHABLE, outcomes.STORE_TIMEOUT)


@pytest.mark.parametrize("host", ["", "a" * 300, "..", "ä..b"])
def test_a_host_that_is_no_name(host: str) -> None:
    error = failure(RedisStore(SocketLink(parse_url(f"redis://{host}:1/0"))))
    assert error.outcome in (outcomes.STORE_UNREACHABLE, outcomes.STORE_TIMEOUT)


def test_a_resolver_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from skillcache.stores import connection

    released = threading.Event()
    ended = threading.Event()
    real = connection._look_up

    def look_up(host: str, port: int, *, numeric: bool) -> object:
        if numeric:
            return real(host, port, numeric=True)
        released.wait()
        ended.set()
        return []

    monkeypatch.setattr(connection, "_look_up", look_up)
    store = RedisStore(SocketLink(parse_url("redis://cache.example:6379/0")))
    seen: list[StoreError] = []
    try:
        assert measure(lambda: seen.append(failure(store))) < BOUND
    finally:
        released.set()
        ended.wait(10)
    assert seen[0].outcome is outcomes.STORE_TIMEOUT
