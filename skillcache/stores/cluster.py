"""Redis Cluster: all that is ours lies in one of its slots, so that one script may touch it.

A script, and a command of several keys, may only touch keys of one slot there: those that agree in what they have in
braces. So every key is named as elsewhere, behind `{skillcache}`, and is here given that as a command is sent.
"""

from skillcache.stores.redis_keys import LUA_TAG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

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
