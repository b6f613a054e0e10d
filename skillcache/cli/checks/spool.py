"""Records of sessions that wait for a store which was out of reach."""

import os

from skillcache.cli.checks.finding import NOTE, Finding, Place
from skillcache.cli.format import size
from skillcache.cli.setup.client_environment import settings_of
from skillcache.core.paths import spool_file


def check(place: Place) -> list[Finding]:
    settings = settings_of(place.environ, place.project)
    if settings is None:
        return []
    try:
        waiting = os.stat(spool_file(settings.cache, settings.store)).st_size
    except OSError:
        return []
    if not waiting:
        return []
    text = (
        f"{size(waiting)} of sessions' records wait for the store; the next hook or command that reaches it takes them"
    )
    return [Finding(NOTE, "sessions", text)]
