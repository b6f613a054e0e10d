"""`skillcache install --plugin` and what `skillcache uninstall` takes away of it."""

import os

import click

from skillcache.cli import trouble
from skillcache.cli.setup import plugin_client
from skillcache.cli.setup.bundle import ID, MODERN, OLDEST, marketplace
from skillcache.cli.setup.present import note
from skillcache.cli.setup.settings_file import USER, locate, original, read, restore
from skillcache.core.errors import SkillcacheError
from skillcache.events.server import patterns
from skillcache.settings.trust import require


def install(project: str, *, dry_run: bool) -> int:
    """By the client's own commands; our entries in the person's settings make room. Raises SkillcacheError."""
    require(os.environ, os.path.abspath(project))  # the client runs what lies there
    path = plugin_client.find(os.environ, project)
    version = plugin_client.version(path, os.environ)
    if version < OLDEST:
        raise SkillcacheError(f"{path} is {_dotted(version)}, which takes no plugin of a command: skillcache install")
    patterns.meet(os.path.abspath(project), os.environ)
    place = marketplace(os.environ)
    if dry_run:
        click.echo(f"{path} plugin marketplace add {place}\n{path} plugin install -y {ID}")
        return trouble.OK
    plugin_client.install(path, place, os.environ)
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
    return trouble.OK


def uninstall(*, dry_run: bool) -> None:
    """Nothing where it is not installed. Raises SkillcacheError."""
    if not plugin_client.is_installed(os.environ):
        return
    path = plugin_client.find(os.environ, ".")
    if dry_run:
        click.echo(f"{path} plugin uninstall -y {ID}")
        return
    plugin_client.uninstall(path, os.environ)
    click.echo(f"Claude Code no longer has the plugin {ID}.")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
