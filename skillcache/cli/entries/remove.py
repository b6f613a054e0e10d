"""`skillcache entries remove`."""

import os
from contextlib import closing

import click

from skillcache.cli import trouble
from skillcache.cli.contents import contents_of
from skillcache.cli.entries.stored import find
from skillcache.cli.format import several
from skillcache.settings.in_force import load


@click.command()
@click.argument("digests", nargs=-1, required=True)
def remove(digests: tuple[str, ...]) -> int:
    """Remove what is stored under each of DIGESTS.

    A run that is under way may store it again; `skillcache invalidate` hinders that, too.
    """
    with closing(contents_of(load(os.environ, os.getcwd()).store)) as contents:
        keys = list(dict.fromkeys(find(contents, digest).key for digest in digests))
        removed = contents.take(contents.holdings.remove(keys))
    click.echo(f"{several(removed, 'entry', 'entries')} removed from {contents.place}.")
    return trouble.OK
