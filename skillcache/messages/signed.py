"""The post of a team: each message is signed for the agent that it goes to, and one that is not is dropped unread.

Beside the seal, by which a person knows messages of their own, an envelope then bears `signature`, over the fields that
its sender wrote: of each the number of its bytes, a colon and the bytes, in the order of `message.FIELDS` without the
seal. What goes over the channel, and stands beside the envelope, is followed by a line with its signature. The times
that the store adds are not signed, nor why a message comes back. What has no envelope is read once by its signature,
and not at all where it stood beside an envelope that was read. Of an agent each text is signed for its field, and who
it is and what it is called together, once the store has named it. An edit bears the signature of whose it was.
"""

from time import time

from skillcache.core import json
from skillcache.core.outcomes import MISSIGNED, UNSIGNED
from skillcache.messages.inbox import WORK, Delivery, Letter, Meeting, Post, Taken
from skillcache.messages.message import COLLISION, TEXT, Message, decode, encode, parts_of, value_of
from skillcache.stores.contract import agent_key, channel, edits_key, inbox_key
from skillcache.stores.signed import AGENT, CHANNEL, DIGITS, MESSAGE, Keys, Signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillcache.messages.inbox_redis import RedisPost


class SignedPost(Post):
    """post: where it is kept."""

    def __init__(self, post: "RedisPost", keys: Keys) -> None:
        self._post = post
        self._keys = keys

    @property
    def token(self) -> str:
        return self._post.token

    @token.setter
    def token(self, token: str) -> None:
        self._post.token = token

    def register(self, id_: str, fields: dict[str, str], base: str) -> str:
        given = self._post.register(id_, self._sealed(id_, fields), base)
        said = base or fields.get("name", "")
        name = given if _is_named(given, said) else said
        claim = _claim({**fields, "name": name})
        self._post.note(id_, {"name": name, "signature": self._keys.sign(AGENT, agent_key(id_), claim)})
        return name

    def look(self, id_: str, fields: dict[str, str], *, moment: str = WORK, most: int = 0, ends: bool = False) -> int:
        return self._post.look(id_, self._sealed(id_, fields), moment=moment, most=most, ends=ends)

    def note(self, id_: str, fields: dict[str, str]) -> None:
        self._post.note(id_, self._sealed(id_, fields))

    def end(self, id_: str) -> bool:
        return self._post.end(id_)

    def agents(self, project: str) -> tuple[int, list[dict[str, str]]]:
        now, found = self._post.agents(project)
        known = [(each["id"], self._known(each["id"], each)) for each in found]
        return now, [{"id": id_, **each} for id_, each in known if each.get("project") == project]

    def find(self, id_: str) -> dict[str, str]:
        found = self._post.find(id_)
        return self._known(id_, found) if found else found

    def edited(self, id_: str, place: str) -> list[Meeting]:
        met = self._post.edited(id_, place)
        signed = self._signed_edits(id_, place) if met else []
        others = [each for each in met[1:] if self._has_edited(each.id, place, signed)]
        known = [(each, self.find(each.id)) for each in (met[0], *others)] if others else []
        if not known or not known[0][1]:
            return met[:1]
        return [Meeting(each.id, fields["name"], each.ago) for each, fields in known if fields]

    def send(self, letters: "Iterable[Letter]") -> list[int]:
        return self._post.send([signed(each, self._keys) for each in letters])

    def take(self, id_: str, count: int) -> Taken:
        taken = self._post.take(id_, count)
        if not taken.deliveries:
            return taken
        read = [self._opened(each, id_) for each in taken.deliveries]
        self._refuse_again(id_, taken.now, read)
        refused = [each.entry for each, opened in zip(taken.deliveries, read, strict=True) if opened.delivery is None]
        if refused:
            self._post.settle(id_, [(entry, "") for entry in refused])
        counting = [opened.delivery for opened in read if opened.delivery is not None]
        return Taken(taken.now, self.find(id_).get("name", "") if counting else "", counting)

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

    def _signed_edits(self, id_: str, place: str) -> list[str]:
        """Signs an edit that the store has just noted; ids of all that edited the file, and ids with a signature."""
        own = self._keys.sign(AGENT, _edit(id_, place), until=int(time()) + COLLISION)
        return self._post.mark_edit(id_, place, f"{id_} {own}")

    def _has_edited(self, id_: str, place: str, signed: list[str]) -> bool:
        own = [member.removeprefix(f"{id_} ") for member in signed if member.startswith(f"{id_} ")]
        if not own:
            self._keys.note(UNSIGNED, AGENT)
        # Two agents meet on one machine, whose clock is the same.
        return any(_until(each) >= time() and self._keys.counts(AGENT, _edit(id_, place), each) for each in own)

    def _sealed(self, id_: str, fields: dict[str, str]) -> dict[str, str]:
        return {
            name: text if name in _PLAIN or not text else self._keys.seal(AGENT, _field(id_, name), text)
            for name, text in fields.items()
        }

    def _known(self, id_: str, fields: dict[str, str]) -> dict[str, str]:
        """What is signed of an agent, and the numbers that the store keeps; nothing where it is not known who it is."""
        keys = self._keys
        if not keys.counts(AGENT, agent_key(id_), fields.get("signature", ""), _claim(fields)):
            return {}
        found = {name: fields.get(name, "") for name in _PLAIN}
        found |= {name: text for name, text in fields.items() if name in _OF_STORE and _is_number(text)}
        found |= {name: text for name, text in fields.items() if name == "proof" and len(text) == _PROOF}
        for name in [name for name in _TEXTS if name in fields]:
            text = fields[name] and keys.opened(AGENT, _field(id_, name), fields[name])
            if text is not None:
                found[name] = text
        return found

    def _opened(self, each: Delivery, reader: str) -> "_Opened":
        if not each.bare:
            if not is_signed(each.text, self._keys, reader):
                return _Opened(None, "", is_bare=False)
            message = decode(each.text) or Message({})
            signature, told = _signature_of(each.text), (CHANNEL, channel(message["to"]), value_of(message))
            return _Opened(each, self._keys.digits_as(signature, *told), is_bare=False)
        text, digits = self._keys.opened(CHANNEL, channel(reader), each.text), each.text[-DIGITS:]
        whole = None if text is None else Delivery(each.entry, _enveloped(text, digits), again=each.again)
        return _Opened(whole, digits, is_bare=True)

    def _refuse_again(self, id_: str, now: int, read: "list[_Opened]") -> None:
        """Of what has no envelope what was read before, with or without one; its signature is its id."""
        letters = [each.digits for each in read if each.delivery is not None and not each.is_bare]
        bare = [each for each in read if each.delivery is not None and each.is_bare]
        known = self._post.were_shown(id_, [each.digits for each in bare], letters, now)
        seen: set[str] = set()
        for each, was_shown in zip(bare, known, strict=True):
            if was_shown or each.digits in seen:
                each.delivery = None
                self._keys.note(MISSIGNED, CHANNEL)
            seen.add(each.digits)


