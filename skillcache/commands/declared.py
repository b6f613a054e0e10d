"""A command whose inputs a person declares with `skillcache run`: by default the worktree and what its words name."""

import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from glob import glob, has_magic

from skillcache.cache.capture import CallKey, Plan
from skillcache.commands.invocation import Program, called, find_program
from skillcache.commands.stand_in import without_shims
from skillcache.core import files, json
from skillcache.core.git import find_root
from skillcache.core.outcomes import TOO_LARGE, UNCAPTURABLE, Bypass
from skillcache.fingerprint.capture import Request, capture, touched
from skillcache.rules.judge import added, refuse_live_rule
from skillcache.rules.rule import Rule
from skillcache.stores.entry import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


# Programs that start others, which their words or a line among them name.
_STARTER_NAMES = (
    "sh bash dash zsh ksh fish busybox env nice ionice nohup timeout gtimeout time stdbuf setsid chrt taskset"
    " unbuffer script xargs find parallel flock sudo doas su strace ltrace xvfb-run"
)
_STARTERS = frozenset(_STARTER_NAMES.split())
# The standard streams, and devices that always say the same.
_STREAMS = "/dev/stdin /dev/stdout /dev/stderr /dev/fd/0 /dev/fd/1 /dev/fd/2 /dev/null /dev/zero /dev/full"
_HARMLESS = frozenset(_STREAMS.split())
_BETWEEN = re.compile(r"[\s;&|<>(){}`\"'$!]+")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_GIT = re.compile(rb"\bgit\b")
_SCRIPT = 1 << 20  # bytes of a file that is searched for git


