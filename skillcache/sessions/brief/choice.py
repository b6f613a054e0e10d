"""Which sessions a brief speaks of."""

from skillcache import jsontext
from skillcache.sessions import limits
from skillcache.sessions.brief.facts import RUNNING, Facts, number
from skillcache.sessions.brief.wording import Clock, plain
from skillcache.sessions.journal import History

_NEAR = 5_000  # ms between a reply's record and the time that the client tells of the same reply


class Note:
    __slots__ = ("at", "by", "text")

    def __init__(self, at: int, by: str, text: str) -> None:
        self.at = at
        self.by = by
        self.text = text


class Choice:
    """subject: the session spoken of at length; running, others: further ones, newest first; notes: newest first.

    `conditions`: of every session, by id; `branch`: where this session works.
    """

    __slots__ = ("branch", "conditions", "notes", "others", "running", "subject")

    def __init__(self, branch: str) -> None:
        self.branch = branch
        self.subject: Facts | None = None
        self.running: list[Facts] = []
        self.others: list[Facts] = []
        self.notes: list[Note] = []
        self.conditions: dict[str, str] = {}


def choose(source: str, history: History, own: str, branch: str, clock: Clock, here: str, *, since: int = 0) -> Choice:
    """`since`: for a fork, when the conversation that it continues last heard a reply."""
    choice = Choice(branch)
    choice.notes = read_notes(history.notes)
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
    for text in list(notes.values())[: 2 * limits.NOTES]:
        if len(text) > limits.TOLD_TEXT:
            continue
        try:
            note = jsontext.loads(text)
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
