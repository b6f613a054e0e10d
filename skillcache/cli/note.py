"""`skillcache note`: what every brief of this project carries until it is removed."""

import json
import os
import time

import click

from skillcache.cli import trouble
from skillcache.cli.json_output import json_options
from skillcache.cli.session_view import Memory, open_memory
from skillcache.core.digest import digest
from skillcache.core.errors import SkillcacheError
from skillcache.core.user import name_of
from skillcache.sessions.brief.choice import read_notes
from skillcache.sessions.record import NOTE, NOTES
from skillcache.sessions.text import Clock, stored


class WithDefault(click.Group):
    """`note TEXT` is `note add TEXT`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["add", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=WithDefault, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Add, list and remove notes on this project.

    Every session's brief carries them until they are removed. `skillcache note TEXT` adds one.
    """


@command.command()
@click.argument("text", nargs=-1, required=True)
def add(text: tuple[str, ...]) -> int:
    """Add a note."""
    said = stored(" ".join(" ".join(text).split()), NOTE)
    if not said:
        raise click.UsageError("a note needs a text")
    id_ = digest(said.encode())[:6]
    note = {
        "text": said,
        "at": int(time.time() * 1000),
        "by": name_of(os.environ),
        "session": os.environ.get("CLAUDE_CODE_SESSION_ID", ""),
    }
    with open_memory() as memory:
        if len(memory.notes()) >= NOTES and id_ not in memory.notes():
            raise SkillcacheError(f"{NOTES} notes are the most of one project. Remove some: skillcache note list")
        memory.journal.add_note(memory.project, id_, json.dumps(note))
    click.echo(f"Noted as {id_}. Take it out with: skillcache note remove {id_}")
    return trouble.OK


@command.command("list")
@json_options("note.Notes", "Print JSON.")
def list_(as_json: bool) -> int:
    """List the notes on this project, newest first."""
    with open_memory() as memory:
        held = memory.notes()
        now = memory.now
    if as_json:
        click.echo(json.dumps([{"id": id_, **_fields(text)} for id_, text in held.items()], indent=2))
        return trouble.OK
    lines = [
        (note.at, f"{id_}  {Clock(int(now * 1000)).ago(note.at):>14}  {note.by}: {note.text}")
        for id_, text in held.items()
        for note in read_notes({id_: text})
    ]
    click.echo("\n".join(said for _, said in sorted(lines, reverse=True)) or "No notes on this project.")
    return trouble.OK


@command.command()
@click.argument("id_", metavar="ID")
def remove(id_: str) -> int:
    """Remove the note ID."""
    with open_memory() as memory:
        found = _find(memory, id_)
        memory.journal.remove_note(memory.project, found)
    click.echo(f"The note {found} was removed.")
    return trouble.OK


def _find(memory: Memory, beginning: str) -> str:
    ids = [id_ for id_ in memory.notes() if id_.startswith(beginning)]
    if len(ids) != 1:
        what = f"{len(ids)} notes begin with {beginning}" if ids else f"no note of this project begins with {beginning}"
        raise SkillcacheError(f"{what}. List them with: skillcache note list")
    return ids[0]


def _fields(text: str) -> dict[str, object]:
    try:
        fields = json.loads(text)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
