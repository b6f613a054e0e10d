"""What the command line does where the packages that it needs are missing: on, off, and how to get the rest.

The plugin brings hooks and shims, which need the standard library alone.
"""

import os
import sys
from collections.abc import Mapping, Sequence

from skillcache import claude
from skillcache.core.git import folders
from skillcache.core.outcomes import SkillcacheError
from skillcache.core.paths import package_folder
from skillcache.core.processes import quote

PACKAGES = ("click", "pydantic", "redis")
_HANDED_ON = "SKILLCACHE_HANDED_ON"  # to one on PATH, which may lead here again


def main(arguments: Sequence[str], fault: ModuleNotFoundError, environ: Mapping[str, str]) -> int:
    """The status. An installed skillcache takes over, wherever the person's PATH has one."""
    if fault.name not in PACKAGES:
        raise fault
    try:
        if list(arguments) in (["serve", "--off"], ["serve", "--on"]):
            sys.stdout.write(claude.switch(environ, off=arguments[1] == "--off") + "\n")
            return 0
    except (SkillcacheError, OSError) as trouble:
        sys.stderr.write(f"skillcache: {trouble}\n")
        return 1
    for folder in () if environ.get(_HANDED_ON) else folders(environ, environ.get("CLAUDE_PROJECT_DIR") or os.getcwd()):
        path = f"{folder}/skillcache"
        if os.path.isfile(path) and os.access(path, os.X_OK):
            os.execve(path, [path, *arguments], {**environ, _HANDED_ON: "1"})  # noqa: S606 - in our place
    sys.stderr.write(needs(fault) + "\n")
    return 1


def needs(fault: ModuleNotFoundError) -> str:
    """What to say of one of PACKAGES."""
    checkout = os.path.dirname(package_folder())
    return (
        f"skillcache: this command needs the Python package {fault.name}; hooks and shims do without. To have it:\n"
        f"    uv tool install {quote(checkout)}    (or: pipx install {quote(checkout)})"
    )
