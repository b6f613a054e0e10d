"""A brief for whoever reads it where: chooses, looks at what has changed, and writes.

The brief that a session begins with: facts about what went before, from a store that anybody may have written to.

`facts` reads a session's record without trust, `choice` says which sessions are spoken of, `changes` looks at what has
changed since, `sections` says it in words, `page` fits the words into the size. Only `changes` touches the world.
"""

from skillcache.core import processes
from skillcache.core.record import Record
from skillcache.sessions.brief import page, sections
from skillcache.sessions.brief.changes import Changes, look
from skillcache.sessions.brief.choice import Choice, choose
from skillcache.sessions.journal import History
from skillcache.sessions.text import Clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.sessions.brief.changes import Changes


class Brief(Record):
    text: str  # for the model
    message: str  # one line for the person


def write(source: str, choice: Choice, changes: "Changes", clock: Clock, size: int) -> Brief | None:
    """None when there is nothing to say, or no room for it. `size`: most UTF-16 units of the text."""
    if source == "compact":
        return _finish(sections.of_compaction(choice, clock), choice, size)
    if source in ("resume", "fork"):
        return _finish(sections.of_resumption(choice, changes, clock), choice, size)
    return _finish(sections.of_start(choice, changes, clock), choice, size)


def _finish(story: "sections.Story | None", choice: Choice, size: int) -> Brief | None:
    if story is None:
        return None
    shown = choice.subject or next(iter(choice.running + choice.others), None)
    text = page.fit(story.opening, story.sections, shown.id if shown else "", size)
    return Brief(text, f"skillcache: {story.message}") if text else None


class Reader(Record):
    session: str  # "" for a person
    root: str  # top of the worktree
    branch: str
    host: str
    now: int  # unix ms
    environ: "Mapping[str, str]"

    __repr__ = object.__repr__  # an environment is nothing for a traceback


def compose(source: str, history: History, reader: Reader, size: int, *, since: int = 0) -> Brief | None:
    clock = Clock(reader.now)
    choice = choose(source, history, reader.session, reader.branch, clock, processes.here(), since=since)
    asks = choice.subject is not None and source != "compact"
    changes = Changes()
    if asks and choice.subject:
        changes = look(choice.subject, reader.root, reader.host, reader.session, reader.environ)
    return write(source, choice, changes, clock, size)
