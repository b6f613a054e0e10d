"""The post of a team: each message is signed for the agent that it goes to, and one that is not is dropped unread.

Beside the seal, by which a person knows messages of their own, an envelope then bears `signature`, over the fields that
its sender wrote: of each the number of its bytes, a colon and the bytes, in the order of `message.FIELDS` without the
seal. What goes over the channel, and stands beside the envelope, is followed by a line with its signature. The times
that the store adds are not signed, nor why a message comes back.
"""

from time import time

from skillcache.core import json
from skillcache.core.outcomes import MISSIGNED
from skillcache.messages.inbox import Delivery, Letter, Taken
from skillcache.messages.inbox_redis import RedisPost
from skillcache.messages.message import Message, decode, parts_of
from skillcache.stores.redis_keys import channel, inbox_key
from skillcache.stores.signed import CHANNEL, MESSAGE, Keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from skillcache.stores.connection import Link


class SignedPost(RedisPost):
    """now: unix seconds in the place of the server's clock."""

    def __init__(self, link: "Link", keys: Keys, *, now: float | None = None) -> None:
        super().__init__(link, now=now)
        self._keys = keys

    def send(self, letters: "Iterable[Letter]") -> list[int]:
        return super().send([signed(each, self._keys) for each in letters])

    def take(self, id_: str, count: int) -> Taken:
        taken = super().take(id_, count)
        found = [(each, self._opened(each, id_)) for each in taken.deliveries]
        refused = [each.entry for each, opened in found if opened is None]
        if refused:
            super().settle(id_, [(entry, "") for entry in refused])
        return Taken(taken.now, taken.name, [opened for _, opened in found if opened is not None])

    def talk(self, project: str, after: str = "") -> list[tuple[str, str]]:
        return [each for each in super().talk(project, after) if is_signed(each[1], self._keys)]

    def _opened(self, each: Delivery, reader: str) -> Delivery | None:
        if each.bare:
            text = self._keys.opened(CHANNEL, channel(reader), each.text)
            return None if text is None else Delivery(each.entry, text, again=each.again, bare=True)
        return each if is_signed(each.text, self._keys, reader) else None


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
