"""One message in its envelope, an object of JSON.

    {"version": 1, "id": 16 hex digits, "kind": "text" or "notice", "from": agent id, "from_name": ..., "user": ...,
     "host": ..., "team": ..., "project": ..., "to": agent id, "to_name": ..., "text": ..., "form": "text" or "json",
     "reply_to": id or "", "seal": hex digits, "at": ms, "expires": ms}
     and where it comes back to its sender: "bounce": "ended", "expired" or "refused", "returned": ms

The store that takes a message in adds `at` and `expires` by its own clock, so that the clocks of hosts do not matter.
A notice is written by a hook of ours and never comes back. An entry of an inbox has the envelope in its field
`envelope` and in `message` only what it says, a JSON value, which is also what goes over the channel. Anybody who has
the store may write either in any language: whatever is missing of an envelope is empty, whatever is more is ignored.
Version 1 is the first.
"""

from skillcache.core import json
from skillcache.core.record import KW_ONLY, Record, field

VERSION = 1
TEXT, NOTICE = "text", "notice"
ENDED, EXPIRED, REFUSED = "ended", "expired", "refused"  # why a message comes back

FIELDS = (
    *("id", "kind", "from", "from_name", "user", "host", "team", "project", "to", "to_name"),
    *("text", "form", "reply_to", "seal"),
)
_TIMES = ("at", "expires", "returned")


class Message(Record):
    """at, expires, returned: unix ms by the store's clock, 0 before it took the message in."""

    fields: dict[str, str]
    times: dict[str, int] = field(default_factory=dict)
    bounce: str = ""
    _: KW_ONLY
    # whether it was found to be of the reader's own person on this machine (`seal`); all else is its word only
    own: bool = False

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    def time(self, name: str) -> int:
        return self.times.get(name, 0)


def encode(message: Message) -> bytes:
    """ASCII that ends with the object's brace: a store puts its fields before it."""
    fields = {name: message[name] for name in FIELDS}
    return json.dumps({"version": VERSION, **fields}).encode("ascii")


def value_of(message: Message) -> bytes:
    """What it says, as JSON."""
    return (message["text"] if message["form"] == "json" else json.dumps(message["text"])).encode()


def foreign(text: str) -> Message:
    """A message of a program that knows of no envelopes, whatever it says."""
    try:
        found = json.loads(text)
    except ValueError:
        found = text
    return Message({"kind": TEXT, "text": found if isinstance(found, str) else text, "form": "text"})


def stamped(text: str, **times: int) -> str:
    """A message's text with these times in it; what a script does in the server."""
    return text[:-1] + "".join([f',"{name}":{value}' for name, value in times.items()]) + "}"


def returned(text: str, why: str, at: int) -> str:
    """The text of a message that comes back."""
    return f'{text[:-1]},"bounce":"{why}","returned":{at}}}'


def decode(text: str | bytes) -> Message | None:
    """None for what is no message of this version."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict) or found.get("version") != VERSION:
        return None
    fields = {name: value for name in FIELDS if isinstance(value := found.get(name), str)}
    times = {name: int(value) for name in _TIMES if isinstance(value := found.get(name), int) and 0 <= value < 1 << 50}
    bounce = found.get("bounce")
    return Message(fields, times, bounce if isinstance(bounce, str) else "")


def is_id(text: str) -> bool:
    """Whether an agent may be called so: one word, for keys and lists hold it beside others."""
    return 0 < len(text) <= 200 and text.isprintable() and " " not in text


def base_of(text: str) -> str:
    """What the names of such agents begin with: a word for a command line, without its plugin."""
    word = "".join([c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in text.rpartition(":")[2].lower()])
    return word.strip("._-")[:24].rstrip("._-") or "agent"
