"""A brief for whoever reads it where: chooses, looks at what has changed, and writes."""

from skillcache.sessions import client
from skillcache.sessions.brief import Brief, write
from skillcache.sessions.brief.changes import Changes, look
from skillcache.sessions.brief.choice import choose
from skillcache.sessions.brief.wording import Clock
from skillcache.sessions.journal import History

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Reader:
    """session: "" for a person; root: top of the worktree; now: unix ms."""

    __slots__ = ("branch", "environ", "host", "now", "root", "session")

    def __init__(self, session: str, root: str, branch: str, host: str, now: int, environ: "Mapping[str, str]") -> None:
        self.session = session
        self.root = root
        self.branch = branch
        self.host = host
        self.now = now
        self.environ = environ


def compose(source: str, history: History, reader: Reader, size: int, *, since: int = 0) -> Brief | None:
    clock = Clock(reader.now)
    choice = choose(source, history, reader.session, reader.branch, clock, client.here(), since=since)
    asks = choice.subject is not None and source != "compact"
    changes = Changes()
    if asks and choice.subject:
        changes = look(choice.subject, reader.root, reader.host, reader.session, reader.environ)
    return write(source, choice, changes, clock, size)
