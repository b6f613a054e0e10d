"""What a worktree holds besides a skill's declared outputs.

Taken before a run and after it, the two say whether the script wrote anything else.
"""

from skillcache.digest import digest_parts
from skillcache.fingerprint import git
from skillcache.fingerprint.files import Budget
from skillcache.fingerprint.ignored import MAX_FILES, Ignored
from skillcache.fingerprint.outside import of_project
from skillcache.worktree import find_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def trace(root: str, outputs: tuple[str, ...], environ: "Mapping[str, str]", *, deadline: float) -> str:
    """A digest of all content, git's own state, and what git ignores but for caches and installed packages.

    `outputs`: globs relative to the root. Raises Bypass (NO_GIT, TOO_LARGE, TOO_SLOW, UNCAPTURABLE).
    """
    budget = Budget(deadline, "files of the worktree")
    if find_root(root) != root:
        content, ignored = of_project(root, budget, (), without=outputs)
        return digest_parts([content.encode(), *_parts(ignored)])
    reading = git.Reading(root, None, environ, budget, without=outputs)
    try:
        reading.begin()
        reading.proceed()
        found = reading.finish()
        ignored = Ignored(root, Budget(deadline, "ignored files", MAX_FILES))
        ignored.without = outputs
        ignored.blind = True  # worktrees inside this one are other agents' business
        ignored.repository = lambda path: git.Reading(path, None, environ, budget, 1).run()
        ignored.add(found.ignored)
        return digest_parts([found.digest.encode(), reading.state().encode(), *_parts(ignored)])
    finally:
        reading.abandon()


def _parts(ignored: Ignored) -> "list[bytes]":
    parts: list[bytes] = []
    for name, value in sorted(ignored.files.items()):
        parts += (name.encode("utf-8", "surrogateescape"), value.encode())
    for name, what in sorted(ignored.packages.items()):
        parts += (name.encode("utf-8", "surrogateescape"), what.digest.encode())
    return parts