class _Opened:
    """delivery: None where it counts not; digits: of the signature over what goes over the channel."""

    __slots__ = ("delivery", "digits", "is_bare")

    def __init__(self, delivery: Delivery | None, digits: str, *, is_bare: bool) -> None:
        self.delivery = delivery
        self.digits = digits
        self.is_bare = is_bare


def _enveloped(text: str, id_: str) -> str:
    """What another program wrote, as a message with that id."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    said = {"text": value, "form": "text"} if isinstance(value, str) else {"text": text, "form": "json"}
    return encode(Message({"id": id_, "kind": TEXT, **said})).decode()


# The store's scripts compare these, so they are signed together, as `signature` beside them.
_PLAIN = ("project", "session", "name")
_OF_STORE = ("started", "active", "ended", "kept", "paced", "shown")
_TEXTS = ("type", "branch", "user", "host", "root", "boot", "pid", "pid_start", "task", "tool")
_PROOF = 40
_LONGEST = 16  # digits of a number


def _edit(id_: str, place: str) -> str:
    return f"{edits_key(place)}\n{id_}"


def _until(signature: str) -> int:
    try:
        return Signature(signature).until
    except ValueError:
        return 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST


def _field(id_: str, name: str) -> str:
    return f"{agent_key(id_)}\n{name}"


def _claim(fields: dict[str, str]) -> bytes:
    return "\n".join([fields.get(name, "") for name in _PLAIN]).encode("utf-8", "replace")


def _is_named(name: str, base: str) -> bool:
    """Whether the store has made the name of the base: that itself, or with a number of those called so."""
    rest = name.removeprefix(base)
    return bool(base) and name.startswith(base) and (not rest or (rest[0] in "-:" and _is_number(rest[1:])))


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
    if not keys.counts(MESSAGE, inbox_key(message["to"]), _signature_of(text), *parts_of(message)):
        return False
    if reader is None or reader == (message["from"] if message.bounce else message["to"]):
        return True
    keys.note(MISSIGNED, MESSAGE)
    return False


def _signature_of(envelope: str) -> str:
    found = json.loads(envelope)
    return str(found.get("signature", "")) if isinstance(found, dict) else ""
