"""One message in its envelope: how much it may hold, who may have written it, and whose an agent is.

{"version": 1, "id": 16 hex digits, "kind": "text" or "notice", "from": agent id, "from_name": ..., "user": ...,
     "host": ..., "team": ..., "project": ..., "to": agent id, "to_name": ..., "text": ..., "form": "text" or "json",
     "reply_to": id or "", "seal": hex digits, "at": ms, "expires": ms}
     and where it comes back to its sender: "bounce": "ended", "expired" or "refused", "returned": ms

The store that takes a message in adds `at` and `expires` by its own clock, so that the clocks of hosts do not matter.
A notice is written by a hook of ours and never comes back. An entry of an inbox has the envelope in its field
`envelope` and in `message` only what it says, a JSON value, which is also what goes over the channel. Anybody who has
the store may write either in any language: whatever is missing of an envelope is empty, whatever is more is ignored.
Version 1 is the first.

What a message says of its sender is the sender's own word, and whoever has the store can write anything into it. So a
message carries a keyed digest of all that its sender wrote; the key never leaves the person's own cache folder.

The token is made of that key. A store keeps its SHA-1, the proof, beside the agent, and lets whoever has not the token
neither take the agent's name, nor read its inbox, nor take anything out of it, nor end it. An agent that was registered
without a token is anybody's, until someone with one comes.

The id of a person ends with a mark, the beginning of the proof, so that two who have the same name on the same machine
are two. So does the id of a session or subagent that another installation had registered before.
"""

import os

from skillcache.core import KW_ONLY, Record, field, files, json
from skillcache.core.files import blake2b, sha1

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
    why = bounce if bounce in (ENDED, EXPIRED, REFUSED) else EXPIRED  # a word of somebody else's is none of ours
    return Message(fields, times, why if bounce and isinstance(bounce, str) else "")


def is_id(text: str) -> bool:
    """Whether an agent may be called so: one word, for keys and lists hold it beside others."""
    return 0 < len(text) <= 200 and text.isprintable() and " " not in text


def base_of(text: str) -> str:
    """What the names of such agents begin with: a word for a command line, without its plugin."""
    word = "".join([c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in text.rpartition(":")[2].lower()])
    return word.strip("._-")[:24].rstrip("._-") or "agent"


MOST_TEXT = 4_000  # of a message
LINES = 200  # of a message, as it is shown
NAME = 60
DOING = 80

ANSWER = 9_400  # UTF-16 units of a hook's answer; the client puts away more than 10,000
BATCH = 32  # messages of one answer
PACE, PACE_TIME = 40_000, 60  # UTF-16 units of messages that an agent is shown in so many seconds; then they wait
TAKE = 1 << 18  # bytes that are taken out of an inbox at a time; the last message may reach beyond
ENVELOPE = 1 << 20  # bytes: more than a message of ours ever has; what is larger is dropped
INBOX = 1_000  # unread messages of one agent: more are refused, none is pushed out
TALK = 500  # messages that `skillcache tail` can look back on

TTL = 3_600  # of a message, unless its sender says otherwise
MOST_TTL = 86_400
SHOWN = 10_000  # ids of read messages remembered for each agent
SHOWN_TTL = 2 * MOST_TTL  # longer than any message lives
AGENT_TTL = 86_400  # since an agent's last activity; then it is gone
NUMBERS_TTL = 30 * 86_400  # since the last agent of a project began: no name comes twice while anybody may remember it
AGENTS = 250  # of a project, the last active ones: so many at work, and so many that have ended
SWEEP = 8  # expired messages that one hook returns to their senders
HANDOVER = 5  # seconds, in a cluster, until others take up what somebody has begun to return to its senders
GRACE = 60  # for a hook that has taken a message and not said yet that it was shown

COLLISION = 300  # between two edits of one file
KEPT = 6  # times in a row that an agent is kept from stopping; the client's own cap is 8


_SEALED = tuple([name for name in FIELDS if name != "seal"])
_SIZE = 32


def key_of(cache: str) -> bytes:
    """The person's key in this cache folder, made at its first use. Raises OSError."""
    path = f"{cache}/seal.key"
    key = files.read(path, _SIZE)
    if key is None or len(key) != _SIZE:
        draft = files.draft_of(path)
        files.write(draft, os.urandom(_SIZE))
        try:
            if key is not None:
                os.rename(draft, path)  # it was cut short
            else:
                os.link(draft, path)  # of several processes the first one's stays
        except FileExistsError:
            pass
        finally:
            files.remove(draft)
        key = files.read(path, _SIZE) or b""
    return key


def seal(message: Message, key: bytes) -> str:
    state = blake2b(digest_size=16, key=key)
    for part in parts_of(message):
        state.update(part)
    return state.hexdigest()


def parts_of(message: Message) -> list[bytes]:
    """All that its sender wrote."""
    parts = [message[name].encode("utf-8", "surrogatepass") for name in _SEALED]
    return [piece for part in parts for piece in (b"%d:" % len(part), part)]


def is_own(message: Message, reader: str, key: bytes) -> bool:
    """Whether the same person on the same machine wrote it to the agent `reader`.

    A message that comes back to the reader is judged by the reader's own seal.
    """
    addressed = message["from"] if message.bounce else message["to"]
    return addressed == reader and message["seal"] == seal(message, key)


def may_reach(message: Message, writers: str, team: str, *, own: bool) -> bool:
    """Whether the setting `messages.from` lets it be shown."""
    if own:
        return True
    if message.bounce or message["kind"] == NOTICE:
        return False  # the reader itself, or a hook on this machine, wrote it, or nobody did
    return writers == "anyone" or (writers == "team" and team != "" and message["team"] == team)


MARK = 12  # hexadecimal digits
_PERSON = "person:"


def token_of(cache: str) -> str:
    """Of the installation with this cache folder. Raises OSError."""
    return token_by(key_of(cache))


def token_by(key: bytes) -> str:
    return blake2b(b"skillcache agents", digest_size=16, key=key).hexdigest()


def proof_of(token: str) -> str:
    """As `redis.sha1hex` has it; "" where there is no token."""
    return sha1(token.encode()).hexdigest() if token else ""


def marked(id_: str, token: str) -> str:
    """The id by which an installation knows as its own what others may call the same."""
    return f"{id_}:{proof_of(token)[:MARK]}" if token else id_


def person_id(user: str, host: str, token: str) -> str:
    return marked(f"{_PERSON}{user}@{host}", token)


def mark_of(id_: str) -> str:
    """Of a person's id; "" for any other, and for that of a version before there were any."""
    head, colon, mark = id_.rpartition(":")
    is_mark = len(mark) == MARK and all(c in "0123456789abcdef" for c in mark)
    return mark if colon and is_mark and head.startswith(_PERSON) else ""
