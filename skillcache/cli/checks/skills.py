"""Skills that declare themselves in their SKILL.md: cached, or what keeps each out."""

from skillcache.cli.checks.finding import MEND, NOTE, OK, Finding, Place
from skillcache.cli.format import duration, several
from skillcache.cli.skill.states import State, states
from skillcache.core.counts import read
from skillcache.core.errors import SkillcacheError
from skillcache.core.paths import cache_folder
from skillcache.settings.in_force import load

_SUBJECT = "skill"


def check(place: Place) -> list[Finding]:
    try:
        settings = load(place.environ, place.project)
        counts = read(cache_folder(place.environ))
    except (SkillcacheError, OSError):  # checks of their own say what is wrong
        return []
    return [_finding(state, place.now) for state in states(place.environ, place.project, settings, counts)]


def _finding(state: State, now: float) -> Finding:
    said = f"{state.name} ({state.folder})"
    if state.why:
        return Finding(MEND if state.sure else NOTE, _SUBJECT, f"{said} is {state.why}", state.mend)
    if not state.last:
        return Finding(OK, _SUBJECT, f"{said} is cached; no command of it was seen yet")
    ago = duration(max(0, now - state.last) * 1000)
    return Finding(OK, _SUBJECT, f"{said} is cached: {several(state.hits, 'hit')}, its last command {ago} ago")
