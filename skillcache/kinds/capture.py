"""From a planned call of another tool than Bash to its key."""

import os
import time

from skillcache import kinds
from skillcache.event import ToolEvent
from skillcache.key import Row
from skillcache.lookup import Lookup
from skillcache.plan import Plan
from skillcache.worktree import find_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.fingerprint import Fingerprint


def look_beside(plan: Plan, event: ToolEvent, cwd: str, environ: "Mapping[str, str]", *, seconds: float) -> Lookup:
    """Capture now, within `seconds`. Raises Bypass."""
    kind, described = kinds.kind_of(plan.tool), plan.described
    assert kind is not None  # noqa: S101 - the plan was made by it
    assert described is not None  # noqa: S101
    narrowing: tuple[Row, ...] = ()
    if plan.depends:
        from skillcache import jsontext  # few rules narrow

        narrowing = (("depends", "", jsontext.dumps(list(plan.depends))),)
    folder = environ.get("CLAUDE_PROJECT_DIR") or cwd
    called = (*described.rows, *narrowing, *kind.surroundings(event, folder, environ))
    return Lookup(called, _capture(plan, cwd, environ, seconds))


def _capture(plan: Plan, cwd: str, environ: "Mapping[str, str]", seconds: float) -> "Fingerprint":
    from skillcache.fingerprint import Fingerprint, Request, capture

    if plan.depends == ():
        real = os.path.realpath(cwd)
        return Fingerprint(find_root(real) or real, _variables(plan, environ), {})
    deadline = time.monotonic() + seconds
    return capture(Request(cwd, environ, deadline, depends=plan.depends, variables=plan.variables))


def _variables(plan: Plan, environ: "Mapping[str, str]") -> tuple[Row, ...]:
    from skillcache.digest import digest

    return tuple(
        ("env", name, digest(environ[name].encode("utf-8", "surrogateescape")) if name in environ else "unset")
        for name in plan.variables
    )
