"""Sessions as a brief knows them: records read without trust, and which of them it speaks of."""

from skillcache.core import KW_ONLY, Record, field, json, processes
from skillcache.sessions import journal
from skillcache.sessions.journal import History, Past
from skillcache.sessions.text import Clock, plain, spoken

RUNNING = "running"
ENDED = "ended"
GONE = "gone"
UNKNOWN = "unknown"

_QUIET = 900_000  # ms without activity after which a session of another machine no longer counts as running
_DONE = ("completed", "deleted")
_PROMPT, _PATH, _COMMAND, _SUBJECT, _NAME = 300, 160, 160, 200, 60
_CHECKS = 4


class Command(Record):
    text: str
    status: int  # exit status, -1 where it is not known
    said: str
    at: int  # unix ms


class Work(Record):
    """What the lines of a session's shell came to, newest first."""

    checks: list[Command] = field(default_factory=list)  # each as it ended last
    failed: list[Command] = field(default_factory=list)  # the line that failed last, unless it has passed since
    commits: list[str] = field(default_factory=list)  # subjects, as the lines give them


class Facts:
    """Every text is plain (`text.plain`), every time in unix ms, 0 where unknown."""

    __slots__ = ("entries", "files", "id", "state", "tasks")

    def __init__(self, past: Past) -> None:
        self.id = plain(past.id, 64)
        self.state = past.state
        self.files = [(name, max(1, count)) for path, count in past.files if (name := plain(path, _PATH))]
        self.tasks = _tasks(past.tasks)
        self.entries = [entry for text in past.log if (entry := _entry(text))]

    def text(self, field: str, limit: int = _NAME) -> str:
        return plain(self.state.get(field, ""), limit)

    def time(self, field: str) -> int:
        return number(self.state.get(field))

    @property
    def active(self) -> int:
        """When it last did something; 0 for a session that only began."""
        return self.time("active")

    @property
    def commit(self) -> str:
        text = self.state.get("commit", "")
        return text if len(text) in (40, 64) and all(c in "0123456789abcdef" for c in text) else ""

    def condition(self, clock: Clock, here: str) -> str:
        if self.time("ended") and self.time("ended") >= self.time("opened"):
            return ENDED
        alive = processes.is_alive(self.state, here)
        if alive is not None:
            return RUNNING if alive else GONE
        return RUNNING if clock.now - max(self.active, self.time("opened")) < _QUIET else UNKNOWN

    def prompt(self, limit: int) -> str:
        """The last one."""
        return plain(spoken(self.state.get("prompt", "")), limit)

    def prompts(self) -> list[tuple[int, str]]:
        """When and what, newest first."""
        found = [
            (at_of(entry), plain(spoken(text_of(entry, "text")), _PROMPT))
            for entry in self.entries
            if entry.get("kind") == "prompt" and "agent" not in entry
        ]
        return [each for each in found if each[1]] or [
            (self.time("prompted"), text) for text in [self.prompt(_PROMPT)] if text
        ]

    def work(self) -> Work:
        from skillcache.sessions.brief.lines import check, only_looks, subject  # where a session has run something

        work, seen = Work(), set[str]()
        root = self.state.get("root", "")
        for line, status, said, at in self._lines():
            found = check(line, root) if len(work.checks) < _CHECKS else None
            if found is not None:
                text = plain(found.text, _COMMAND)
                told = status if (found.passes and status == 0) or (found.fails and status > 0) else -1
                if text not in seen:
                    work.checks.append(Command(text, told, said if told > 0 else "", at))
                seen.add(text)
            elif status == 0 and (commit := plain(subject(line), _SUBJECT)):
                work.commits.append(commit)
            elif status > 0 and not work.failed and not only_looks(line):
                work.failed.append(Command(plain(line, _COMMAND), status, said, at))
        return work

    def _lines(self) -> list[tuple[str, int, str, int]]:
        """Each line of a shell as it ended last, its status (-1 for none), what a failed one said and when."""
        found: dict[str, tuple[str, int, str, int]] = {}
        for entry in self.entries:
            text = text_of(entry, "text")[: journal.COMMAND]
            if entry.get("kind") == "command" and text and text not in found:
                status = entry.get("status")
                code = status if isinstance(status, int) and 0 <= status < 1000 else -1
                found[text] = (text, code, plain(text_of(entry, "said"), _COMMAND), at_of(entry))
        for kept, stamp, status in (("failed", "failed_at", 1), ("passed", "passed_at", 0)):
            text = self.state.get(kept, "")[: journal.COMMAND]
            if text and text not in found:
                code = number(self.state.get("failed_status")) or 1 if status else 0
                said = self.text("failed_said", _COMMAND) if status else ""
                found[text] = (text, code, said, self.time(stamp))
        return list(found.values())

    def open_tasks(self) -> list[tuple[str, str]]:
        """Status and subject, those in progress first."""
        return sorted((task for task in self.tasks if task[0] not in _DONE), key=lambda task: task[0] != "in_progress")

    def done_tasks(self) -> list[str]:
        return [subject for status, subject in self.tasks if status == "completed"]


