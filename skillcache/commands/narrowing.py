"""`--depends`: globs below the top of the worktree, and files elsewhere by their absolute path."""

import os
from collections.abc import Mapping
from glob import glob, has_magic

from skillcache.errors import Bypass
from skillcache.outcome import TOO_LARGE

_MOST = 20_000


class Narrowing:
    """globs: relative to the worktree's top; files: absolute paths, of files elsewhere that match now."""

    def __init__(self, depends: tuple[str, ...], top: str, environ: Mapping[str, str]) -> None:
        """Raises Bypass (TOO_LARGE)."""
        below: list[str] = []
        files: list[str] = []
        for given in depends:
            pattern = environ.get("HOME", "/") + given[1:] if given.startswith("~/") else given
            if not pattern.startswith("/"):
                below.append(pattern)
            elif pattern.startswith(top.rstrip("/") + "/"):
                below.append(pattern[len(top.rstrip("/")) + 1 :])
            elif has_magic(pattern):
                files += [path for path in sorted(glob(pattern, recursive=True)) if not os.path.isdir(path)]
            else:
                files.append(pattern)
        if len(files) > _MOST:
            raise Bypass(TOO_LARGE, "too many files match --depends")
        self.globs = tuple(sorted(set(below)))
        self.files = tuple(files)


def fault_of(pattern: str) -> str | None:
    """What is wrong with a glob as given; None for a good one."""
    if not pattern or pattern.startswith(":"):
        return "must be a path or a glob"
    if ".." in pattern.split("/"):
        return "may not hold ..: name a file outside the worktree by its absolute path"
    return None