def programs(words: tuple[str, ...], cwd: str, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """(word, directory) of every program that the command surely or likely starts, its own first. Raises Bypass."""
    found = [(words[0], cwd)]
    if os.path.basename(words[0]) in _STARTERS:
        folders = environ.get("PATH", os.defpath).split(":")
        for token in _tokens(words[1:]):
            if token.startswith("PATH="):
                raise Bypass(UNCAPTURABLE, "the command sets PATH")
            places = [os.path.join(cwd, token)] if "/" in token else [os.path.join(cwd, f, token) for f in folders]
            if any(os.path.isfile(place) and os.access(place, os.X_OK) for place in places):
                found.append((token, cwd))
    return tuple(dict.fromkeys(found))


def paths(words: tuple[str, ...], cwd: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The files and folders that the words name, where there are any; UNCAPTURABLE for a pipe or a device."""
    found = []
    for word in _candidates(words):
        path = os.path.join(cwd, environ.get("HOME", "/") + word[1:] if word.startswith("~/") else word)
        if not word or path in _HARMLESS:
            continue
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            found.append(path)
        else:
            raise Bypass(UNCAPTURABLE, f"{word} is a pipe or a device")
    return tuple(dict.fromkeys(found))


def variables(words: tuple[str, ...]) -> tuple[str, ...]:
    """The names that the words spell as `$NAME`."""
    return tuple(sorted({name for word in words for name in _VARIABLE.findall(word)}))


def may_ask_git(words: tuple[str, ...], named: tuple[str, ...]) -> bool:
    """Whether a word or a file of `named` speaks of git: its state is then more than the content of the worktree."""
    if any(os.path.basename(token) == "git" for token in _tokens(words)):
        return True
    for path in (words[0], *named):
        try:
            content = files.read(path, _SCRIPT) if "/" in path else None
        except OSError:
            continue
        if content is not None and _GIT.search(content):
            return True
    return False


def _candidates(words: tuple[str, ...]) -> Iterator[str]:
    yield from (word for word in words[:1] if "/" in word)
    for word in words[1:]:
        yield word
        yield word.partition("=")[2]
        if word[:1] == "@":
            yield word[1:]
        elif word[:1] == "-" and word[1:2] != "-":
            yield word[2:]
        if _BETWEEN.search(word):
            yield from _tokens((word,))


def _tokens(words: tuple[str, ...]) -> Iterator[str]:
    """The words, and the pieces of those that are a line of their own, such as after `sh -c`."""
    for word in words:
        yield from filter(None, _BETWEEN.split(word))


_MOST = 20_000


class Narrowing:
    """globs: relative to the worktree's top; files: absolute paths, of files elsewhere that match now."""

    def __init__(self, depends: tuple[str, ...], top: str, environ: Mapping[str, str]) -> None:
        """Raises Bypass (TOO_LARGE)."""
        below: list[str] = []
        files: list[str] = []
        for given in depends:
            pattern = environ.get("HOME", "/") + given[1:] if given.startswith("~/") else given
            if not pattern.startswith("/"):
                below.append(pattern)
            elif pattern.startswith(top.rstrip("/") + "/"):
                below.append(pattern[len(top.rstrip("/")) + 1 :])
            elif has_magic(pattern):
                files += [path for path in sorted(glob(pattern, recursive=True)) if not os.path.isdir(path)]
            else:
                files.append(pattern)
        if len(files) > _MOST:
            raise Bypass(TOO_LARGE, "too many files match --depends")
        self.globs = tuple(sorted(set(below)))
        self.files = tuple(files)


def fault_of(pattern: str) -> str | None:
    """What is wrong with a glob as given; None for a good one."""
    if not pattern or pattern.startswith(":"):
        return "must be a path or a glob"
    if ".." in pattern.split("/"):
        return "may not hold ..: name a file outside the worktree by its absolute path"
    return None


EVERY = "run"  # the name under which all results of declared commands are invalidated


class Declared:
    """As `skillcache.commands.invocation.Task`."""

    __slots__ = ("_depends", "_rule", "_skill", "_variables", "cwd", "joined", "learns", "plan", "program")

    def __init__(
        self,
        program: Program,
        *,
        name: str,
        skill: str,
        depends: tuple[str, ...],
        variables: tuple[str, ...],
        ttl: int,
        cwd: str,
        fresh: bool,
        joined: bool,
        rules: tuple[Rule, ...] = (),
    ) -> None:
        """As a person has said it; of `rules`, their own, those count that add to what others say.

        name: what its entry is stored under; skill: as given, or ''; depends: globs as given, empty for the whole
        worktree; variables: more environment variables; ttl: seconds; cwd: absolute.
        """
        self.program = program
        rule = Rule(name, "", ttl=ttl, origin="skillcache run")
        if rules:
            rule = rule.with_more(added((" ".join(program.words),), rules))
        self._rule = rule
        self.plan = Plan(" ".join(program.words), rule, tool=EVERY, fresh=fresh, ttl=ttl, failures_ttl=ttl)
        self.plan.name = name
        self.cwd = cwd
        self.learns = False
        self.joined = joined
        self._skill = skill
        self._depends = depends
        self._variables = variables

    def capture_key(
        self, given: tuple[Row, ...], *, seconds: float, meanwhile: "Callable[[], object] | None" = None
    ) -> CallKey:
        """Raises Bypass."""
        refuse_live_rule(self._rule)
        # Of a session's shell our folders come first, and a stand-in of ours in the key would hide the program behind.
        program, environ = self.program.words, without_shims(dict(self.program.environ))
        narrowing = self._narrowing()
        named = paths(program, self.cwd, environ)
        started = environ.get("BASH_ENV")  # what a shell of a script reads first
        fingerprint = capture(
            Request(
                self.cwd,
                environ,
                time.monotonic() + seconds,
                directories=(self.cwd,),
                executables=(
                    *programs(program, self.cwd, environ),
                    *((tool, self.cwd) for tool in self.plan.tools if os.access(find_program(tool, environ), os.X_OK)),
                ),
                ruled=self.plan.reads,
                reads=(*named, *(narrowing.files if narrowing else ()), *((started,) if started else ())),
                depends=narrowing.globs if narrowing else None,
                variables=(*self._variables, *variables(program), *(("BASH_ENV",) if started else ())),
                git=may_ask_git(program, named),
                meanwhile=meanwhile,
                scope=self.plan.command,
            )
        )
        return CallKey((*self._called(fingerprint.root), *given), fingerprint)

    def _called(self, root: str) -> tuple[Row, ...]:
        depends = json.dumps(list(self._depends)) if self._depends else "everything"
        rows = called(EVERY, self.program.words, self.cwd, root, self.program.environ, joined=self.joined)
        return (*rows, ("depends", "", depends), *((("skill", "", self._skill),) if self._skill else ()))

    def _narrowing(self) -> Narrowing | None:
        """None where the command depends on the whole worktree."""
        if not self._depends:
            return None
        return Narrowing(self._depends, find_root(self.cwd) or self.cwd, self.program.environ)

    def reports(self, cache: str, *, always: bool = True) -> None:
        """Who declares what a command reads has said what it writes."""
        del cache, always

    def touched(self, found: CallKey, *, since: int, seconds: float) -> tuple[bool, list[str]]:
        return self.is_disturbed(found, since=since, seconds=seconds), []

    def is_disturbed(self, found: CallKey, *, since: int, seconds: float) -> bool:
        from skillcache.fingerprint.changes import disturbed, touched_beyond  # a hit needs none

        if touched(self.plan.reads, found.fingerprint.root, self.program.environ, since):
            return True
        if touched_beyond(found.fingerprint, since):
            return True
        named = [*paths(self.program.words, self.cwd, self.program.environ)]
        narrowing = self._narrowing()
        depends = None
        if narrowing is not None:
            named += narrowing.files
            depends = narrowing.globs
        if any(os.path.isfile(path) and os.stat(path).st_ctime_ns >= since for path in named):
            return True
        if depends == ():
            return False
        seen, deadline = found.fingerprint, time.monotonic() + seconds
        return disturbed(seen.root, seen.rows, self.program.environ, since=since, deadline=deadline, depends=depends)

    def extra_names(self) -> tuple[str, ...]:
        return ()
