"""Whether the Python that our entries name lies where it will stay."""

from skillcache.cli.checks.finding import NOTE, Finding, Place
from skillcache.cli.checks.interpreter import interpreters
from skillcache.cli.setup.lasting import MEND, passing


def check(place: Place) -> list[Finding]:
    found = {path: passing(path, place.environ) for path in interpreters(place)}
    return [
        Finding(NOTE, "python", f"{path} lies in {where}; without it the hooks do nothing", MEND)
        for path, where in found.items()
        if where
    ]
