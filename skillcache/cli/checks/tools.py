"""The programs of others that the hooks use: git, which has to answer in the project."""

import os
import shlex
import time

from skillcache.cli.checks.finding import MEND, OK, Finding, Place
from skillcache.core.errors import Bypass
from skillcache.core.git import Git, find, find_root

_SECONDS = 10


def check(place: Place) -> list[Finding]:
    try:
        git = find(place.environ, place.project)
    except Bypass:
        text = "git is not on PATH: in a repository no call can be answered from the cache"
        return [Finding(MEND, "git", text, "install git")]
    return [_answer(place) or Finding(OK, "git", git)]


def _answer(place: Place) -> Finding | None:
    """What is wrong with git in the project, asked as a capture asks it."""
    root = find_root(os.path.realpath(place.project))
    if root is None:
        return None
    git = Git(root, place.environ, time.monotonic() + _SECONDS)
    try:
        git.run("rev-parse", "--git-dir")
    except Bypass as bypass:
        name = shlex.quote(root)
        if _is_of_another(root):
            text = f"git refuses {root}, which belongs to another user: no call in it is answered from the cache"
            return Finding(MEND, "git", text, f"git config --global --add safe.directory {name}")
        text = f"git does not answer in {root}, so no call in it is answered from the cache: {bypass.detail}"
        return Finding(MEND, "git", text, f"see what it says: git -C {name} status")
    return None


def _is_of_another(root: str) -> bool:
    return any(os.lstat(path).st_uid != os.geteuid() for path in (root, os.path.join(root, ".git")))
