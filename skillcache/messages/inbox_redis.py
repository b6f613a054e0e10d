"""The post in Redis: by its `scripts`, one request over a link for each call."""

from skillcache.core.outcomes import STORE_GARBAGE, StoreError
from skillcache.messages import message, scripts
from skillcache.messages.inbox import WORK, Delivery, Denied, Letter, Meeting, Post, Taken
from skillcache.stores.contract import agent_key, edits_key, shown_key, talk_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from skillcache.stores.connection import Link, Reply, Request

    T = TypeVar("T")


# KEYS: edits   ARGV: id, mark, which holds a blank, so that it is none of the agents that EDITED looks at.
_MARK_EDIT = b"""\
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if at then redis.call('ZADD', KEYS[1], at, ARGV[2]) end
return redis.call('ZREVRANGE', KEYS[1], 0, 499)
"""
_TIMES = ("active", "ended", "kept", "paced", "shown", "started")


class RedisPost(Post):
    """now: unix seconds in the place of the server's clock."""

    def __init__(self, link: "Link", *, now: float | None = None) -> None:
        self._link = link
        self._now = "" if now is None else f"{now * 1000:.0f}"

    def register(self, id_: str, fields: dict[str, str], base: str) -> str:
        given = (base, fields["project"], *pairs(fields))
        return self._act(text_of, scripts.REGISTER, id_, *given)

    def look(self, id_: str, fields: dict[str, str], *, moment: str = WORK, most: int = 0, ends: bool = False) -> int:
        given = (moment, str(most), "1" if ends else "", *pairs(fields))
        return self._run(count_of, scripts.LOOK, id_, self.token, *given)

    def note(self, id_: str, fields: dict[str, str]) -> None:
        self._run(anything, scripts.NOTE, id_, self.token, *pairs(fields))

    def end(self, id_: str) -> bool:
        return self._run(anything, scripts.END, id_, self.token) is not None

    def agents(self, project: str) -> tuple[int, list[dict[str, str]]]:
        return self._run(_agents, scripts.AGENTS_OF, project)

    def find(self, id_: str) -> dict[str, str]:
        fields = self._link.ask((("HGETALL", agent_key(id_)), fields_of))
        return {name: text for name, text in fields.items() if name not in _TIMES}

    def send(self, letters: "Iterable[Letter]") -> list[int]:
        words: list[str | bytes] = []
        for each in letters:
            words += (each.to, each.project, str(each.ttl), each.envelope, each.value)
        return self._run(lambda reply: [count_of(each) for each in items(reply)], scripts.SEND, *words)

    def take(self, id_: str, count: int) -> Taken:
        return self._act(lambda reply: taken(reply, count), scripts.TAKE, id_, str(count))

    def settle(
        self,
        id_: str,
        shown: "Iterable[tuple[str, str]]",
        returned: "Iterable[tuple[str, str]]" = (),
        *,
        size: int = 0,
        stopped: bool = False,
    ) -> None:
        first, last = [word for pair in shown for word in pair], [word for pair in returned for word in pair]
        given = ("1" if stopped else "", str(size), str(len(first) // 2), *first, *last)
        self._act(anything, scripts.SETTLE, id_, *given)

    def edited(self, id_: str, place: str) -> list[Meeting]:
        return self._run(_meetings, scripts.EDITED, id_, self.token, place)

    def mark_edit(self, id_: str, place: str, mark: str) -> list[str]:
        """Put a mark beside an edit that `edited` has just noted; all ids and marks of that file."""
        command = ("EVAL", _MARK_EDIT, "1", edits_key(place), id_, mark.encode("utf-8", "replace"))
        return self._link.ask((command, lambda reply: [text_of(each) for each in items(reply)]))

    def were_shown(self, id_: str, asked: "Sequence[str]", shown: "Iterable[str]", now: int) -> list[bool]:
        """Which of `asked` was read before, once it is kept that `shown` were. now: unix ms by the server's clock."""
        key = shown_key(id_)
        kept: list[Request[Reply]] = [(("ZADD", key, str(now), mark), anything) for mark in shown]
        kept += [(("EXPIRE", key, str(message.SHOWN_TTL)), anything)] if kept else []
        scores: list[Request[Reply]] = [(("ZSCORE", key, mark), anything) for mark in asked]
        if not kept and not scores:
            return []
        return [score is not None for score in self._link.ask_all([*kept, *scores])[len(kept) :]]

    def talk(self, project: str, after: str = "") -> list[tuple[str, str]]:
        key = talk_key(project)
        if not after:
            return self._link.ask((("XREVRANGE", key, "+", "-"), _said))[::-1]
        # An open end of a range is understood from Redis 6.2 on.
        return [said for said in self._link.ask((("XRANGE", key, after, "+"), _said)) if said[0] != after]

    def close(self) -> None:
        self._link.close()

    def _act(self, read: "Callable[[Reply], T]", script: bytes, id_: str, *words: "str | bytes") -> "T":
        """As the agent. Raises Denied."""
        found = self._run(lambda reply: None if reply is None else (read(reply),), script, id_, self.token, *words)
        if found is None:
            raise Denied(id_)
        return found[0]

    def _run(self, read: "Callable[[Reply], T]", script: bytes, *words: "str | bytes") -> "T":
        return self._link.ask((("EVAL", script, "0", self._now, *map(as_bytes, words)), read))


def _agents(reply: "Reply") -> tuple[int, list[dict[str, str]]]:
    now, found = _timed(reply)
    agents = []
    for item in found[: 2 * message.AGENTS]:
        id_, fields = items(item, 2)
        agents.append({**fields_of(fields), "id": text_of(id_)})
    return now, agents


def taken(reply: "Reply", count: int) -> Taken:
    now, (name, *found) = _timed(reply, 1)
    deliveries = []
    for item in found[:count]:
        entry, again, text, bare = items(item, 4)
        if isinstance(text, bytes) and len(text) > message.ENVELOPE:
            raise garbage()
        deliveries.append(Delivery(text_of(entry), text_of(text), again=again == 1, bare=bare == 1))
    return Taken(now, text_of(name), deliveries)


def _meetings(reply: "Reply") -> list[Meeting]:
    met = []
    for item in items(reply):
        other, name, ago = [text_of(word) for word in items(item, 3)]
        met.append(Meeting(other, name, number(ago)))
    return met


def _said(reply: "Reply") -> list[tuple[str, str]]:
    said = []
    for item in items(reply):
        mark, fields = items(item, 2)
        said.append((text_of(mark), text_of(items(fields, 2)[1])))
    return said


def _timed(reply: "Reply", least: int = 0) -> "tuple[int, list[Reply]]":
    """The time that an answer begins with, and at least so many items after it."""
    now, *rest = items(reply) or [None]
    if len(rest) < least:
        raise garbage()
    return number(text_of(now)), rest


def fields_of(reply: "Reply") -> dict[str, str]:
    words = [text_of(word) for word in items(reply)]
    if len(words) % 2:
        raise garbage()
    return dict(zip(words[::2], words[1::2], strict=True))


def items(reply: "Reply", count: int = -1) -> "list[Reply]":
    if not isinstance(reply, list) or count not in (-1, len(reply)):
        raise garbage()
    return reply


def number(text: str) -> int:
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        raise garbage() from None


def count_of(reply: "Reply") -> int:
    if not isinstance(reply, int):
        raise garbage()
    return reply


def text_of(reply: "Reply") -> str:
    if not isinstance(reply, bytes):
        raise garbage()
    return reply.decode("utf-8", "replace")


def anything(reply: "Reply") -> "Reply":
    return reply


def garbage() -> StoreError:
    return StoreError(STORE_GARBAGE, "an answer of another shape")


def as_bytes(word: str | bytes) -> bytes:
    """What others wrote may hold halves of surrogates, which no text for a server has."""
    return word.encode("utf-8", "replace") if isinstance(word, str) else word


def pairs(fields: dict[str, str]) -> list[str]:
    return [word for pair in fields.items() for word in pair]
