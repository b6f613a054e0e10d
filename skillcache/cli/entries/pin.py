"""`skillcache entries pin`."""

import os
from contextlib import closing

import click

from skillcache.cli import trouble
from skillcache.cli.contents import Contents, contents_of
from skillcache.cli.entries.stored import Stored, find
from skillcache.core.errors import SkillcacheError
from skillcache.settings.in_force import load
from skillcache.stores.contract import MAX_TTL
from skillcache.stores.entry import Unreadable, decode
from skillcache.stores.scan import with_pin


@click.command()
@click.argument("digest")
@click.option("--unpin", is_flag=True, help="Let it age again: it expires as if it were stored now.")
def pin(digest: str, unpin: bool) -> int:
    """Keep what is stored under DIGEST, and serve it whatever its age.

    It can still be invalidated and removed, and a fresh run of the call replaces it.
    """
    settings = load(os.environ, os.getcwd())
    ttl = int(settings.number("ttl")) if unpin else MAX_TTL
    with closing(contents_of(settings.store)) as contents:
        stored = find(contents, digest)
        _rewrite(contents, stored, pinned=not unpin, ttl=ttl)
    click.echo(f"{stored.label} is {'no longer ' if unpin else ''}pinned.")
    return trouble.OK


def _rewrite(contents: Contents, stored: Stored, *, pinned: bool, ttl: int) -> None:
    """Only while the stored bytes are those that were read: a newer result is not put back. Raises SkillcacheError."""
    value = contents.take(contents.holdings.value(stored.key))
    try:
        decode(value or b"")
        rewritten = with_pin(value or b"", pinned=pinned)
    except Unreadable as fault:
        raise SkillcacheError(
            f"{stored.label}: {fault}" if value else f"{stored.label} has just been removed"
        ) from None
    if not contents.take(contents.holdings.replace(stored.key, value or b"", rewritten, ttl)):
        raise SkillcacheError(f"{stored.label} has just been stored anew or removed. Try again")
