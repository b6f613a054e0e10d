"""`skillcache clear`: empties the cache. Counts, settings and what is not ours stay."""

import os
import time
from contextlib import closing

import click

from skillcache import files
from skillcache.cli import exits
from skillcache.cli.contents import Contents, contents_of
from skillcache.cli.quantities import several, size
from skillcache.paths import cache_folder, durations_file, replays_folder
from skillcache.settings import load

# A text that a hit has just named is still to be printed; the hooks themselves sweep it later.
_BEING_REPLAYED = 600  # seconds


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(yes: bool) -> int:
    """Empty the cache: stored results, texts kept for replays, learnt durations.

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
        clear(cache, contents, time.time())
    click.echo(f"{contents.place} is empty: {several(count, 'result')} removed.")
    return exits.OK


def clear(cache: str, contents: Contents, now: float) -> None:
    """Raises StoreError and OSError."""
    contents.remove()
    files.remove(durations_file(cache))
    try:
        texts = list(os.scandir(replays_folder(cache)))
    except FileNotFoundError:
        return
    for text in texts:
        if text.stat(follow_symlinks=False).st_mtime < now - _BEING_REPLAYED:
            files.remove(text.path)
