"""The journal of sessions: one contract, beside `Store` and over the same two servers.

A journal takes encoded records (`record`) and tells what it holds of a project's sessions as `Past` values, whose every
text may have been written by anybody who can reach the store. tests/sessions/ holds both journals to this contract.
"""

from skillcache.core.record import KW_ONLY, Record, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

EMBEDDED = "embedded:"


class Past(Record):
    """What is known of one session."""

    id: str
    state: dict[str, str]  # fields of `record`
    log: list[str] = field(default_factory=list)  # JSON texts, newest first, empty without details
    files: list[tuple[str, int]] = field(default_factory=list)  # path and edits, most edited first
    tasks: dict[str, str] = field(default_factory=dict)  # id and `<id>:status` to their texts


class History(Record):
    notes: dict[str, str]  # id to JSON
    sessions: list[Past]  # by last activity, newest first, the asking one among them
    edited: list[tuple[str, int]] = field(default_factory=list)  # paths of the last days and weights, heaviest first


class Question(Record):
    """What to tell: the newest `sessions`, with details of `near` on this branch, of the first `any` and of `own`.

    `edited`: how many of the files that the project's sessions have edited in the seven days to `now`, unix ms. An edit
    of today weighs 64, and half of that for each day since.
    """

    project: str
    _: KW_ONLY
    branch: str = ""
    own: str = ""
    sessions: int = 12
    near: int = 3
    any: int = 2
    entries: int = 80
    files: int = 40
    edited: int = 0
    now: int = 0


class Journal:
    """Every call is one round trip and raises StoreError; a journal that failed once is dead for this process."""

    def tell(
        self,
        before: "Iterable[bytes]" = (),
        question: Question | None = None,
        after: "Iterable[bytes]" = (),
        *,
        ttl: int,
    ) -> History | None:
        """Writes the records `before`, answers the question, writes those `after`.

        A record counts once, however often it is told. Sets the time to live of what it writes, in seconds, and
        holds the caps of `limits`.
        """
        raise NotImplementedError

    def past(self, session: str, entries: int) -> Past | None:
        """One session with its newest log entries."""
        raise NotImplementedError

    def restore(self, past: Past, *, project: str, at: int, ttl: int) -> None:
        """Puts a session in the place of whatever is there under its id; `at`: its last activity in ms.

        What it has edited counts as edited on the day of its last edit.
        """
        raise NotImplementedError

    def forget(self, session: str, project: str) -> bool:
        """Whether there was anything to drop."""
        raise NotImplementedError

    def add_note(self, project: str, id_: str, note: str) -> None:
        raise NotImplementedError

    def remove_note(self, project: str, id_: str) -> bool:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
