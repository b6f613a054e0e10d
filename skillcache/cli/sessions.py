"""`skillcache sessions`: what is recorded of this project's sessions."""

import json
import os
from typing import Any

import click

from skillcache.cli import trouble
from skillcache.cli.format import several
from skillcache.cli.json_output import json_options
from skillcache.cli.session_view import Memory, as_json, line, open_memory, story
from skillcache.core.errors import SkillcacheError
from skillcache.sessions.brief.choice import number
from skillcache.sessions.brief.compose import Reader, compose
from skillcache.sessions.journal import Past
from skillcache.sessions.text import Clock

FORM = 1  # of an exported session
_SHOWN = 20


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Show what is recorded of this project's sessions.

    A session is named by the beginning of its id.
    """


@command.command("list")
@click.option("--all", "everything", is_flag=True, help=f"All of them, not the last {_SHOWN}.")
@json_options("sessions.Sessions", "Print JSON.", "as_json_")
def list_(everything: bool, as_json_: bool) -> int:
    """List the sessions of this project, the last active first."""
    with open_memory() as memory:
        pasts = memory.sessions() if everything else memory.sessions(_SHOWN)
    if as_json_:
        click.echo(json.dumps([{"id": past.id, "state": past.state} for past in pasts], indent=2))
    elif not pasts:
        click.echo("No session of this project is on record. Are the hooks installed? Check with: skillcache doctor")
    else:
        for past in pasts:
            click.echo(line(past, Clock(int(memory.now * 1000))))
    return trouble.OK


@command.command()
@click.argument("session", default="")
@json_options("sessions.Story", "Print JSON.", "as_json_")
def show(session: str, as_json_: bool) -> int:
    """Tell the story of SESSION, by default the last one."""
    with open_memory() as memory:
        past = memory.find(session)
    text = json.dumps(as_json(past), indent=2) if as_json_ else "\n".join(story(past, Clock(int(memory.now * 1000))))
    click.echo(text)
    return trouble.OK


@command.command()
@click.option(
    "--source",
    type=click.Choice(["startup", "clear", "resume", "fork", "compact"]),
    default="startup",
    show_default=True,
    help="How the session starts.",
)
@click.option("--session", default="", help="The one that is resumed, forked or compacted.  [default: the last one]")
@json_options("sessions.Brief", "Print JSON.", "as_json_")
def brief(source: str, session: str, as_json_: bool) -> int:
    """Print exactly what a session that starts here now would be told."""
    with open_memory() as memory:
        written = _brief(memory, source, session)
    if as_json_:
        text, message = (written.text, written.message) if written else ("", "")
        click.echo(json.dumps({"source": source, "context": text, "message": message}, indent=2))
    elif written is not None:
        click.echo(written.text)
    return trouble.OK


def _brief(memory: Memory, source: str, session: str) -> Any:
    own, since = "", 0
    if source in ("resume", "compact", "fork"):
        past = memory.find(session)
        own = past.id
        if source == "fork":  # which a fork's own start tells by the time of the last reply
            own, since = "", number(past.state.get("replied"))
    place, now = memory.place, int(memory.now * 1000)
    reader = Reader(own, place.root, place.branch, os.uname().nodename, now, os.environ)
    size = int(memory.settings.number("brief.size"))
    return compose(source, memory.history(own), reader, size, since=since)


@command.command()
@click.argument("sessions", nargs=-1)
def export(sessions: tuple[str, ...]) -> int:
    """Print SESSIONS, one line of JSON each.

    By default all of this project.
    """
    with open_memory() as memory:
        names = sessions or tuple(past.id for past in memory.sessions())
        for name in names:
            past = memory.find(name)
            whole = {
                "version": FORM,
                "project": past.state.get("project") or memory.project,
                "id": past.id,
                "state": past.state,
                "log": past.log,
                "files": past.files,
                "tasks": past.tasks,
            }
            click.echo(json.dumps(whole))
    return trouble.OK


@command.command("import")
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
def import_(file: Any) -> int:
    """Read what export printed, from FILE or standard input.

    A session that is on record here and was active later stays as it is.
    """
    taken = kept = 0
    with open_memory() as memory:
        for number_, text in enumerate(file, 1):
            if not text.strip():
                continue
            past, project = _read(text, f"{file.name}, line {number_}")
            at = max(number(past.state.get("active")), number(past.state.get("opened")))
            here = memory.journal.past(past.id, 0)
            if here is not None and number(here.state.get("active")) > at:
                kept += 1
                continue
            memory.journal.restore(past, project=project, at=at, ttl=memory.ttl)
            taken += 1
    click.echo(f"{several(taken, 'session')} taken" + (f", {kept} newer here kept" if kept else "") + ".")
    return trouble.OK


def _read(text: str, where: str) -> tuple[Past, str]:
    """Raises SkillcacheError, which names the field that is not as it should be."""
    from pydantic import ValidationError  # nothing else here is read of a stranger

    from skillcache.cli.schemas.sessions import Exported

    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        raise SkillcacheError(f"{where}: is not JSON") from None
    form = whole.get("version") if isinstance(whole, dict) else FORM
    if form is not None and form != FORM:
        raise SkillcacheError(f"{where}: form {form} is not known to this version")
    try:
        read = Exported.model_validate(whole)
    except ValidationError as fault:
        raise SkillcacheError(f"{where}: is not a session that export printed: {_said(fault)}") from None
    return Past(read.id, read.state, read.log, read.files, read.tasks), read.project


def _said(fault: Any) -> str:
    """The first of what is wrong. `fault`: a ValidationError."""
    first = fault.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"{field}: {first['msg']}" if field else str(first["msg"])


@command.command()
@click.argument("sessions", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All sessions of this project.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(sessions: tuple[str, ...], everything: bool, yes: bool) -> int:
    """Drop what is recorded of SESSIONS."""
    if bool(sessions) == everything:
        raise click.UsageError("name sessions, or --all")
    with open_memory() as memory:
        ids = [past.id for past in memory.sessions()] if everything else [memory.find(name).id for name in sessions]
        if not yes and not click.confirm(f"Drop the record of {several(len(ids), 'session')}?", default=False):
            click.echo("Nothing was dropped.")
            return trouble.FAILED
        dropped = sum(memory.journal.forget(id_, memory.project) for id_ in ids)
    click.echo(f"The record of {several(dropped, 'session')} was dropped.")
    return trouble.OK
