"""From a planned call to its key.

PreToolUse, PostToolUse and `skillcache explain` all come through here, so that they speak of the same key.
"""

import os
import time

from skillcache import kinds
from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.key import Row
from skillcache.lookup import Lookup
from skillcache.plan import Plan
from skillcache.slowness import Place
from skillcache.worktree import find_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.fingerprint import Fingerprint


def look(plan: Plan, event: ToolEvent, cwd: str, environ: "Mapping[str, str]", *, seconds: float) -> Lookup:
    """Capture now, within `seconds`. `cwd`: where the call begins. Raises Bypass."""
    if plan.depends == ():  # it looks at no content
        return _look(plan, event, cwd, environ, seconds=seconds)
    place = place_of(event, cwd, environ, seconds)
    place.require_quick()
    try:
        return _look(plan, event, cwd, environ, seconds=seconds)
    except Bypass as bypass:
        place.blame(bypass)
        raise


def place_of(event: ToolEvent, cwd: str, environ: "Mapping[str, str]", seconds: float) -> Place:
    real = os.path.realpath(cwd)
    return Place(find_root(real) or real, event.session_id, environ, seconds)


def _look(plan: Plan, event: ToolEvent, cwd: str, environ: "Mapping[str, str]", *, seconds: float) -> Lookup:
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
