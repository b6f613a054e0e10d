"""The post in Redis: scripts of `message_scripts`, one round trip for each call."""

from skillcache.core.outcomes import STORE_GARBAGE, STORE_REFUSED, STORE_UNREACHABLE, StoreError
from skillcache.messages import message, scripts
from skillcache.messages.inbox import WORK, Delivery, Denied, Letter, Meeting, Post, Taken
from skillcache.stores.connection import Connection, Limits
from skillcache.stores.redis_keys import agent_key, talk_key
from skillcache.stores.redis_url import Address
from skillcache.stores.resp import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillcache.core.outcomes import Outcome
    from skillcache.stores.resp import Reply

    Words = tuple[str | bytes, ...]


_TIMES = ("active", "ended", "kept", "paced", "shown", "started")


class RedisPost(Post):
    """now: unix seconds in the place of the server's clock."""

    def __init__(self, address: Address, limits_: Limits | None = None, *, now: float | None = None) -> None:
        self._connection = Connection(address, limits_ or Limits())
        self._now = "" if now is None else f"{now * 1000:.0f}"
        self._fault: tuple[Outcome, str] | None = None

    def register(self, id_: str, fields: dict[str, str], base: str) -> str:
        given = (base, fields["project"], *_pairs(fields))
        return self._text(self._act(scripts.REGISTER, id_, *given))

    def look(self, id_: str, fields: dict[str, str], *, moment: str = WORK, most: int = 0, ends: bool = False) -> int:
        found = self._run(scripts.LOOK, id_, self.token, moment, str(most), "1" if ends else "", *_pairs(fields))
        if not isinstance(found, int):
            raise self._garbage()
        return found

    def note(self, id_: str, fields: dict[str, str]) -> None:
        self._run(scripts.NOTE, id_, self.token, *_pairs(fields))

    def end(self, id_: str) -> bool:
        return self._run(scripts.END, id_, self.token) is not None

    def agents(self, project: str) -> tuple[int, list[dict[str, str]]]:
        now, found = self._timed(self._run(scripts.AGENTS_OF, project))
        agents = []
        for item in found[: 2 * message.AGENTS]:
            id_, fields = self._items(item, 2)
            words = [self._text(word) for word in self._items(fields)]
            agents.append({**dict(zip(words[::2], words[1::2], strict=True)), "id": self._text(id_)})
        return now, agents

    def find(self, id_: str) -> dict[str, str]:
        words = [self._text(word) for word in self._items(self._ask(("HGETALL", agent_key(id_))))]
        fields = dict(zip(words[::2], words[1::2], strict=True))
        return {name: text for name, text in fields.items() if name not in _TIMES}

    def send(self, letters: "Iterable[Letter]") -> list[int]:
        words: list[str | bytes] = []
        for each in letters:
            words += (each.to, each.project, str(each.ttl), each.envelope, each.value)
        found = []
        for reply in self._items(self._run(scripts.SEND, *words)):
            if not isinstance(reply, int):
                raise self._garbage()
            found.append(reply)
        return found

    def take(self, id_: str, count: int) -> Taken:
        now, (name, *found) = self._timed(self._act(scripts.TAKE, id_, str(count)), 1)
        taken = []
        for item in found[:count]:
            entry, again, text, bare = self._items(item, 4)
            if isinstance(text, bytes) and len(text) > message.ENVELOPE:
                raise self._garbage()
            taken.append(Delivery(self._text(entry), self._text(text), again=again == 1, bare=bare == 1))
        return Taken(now, self._text(name), taken)

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
        self._act(scripts.SETTLE, id_, "1" if stopped else "", str(size), str(len(first) // 2), *first, *last)

    def edited(self, id_: str, place: str) -> list[Meeting]:
        met = []
        for item in self._items(self._run(scripts.EDITED, id_, self.token, place)):
            other, name, ago = [self._text(word) for word in self._items(item, 3)]
            met.append(Meeting(other, name, self._number(ago)))
        return met

    def talk(self, project: str, after: str = "") -> list[tuple[str, str]]:
        key = talk_key(project)
        if not after:
            return self._talk(self._ask(("XREVRANGE", key, "+", "-")))[::-1]
        # An open end of a range is understood from Redis 6.2 on.
        return [said for said in self._talk(self._ask(("XRANGE", key, after, "+"))) if said[0] != after]

    def close(self) -> None:
        self._connection.close()

    def _act(self, script: bytes, id_: str, *words: "str | bytes") -> "Reply":
        """As the agent. Raises Denied."""
        found = self._run(script, id_, self.token, *words)
        if found is None:
            raise Denied(id_)
        return found

    def _run(self, script: bytes, *words: "str | bytes") -> "Reply":
        # What others wrote may hold halves of surrogates, which no text for a server has.
        arguments = [w.encode("utf-8", "replace") if isinstance(w, str) else w for w in words]
        return self._ask(("EVAL", script, "0", self._now, *arguments))

    def _ask(self, command: "Words") -> "Reply":
        if self._fault is not None:
            raise StoreError(*self._fault)
        # An alarm may cut the exchange short anywhere: its reply must not be taken for the next one's.
        self._fault = (STORE_UNREACHABLE, "an exchange was cut short")
        try:
            reply = self._connection.exchange(command)
        except StoreError as error:
            raise self._die(error.outcome, error.detail) from None
        self._fault = None
        if isinstance(reply, Refusal):
            raise self._die(STORE_REFUSED, reply.detail)
        return reply

    def _talk(self, reply: "Reply") -> list[tuple[str, str]]:
        said = []
        for item in self._items(reply):
            mark, fields = self._items(item, 2)
            said.append((self._text(mark), self._text(self._items(fields, 2)[1])))
        return said

    def _timed(self, reply: "Reply", least: int = 0) -> "tuple[int, list[Reply]]":
        """The time that an answer begins with, and at least so many items after it."""
        now, *rest = self._items(reply) or [None]
        if len(rest) < least:
            raise self._garbage()
        return self._number(self._text(now)), rest

    def _items(self, reply: "Reply", count: int = -1) -> "list[Reply]":
        if not isinstance(reply, list) or count not in (-1, len(reply)):
            raise self._garbage()
        return reply

    def _number(self, text: str) -> int:
        try:
            return int(float(text))
        except (ValueError, OverflowError):
            raise self._garbage() from None

    def _text(self, reply: "Reply") -> str:
        if not isinstance(reply, bytes):
            raise self._garbage()
        return reply.decode("utf-8", "replace")

    def _garbage(self) -> StoreError:
        return self._die(STORE_GARBAGE, "an answer of another shape")

    def _die(self, outcome: "Outcome", detail: str) -> StoreError:
        self._fault = (outcome, detail)
        self.close()
        return StoreError(outcome, detail)


def _pairs(fields: dict[str, str]) -> list[str]:
    return [word for pair in fields.items() for word in pair]
