"""A command twice in a throwaway copy of the project, its outputs removed in between, and compared.

What a hook would say of the runs is said by what a hook asks: `skillcache.cache.skills.run`.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from skillcache.cache.skills.run import Workplace
from skillcache.commands.stand_in import without_shims
from skillcache.core.credentials.find import find as find_secret
from skillcache.core.git import find_root
from skillcache.core.outcomes import NO_RULE, Bypass, SkillcacheError
from skillcache.rules.judge import judge
from skillcache.rules.rule import Rule
from skillcache.rules.skills.find import Finder
from skillcache.rules.skills.manifest import FILE, SHELF
from skillcache.stores.entry import File

_AGAIN = "skillcache skill check DIR -- COMMAND"
_MOST_FILES, _MOST_BYTES = 20_000, 1 << 29  # of a directory that is copied
_SKILL = ("${CLAUDE_SKILL_DIR}", "$CLAUDE_SKILL_DIR")
_PLUGIN = ".claude-plugin"  # in the folder of one


class Copy:
    """cwd, skill: where the directory and the skill are in it."""

    def __init__(self, top: str, folder: str, cwd: str) -> None:
        """`top`: an empty folder; `folder`: the skill's; both real, as is `cwd`. Raises SkillcacheError and OSError."""
        self.top = top
        self.folder = folder
        self.real = cwd
        self.cwd = f"{top}/work/{os.path.basename(cwd) or 'root'}"
        _copy(cwd, self.cwd)
        self.skill = self._skill()
        self._lead_back()

    def _skill(self) -> str:
        """Where the skill is in the copy, with what it shares."""
        folder, cwd = self.folder, self.real
        shelf = os.path.dirname(folder)
        if f"{folder}/".startswith(f"{cwd}/") and os.path.basename(shelf) == SHELF:
            return self.cwd + folder[len(cwd) :]
        beside = f"{self.top}/plugin"
        there = f"{beside}/{SHELF}/{os.path.basename(folder)}"
        if os.path.basename(shelf) == SHELF and os.path.isdir(f"{os.path.dirname(shelf)}/{_PLUGIN}"):
            _copy(os.path.dirname(shelf), beside)
            return there
        _copy(folder, there)
        if os.path.basename(shelf) == SHELF:
            for name in os.listdir(shelf):
                path = f"{shelf}/{name}"
                if not os.path.lexists(f"{path}/{FILE}") and not os.path.lexists(f"{beside}/{SHELF}/{name}"):
                    _copy(path, f"{beside}/{SHELF}/{name}")
        return there

    def _lead_back(self) -> None:
        """Has links that lead into the real project lead into the copy or be one. Raises SkillcacheError."""
        project = os.path.realpath(find_root(self.real) or self.real)
        for folder, folders, names in os.walk(self.top):
            for path in (os.path.join(folder, name) for name in (*folders, *names)):
                if not os.path.islink(path) or os.path.realpath(path).startswith(f"{self.top}/"):
                    continue
                real = os.path.realpath(self._origin(path))
                there = self.there(real)
                if there != real and os.path.lexists(there):
                    os.unlink(path)
                    os.symlink(there, path)
                elif os.path.exists(real) and any(f"{real}/".startswith(f"{top}/") for top in (project, self.folder)):
                    os.unlink(path)
                    _copy(real, path)

    def _origin(self, path: str) -> str:
        """Where what is in the copy came from, as far as that is the directory or the skill."""
        for real, copy in ((self.folder, self.skill), (self.real, self.cwd)):
            if path.startswith(f"{copy}/"):
                return real + path[len(copy) :]
        return path

    def there(self, path: str) -> str:
        """A real path where it is in the copy, if it is."""
        for real, copy in ((self.folder, self.skill), (self.real, self.cwd)):
            if f"{path}/".startswith(f"{real}/"):
                return copy + path[len(real) :]
        return path

    def word(self, word: str) -> str:
        """A word of a command, as it is said of what is in the copy."""
        for mark in _SKILL:
            word = word.replace(mark, self.folder)
        if os.path.isabs(word):
            return self.there(os.path.realpath(word)) if os.path.lexists(word) else word
        if word.startswith("-") or "/" not in word:
            return word
        path = os.path.realpath(os.path.join(self.real, word))
        if not os.path.lexists(path):  # as SKILL.md often says it
            own = os.path.join(self.folder, word)
            return f"{self.skill}/{os.path.normpath(word)}" if os.path.isfile(own) else word
        there = self.there(path)
        return word if there.startswith(f"{self.cwd}/") or there == path else there


