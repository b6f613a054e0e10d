"""A command run twice in a throwaway copy of its directory, with what it leaves removed in between.

What a hook would say of the runs is said by what a hook asks: `skillcache.cache.skills.run`.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from skillcache.cache.skills.run import Workplace
from skillcache.cli.skill.copied import Copy
from skillcache.cli.skill.differences import Difference, of_bytes
from skillcache.commands.stand_in import without_shims
from skillcache.core.credentials.find import find as find_secret
from skillcache.core.errors import Bypass, SkillcacheError
from skillcache.core.outcomes import NO_RULE
from skillcache.rules.judge import judge
from skillcache.rules.rule import Rule
from skillcache.rules.skills.find import Finder
from skillcache.stores.entry import File

_LOOKING = 30.0  # seconds for what is captured around it
_UNKNOWN = "the command is known for none that runs a script of the skill"


class Run(NamedTuple):
    """status: as a shell tells it; milliseconds: how long; ended: False where it was stopped for taking too long."""

    status: int
    output: bytes
    error: bytes
    files: tuple[File, ...]
    milliseconds: float
    ended: bool


class Rehearsal(NamedTuple):
    """runs: two, or one that was stopped; out: why a hook would not store them, each once."""

    runs: tuple[Run, ...]
    out: tuple[str, ...]
    differences: tuple[Difference, ...]


class Place(NamedTuple):
    """folder: the skill's, real; cwd: real; cap: most bytes of a result; longest: seconds of one run."""

    folder: str
    cwd: str
    environ: Mapping[str, str]
    rules: tuple[Rule, ...]
    cap: int
    longest: float = 60.0


def rehearse(words: tuple[str, ...], place: Place) -> Rehearsal:
    """Raises SkillcacheError where the command cannot be started or the directory is too large, and OSError."""
    with tempfile.TemporaryDirectory(prefix="skillcache-check-", ignore_cleanup_errors=True) as folder:
        return _Stage(os.path.realpath(folder), place).play(words)


