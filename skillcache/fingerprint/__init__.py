"""What a result depends on, captured: the content of the project, its packages, the tools, the environment."""

import os

from skillcache import outcome
from skillcache.errors import Bypass
from skillcache.fingerprint import environment, files, git
from skillcache.fingerprint.ignored import MAX_FILES, Ignored
from skillcache.fingerprint.tools import Tools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

Row = tuple[str, str, str]


class Request:
    """What to capture.

    Paths are absolute; `depends` narrows the content to globs relative to the root (None: everything); `reads` are
    files and folders that the line names; `deadline` is on the clock of time.monotonic.
    """

    __slots__ = (
        "assignments",
        "cwd",
        "deadline",
        "depends",
        "directories",
        "environ",
        "executables",
        "reads",
        "variables",
    )

    def __init__(
        self,
        cwd: str,
        environ: "Mapping[str, str]",
        deadline: float,
        *,
        directories: tuple[str, ...] = (),
        executables: tuple[tuple[str, str], ...] = (),
        reads: tuple[str, ...] = (),
        depends: tuple[str, ...] | None = None,
        variables: tuple[str, ...] = (),
        assignments: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.cwd = cwd
        self.environ = environ
        self.deadline = deadline
        self.directories = directories
        self.executables = executables
        self.reads = reads
        self.depends = depends
        self.variables = variables
        self.assignments = assignments


class Fingerprint:
    """A captured state.

    root: top of the project; rows: sorted (label, name, value), all that a key holds; details: JSON of bounded size,
    with which a later capture can say what differs.
    """

    __slots__ = ("details", "root", "rows")

    def __init__(self, root: str, rows: tuple[Row, ...], details: dict[str, object]) -> None:
        self.root = root
        self.rows = rows
        self.details = details


def capture(request: Request) -> Fingerprint:
    """The state of everything the request names; Bypass (NO_GIT, TOO_LARGE, TOO_SLOW, UNCAPTURABLE, NO_TOOL)."""
    if any(name == "PATH" for name, _ in request.assignments):
        raise Bypass(outcome.UNCAPTURABLE, "the line sets PATH")
    environ = {**request.environ, **dict(request.assignments)}
    root = git.find_root(os.path.realpath(request.cwd))
    if root is None:
        raise Bypass(outcome.UNCAPTURABLE, "not a git worktree")
    budget = files.Budget(request.deadline, "changed files")
    reading = git.Reading(root, request.depends, request.environ, budget)
    reading.begin()
    try:
        # Git is at work meanwhile.
        system = os.uname()
        rows: list[Row] = [("system", "", f"{system.sysname} {system.machine}")]
        rows += [("env", *row) for row in environment.capture(environ, request.variables, root)]
        tools = Tools(root, environ, files.Budget(request.deadline, "tools"))
        for word, folder in request.executables:
            tools.add(word, folder)
        rows += [("tool", word, identity) for word, identity in tools.identities.items()]
        found = reading.finish()
    finally:
        reading.abandon()
    wanted = tuple(path[len(root) + 1 :] for path in request.reads if path.startswith(root + "/"))
    ignored = Ignored(root, files.Budget(request.deadline, "ignored files", MAX_FILES), wanted)
    ignored.add(found.ignored)
    installed = {**{f"{{root}}/{name}/": what for name, what in ignored.packages.items()}, **tools.packages}
    rows.append(("content", "", found.digest))
    rows += [("ignored", path, value) for path, value in ignored.files.items()]
    rows += [("packages", name, what.digest) for name, what in installed.items()]
    for path in request.reads:
        if os.path.isfile(path):
            rows.append(
                ("read", path[len(root) + 1 :] if path.startswith(root + "/") else path, files.content(path, budget))
            )
    details: dict[str, object] = {
        "head": found.head or None,
        "packages": {name: what.names[:200] for name, what in installed.items()},
    }
    return Fingerprint(root, tuple(sorted(rows)), details)
