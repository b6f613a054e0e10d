"""A command that may be answered: what is started, under which rules, and how what it depends on is captured."""

from skillcache.cache.capture import Lookup, inside
from skillcache.commands import attributes
from skillcache.core import json
from skillcache.stores import entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    from skillcache.cache.capture import Plan
    from skillcache.commands.process import Program

    class Task(Protocol):
        """One that a rule names (`ruled`) or one whose inputs a person declares (`declared`).

        program: what is started; plan: the rules for its results; top: of the worktree, '' while it is not known;
        learns: whether its duration decides if it is looked up at all; joined: whether standard error is standard
        output's own file.
        """

        program: Program
        plan: Plan
        cwd: str
        learns: bool
        joined: bool

        def look(
            self, given: "tuple[entry.Row, ...]", *, seconds: float, meanwhile: "Callable[[], object] | None" = None
        ) -> Lookup:
            """Capture now. `given`: rows of the standard input; `seconds`: most time. Raises Bypass.

            `meanwhile`: is called while git is at work.
            """

        def is_disturbed(self, found: Lookup, *, since: int, seconds: float) -> bool:
            """Whether what it depends on was touched since the stamp, even if it is now as it was. Raises Bypass."""

        def extra_names(self) -> tuple[str, ...]:
            """Names besides those of the plan that invalidate its results."""


_JOINED = ("streams", "", "joined")


def called(
    tool: str, words: tuple[str, ...], cwd: str, root: str, environ: "Mapping[str, str]", *, joined: bool
) -> tuple[entry.Row, ...]:
    """The key's rows of the call itself, without what narrows it."""
    rows: list[entry.Row] = [
        ("tool", "", tool),
        ("command", "", json.dumps(list(words))),
        ("directory", "", inside(cwd, root) or ""),
        _JOINED if joined else ("streams", "", "apart"),
    ]
    # A command may print the directory by the name that the shell came by, or that its starter had.
    spelled = environ.get("PWD", "")
    if spelled != cwd:
        below = spelled == root or spelled.startswith(root.rstrip("/") + "/")
        rows.append(("directory", "PWD", f".{spelled[len(root) :]}" if below else spelled))
    return (*rows, *attributes.rows())


def joined(rows: tuple[entry.Row, ...]) -> tuple[entry.Row, ...]:
    """The same call's rows, where standard error is standard output's own file."""
    return tuple([_JOINED if row[:2] == _JOINED[:2] else row for row in rows])
