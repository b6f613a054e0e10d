"""The programs of others that the hooks use."""

import shutil

from skillcache.cli.checks import MEND, OK, Finding, Place


def check(place: Place) -> list[Finding]:
    git = shutil.which("git", path=place.environ.get("PATH"))
    if git is None:
        text = "git is not on PATH: in a repository no call can be answered from the cache"
        return [Finding(MEND, "git", text, "install git")]
    return [Finding(OK, "git", git)]
