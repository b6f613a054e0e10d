"""The journal of sessions: one contract over the two servers, and what one event leaves in it.

A journal takes encoded records and tells what it holds of a project's sessions as `Past` values, whose every
text may have been written by anybody who can reach the store. tests/sessions/ holds both journals to this contract.

    {"version": 1, "id": ..., "session": ..., "at": "<ms>", "project": "" or identity, "active": true or false,
     "state": {"<stamp>": {"<field>": "<text>", ...}, ...}, "count": ["<field>", ...], "log": "<JSON>" or "",
     "files": ["<path>", ...], "tasks": [["<id>", "<subject>", "<status>"], ...], "replace": true or false}

`state` holds groups of fields, each under the name of the field that says when the group was last written: a group
that comes late never overwrites a newer one. An empty text takes a field away; an empty subject or status leaves the
task's own. `replace` makes `tasks` the whole list. Version 1 is the first.
"""

from skillcache.core import KW_ONLY, Record, field, json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


EMBEDDED = "embedded:"


class Past(Record):
    """What is known of one session."""

    id: str
    state: dict[str, str]  # fields of a record, by its name
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


VERSION = 1


class SessionRecord:
    """at: unix ms; active: whether the session was at work, which its start and its end are not."""

    __slots__ = ("active", "at", "count", "files", "id", "log", "project", "replace", "session", "state", "tasks")

    def __init__(self, id_: str, session: str, at: int, *, active: bool = True) -> None:
        self.id = id_
        self.session = session
        self.at = at
        self.active = active
        self.project = ""
        self.state: dict[str, dict[str, str]] = {}
        self.count: list[str] = []
        self.log: dict[str, object] = {}
        self.files: list[str] = []
        self.tasks: list[tuple[str, str, str]] = []
        self.replace = False


def encode(record: SessionRecord) -> bytes:
    """One line of ASCII without its end."""
    log = {"at": record.at, **record.log} if record.log else None
    return json.dumps(
        {
            "version": VERSION,
            "id": record.id,
            "session": record.session,
            "at": str(record.at),
            "project": record.project,
            "active": record.active,
            "state": record.state,
            "count": record.count,
            "log": json.dumps(log) if log else "",
            "files": record.files,
            "tasks": [list(task) for task in record.tasks],
            "replace": record.replace,
        }
    ).encode("ascii")


def decode(line: bytes) -> dict[str, object] | None:
    """The fields of a line, or None for one that was cut short or is of another version."""
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    if not isinstance(fields, dict) or fields.get("version") != VERSION:
        return None
    return fields


def last_day(state: dict[str, str], at: int) -> int:
    """The day of a session's last edit, counted from 1970 in UTC; `at`: its last activity in ms."""
    edited = state.get("edited", "")
    return (int(edited) if edited.isascii() and edited.isdecimal() and len(edited) < 16 else at) // DAY


PROMPT = 2_000
REPLY = 1_000
LINE = 300  # a reply's or an answer's beginning in the log
COMMAND = 500
PATH = 400
SUBJECT = 300
SUMMARY = 2_000
NOTE = 500
TOLD_TEXT = 65_536  # an entry of the log or a note as JSON: more than any of ours
NAME = 120  # a branch, a host, a title

DAY = 86_400_000  # ms

WINDOW = 16_384  # what of a text is looked at before it is redacted and cut

LOG = 1_000  # entries of one session
FILES = 500
DAYS = 500  # files of one session, counted anew each day
TASKS = 200
SESSIONS = 1_000  # of one project
NOTES = 200  # of one project
WEEK = 7  # days whose edits are told of a project; each counts half of the next
RECENT = 100  # sessions whose edits are told
TOLD = 4_096  # ids of records remembered, more than a spool holds
TOLD_TTL = 86_400
FILES_OF_ONE_EVENT = 50

SPOOL = 1 << 20  # bytes
SPOOL_BATCH = 400  # records delivered by one hook beside its own
