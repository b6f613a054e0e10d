"""Folders by their names: an empty one is in no listing of files, and a script that looks around sees it."""

import os
import stat

from skillcache.core.digest import digest_parts
from skillcache.fingerprint.files import Budget
from skillcache.fingerprint.globs import concerns
from skillcache.fingerprint.ignored import is_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skillcache.fingerprint.capture import Row

OWNER = 0o700  # the bits of a mode that another clone has alike
_MOST = 50_000
_GIT = ".git"
_WORKTREES = ".claude/worktrees"  # other agents' business
_PACKAGES = "node_modules"


def folders(root: str, globs: "Sequence[str]", budget: Budget) -> dict[str, str]:
    """The modes, as octal digits, of those that a glob names or may name something in; their paths end in a slash.

    Raises Bypass (TOO_LARGE, TOO_SLOW).
    """
    found: dict[str, str] = {}
    pending = [""] if globs else []
    while pending:
        for path, mode in _within(root, pending.pop(), budget):
            if any(concerns(glob, path, folder=True) for glob in globs):
                found[f"{path}/"] = f"{mode:o}"
                pending.append(f"{path}/")
    return found


def _within(root: str, folder: str, budget: Budget) -> "Iterator[tuple[str, int]]":
    try:
        with os.scandir(f"{root}/{folder}") as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:  # gone meanwhile, or closed to whoever runs
        return
    for name in names:
        path = f"{folder}{name}"
        budget.spend(0)
        if name != _GIT and not is_cache(os.fsencode(name)) and not path.endswith(_WORKTREES):
            try:
                yield path, stat.S_IMODE(os.lstat(f"{root}/{path}").st_mode)
            except OSError:
                continue


def rows_of(
    root: str, globs: "Sequence[str]", beyond: "Sequence[str]", outputs: "Sequence[str]", *, deadline: float
) -> "list[Row]":
    """globs: of what counts, relative to the root; beyond: folders elsewhere; outputs: globs of what comes to be.

    Raises Bypass (TOO_LARGE, TOO_SLOW).
    """
    budget = Budget(deadline, "folders", _MOST)
    rows = [("folders", path, _digest_of(folders(path, ("**",), budget))) for path in beyond]
    for glob in globs:
        found = {
            path: mode
            for path, mode in folders(root, (glob,), budget).items()
            if not any(concerns(one, path[:-1], folder=True) for one in outputs)
        }
        rows.append(("folders", glob, _digest_of(found)))
    return rows


def _digest_of(found: dict[str, str]) -> str:
    """Of installed packages their own digest speaks."""
    parts: list[bytes] = []
    for path, mode in sorted(found.items()):
        if _PACKAGES not in path.split("/"):
            parts += (os.fsencode(path), b"%o" % (int(mode, 8) & OWNER))
    return digest_parts(parts)
