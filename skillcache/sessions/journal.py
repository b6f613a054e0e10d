"""The journal of sessions: one contract, beside `Store` and over the same two servers.

A journal takes encoded records (`record`) and tells what it holds of a project's sessions as `Past` values, whose every
text may have been written by anybody who can reach the store. tests/sessions/ holds both journals to this contract.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

EMBEDDED = "embedded:"


class Past:
    """What is known of one session.

    state: fields of `record`; log: JSON texts, newest first, empty without details; files: path and edits, most edited
    first; tasks: id and `<id>:status` to their texts.
    """

    __slots__ = ("files", "id", "log", "state", "tasks")

    def __init__(
        self,
        id_: str,
        state: dict[str, str],
        log: list[str] | None = None,
        files: list[tuple[str, int]] | None = None,
        tasks: dict[str, str] | None = None,
    ) -> None:
        self.id = id_
        self.state = state
        self.log = log or []
        self.files = files or []
        self.tasks = tasks or {}


class History:
    """sessions: by last activity, newest first, the asking one among them; notes: id to JSON."""

    __slots__ = ("notes", "sessions")

    def __init__(self, notes: dict[str, str], sessions: list[Past]) -> None:
        self.notes = notes
        self.sessions = sessions


class Question:
    """What to tell: the newest `sessions`, with details of `near` on this branch, of the first `any` and of `own`."""

    __slots__ = ("any", "branch", "entries", "files", "near", "own", "project", "sessions")

    def __init__(
        self,
        project: str,
        *,
        branch: str = "",
        own: str = "",
        sessions: int = 12,
        near: int = 3,
        any_: int = 2,
        entries: int = 80,
        files: int = 40,
    ) -> None:
        self.project = project
        self.branch = branch
        self.own = own
        self.sessions = sessions
        self.near = near
        self.any = any_
        self.entries = entries
        self.files = files


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
        """Puts a session in the place of whatever is there under its id; `at`: its last activity in ms."""
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
