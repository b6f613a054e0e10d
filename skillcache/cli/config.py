"""`skillcache config`: the settings in force and where each comes from, and the file that gains rules."""

import json
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import click

from skillcache.cli import output
from skillcache.cli.output import json_options
from skillcache.cli.setup import settings_file
from skillcache.cli.setup.client_environment import place_of as named_by
from skillcache.core.outcomes import ConfigError
from skillcache.core.paths import HOME_VARIABLE, config_file, project_config_file
from skillcache.sessions.text import legible
from skillcache.settings import TABLE
from skillcache.settings.configuration import parse
from skillcache.settings.in_force import Settings, load

_UNITS = {"seconds": "seconds", "ttl": "seconds", "bytes": "bytes", "characters": "characters"}  # of a setting's kind
DEFAULT, USER, PROJECT, ENVIRONMENT = "default", "user", "project", "environment"


class InForce(NamedTuple):
    """unit: None for what has none; origin: who has set it; where: the file or variable, None for a default.

    The address of the store is said without its login, as is the store that is used where no address is named.
    """

    name: str
    value: object
    unit: str | None
    origin: str
    where: str | None


@click.command()
@json_options("Config")
def command(as_json: bool) -> int:
    """Show the settings in force and where each comes from.

    A setting comes from the environment, else from the project's file, else from your own, else it is the default.
    What is ignored in these is said at the end.
    """
    folder = os.environ.get("CLAUDE_PROJECT_DIR") or os.getcwd()
    settings = load(os.environ, folder)
    found = list(in_force(settings, folder))
    if as_json:
        listed = [each._asdict() for each in found]
        click.echo(json.dumps({"settings": listed, "warnings": settings.warnings}, indent=2))
    else:
        lines = [_line(each) for each in found]
        lines += [f"ignored: {warning}" for warning in settings.warnings]
        click.echo("\n".join(map(legible, lines)))
    return output.OK


def in_force(settings: Settings, folder: str) -> Iterator[InForce]:
    """In the order of the table. Raises ConfigError."""
    for setting in TABLE:
        value, name = settings.values[setting.name], settings.origins.get(setting.name, "")
        if setting.kind == "url":
            value, name = output.place_of(settings.store), settings.named
        yield InForce(setting.name, value, _UNITS.get(setting.kind), *_origin(name, folder))
    named = next((name for name in (HOME_VARIABLE, "XDG_CACHE_HOME") if os.environ.get(name, "").startswith("/")), "")
    yield InForce(HOME_VARIABLE, settings.cache, None, *_origin(named, folder))


def _origin(name: str, folder: str) -> tuple[str, str | None]:
    if not name:
        return DEFAULT, None
    if name == config_file(os.environ):
        return USER, name
    if name == project_config_file(folder):
        return PROJECT, name
    return ENVIRONMENT, named_by(name, os.environ, folder)


def _line(each: InForce) -> str:
    """As a line of TOML, what it is of before it."""
    is_place = each.name in ("redis_url", HOME_VARIABLE)
    value = str(each.value) if is_place else json.dumps(each.value)
    return f"({each.where or each.origin}) {each.name} = {value}{f' {each.unit}' if each.unit else ''}"


def with_rules(path: str, tables: Sequence[str], scope: str) -> tuple[str, str]:
    """The file's text, "" for none, and the same with these `[[rules]]` behind it; nothing is written.

    `scope`: as of a setting, who writes the file. Raises ConfigError where either text is no configuration.
    """
    before = settings_file.read(path) or ""
    _, known, _ = parse(before.encode(), path, scope)
    after = before + ("\n" if before and not before.endswith("\n") else "")
    for table in tables:
        after += ("\n" if after else "") + table
    try:
        _, rules, _ = parse(after.encode(), path, scope)
    except ConfigError as fault:
        raise ConfigError(path, f"takes no further [[rules]] at its end ({fault.message}); it is as it was") from None
    assert len(rules) == len(known) + len(tables)  # noqa: S101 - a table at the end cannot hide another
    return before, after


def write(path: str, text: str) -> None:
    """Replace the file in one step, its folder made when missing, its mode kept. Raises SkillcacheError."""
    settings_file.write(path, text, backup=None)
