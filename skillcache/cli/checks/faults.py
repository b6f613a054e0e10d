"""The newest fault of our own that a hook left behind."""

import os

from skillcache.cli.checks.finding import NOTE, Finding, Place
from skillcache.core.paths import cache_folder, fault_file

_DAYS = 7


def check(place: Place) -> list[Finding]:
    path = fault_file(cache_folder(place.environ))
    try:
        age = place.now - os.stat(path).st_mtime
        with open(path, encoding="utf-8", errors="replace") as file:
            kind, *places = file.read().splitlines()
    except (OSError, ValueError):
        return []
    if age > _DAYS * 86_400 or not places:
        return []
    text = f"a hook failed on {kind} in {places[-1]}; the call went on without it"
    return [Finding(NOTE, "fault", text, f"report {path}, which holds places in our code and nothing of yours")]
