"""Whether commands can be answered where they run: shims that the system starts, and rules that name commands."""

import os

from skillcache.cli.checks.finding import MEND, OK, Finding, Place
from skillcache.cli.line import whole_lines
from skillcache.commands.shims import folder
from skillcache.commands.shims.session import make
from skillcache.core.errors import SkillcacheError
from skillcache.core.paths import shims_folder
from skillcache.settings.in_force import Settings, load
from skillcache.settings.trust import Untrusted

_SUBJECT = "shims"
_ELSEWHERE = "set SKILLCACHE_HOME to a folder where programs can be executed"


def check(place: Place) -> list[Finding]:
    """Nothing where the configuration cannot be read: a check of its own says so."""
    try:
        settings = load(place.environ, place.project)
    except (Untrusted, SkillcacheError, OSError):
        return []
    lost = [Finding(MEND, "rule", each.text, each.mend) for each in whole_lines(settings)]
    return [_startable(place, settings), *lost]


def _startable(place: Place, settings: Settings) -> Finding:
    there = shims_folder(settings.cache)
    if folder.shell() is None:
        return Finding(MEND, _SUBJECT, "there is no bash, which shims are written for: commands run", "install bash")
    if ":" in there:
        text = f"{there} has a colon in it, so it cannot stand on PATH: commands run"
        return Finding(MEND, _SUBJECT, text, "set SKILLCACHE_HOME to a folder without one")
    try:
        path = make(place.environ, os.path.abspath(place.project), settings, counts=False)
    except OSError as fault:
        return Finding(MEND, _SUBJECT, f"{there} cannot be written ({fault.strerror}): commands run", _ELSEWHERE)
    if path is None:
        return Finding(MEND, _SUBJECT, f"the system starts no program in {there}: commands run", _ELSEWHERE)
    return Finding(OK, _SUBJECT, f"{there} has the stand-ins that a session's Bash calls find first on PATH")
