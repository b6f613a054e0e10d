"""`skillcache install`: adds our entries to a settings file, beside whatever is there."""

import os

import click

from skillcache.cli import trouble
from skillcache.cli.format import unified
from skillcache.cli.setup import skill as skill_file
from skillcache.cli.setup.present import note, present_edit
from skillcache.cli.setup.settings_file import PROJECT, USER, backup_of, locate, read, scope_options, write
from skillcache.cli.setup.settings_text import add, ours


@click.command()
@click.option("--skill", is_flag=True, help=f"Also put the skill {skill_file.NAME} among Claude Code's skills.")
@click.option("--plugin", is_flag=True, help="Install the plugin instead: for clients from 2.1.326, and for you.")
@scope_options
def command(scope: str, project: str, dry_run: bool, skill: bool, plugin: bool) -> int:
    """Add the hooks to Claude Code's settings.

    Other entries keep their bytes; running it again changes nothing. The next session uses the hooks.
    """
    if plugin:
        from skillcache.cli.setup import plugin as plugin_setup  # it imports this module

        return plugin_setup.install(project, dry_run=dry_run)
    status = _install_hooks(scope, project, dry_run=dry_run)
    if skill:
        click.echo(skill_file.install(skill_file.folder_of(scope, project, os.environ), dry_run=dry_run), nl=False)
    return status


def _install_hooks(scope: str, project: str, *, dry_run: bool) -> int:
    path = locate(scope, project, os.environ)
    before = read(path)
    after = add(before or "", present_edit(scope, project, os.environ), path)
    if after == before:
        click.echo(f"{path} has the hooks already: nothing to do.")
        return trouble.OK
    if dry_run:
        click.echo(unified(path, before or "", after), nl=False)
        return trouble.OK
    fresh = before is not None and not ours(before, path)
    write(path, after, backup=before if fresh else None)
    click.echo(f"{path} now has the hooks: sessions use them from their start, so restart those that run.")
    if fresh:
        click.echo(f"The file as it was: {backup_of(path)}")
    click.echo(note(os.environ), nl=False)
    if scope == PROJECT:
        click.echo("The entries name this machine's Python: if the file is shared, use --scope local instead.")
    click.echo("Check with: skillcache doctor. Take out with: skillcache uninstall" + _options(scope, project))
    return trouble.OK


def _options(scope: str, project: str) -> str:
    if scope == USER:
        return ""
    return f" --scope {scope}" + ("" if project == "." else f" --project {project}")
