"""`skillcache clear`: empties the cache. Counts, settings and what is not ours stay."""

import os
from contextlib import closing

import click

from skillcache import files
from skillcache.cli import exits
from skillcache.cli.contents import Contents, contents_of
from skillcache.cli.quantities import several, size
from skillcache.paths import cache_folder, durations_file
from skillcache.settings import load


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
                return exits.FAILED
        clear(cache, contents)
    click.echo(f"{contents.place} is empty: {several(count, 'result')} removed.")
    return exits.OK


def clear(cache: str, contents: Contents) -> None:
    """Raises StoreError and OSError."""
    contents.remove()
    files.remove(durations_file(cache))
