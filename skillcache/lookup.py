"""From a planned call to its key: captures what the call depends on, where the command will run.

PreToolUse, PostToolUse and `skillcache explain` all come through here, so that they speak of the same key.
"""

import os
import time

from skillcache import key
from skillcache.errors import Bypass
from skillcache.fingerprint import Fingerprint, Request, capture
from skillcache.outcome import OUTSIDE
from skillcache.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Lookup:
    """key: full key text; digest: what the store's key is made of; command_digest: the same without what was captured.

    called: the key's rows of the call itself; rows: all of them, for people.
    """

    __slots__ = ("called", "command_digest", "digest", "fingerprint", "key", "rows")

    def __init__(self, called: tuple[key.Row, ...], fingerprint: Fingerprint) -> None:
        self.called = called
        self.rows = (*called, *fingerprint.rows)
        self.key = key.text_of(self.rows)
        self.digest = key.digest_of(self.key)
        self.command_digest = key.digest_of(key.text_of(called))
        self.fingerprint = fingerprint


def look(plan: Plan, cwd: str, environ: "Mapping[str, str]", *, seconds: float) -> Lookup:
    """Capture now. `seconds`: most time it may take. Raises Bypass."""
    verdict = plan.verdict
    named = (*verdict.reads, *verdict.operands)
    request = Request(
        cwd=cwd,
        directories=tuple(sorted({_join(cwd, directory) for _, directory in verdict.executables})),
        executables=tuple((word, _join(cwd, directory)) for word, directory in verdict.executables),
        reads=tuple(_join(_join(cwd, directory), path) for path, directory in named),
        depends=plan.depends,
        variables=plan.variables,
        environ=environ,
        assignments=verdict.assignments,
        deadline=time.monotonic() + seconds,
    )
    fingerprint = capture(request)
    for directory in request.directories:
        if inside(directory, fingerprint.root) is None:
            raise Bypass(OUTSIDE, directory)
    place = inside(cwd, fingerprint.root)
    if place is None:
        raise Bypass(OUTSIDE, cwd)
    called = key.rows_of_bash(plan.command, place, unsandboxed=plan.unsandboxed, depends=plan.depends)
    return Lookup(called, fingerprint)


def inside(path: str, root: str) -> str | None:
    """`path` relative to `root`, '' for the root itself; None when it lies elsewhere."""
    real = os.path.realpath(path)
    if real == root:
        return ""
    prefix = root.rstrip("/") + "/"
    return real[len(prefix) :] if real.startswith(prefix) else None


def _join(base: str, path: str) -> str:
    return os.path.normpath(os.path.join(base, path))
