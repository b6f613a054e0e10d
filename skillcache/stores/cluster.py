"""Servers that a URL names others for: Redis Cluster, and the places that Sentinels and nodes tell. For few URLs only.

In a cluster all that is ours lies in one of its slots, so that one script may touch it: a script, and a command of
several keys, may only touch keys of one slot there, those that agree in what they have in braces. So every key is named
as elsewhere, behind `{skillcache}`, and is here given that as a command is sent.
"""

from time import monotonic

from skillcache.core.outcomes import STORE_UNREACHABLE, StoreError
from skillcache.stores.redis_keys import LUA_TAG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from skillcache.stores.redis_url import Address

    Place = tuple[str, int]
    Exchange = Callable[[Address, tuple[str, ...], float], Any]

TAG = "{skillcache}"
SLOT = 5944  # by CRC16 of what is in the braces
_LUA_TAGGED = LUA_TAG.replace("''", f"'{TAG}'")

_KEYLESS = (
    "ACL", "ASKING", "AUTH", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DBSIZE", "DISCARD", "ECHO", "EXEC", "FLUSHALL",
    "FLUSHDB", "HELLO", "INFO", "LATENCY", "MULTI", "PING", "PSUBSCRIBE", "PUBLISH", "PUBSUB", "PUNSUBSCRIBE", "QUIT",
    "READONLY", "READWRITE", "RESET", "SCRIPT", "SELECT", "SLOWLOG", "SUBSCRIBE", "TIME", "UNSUBSCRIBE", "UNWATCH",
    "WAIT",
)  # fmt: skip
_KEYS_ONLY = ("DEL", "EXISTS", "MGET", "SDIFF", "SINTER", "SUNION", "TOUCH", "UNLINK", "WATCH")
_SCRIPTS = ("EVAL", "EVALSHA", "EVALSHA_RO", "EVAL_RO", "FCALL", "FCALL_RO")
_OF_TWO_WORDS = ("MEMORY", "OBJECT", "XGROUP", "XINFO")


def tagged(command: "Sequence[Any]") -> "list[Any]":
    """The words of `command` with its keys as they are called in a cluster.

    Whatever is not known has one key, in the first place: where there are more, the cluster refuses it.
    """
    words = [*command[0].split(), *command[1:]]
    name = _text(words[0]).upper()
    if name == "SCAN":
        return _scan(words)
    for place in _places(name, words):
        words[place] = _tag(words[place])
    if name in _SCRIPTS:
        script = words[1]
        if isinstance(script, bytes):
            words[1] = script.replace(LUA_TAG.encode(), _LUA_TAGGED.encode(), 1)
        else:
            words[1] = script.replace(LUA_TAG, _LUA_TAGGED, 1)
    return words


def untagged(key: "str | bytes") -> "Any":
    return key.removeprefix(TAG.encode()) if isinstance(key, bytes) else key.removeprefix(TAG)


def _places(name: str, words: "list[Any]") -> "Sequence[int]":
    if name in _KEYLESS:
        return ()
    if name in _KEYS_ONLY:
        return range(1, len(words))
    if name in _SCRIPTS:
        return range(3, 3 + int(words[2]))
    if name == "MSET":
        return range(1, len(words), 2)
    if name in ("XREAD", "XREADGROUP"):
        first = [_text(word).upper() for word in words].index("STREAMS") + 1
        return range(first, first + (len(words) - first) // 2)
    return (2 if name in _OF_TWO_WORDS else 1,)


def _scan(words: "list[Any]") -> "list[Any]":
    names = [_text(word).upper() for word in words]
    if "MATCH" not in names:
        return [*words, "MATCH", f"{TAG}*"]
    place = names.index("MATCH") + 1
    words[place] = _tag(words[place])
    return words


def _tag(key: "Any") -> "str | bytes":
    return TAG.encode() + bytes(key) if isinstance(key, bytes | bytearray | memoryview) else f"{TAG}{key}"


def _text(word: "Any") -> str:
    return bytes(word).decode("latin-1") if isinstance(word, bytes | bytearray | memoryview) else str(word)


def locate(address: "Address", deadline: float, exchange: "Exchange") -> "Address":
    """The server that `address` means, as the first has it that knows; `address` itself where it says so.

    `deadline`: on the clock of time.monotonic; `exchange`: says a command to one server, for at most so many seconds
    each to connect, between two pieces and in all. Raises StoreError.
    """
    if address.sentinels:
        guards = [address.of_sentinel(place) for place in address.sentinels]
        return address.at(
            _ask(guards, ("SENTINEL", "get-master-addr-by-name", address.service), _master, deadline, exchange)
        )
    if address.nodes:
        nodes = [address.at(place) for place in address.nodes]
        return address.at(_ask(nodes, ("CLUSTER", "SLOTS"), _owner, deadline, exchange))
    return address


def _ask(
    those: "list[Address]",
    command: "tuple[str, ...]",
    read: "Callable[[Any, str], Place | None]",
    deadline: float,
    exchange: "Exchange",
) -> "Place":
    """`read`: takes the reply, and the host that gave it; None for a place that is not known."""
    fault = StoreError(STORE_UNREACHABLE, "nobody asked knows the place of the server")
    for index, each in enumerate(those):
        # Each has its share of the time left, half of it to connect: one that hangs must not starve the next.
        share = max((deadline - monotonic()) / (len(those) - index) / 2, 0.001)
        try:
            reply = exchange(each, command, share)
        except StoreError as error:
            fault = error
            continue
        if (found := read(reply, each.host)) is not None:
            return found
    raise fault


def _master(reply: "Any", _asked: str) -> "Place | None":
    if not isinstance(reply, list) or len(reply) != 2:
        return None
    host, port = reply
    if not isinstance(host, bytes) or not isinstance(port, bytes) or not port.isdigit() or len(port) > 5:
        return None
    return host.decode("utf-8", "replace"), int(port)


def _owner(reply: "Any", asked: str) -> "Place | None":
    for run in reply if isinstance(reply, list) else ():
        if not isinstance(run, list) or len(run) < 3 or not isinstance(run[0], int) or not isinstance(run[1], int):
            return None
        node = run[2]
        if run[0] <= SLOT <= run[1] and isinstance(node, list) and len(node) >= 2:
            host, port = node[0] or b"", node[1]  # none: a node that does not know under which name it is reached
            if isinstance(host, bytes) and isinstance(port, int):
                return (host.decode("utf-8", "replace") if host not in (b"", b"?") else asked), port
    return None
