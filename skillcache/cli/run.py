"""`skillcache run`: runs a command, or prints what it printed when it ran on the same inputs before."""

import os
import re
import time

import click

from skillcache import claude
from skillcache.cache.capture import BASH
from skillcache.cli import output
from skillcache.cli.setup.client_environment import completed
from skillcache.commands import invocation
from skillcache.commands.declared import Declared, fault_of
from skillcache.commands.invocation import Invocation
from skillcache.commands.streams import JOINED, relation
from skillcache.commands.way import Way
from skillcache.core import counts
from skillcache.core.git import find_root
from skillcache.core.outcomes import SANDBOXED, ConfigError
from skillcache.rules.rule import rules_of
from skillcache.settings.in_force import disabled, load
from skillcache.settings.trust import Untrusted
from skillcache.stores import open_store

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
        counts.record(settings.cache, time.time(), SANDBOXED)
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
