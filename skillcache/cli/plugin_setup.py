"""`skillcache install --plugin` and what `skillcache uninstall` takes away of it."""

import os

import click

from skillcache.cli import exits
from skillcache.cli.present import note
from skillcache.cli.settings_file import USER, locate, original, read, restore
from skillcache.errors import SkillcacheError
from skillcache.plugin import ID, MODERN, OLDEST, client, patterns
from skillcache.plugin.layout import marketplace
from skillcache.trust import require


def install(project: str, *, dry_run: bool) -> int:
    """By the client's own commands; our entries in the person's settings make room. Raises SkillcacheError."""
    require(os.environ, os.path.abspath(project))  # the client runs what lies there
    path = client.find(os.environ, project)
    version = client.version(path, os.environ)
    if version < OLDEST:
        raise SkillcacheError(f"{path} is {_dotted(version)}, which takes no plugin of a command: skillcache install")
    patterns.meet(os.path.abspath(project), os.environ)
    place = marketplace(os.environ)
    if dry_run:
        click.echo(f"{path} plugin marketplace add {place}\n{path} plugin install -y {ID}")
        return exits.OK
    client.install(path, place, os.environ)
    click.echo(f"Claude Code has the plugin {ID}; its next session uses it.")
    click.echo(note(os.environ), nl=False)
    if version < MODERN:
        click.echo(f"This one is {_dotted(version)}: the plugin's hooks act. From {_dotted(MODERN)} its module does.")
    settings = locate(USER, ".", os.environ)
    before = read(settings)
    after = None if before is None else original(settings, before)
    if before is not None and after != before:
        restore(settings, after)
        click.echo(f"{settings} no longer has the hooks: the plugin has its own.")
    click.echo("Check with: skillcache doctor. Take out with: skillcache uninstall")
    return exits.OK


def uninstall(*, dry_run: bool) -> None:
    """Nothing where it is not installed. Raises SkillcacheError."""
    if not client.is_installed(os.environ):
        return
    path = client.find(os.environ, ".")
    if dry_run:
        click.echo(f"{path} plugin uninstall -y {ID}")
        return
    client.uninstall(path, os.environ)
    click.echo(f"Claude Code no longer has the plugin {ID}.")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
