"""The post of a team: each message is signed for the agent that it goes to, and one that is not is dropped unread.

Beside the seal, by which a person knows messages of their own, an envelope then bears `signature`, over the fields that
its sender wrote: of each the number of its bytes, a colon and the bytes, in the order of `message.FIELDS` without the
seal. What goes over the channel, and stands beside the envelope, is followed by a line with its signature. The times
that the store adds are not signed, nor why a message comes back. Of an agent each text is signed for its field.
"""

from time import time

from skillcache.core import json
from skillcache.core.outcomes import MISSIGNED
from skillcache.messages.inbox import WORK, Delivery, Letter, Meeting, Post, Taken
from skillcache.messages.message import Message, decode, parts_of
from skillcache.stores.redis_keys import agent_key, channel, inbox_key
from skillcache.stores.signed import AGENT, CHANNEL, MESSAGE, Keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class SignedPost(Post):
    """post: where it is kept."""

    def __init__(self, post: Post, keys: Keys) -> None:
        self._post = post
        self._keys = keys

    @property
    def token(self) -> str:
        return self._post.token

    @token.setter
    def token(self, token: str) -> None:
        self._post.token = token

    def register(self, id_: str, fields: dict[str, str], base: str) -> str:
        said = base or fields.get("name", "")
        claim = _claim({**fields, "base": said})
        given = self._sealed(id_, fields) | {
            "base": said,
            "signature": self._keys.sign(AGENT, agent_key(id_), claim),
        }
        name = self._post.register(id_, given, base)
        return name if _is_named(name, said) else said

    def look(self, id_: str, fields: dict[str, str], *, moment: str = WORK, most: int = 0, ends: bool = False) -> int:
        return self._post.look(id_, self._sealed(id_, fields), moment=moment, most=most, ends=ends)

    def note(self, id_: str, fields: dict[str, str]) -> None:
        self._post.note(id_, self._sealed(id_, fields))

    def end(self, id_: str) -> bool:
        return self._post.end(id_)

    def agents(self, project: str) -> tuple[int, list[dict[str, str]]]:
        now, found = self._post.agents(project)
        known = [self._known(each["id"], each) for each in found]
        return now, [each for each in known if each.get("project") == project]

    def find(self, id_: str) -> dict[str, str]:
        found = self._post.find(id_)
        return self._known(id_, found) if found else found

    def edited(self, id_: str, place: str) -> list[Meeting]:
        met = self._post.edited(id_, place)
        known = [(each, self.find(each.id)) for each in met] if len(met) > 1 else []
        if not known or not known[0][1]:
            return met[:1]
        return [Meeting(each.id, fields["name"], each.ago) for each, fields in known if fields]

    def send(self, letters: "Iterable[Letter]") -> list[int]:
        return self._post.send([signed(each, self._keys) for each in letters])

    def take(self, id_: str, count: int) -> Taken:
        taken = self._post.take(id_, count)
        if not taken.deliveries:
            return taken
        found = [(each, self._opened(each, id_)) for each in taken.deliveries]
        refused = [each.entry for each, opened in found if opened is None]
        if refused:
            self._post.settle(id_, [(entry, "") for entry in refused])
        name = self.find(id_).get("name", "") if len(refused) < len(found) else ""
        return Taken(taken.now, name, [opened for _, opened in found if opened is not None])

    def settle(
        self,
        id_: str,
        shown: "Iterable[tuple[str, str]]",
        returned: "Iterable[tuple[str, str]]" = (),
        *,
        size: int = 0,
        stopped: bool = False,
    ) -> None:
        self._post.settle(id_, shown, returned, size=size, stopped=stopped)

    def talk(self, project: str, after: str = "") -> list[tuple[str, str]]:
        return [each for each in self._post.talk(project, after) if is_signed(each[1], self._keys)]

    def close(self) -> None:
        self._post.close()

    def _sealed(self, id_: str, fields: dict[str, str]) -> dict[str, str]:
        return {
            name: text if name in _PLAIN or not text else self._keys.seal(AGENT, _field(id_, name), text)
            for name, text in fields.items()
        }

    def _known(self, id_: str, fields: dict[str, str]) -> dict[str, str]:
        """What is signed of an agent, and the numbers that the store keeps; nothing where it is not known who it is."""
        keys, base = self._keys, fields.get("base", "")
        if not keys.counts(AGENT, agent_key(id_), fields.get("signature", ""), _claim(fields)):
            return {}
        if not _is_named(fields.get("name", ""), base):
            keys.note(MISSIGNED, AGENT)
            return {}
        found = {name: text for name, text in fields.items() if name in _PLAIN or name in _OF_STORE or not text}
        for name in fields.keys() - found.keys() - {"base", "signature"}:
            text = keys.opened(AGENT, _field(id_, name), fields[name])
            if text is not None:
                found[name] = text
        return found

    def _opened(self, each: Delivery, reader: str) -> Delivery | None:
        if each.bare:
            text = self._keys.opened(CHANNEL, channel(reader), each.text)
            return None if text is None else Delivery(each.entry, text, again=each.again, bare=True)
        return each if is_signed(each.text, self._keys, reader) else None


# The store's scripts compare these, so they are signed together, as `signature` beside them.
_PLAIN = ("project", "session", "name")
_OF_STORE = ("id", "proof", "started", "active", "ended", "kept", "paced", "shown")


def _field(id_: str, name: str) -> str:
    return f"{agent_key(id_)}\n{name}"


def _claim(fields: dict[str, str]) -> bytes:
    return "\n".join([fields.get(name, "") for name in ("project", "session", "base")]).encode("utf-8", "replace")


def _is_named(name: str, base: str) -> bool:
    """Whether the store has made the name of the base: that itself, or with a number of those called so."""
    rest = name.removeprefix(base)
    return bool(base) and name.startswith(base) and (not rest or (rest[0] in "-:" and rest[1:].isdecimal()))


def signed(letter: Letter, keys: Keys) -> Letter:
    """The letter as a team sends it."""
    until = int(time()) + letter.ttl
    message = decode(letter.envelope) or Message({})
    signature = keys.sign(MESSAGE, inbox_key(letter.to), *parts_of(message), until=until)
    given = Letter(message, ttl=letter.ttl)
    given.envelope = letter.envelope[:-1] + f',"signature":{json.dumps(signature)}}}'.encode()
    given.value = keys.seal(CHANNEL, channel(letter.to), letter.value.decode(), until).encode()
    return given


def is_signed(text: str, keys: Keys, reader: str | None = None) -> bool:
    """Whether the envelope counts, and is the reader's: to them, or of their own and come back."""
    message = decode(text)
    if message is None:
        keys.note(MISSIGNED, MESSAGE)
        return False
    found = json.loads(text)
    signature = str(found.get("signature", "")) if isinstance(found, dict) else ""
    if not keys.counts(MESSAGE, inbox_key(message["to"]), signature, *parts_of(message)):
        return False
    if reader is None or reader == (message["from"] if message.bounce else message["to"]):
        return True
    keys.note(MISSIGNED, MESSAGE)
    return False