def _copy(source: str, target: str) -> None:
    """What can be copied of it. Raises SkillcacheError."""
    if os.path.isfile(source):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(source, target)
        return
    count = size = 0
    for top, _, names in os.walk(source):
        for name in names:
            count += 1
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(top, name)).st_size
            if count > _MOST_FILES or size > _MOST_BYTES:
                raise SkillcacheError(f"{source} is too large to be copied. Go to a smaller folder, then: {_AGAIN}")
    with contextlib.suppress(shutil.Error):  # what cannot be read
        shutil.copytree(source, target, symlinks=True, ignore=_odd, dirs_exist_ok=True)


def _odd(folder: str, names: Sequence[str]) -> set[str]:
    """Pipes and sockets; and a file `.git` that leads to the real worktree's own."""
    paths = {name: os.path.join(folder, name) for name in names}
    return {
        name
        for name, path in paths.items()
        if not (os.path.islink(path) or os.path.isfile(path) or os.path.isdir(path))
        or (name == ".git" and os.path.isfile(path))
    }


_TIMES = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:\s?(?:Z|UTC|[+-]\d\d:?\d\d))?"
    r"|\d\d?:\d\d:\d\d(?:[.,]\d+)?"
    r"|(?<![\w.])1\d{9}(?:\.\d+|\d{3}|\d{6}|\d{9})?(?!\w)"
    r"|(?<![\w.])\d+(?:\.\d+)?(?:e-\d+)?\s?(?:ns|µs|us|ms|s|secs?|seconds?)\b"
)
_PATHS = re.compile(r"(?<![\w.])/[^\s\"':,;)\]}]+")
_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|\b(?=\w*\d)[0-9a-fA-F]{8,}\b|[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_UUIDS = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


class Difference(NamedTuple):
    """what: that differs, such as `standard output`; how: as the kind is called; line: the first, 0 where it has none.

    first, second: that line, or what there is in its place, of each run.
    """

    what: str
    how: str
    line: int = 0
    first: str = ""
    second: str = ""


def of_bytes(what: str, first: bytes, second: bytes) -> Difference | None:
    if first == second:
        return None
    try:
        one, other = first.decode("utf-8"), second.decode("utf-8")
    except UnicodeDecodeError:
        one = other = "\0"
    if "\0" in one or "\0" in other:
        return Difference(what, "in bytes that are no text", first=f"{len(first)} bytes", second=f"{len(second)} bytes")
    lines, others = one.splitlines(), other.splitlines()
    at = next(
        (at for at, (a, b) in enumerate(zip(lines, others, strict=False)) if a != b), min(len(lines), len(others))
    )
    return Difference(what, _kind(one, other), at + 1, *("".join(each[at : at + 1]) for each in (lines, others)))


def _kind(one: str, other: str) -> str:
    if sorted(one.splitlines()) == sorted(other.splitlines()):
        return "in the order of its lines"
    for kind, pattern in (
        ("in a time", _TIMES),
        ("in a path", _PATHS),
        ("in a number", _UUIDS),
        ("in a number", _NUMBERS),
    ):
        if pattern.sub("", one) == pattern.sub("", other):
            return kind
    if sorted(re.findall(r"\w+", one)) == sorted(re.findall(r"\w+", other)):
        return "in the order of its words"
    return "in its text"


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
                raise SkillcacheError(f"{words[0]}: {fault.strerror}. Name what can be started: {_AGAIN}") from None
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
