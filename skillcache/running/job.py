"""A command that a person wants cached, and its key: captured before it runs and again when it has ended."""

import os
import time
from collections.abc import Mapping
from typing import NamedTuple

from skillcache import files, jsontext
from skillcache.errors import Bypass
from skillcache.fingerprint import Request, capture
from skillcache.key import Row
from skillcache.lookup import Lookup, inside
from skillcache.running import words
from skillcache.running.narrowing import Narrowing
from skillcache.slowness import Place
from skillcache.worktree import find_root


class Job(NamedTuple):
    """What was asked for.

    words: the command, its program first; name: what its entry is stored under; skill: as the person gave it, or '';
    depends: the globs as given, empty for the whole worktree; variables: more environment variables it depends on;
    ttl: seconds; cwd: absolute; environ: all of it.
    """

    words: tuple[str, ...]
    name: str
    skill: str
    depends: tuple[str, ...]
    variables: tuple[str, ...]
    ttl: int
    cwd: str
    environ: Mapping[str, str]

    @property
    def top(self) -> str:
        """The worktree it runs in; outside git the folder."""
        return find_root(self.cwd) or self.cwd


class Begun:
    """What was so when the command began.

    since: see `stamp`; after that, `found` was captured; project: identity; generations: of the names; is_known:
    whether something is stored for the same inputs; seconds: most time a capture may take; started: ms since the epoch.
    """

    def __init__(
        self, since: int, found: Lookup, project: str, *, generations: dict[str, int], is_known: bool, seconds: float
    ) -> None:
        self.since = since
        self.found = found
        self.project = project
        self.generations = generations
        self.is_known = is_known
        self.seconds = seconds
        self.started = int(time.time() * 1000)


def narrowing_of(job: Job) -> Narrowing | None:
    """None where the command depends on the whole worktree."""
    return Narrowing(job.depends, job.top, job.environ) if job.depends else None


def look(job: Job, given: tuple[Row, ...], *, seconds: float) -> Lookup:
    """Capture now. `given`: rows of the standard input; `seconds`: most time it may take. Raises Bypass."""
    place = place_of(job, seconds)
    place.require_quick()
    try:
        return _look(job, given, seconds)
    except Bypass as bypass:
        place.blame(bypass)
        raise


def place_of(job: Job, seconds: float) -> Place:
    return Place(job.top, job.environ.get("CLAUDE_CODE_SESSION_ID", ""), job.environ, seconds)


def _look(job: Job, given: tuple[Row, ...], seconds: float) -> Lookup:
    narrowing = narrowing_of(job)
    named = words.paths(job.words, job.cwd, job.environ)
    started = job.environ.get("BASH_ENV")  # what a shell of a script reads first
    fingerprint = capture(
        Request(
            job.cwd,
            job.environ,
            time.monotonic() + seconds,
            directories=(job.cwd,),
            executables=words.programs(job.words, job.cwd, job.environ),
            reads=(*named, *(narrowing.files if narrowing else ()), *((started,) if started else ())),
            depends=narrowing.globs if narrowing else None,
            variables=(*job.variables, *words.variables(job.words), *(("BASH_ENV",) if started else ())),
            shell=False,
            git=words.may_ask_git(job.words, named),
        )
    )
    return Lookup((*_called(job, fingerprint.root), *given), fingerprint)


def _called(job: Job, root: str) -> tuple[Row, ...]:
    depends = jsontext.dumps(list(job.depends)) if job.depends else "everything"
    rows: list[Row] = [
        ("tool", "", "run"),
        ("command", "", jsontext.dumps(list(job.words))),
        ("directory", "", inside(job.cwd, root) or ""),
        ("depends", "", depends),
    ]
    if job.skill:
        rows.append(("skill", "", job.skill))
    # A command may print the directory by the name that the shell came by.
    spelled = job.environ.get("PWD", "")
    if spelled != job.cwd and os.path.isabs(spelled) and os.path.realpath(spelled) == job.cwd:
        rows.append(("directory", "PWD", spelled))
    return tuple(rows)


def stamp(cache: str) -> int:
    """Now, in nanoseconds, by the clock that stamps every file's changes. `cache`: folder of ours. Raises OSError."""
    files.make_folder(cache)
    path = files.draft_of(f"{cache}/began")
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.ftruncate(handle, 0)  # one that a killed process left behind is stamped anew
        return os.fstat(handle).st_ctime_ns
    finally:
        os.close(handle)
        os.unlink(path)
