"""`skillcache clear`: empties the cache. Counts, settings and what is not ours stay."""

import os
from contextlib import closing

import click

from skillcache.cli import trouble
from skillcache.cli.contents import Contents, contents_of
from skillcache.cli.format import several, size
from skillcache.core import files
from skillcache.core.paths import cache_folder, durations_file
from skillcache.settings.in_force import load


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(yes: bool) -> int:
    """Empty the cache: stored results, learnt durations.

    In Redis exactly the keys of stored results go, for everybody who shares it; those of a team stay, which
    `skillcache invalidate --team` removes.
    """
    cache = cache_folder(os.environ)
    with closing(contents_of(load(os.environ, os.getcwd()).store)) as contents:
        count, bytes_ = contents.measure()
        if not yes:
            question = f"Remove {several(count, 'result')} ({size(bytes_)}) from {contents.place}?"
            if not click.confirm(question, default=False):
                click.echo("Nothing was removed.")
                return trouble.FAILED
        clear(cache, contents)
    click.echo(f"{contents.place} is empty: {several(count, 'result')} removed.")
    return trouble.OK


def clear(cache: str, contents: Contents) -> None:
    """Raises StoreError and OSError."""
    contents.remove()
    files.remove(durations_file(cache))
