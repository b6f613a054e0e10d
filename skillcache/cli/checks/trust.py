"""Whether our folder is the person's alone: the hooks use no other."""

from skillcache.cli.checks.finding import MEND, Finding, Place
from skillcache.settings.trust import Untrusted, require


def check(place: Place) -> list[Finding]:
    try:
        require(place.environ, place.project)
    except Untrusted as fault:
        return [Finding(MEND, "folder", f"{fault.text}; until then the hooks do nothing", fault.mend)]
    return []
