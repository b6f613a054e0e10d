"""The brief that a session begins with: facts about what went before, from a store that anybody may have written to.

`choice` reads records of sessions without trust and says which of them are spoken of, `look` finds what has changed
since, `sections` says it in words and fits these into the size. Only `look` touches the world.
"""

import os
import time

from skillcache.core import processes
from skillcache.core.files import Breaker
from skillcache.core.git import Git
from skillcache.core.outcomes import Bypass
from skillcache.core.processes import Child, end
from skillcache.core.record import Record, field
from skillcache.sessions.brief import sections
from skillcache.sessions.brief.choice import Choice, Facts, choose
from skillcache.sessions.journal import History
from skillcache.sessions.text import ANGLE, ELLIPSIS, Clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


_SECONDS = 0.5
_COMMITS = 50
_FILES = 40


class Changes(Record):
    """What has become of a session's work. `uncommitted`, `committed`, `touched`: paths that it had edited."""

    # one-line texts, newest first, None where the session's commit is not in this clone
    commits: list[str] | None = field(default_factory=list)
    uncommitted: set[str] = field(default_factory=set)  # not committed yet
    committed: set[str] = field(default_factory=set)  # in commits since
    # written or removed on disk since, known only where the session worked in this very folder
    touched: set[str] = field(default_factory=set)


def look(facts: Facts, root: str, host: str, session: str, environ: "Mapping[str, str]") -> Changes:
    """Whatever cannot be found out in time is left out. `session`: that of the reader."""
    changes = Changes()
    paths = [path for path, _ in facts.files if _is_inside(path)][:_FILES]
    if os.path.isdir(root) and facts.state.get("root") == root and facts.state.get("host") == host:
        changes.touched = {path for path in paths if _is_touched(f"{root}/{path}", facts.active)}
    if os.path.lexists(f"{root}/.git"):
        breaker = Breaker(root, session, environ, _SECONDS)
        try:
            breaker.require_quick()
            _ask(changes, facts.commit, paths, Git(root, environ, time.monotonic() + _SECONDS))
        except Bypass as bypass:
            breaker.blame(bypass)
    return changes


def _ask(changes: Changes, commit: str, paths: list[str], git: Git) -> None:
    children: dict[str, Child] = {}
    try:
        if commit:
            quiet = ("--no-show-signature", "--no-mailmap", "--no-color")
            children["log"] = git.start("log", *quiet, "-n", str(_COMMITS), "--format=%h %s", f"{commit}..HEAD", "--")
        if paths:
            untracked = ("--untracked-files=all", "--no-renames", "--ignore-submodules=all")
            children["status"] = git.start(
                "--literal-pathspecs", "status", "--porcelain", "-z", *untracked, "--", *paths
            )
        if paths and commit:
            plumbing = ("--literal-pathspecs", "diff-tree", "-r", "-z", "--name-only", "--no-commit-id")
            children["diff"] = git.start(*plumbing, commit, "HEAD", "--", *paths)
        git.gather(*children.values(), fine=None)
        answered = {name: _text(child) for name, child in children.items()}
        said = answered.get("log")
        if said is not None:
            changes.commits = said.splitlines()
        elif commit and _has_head(git):
            changes.commits = None
    finally:
        end(list(children.values()))
    changes.uncommitted = {record[3:] for record in (answered.get("status") or "").split("\0") if len(record) > 3}
    changes.committed = {path for path in (answered.get("diff") or "").split("\0") if path}


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
    asks = choice.subject is not None and source != "compact"
    changes = Changes()
    if asks and choice.subject:
        changes = look(choice.subject, reader.root, reader.host, reader.session, reader.environ)
    return write(source, choice, changes, clock, size)
