"""`skillcache team`: the keys with which a team signs what it shares."""

import json
import os
import secrets

import click

from skillcache.cli import output
from skillcache.cli.output import json_options, several
from skillcache.core.outcomes import ConfigError, SkillcacheError
from skillcache.core.paths import config_file
from skillcache.settings import in_project
from skillcache.settings.in_force import load
from skillcache.settings.team import FILE_VARIABLE, VARIABLE, is_writer, parse, read_private, write_file
from skillcache.stores.signed import Key

_BYTES = 32
_NAME = "team.keys"
_GREAT = "fff"  # of all ids one in four thousand is beyond


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
@click.option("--file", "path", metavar="FILE", help="Which file.  [default: that in force, else team.keys]")
@click.option("--add", is_flag=True, help="Add a new key, which verifies and does not sign yet.")
@click.option("--sign", metavar="ID", help="Have the key with this id sign from now on.")
@click.option("--drop", metavar="ID", help="Take the key with this id out.")
@click.option("--writer", metavar="USER@HOST", help="Make a key of this writer's alone, such as ci@acme.")
def key(path: str | None, add: bool, sign: str | None, drop: str | None, writer: str | None) -> int:
    """Make the key of a team, or change it.

    The file is yours alone (0600): hand it to the others by a way that you trust, and to machines in
    SKILLCACHE_TEAM_KEY. To change a key without a gap: --add, hand the file on; once all have it, --sign, and hand it
    on; then --drop the old one. Where a key got into wrong hands, --drop it at once.
    """
    if sum(map(bool, (sign, drop, add or writer))) > 1:
        raise click.UsageError("a key is made, has to sign or is taken out: one of them at a time")
    if writer and not is_writer(writer):
        raise click.UsageError(f"a writer is called user@host in letters, digits and ._-, not {writer!r}")
    settings_path = _path_in_force()
    where = os.path.abspath(os.path.expanduser(path or settings_path or _beside_configuration()))
    held = _held(where)
    if drop:
        return _drop(where, held, drop)
    if sign:
        return _sign(where, held, sign)
    if held and not add:
        raise SkillcacheError(f"{where} has {several(len(held), 'key')}. To add one: skillcache team key --add")
    made = _made(held, writer or "")
    _write(where, [*held, made])
    id_ = Key(*made).id
    if held:
        click.echo(f"{where}: the key {id_} verifies. Hand the file on, and then: skillcache team key --sign {id_}")
        return output.OK
    click.echo(f"{where}: the key {id_} signs.")
    if where != os.path.expanduser(settings_path or ""):
        click.echo(f'To use it: team_key_file = "{where}" in {config_file(os.environ)}, or {FILE_VARIABLE}.')
    return output.OK


def _made(held: list[tuple[bytes, str]], writer: str) -> tuple[bytes, str]:
    """Values are keyed with the shared key of the least id: where a new one had that, nothing would be found."""
    shared = [key.id for each in held if not (key := Key(*each)).writer]
    while True:
        made = secrets.token_hex(_BYTES).encode(), writer
        if writer or not shared or Key(*made).id > min(shared) or min(shared) > _GREAT:
            return made


def _sign(where: str, held: list[tuple[bytes, str]], id_: str) -> int:
    chosen = [each for each in held if Key(*each).id == id_]
    if not chosen:
        raise SkillcacheError(f"{where} has no key {id_}. See: skillcache team")
    _write(where, [*chosen, *(each for each in held if each not in chosen)])
    older = f"; {several(len(held) - 1, 'other')} still verify" if len(held) > 1 else ""
    click.echo(f"{where}: the key {id_} signs{older}.")
    return output.OK


def _drop(where: str, held: list[tuple[bytes, str]], id_: str) -> int:
    kept = [each for each in held if Key(*each).id != id_]
    if len(kept) == len(held):
        raise SkillcacheError(f"{where} has no key {id_}. See: skillcache team")
    if not kept:
        raise SkillcacheError(
            f"{id_} is the only key of {where}. First put another in front: skillcache team key --add, then --sign"
        )
    _write(where, kept)
    click.echo(f"{where}: what {id_} has signed counts no more; {Key(*kept[0]).id} signs.")
    return output.OK


def _held(where: str) -> list[tuple[bytes, str]]:
    """Raises ConfigError for a file that cannot be used."""
    if in_project(where, _project(), os.environ):
        raise SkillcacheError(
            f"{where} lies in the project, where it would be no key of yours: skillcache team key --file PATH"
        )
    if not os.path.lexists(where):
        return []
    return parse(read_private(where, _project(), os.environ), where)


def _write(where: str, keys: list[tuple[bytes, str]]) -> None:
    try:
        write_file(where, keys)
    except OSError as fault:
        mend = "Say where: skillcache team key --file FILE"
        raise SkillcacheError(f"{where} cannot be written: {fault.strerror}. {mend}") from None


def _path_in_force() -> str:
    try:
        return load(os.environ, _project()).word("team_key_file")
    except ConfigError as fault:  # of the very file that is to be made
        return fault.where if fault.where.startswith("/") and fault.where.endswith(_NAME) else ""


def _beside_configuration() -> str:
    return f"{os.path.dirname(config_file(os.environ))}/{_NAME}"


def _project() -> str:
    return os.environ.get("CLAUDE_PROJECT_DIR") or os.getcwd()
