"""`skillcache run`: a command whose inputs a person declares, by default the worktree and what its words name."""

import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from glob import glob, has_magic

import click

from skillcache import claude
from skillcache.cache.decision import BASH, CallKey, Plan
from skillcache.cli import output
from skillcache.cli.setup.client_environment import completed
from skillcache.commands import invocation
from skillcache.commands.invocation import Invocation, Program, called, find_program
from skillcache.commands.stand_in import without_shims
from skillcache.commands.streams import JOINED, relation
from skillcache.commands.way import Way
from skillcache.core import files, json, outcomes
from skillcache.core.git import find_root
from skillcache.core.outcomes import SANDBOXED, TOO_LARGE, UNCAPTURABLE, Bypass, ConfigError
from skillcache.fingerprint.capture import Request, capture, touched
from skillcache.rules.judge import added, refuse_live_rule
from skillcache.rules.rule import Rule, rules_of
from skillcache.settings import Untrusted
from skillcache.settings.in_force import disabled, load
from skillcache.stores import open_store
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


_SKILL = re.compile(r"[_:-]*[A-Za-z0-9][A-Za-z0-9_:-]*")
_OF_OTHERS = frozenset(["REDIS_URL", "REDIS_HOST", "REDIS_PORT"])  # what is wrong with them is not this command's fault
_LONGEST_TTL = 31_536_000


def _check_skill(_context: click.Context, _option: click.Parameter, value: str | None) -> str:
    if value is not None and not _SKILL.fullmatch(value):
        raise click.BadParameter("letters, digits, -, _ and : make a name")
    return value or ""


def _check_globs(_context: click.Context, _option: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in value:
        fault = fault_of(pattern)
        if fault is not None:
            raise click.BadParameter(f"{pattern!r} {fault}")
    return value


def _check_variables(_context: click.Context, _option: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for name in value:
        if not name or "=" in name or "\0" in name:
            raise click.BadParameter(f"{name!r} is no name of a variable; its value is taken from the environment")
    return value


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--skill", metavar="NAME", callback=_check_skill, help="Store the result under the name of a skill.")
@click.option(
    "--ttl",
    metavar="SECONDS",
    type=click.IntRange(1, _LONGEST_TTL),
    help="Serve a result for so long; a day if not given.",
)
@click.option(
    "--depends",
    metavar="GLOB",
    multiple=True,
    callback=_check_globs,
    help="Depend on these files only, not on the whole worktree; absolute for one outside it. May be repeated.",
)
@click.option(
    "--env",
    "variables",
    metavar="NAME",
    multiple=True,
    callback=_check_variables,
    help="Depend on this variable, too. May be repeated.",
)
@click.option("--fresh", is_flag=True, help="Run the command whatever is stored, and store what it gives.")
@click.option("-v", "--verbose", is_flag=True, help="Say on standard error what was done.")
@click.argument("words", metavar="-- COMMAND...", nargs=-1, type=click.UNPROCESSED)
def command(
    skill: str, ttl: int | None, depends: tuple[str, ...], variables: tuple[str, ...], fresh: bool, verbose: bool,
    words: tuple[str, ...],
) -> int:  # fmt: skip
    """Run a command once for the same inputs, and print its recorded output after that.

    Standard output and standard error are passed on as they come and replayed apart, byte for byte. Only a run that
    ends with 0, and during which nothing it depends on changed, is stored. It depends on its words, the directory, the
    worktree, the files it names, its input and the environment.

    \b
    skillcache run -- ./report.sh --month 5
    skillcache run --ttl 3600 --depends 'docs/**' --env TARGET -- make html
    """  # noqa: D301 - click's mark for lines to be left alone
    if not words:
        raise click.UsageError("give a command after --")
    try:
        return _run(words, skill, ttl, depends, variables, fresh=fresh, verbose=verbose)
    except invocation.Unstartable as fault:
        invocation.say(str(fault))
        return fault.status
    except KeyboardInterrupt:  # while nothing of the command was there to be told of it
        invocation.end_by_interrupt()


def _run(
    words: tuple[str, ...], skill: str, ttl: int | None, depends: tuple[str, ...], variables: tuple[str, ...], *,
    fresh: bool, verbose: bool,
) -> int:  # fmt: skip
    environ = invocation.environment()
    program = invocation.Program(invocation.find_program(words[0], environ), words, environ)
    streams = relation()
    if disabled(environ) or streams is None:
        invocation.become(program)
    try:
        cwd = os.getcwd()
        settings = load(completed(environ, cwd), environ.get("CLAUDE_PROJECT_DIR") or find_root(cwd) or cwd)
        open_store(settings.store, now=0)  # touches nothing, and says whether the address is one
    except Untrusted as fault:
        if verbose:
            invocation.say(str(fault))
        invocation.become(program)
    except ConfigError as fault:
        invocation.say(str(fault))
        if fault.where in os.environ.keys() - _OF_OTHERS or "/" in fault.where:
            return output.USAGE
        invocation.become(program)
    except OSError:  # a folder that is gone or closed to us: the command may do without
        invocation.become(program)
    if settings.flag("disable"):
        invocation.become(program)
    if claude.is_within(environ):
        outcomes.record(settings.cache, time.time(), SANDBOXED)
        if verbose:
            invocation.say(f"not cached: {SANDBOXED.text}")
        invocation.become(program)
    task = Declared(
        program,
        name=skill or _name_of(words[0]),
        skill=skill,
        depends=depends,
        variables=variables,
        ttl=ttl or int(settings.number("ttl")),
        cwd=cwd,
        fresh=fresh,
        joined=streams == JOINED,
        rules=tuple(rule for rule in rules_of(settings) if rule.tool == BASH),
    )
    call = Invocation(settings.cache, {})  # who declares a command knows what it may be answered with
    return Way(task, settings, call, tell=invocation.say if verbose else None).go()


def _name_of(word: str) -> str:
    """What entries of a command without a skill are stored under."""
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in os.path.basename(word))
    return f"run-{name}"
