"""`skillcache team`: the keys with which a team signs what it shares."""

import json
import os
import secrets

import click

from skillcache.cli import output
from skillcache.cli.output import json_options, several
from skillcache.core.outcomes import ConfigError, SkillcacheError
from skillcache.core.paths import config_file
from skillcache.settings.in_force import load
from skillcache.settings.team import FILE_VARIABLE, VARIABLE, is_writer, parse, read_private, write_file
from skillcache.stores.signed import Key

_BYTES = 32
_NAME = "team.keys"


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@json_options("Team")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> int:
    """Say with which keys this team signs, and whom it trusts.

    Where a team has keys, what lies in its Redis counts only if one of them has signed it. See: skillcache help trust
    """
    if ctx.invoked_subcommand:
        return output.OK
    settings = load(os.environ, _project())
    keys = settings.keys
    if as_json:
        listed = [{"id": key.id, "writer": key.writer} for key in keys.keys] if keys else []
        told = {
            "signs_as": keys.writer if keys else None,
            "keys": listed,
            "writers": list(keys.writers) if keys else [],
        }
        click.echo(json.dumps(told, indent=2))
        return output.OK
    if keys is None:
        click.echo(
            "No team's keys are set: whoever writes to a shared Redis is believed. Make one: skillcache team key"
        )
        return output.OK
    where = VARIABLE if VARIABLE in os.environ else settings.word("team_key_file")
    trusted = "all who have one of the keys" if not keys.writers else ", ".join(keys.writers)
    lines = [f"keys     of {where}"]
    lines += [
        f"  {key.id}  {f'of {key.writer} alone' if key.writer else 'shared'}{'' if number else ', signs'}"
        for number, key in enumerate(keys.keys)
    ]
    lines += [f"signs    as {keys.writer}", f"trusts   {trusted}"]
    if not settings.named:
        lines.append("unused   the store is the embedded one, which is yours alone")
    click.echo("\n".join(lines))
    return output.OK


@command.command("key")
@click.option(
    "--file",
    "path",
    metavar="FILE",
    help="Of which file.  [default: the one in force, else team.keys beside your configuration]",
)
@click.option("--rotate", is_flag=True, help="Put a new key in front: it signs, and the old ones verify.")
@click.option("--drop", metavar="ID", help="Take the key with this id out.")
@click.option("--writer", metavar="USER@HOST", help="A key of this writer's alone, such as ci@acme.")
def key(path: str | None, rotate: bool, drop: str | None, writer: str | None) -> int:
    """Make the key of a team.

    The file is yours alone (0600); hand it to the others by a way that you trust, and to machines in
    SKILLCACHE_TEAM_KEY. To change a key: --rotate, hand the file on, and --drop the old one once all have the new.
    """
    if drop and (rotate or writer):
        raise click.UsageError("--drop takes a key out; what makes one is another call")
    if writer and not is_writer(writer):
        raise click.UsageError(f"a writer is called user@host in letters, digits and ._-, not {writer!r}")
    settings_path = _path_in_force()
    where = os.path.abspath(os.path.expanduser(path or settings_path or _beside_configuration()))
    held = _held(where)
    if drop:
        return _drop(where, held, drop)
    if held and not rotate:
        raise SkillcacheError(
            f"{where} has {several(len(held), 'key')}. To put a new one in front: skillcache team key --rotate"
        )
    made = secrets.token_hex(_BYTES).encode(), writer or ""
    _write(where, [made, *held])
    older = f", {several(len(held), 'older one')} still verify" if held else ""
    click.echo(f"{where}: the key {Key(*made).id} signs{older}.")
    if where != os.path.expanduser(settings_path or ""):
        click.echo(f'To use it: team_key_file = "{where}" in {config_file(os.environ)}, or {FILE_VARIABLE}.')
    return output.OK


def _drop(where: str, held: list[tuple[bytes, str]], id_: str) -> int:
    kept = [each for each in held if Key(*each).id != id_]
    if len(kept) == len(held):
        raise SkillcacheError(f"{where} has no key {id_}. See: skillcache team")
    if not kept:
        raise SkillcacheError(
            f"{id_} is the only key of {where}. To put a new one in front: skillcache team key --rotate"
        )
    _write(where, kept)
    click.echo(f"{where}: what {id_} has signed counts no more; {Key(*kept[0]).id} signs.")
    return output.OK


def _held(where: str) -> list[tuple[bytes, str]]:
    """Raises ConfigError for a file that cannot be used."""
    if not os.path.lexists(where):
        return []
    return parse(read_private(where, _project(), os.environ), where)


def _write(where: str, keys: list[tuple[bytes, str]]) -> None:
    try:
        write_file(where, keys)
    except OSError as fault:
        raise SkillcacheError(f"{where} cannot be written: {fault.strerror}") from None


def _path_in_force() -> str:
    try:
        return load(os.environ, _project()).word("team_key_file")
    except ConfigError as fault:  # of the very file that is to be made
        return fault.where if fault.where.startswith("/") and fault.where.endswith(_NAME) else ""


def _beside_configuration() -> str:
    return f"{os.path.dirname(config_file(os.environ))}/{_NAME}"


def _project() -> str:
    return os.environ.get("CLAUDE_PROJECT_DIR") or os.getcwd()
