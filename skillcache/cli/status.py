"""`skillcache status`, `skillcache statusline`: what is known of the present content; what a session was spared."""

import json
import os
import sys
import time

import click

from skillcache.claude import BadEvent
from skillcache.cli.output import OK, json_options
from skillcache.commands.holding import Known, Look, look, of_client
from skillcache.commands.invocation import environment
from skillcache.core.git import find_root
from skillcache.core.outcomes import SkillcacheError
from skillcache.events.status_line import handle
from skillcache.sessions.brief.standing import named, result, since, summary, tell
from skillcache.sessions.text import Clock
from skillcache.tools import World

_OF_CLIENT = "CLAUDECODE"  # set in its Bash calls
_CAP = 1 << 20


@click.command()
@json_options("Status")
def command(as_json: bool) -> int:
    """Say which checks hold for the content as it is now, and what has changed since the others ran.

    A check is named only where a session that starts here, or this very shell, would be given its recorded result.
    """
    known = look(_place(), changes=True)
    click.echo(_as_json(known) if as_json else "\n".join(_as_text(known, Clock(int(time.time() * 1000)))))
    return OK


def told(session: str) -> str:
    """What a session that starts here now is told of the present content; session: its id, '' for a new one.

    Raises ConfigError, StoreError and OSError.
    """
    here = _place()
    place = Look(here.environs[-1:], here.cwd, here.project, session)
    return tell(look(place), int(time.time() * 1000))


def _place() -> Look:
    environ = environment()
    cwd = os.getcwd()
    spelled = environ.get("PWD", "")
    if not spelled or os.path.realpath(spelled) != os.path.realpath(cwd):
        spelled = cwd
    project = environ.get("SKILLCACHE_PROJECT") or find_root(os.path.realpath(cwd)) or cwd
    # The first is this shell's own; in a Bash call of the client that is all there is to look at.
    environs = (environ,) if environ.get(_OF_CLIENT) else (environ, of_client(environ))
    return Look(environs, spelled, project, environ.get("CLAUDE_CODE_SESSION_ID", ""))


def _as_text(known: Known, clock: Clock) -> list[str]:
    if not known.seen:
        return ["No check of this project is known: none has run through skillcache here in the last seven days."]
    lines = [f"{named(each.command, each.below, each.active)} {result(each.entry, clock)}" for each in known.holds]
    if not known.holds:
        lines = ["Nothing is known of the present content: every check would run."]
    return lines + [f"{named(each.command, each.below)} not run since {since(each.since)}" for each in known.changed]


def _as_json(known: Known) -> str:
    holds = [
        {
            "command": each.command,
            "directory": each.below,
            "activated": each.active,
            "passed": not each.entry.failed,
            "status": each.entry.status,
            "said": summary(each.entry.output) if each.entry.failed else "",
            "duration_ms": each.entry.duration,
            "finished_ms": each.entry.finished,
        }
        for each in known.holds
    ]
    not_run = [
        {
            "command": each.command,
            "directory": each.below,
            "passed": not each.entry.failed,
            "finished_ms": each.entry.finished,
            "since": each.since,
        }
        for each in known.changed
    ]
    return json.dumps({"seen": known.seen, "holds": holds, "not_run": not_run}, indent=2)


@click.command()
def statusline() -> int:
    """Print one line for Claude Code's status line, which says what the session was spared.

    Claude Code gives the session as JSON on standard input. `skillcache install --statusline` sets it up, beside a
    status line of your own.
    """
    given = b"" if sys.stdin.isatty() else sys.stdin.buffer.read(_CAP)
    try:
        click.echo(handle(given, World(os.environ, time.time(), time.monotonic())), nl=False)
    except BadEvent as fault:
        raise SkillcacheError(
            f"the session is read from standard input, as Claude Code gives it: {fault}. To have the line there:"
            " skillcache install --statusline"
        ) from None
    return OK