class _Stage:
    def __init__(self, top: str, place: Place) -> None:
        self.top = top
        self.place = place
        self.copy = Copy(top, place.folder, place.cwd)
        self.cwd = self.copy.cwd
        environ = without_shims(dict(place.environ))
        environ["PWD"] = self.cwd
        if project := environ.get("CLAUDE_PROJECT_DIR"):
            environ["CLAUDE_PROJECT_DIR"] = self.copy.there(os.path.realpath(project))
        self.environ = environ
        self.out: dict[str, None] = {}

    def play(self, words: tuple[str, ...]) -> Rehearsal:
        words = tuple(map(self.copy.word, words))
        failures, work = self._workplace(words)
        runs: list[Run] = []
        for _ in range(2):
            run = self._run(words, work)
            runs.append(run)
            if not run.ended:
                self.out[f"it was stopped after {self.place.longest:g} s"] = None
                break
            if run.status and not failures and work is not None:
                self.out[f"it ended with {run.status}, and failures: true is not said"] = None
            if any(find_secret(text.decode("utf-8", "replace")) for text in _texts(run)):
                self.out["something in its result looks like a credential"] = None
            if sum(map(len, _texts(run))) > self.place.cap:
                self.out[f"its result is longer than max_output, {self.place.cap} bytes"] = None
            for file in run.files:
                os.unlink(f"{work.root if work is not None else self.cwd}/{file.path}")
        return Rehearsal(tuple(runs), tuple(self.out), tuple(_compare(*runs)) if len(runs) == 2 else ())

    def _workplace(self, words: tuple[str, ...]) -> tuple[bool, Workplace | None]:
        """Whether failures are reports, and what a hook looks at; None where it would not know the command."""
        skills = tuple([rule for rule in self.place.rules if rule.tool == "Skill"])
        commands = tuple([rule for rule in self.place.rules if rule.tool == "Bash"])
        try:
            verdict = judge(words, commands, Finder(self.cwd, self.environ, skills, ttl=1))
            if verdict.skill is not None:
                work = Workplace((verdict.skill,), verdict.rule.depends, self.cwd, self.environ)
                return verdict.rule.failures, work
            self._refused(_UNKNOWN)
        except Bypass as bypass:
            self._refused(_UNKNOWN if bypass.outcome is NO_RULE else str(bypass))
        return False, None

    def _refused(self, why: str) -> None:
        for path, instead in ((f"{self.cwd}/", ""), (f"{self.copy.skill}/", "the skill's "), (self.cwd, ".")):
            why = why.replace(path, instead)
        self.out[why] = None

    def _run(self, words: tuple[str, ...], work: Workplace | None) -> Run:
        before: dict[str, object] = {}
        try:
            if work is not None:
                before = work.trace(self.environ, deadline=time.monotonic() + _LOOKING)
        except Bypass as bypass:
            self._refused(str(bypass))
            work = None
        since = self._stamp()
        began = time.monotonic()
        status, ended = self._started(words)
        run = Run(status, self._read("output"), self._read("error"), (), (time.monotonic() - began) * 1_000, ended)
        if work is None or not ended:
            return run
        deadline = time.monotonic() + _LOOKING
        if work.touched(since):
            self.out["it changes what it is given, or the skill"] = None
        try:
            work.require_untouched(before, self.environ, deadline=deadline)
        except Bypass as bypass:
            self._refused(str(bypass))
        try:
            kept = work.collect(before, since=since, cap=1 << 30, deadline=deadline)
        except Bypass as bypass:
            self._refused(str(bypass))
            return run
        try:
            work.around(before, kept, deadline=deadline)
        except Bypass as bypass:
            self._refused(str(bypass))
        return run._replace(files=kept)

    def _stamp(self) -> int:
        """Nanoseconds since the epoch, by the clock that stamps files."""
        path = f"{self.top}/stamp"
        with open(path, "w", encoding="utf-8") as stamp:
            stamp.write(" ")
        return os.stat(path).st_ctime_ns

    def _started(self, words: tuple[str, ...]) -> tuple[int, bool]:
        with open(f"{self.top}/output", "wb") as output, open(f"{self.top}/error", "wb") as error:
            try:
                process = subprocess.Popen(
                    words, cwd=self.cwd, env=self.environ, stdin=subprocess.DEVNULL, stdout=output, stderr=error,
                    start_new_session=True,
                )  # fmt: skip
            except OSError as fault:
                raise SkillcacheError(f"{words[0]}: {fault.strerror}") from None
            ended = True
            try:
                process.wait(self.place.longest)
            except subprocess.TimeoutExpired:
                ended = False
            finally:  # what it left running, too
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                status = process.wait()
        return (128 - status if status < 0 else status), ended

    def _read(self, name: str) -> bytes:
        with open(f"{self.top}/{name}", "rb") as stream:
            return stream.read(4 * self.place.cap)


def _texts(run: Run) -> list[bytes]:
    return [run.output, run.error, *(file.content for file in run.files)]


def _compare(first: Run, second: Run) -> Iterator[Difference]:
    if first.status != second.status:
        yield Difference("the status", "", first=str(first.status), second=str(second.status))
    named = [("standard output", first.output, second.output), ("standard error", first.error, second.error)]
    files, others = ({file.path: file for file in run.files} for run in (first, second))
    for path in sorted(files.keys() | others.keys()):
        if path not in files or path not in others:
            yield Difference(path, "", first=_there_is(path in files), second=_there_is(path in others))
        elif files[path].mode != others[path].mode:
            yield Difference(path, "in its mode", first=f"{files[path].mode:o}", second=f"{others[path].mode:o}")
        else:
            named.append((path, files[path].content, others[path].content))
    yield from filter(None, (of_bytes(*each) for each in named))


def _there_is(there: bool) -> str:
    return "written" if there else "not written"
