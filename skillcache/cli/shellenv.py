"""`skillcache shellenv`: what a shell evaluates to have its commands answered."""

import os

import click

from skillcache.cli import trouble
from skillcache.commands.shims.session import make
from skillcache.core.git import find_root
from skillcache.core.processes import quote
from skillcache.settings.in_force import load


@click.command()
def command() -> int:
    """Print a line for a shell, for its commands to be answered as those of a session are.

    For bash and zsh: in a script, a git hook, CI, another agent. Commands whose output a person sees on a terminal run
    as always.

    \b
    eval "$(skillcache shellenv)"
    """  # noqa: D301 - click's mark for lines to be left alone
    cwd = os.getcwd()
    root = find_root(os.path.realpath(cwd)) or cwd
    path = make(os.environ, root, load(os.environ, root), counts=False)
    if path is None:
        click.echo(
            "skillcache: no shim can be started from the cache folder: is it on a file system of no programs?", err=True
        )
        return trouble.FAILED
    click.echo(f"if [ -r {quote(path)} ]; then . {quote(path)}; fi")
    return trouble.OK