def number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 16 else 0


def at_of(entry: dict[str, object]) -> int:
    at = entry.get("at")
    return at if isinstance(at, int) and 0 < at < 10**15 else 0


def text_of(entry: dict[str, object], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _entry(text: str) -> dict[str, object]:
    if len(text) > journal.TOLD_TEXT:
        return {}
    try:
        entry = json.loads(text)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _tasks(fields: dict[str, str]) -> list[tuple[str, str]]:
    """Status and subject in the order of their numbers; a task of which only a change is known has no subject."""
    ids = sorted({name.partition(":")[0] for name in fields}, key=lambda id_: (len(id_), id_))
    found = []
    for id_ in ids:
        status = fields.get(f"{id_}:status", "pending")
        subject = plain(fields.get(id_, ""), _SUBJECT) or f"task {plain(id_, 20)}"
        found.append((status if status in ("in_progress", *_DONE) else "pending", subject))
    return found


_NEAR = 5_000  # ms between a reply's record and the time that the client tells of the same reply


class Note(Record):
    at: int
    by: str
    text: str


class Choice(Record):
    branch: str  # where this session works
    _: KW_ONLY
    subject: Facts | None = None  # the session spoken of at length
    running: list[Facts] = field(default_factory=list)  # further ones, newest first
    others: list[Facts] = field(default_factory=list)  # further ones, newest first
    notes: list[Note] = field(default_factory=list)  # newest first
    edited: list[str] = field(default_factory=list)  # paths, those edited most and last first
    its_own: list[str] = field(default_factory=list)  # where there are none: those that the subject had edited
    conditions: dict[str, str] = field(default_factory=dict)  # of every session, by id


def choose(source: str, history: History, own: str, branch: str, clock: Clock, here: str, *, since: int = 0) -> Choice:
    """`since`: for a fork, when the conversation that it continues last heard a reply."""
    choice = Choice(branch)
    choice.notes = read_notes(history.notes)
    choice.edited = [name for path, _ in history.edited if (name := plain(path, _PATH))]
    known = [Facts(past) for past in history.sessions]
    choice.conditions = {facts.id: facts.condition(clock, here) for facts in known}
    others = [facts for facts in known if facts.id != own and facts.active]
    if source == "fork":
        choice.subject = _parent(others, since)
        others = [facts for facts in others if facts is not choice.subject]
    elif source in ("resume", "compact"):
        choice.subject = next((facts for facts in known if facts.id == own), None)
    choice.running = [facts for facts in others if choice.conditions[facts.id] == RUNNING]
    choice.others = [facts for facts in others if choice.conditions[facts.id] != RUNNING]
    if source not in ("fork", "resume", "compact") and choice.others:
        near = [facts for facts in choice.others if facts.text("branch") == plain(branch, 60)]
        choice.subject = (near or choice.others)[0]
        choice.others.remove(choice.subject)
    return choice


def read_notes(notes: dict[str, str]) -> list[Note]:
    found = []
    for text in list(notes.values())[: 2 * journal.NOTES]:
        if len(text) > journal.TOLD_TEXT:
            continue
        try:
            note = json.loads(text)
        except ValueError:
            continue
        if isinstance(note, dict) and isinstance(note.get("text"), str) and plain(note["text"], 10):
            found.append(
                Note(number(str(note.get("at"))), plain(str(note.get("by", "")), 60), plain(note["text"], 400))
            )
    return sorted(found, key=lambda note: -note.at)


def _parent(others: list[Facts], since: int) -> Facts | None:
    """The session that a fork continues: the client does not say which, but when it last replied."""
    if not since:
        return None
    nearest = min(others, key=lambda facts: abs(facts.time("replied") - since), default=None)
    return nearest if nearest is not None and abs(nearest.time("replied") - since) <= _NEAR else None
