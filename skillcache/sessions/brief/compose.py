"""The brief that a session begins with: facts about what went before, from a store that anybody may have written to.

`choice` reads records of sessions without trust and says which of them are spoken of, `look` finds what has changed
since, `sections` says it in words and fits these into the size. Only `look` touches the world.
"""

import os
import time

from skillcache.core import Record, field, processes
from skillcache.core.git import Git
from skillcache.core.outcomes import Bypass
from skillcache.core.processes import Child, end
from skillcache.sessions.brief import sections
from skillcache.sessions.brief.choice import Choice, Facts, Work, choose
from skillcache.sessions.journal import History
from skillcache.sessions.text import ANGLE, ELLIPSIS, Clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


_SECONDS = 0.5
_COMMITS = 50
_FILES = 40
_EDITED = 20
ASKED = 40  # files edited most: some of them may be gone


class Changes(Record):
    """What has become of a session's work."""

    # subjects, newest first, None where the session's commit is not in this clone
    commits: list[str] | None = field(default_factory=list)
    own: list[str] = field(default_factory=list)  # subjects of those that the session made, as git has them
    # paths that it had edited, written or removed on disk since, known only where it worked in this very folder
    touched: set[str] = field(default_factory=set)


def look(facts: Facts, claimed: list[str], reader: "Reader") -> Changes:
    """What cannot be found out in time is left out. `claimed`: subjects of commits that the session's lines make."""
    changes = Changes()
    root = reader.root
    if os.path.isdir(root) and facts.state.get("root") == root and facts.state.get("host") == reader.host:
        paths = [path for path, _ in facts.files if _is_inside(path)][:_FILES]
        changes.touched = {path for path in paths if _is_touched(f"{root}/{path}", facts.active)}
    if facts.commit and os.path.lexists(f"{root}/.git"):
        from skillcache.cache.history import Breaker  # not every session has left a commit

        breaker = Breaker(root, reader.session, reader.environ, _SECONDS)
        try:
            breaker.require_quick()
            _ask(changes, facts.commit, claimed, Git(root, reader.environ, time.monotonic() + _SECONDS))
        except Bypass as bypass:
            breaker.blame(bypass)
    return changes


def _ask(changes: Changes, commit: str, claimed: list[str], git: Git) -> None:
    quiet = ("--no-show-signature", "--no-mailmap", "--no-color", "-n", str(_COMMITS), "--format=%s")
    children: dict[str, Child] = {}
    try:
        children["since"] = git.start("log", *quiet, f"{commit}..HEAD", "--")
        if claimed:
            children["until"] = git.start("log", *quiet, commit, "--")
        git.gather(*children.values(), fine=None)
        said = _text(children["since"])
        if said is not None:
            changes.commits = said.splitlines()
        elif _has_head(git):
            changes.commits = None
    finally:
        end(list(children.values()))
    until = (_text(children["until"]) or "").splitlines() if claimed else []
    changes.own = [subject for subject in until if any(_is_same(subject, each) for each in claimed)]


def _is_same(subject: str, claimed: str) -> bool:
    """A claim may have been cut."""
    return subject == claimed or (claimed.endswith(ELLIPSIS) and subject.startswith(claimed[:-1]))


def _has_head(git: Git) -> bool:
    """Whether git answers here at all: it refuses, say, in a folder that somebody else owns."""
    child = git.start("rev-parse", "--verify", "--quiet", "HEAD")
    git.gather(child, fine=None)
    return child.status == 0


def _text(child: Child) -> str | None:
    return child.output.decode("utf-8", "replace") if child.status == 0 else None


def _is_inside(path: str) -> bool:
    """A path that was shortened or mended for display is not that of a file."""
    return not path.startswith(("/", "~")) and ".." not in path.split("/") and not {ELLIPSIS, ANGLE} & set(path)


def _is_touched(path: str, since: int) -> bool:
    """A file that is gone was removed since where its folder has changed since."""
    for place in (path, path.rpartition("/")[0]):
        try:
            return os.stat(place).st_mtime_ns // 1_000_000 > since
        except FileNotFoundError:
            continue
        except OSError:
            break
    return False


class Brief(Record):
    text: str  # for the model
    message: str  # one line for the person


def write(source: str, choice: Choice, work: Work, changes: Changes, clock: Clock, size: int) -> Brief | None:
    """None when there is nothing to say, or no room for it. `size`: most UTF-16 units of the text."""
    if source == "compact":
        return _finish(sections.of_compaction(choice, work, clock), choice, size)
    if source in ("resume", "fork"):
        return _finish(sections.of_resumption(choice, changes, clock), choice, size)
    return _finish(sections.of_start(choice, work, changes, clock), choice, size)


def _finish(story: "sections.Story | None", choice: Choice, size: int) -> Brief | None:
    if story is None:
        return None
    shown = choice.subject or next(iter(choice.running + choice.others), None)
    text = sections.fit(story.opening, story.sections, shown.id if shown else "", size)
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
    choice.edited = [path for path in choice.edited if _is_there(path, reader.root)][:_EDITED]
    if not choice.edited and choice.subject is not None:  # nobody has edited anything for a week
        choice.its_own = [path for path, _ in choice.subject.files if _is_there(path, reader.root)][:_EDITED]
    changes, work = Changes(), Work()
    if choice.subject is not None:
        if source not in ("resume", "fork"):
            work = choice.subject.work()
        if source != "compact":
            changes = look(choice.subject, work.commits, reader)
    return write(source, choice, work, changes, clock, size)


def _is_there(path: str, root: str) -> bool:
    """A brief names no file of this project that is gone; where the project is not, nobody knows."""
    return _is_inside(path) and (os.path.isfile(f"{root}/{path}") or not os.path.isdir(root))
