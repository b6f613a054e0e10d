"""The post: a registry of agents and an inbox for each; one contract, beside `Store` and over the same two servers.

An agent is a dict of texts: `id`, `name`, `type` ("main", "person" or an agent's type), `session`, `project`, `branch`,
`user`, `host`, `root`, `task` and `tool` (what it is doing), `boot`, `pid`, `pid_start` (the client behind it), and by
the store's clock in ms `started`, `active`, `ended`; `proof` where it is proven whose it is (`message.proof_of`).
Anybody who can reach the store may have written it.

An inbox is read by a group of consumers: what is taken stays in it until it is settled, and is taken again where
whoever took it did not get that far. tests/messages/ holds both posts to this contract.
"""

from skillcache.core import KW_ONLY, Record
from skillcache.core.outcomes import SkillcacheError
from skillcache.messages.message import Message, encode, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

UNKNOWN, DENIED = -1, -2  # an agent that is not registered, or gone; one that another installation has registered
GONE, FULL = -1, -2  # why a message was not taken in: the agent has ended, its inbox holds no more

# What an agent is about to do when it looks.
WORK, STOP, STOP_AGAIN = "", "stop", "again"


class Denied(SkillcacheError):
    """The agent is another installation's, which alone may act as it."""

    def __init__(self, id_: str) -> None:
        super().__init__(
            f"{id_} is an agent of another user or home folder: only there its messages can be read, or its name used."
            " See: skillcache agents --all"
        )
        self.id = id_


class Delivery(Record):
    entry: str  # by which it is settled
    text: str  # the message's envelope
    _: KW_ONLY
    again: bool  # whether it was taken before
    bare: bool = False  # the text is a value that another program wrote, without an envelope


class Taken(Record):
    now: int  # unix ms by the store's clock
    name: str  # the reader's, "" where it is not registered
    deliveries: list[Delivery]


class Letter:
    """to: an agent's id; project: whose agents see to it that it comes back; ttl: seconds.

    envelope: the message; value: what it says, as JSON of its own, for programs that know of no envelopes.
    """

    __slots__ = ("envelope", "project", "to", "ttl", "value")

    def __init__(self, message: Message, *, ttl: int) -> None:
        self.to = message["to"]
        self.project = message["project"]
        self.envelope = encode(message)
        self.value = value_of(message)
        self.ttl = ttl


class Meeting(Record):
    """An agent that edited a file."""

    id: str
    name: str
    ago: int  # in ms


class Post:
    """Every call is one round trip, happens whole or not at all, and raises StoreError; a post that failed is dead.

    In a cluster it is several steps, of which `inbox_cluster` says what holds between them.

    token: of who calls (`message.token_of`), "" for who cannot prove anything. It is needed for an agent that was
    registered with one, until it is gone: `register`, `take` and `settle` raise Denied, `look` gives DENIED,
    `note`, `end` and `edited` do nothing.
    """

    token = ""

    def register(self, id_: str, fields: dict[str, str], base: str) -> str:
        """The agent's name: the one it has in `fields["project"]`, else `base-N`.

        Where base is "": `fields["name"]`, or that name and `:N`, where somebody else who is there has it, or it ends
        like `base-N`. No number comes twice. An agent that had ended is there again.
        """
        raise NotImplementedError

    def look(self, id_: str, fields: dict[str, str], *, moment: str = WORK, most: int = 0, ends: bool = False) -> int:
        """How many messages wait, or UNKNOWN or DENIED; notes `fields` and the activity.

        `moment`: STOP and STOP_AGAIN count how often the agent was kept from stopping; from `most` on, nothing waits.
        Nothing does for an agent that was shown `message.PACE` of late, either.
        `ends`: an agent for whom nothing waits has ended. Returns some expired messages of the project to their
        senders.
        """
        raise NotImplementedError

    def note(self, id_: str, fields: dict[str, str]) -> None:
        """Sets fields of an agent, also of one that is about to be registered; no activity of it."""
        raise NotImplementedError

    def end(self, id_: str) -> bool:
        """The agent, and every one of its session where it is the session's own, has ended.

        Unread messages go back to their senders. False where it is another installation's.
        """
        raise NotImplementedError

    def agents(self, project: str) -> tuple[int, list[dict[str, str]]]:
        """Unix ms by the store's clock, and the agents by last activity, newest first, ended ones among them.

        Those that have ended push nobody at work out of the list.
        """
        raise NotImplementedError

    def find(self, id_: str) -> dict[str, str]:
        """An agent's fields, without its times; empty where nobody is known by this id."""
        raise NotImplementedError

    def send(self, letters: "Iterable[Letter]") -> list[int]:
        """For each how many listen on the agent's channel, or GONE or FULL.

        An agent that was never registered has an inbox all the same.
        """
        raise NotImplementedError

    def take(self, id_: str, count: int) -> Taken:
        """At most `count` messages, oldest first, what was taken before at the front; no more after `message.TAKE`.

        An agent that is proven is active by it.

        Never one that was settled as shown; expired ones go back to their senders.
        """
        raise NotImplementedError

    def settle(
        self,
        id_: str,
        shown: "Iterable[tuple[str, str]]",
        returned: "Iterable[tuple[str, str]]" = (),
        *,
        size: int = 0,
        stopped: bool = False,
    ) -> None:
        """Takes messages out of the inbox. shown: entry and message's id, never taken again; returned: entry and why.

        `size`: of what was shown, in UTF-16 units; `stopped`: it kept the agent from stopping.
        """
        raise NotImplementedError

    def edited(self, id_: str, place: str) -> list[Meeting]:
        """Notes an edit of the file `place`; the agent itself, and the live others that edited it of late.

        That is within `message.COLLISION`, and each pair meets once within that time. Nothing for an agent that is not
        registered.
        """
        raise NotImplementedError

    def talk(self, project: str, after: str = "") -> list[tuple[str, str]]:
        """Messages sent and returned after a mark, oldest first, each with its own mark; the last ones after ""."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
