"""RESP2 as bytes: every reply survives any splitting, and nothing else is taken for one."""

import contextlib
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.core.outcomes import StoreError
from skillcache.stores.connection import ErrorReply, Reader, encode

CAP = 1 << 20

integers = st.integers(-(2**63), 2**63 - 1)
replies = st.recursive(
    st.none() | integers | st.binary(max_size=200),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=20,
)


def serialize(reply: object) -> bytes:
    """The server's side of the protocol."""
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, bytes):
        return b"$%d\r\n%s\r\n" % (len(reply), reply)
    assert isinstance(reply, list)
    return b"*%d\r\n" % len(reply) + b"".join(serialize(item) for item in reply)


def depth_of(reply: object) -> int:
    return 1 + max(map(depth_of, reply), default=0) if isinstance(reply, list) else 0


def pieces_of(data: bytes, cuts: list[int]) -> Callable[[], bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(places) if end > start]
    return lambda: pieces.pop(0) if pieces else b""


def read_whole(data: bytes) -> object:
    return Reader(pieces_of(data, []), CAP).read()


@given(st.lists(replies.filter(lambda reply: depth_of(reply) <= 8), min_size=1, max_size=4), st.lists(st.integers(0)))
def test_replies_survive_any_splitting(sent: list[object], cuts: list[int]) -> None:
    reader = Reader(pieces_of(b"".join(map(serialize, sent)), cuts), CAP)
    assert [reader.read() for _ in sent] == sent
    reader.require_drained()


@given(st.binary(max_size=100))
def test_any_bytes_are_a_reply_or_a_store_error(data: bytes) -> None:
    with contextlib.suppress(StoreError):
        Reader(pieces_of(data, list(range(100))), CAP).read()


@given(replies, st.integers(0))
def test_a_reply_cut_short_is_never_taken(reply: object, cut: int) -> None:
    data = serialize(reply)
    with pytest.raises(StoreError):
        read_whole(data[: cut % len(data)])


@given(st.lists(st.binary(max_size=50) | st.text(max_size=20), min_size=1, max_size=6))
def test_a_command_is_an_array_of_strings(command: list[str | bytes]) -> None:
    words = [word.encode() if isinstance(word, str) else word for word in command]
    assert read_whole(encode(tuple(command))) == words


def test_status_and_empty_values() -> None:
    assert read_whole(b"+OK\r\n") == b"OK"
    assert read_whole(b"+\r\n") == b""
    assert read_whole(b"$0\r\n\r\n") == b""
    assert read_whole(b"*0\r\n") == []
    assert read_whole(b"*-1\r\n") is None
    assert read_whole(b":+5\r\n") == 5


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"-NOAUTH Authentication required.", "NOAUTH"),
        (b"-OOM", "OOM"),
        (b"-hunter2 is not a code", "ERR"),
        (b"-", "ERR"),
        (b"-\xff\xfe", "ERR"),
    ],
)
def test_an_error_keeps_a_known_code_only(line: bytes, code: str) -> None:
    reply = read_whole(line + b"\r\n")
    assert isinstance(reply, ErrorReply)
    assert reply.code == code


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n",
        b"\r\n",
        b"%1\r\n+a\r\n+b\r\n",
        b":\r\n",
        b":-\r\n",
        b":1 \r\n",
        b":1_0\r\n",
        b":\xb2\r\n",
        b":" + b"1" * 30 + b"\r\n",
        b"$-2\r\n",
        b"$ 1\r\na\r\n",
        b"$1\r\nab\r\n",
        b"$1\r\na\n\r",
        b"*-2\r\n",
        b"*1\r\n" * 9 + b"*0\r\n",
        b"$%d\r\n" % (CAP + 1),
    ],
)
def test_what_is_not_resp2_is_garbage(data: bytes) -> None:
    with pytest.raises(StoreError) as caught:
        read_whole(data)
    assert caught.value.outcome.name == "store_garbage"
