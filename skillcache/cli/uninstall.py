"""`skillcache uninstall`: takes exactly our entries out of a settings file."""

import os

import click

from skillcache.cli import trouble
from skillcache.cli.format import unified
from skillcache.cli.setup import plugin, skill
from skillcache.cli.setup.settings_file import USER, locate, original, read, restore, scope_options
from skillcache.core import bytecode
from skillcache.core.paths import package_folder


@click.command()
@scope_options
def command(scope: str, project: str, dry_run: bool) -> int:
    """Take the hooks out of Claude Code's settings, our plugin, and our skill where nobody has edited it.

    A file that only install has changed becomes what it was, byte for byte.
    """
    if scope == USER:
        if not dry_run:
            bytecode.remove(package_folder())  # pip takes away what it has written, and no more
        plugin.uninstall(dry_run=dry_run)
    click.echo(skill.uninstall(skill.folder_of(scope, project, os.environ), dry_run=dry_run), nl=False)
    return _uninstall_hooks(scope, project, dry_run=dry_run)


def _uninstall_hooks(scope: str, project: str, *, dry_run: bool) -> int:
    path = locate(scope, project, os.environ)
    before = read(path)
    after = None if before is None else original(path, before)
    if before is None or after == before:
        click.echo(f"{path} has no hooks of skillcache: nothing to do.")
        return trouble.OK
    if dry_run:
        click.echo(unified(path, before, after or ""), nl=False)
        return trouble.OK
    restore(path, after)
    click.echo(f"{path} is gone, as install had made it." if after is None else f"{path} no longer has the hooks.")
    return trouble.OK
