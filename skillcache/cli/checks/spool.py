"""Records of sessions that wait for a store which was out of reach."""

import os

from skillcache.cli.checks import NOTE, Finding, Place
from skillcache.cli.quantities import size
from skillcache.paths import cache_folder, spool_file


def check(place: Place) -> list[Finding]:
    try:
        waiting = os.stat(spool_file(cache_folder(place.environ))).st_size
    except OSError:
        return []
    if not waiting:
        return []
    text = (
        f"{size(waiting)} of sessions' records wait for the store; the next hook or command that reaches it takes them"
    )
    return [Finding(NOTE, "sessions", text)]
