"""What a planned command or call is, and what its key is made of, captured where it runs."""

import os

from skillcache.core import Record
from skillcache.core.git import find_root
from skillcache.core.outcomes import OUTSIDE, UNCAPTURABLE, Bypass
from skillcache.fingerprint.capture import Fingerprint, Request, capture
from skillcache.rules.rule import BUILT_IN, Rule
from skillcache.rules.words import may_run_script
from skillcache.stores import entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skillcache.cache.skills.run import Workplace
    from skillcache.core.git import Git
    from skillcache.fingerprint.worktree import Reading
    from skillcache.rules.judge import Verdict
    from skillcache.rules.skills.find import Finder
    from skillcache.stores.entry import Row


BASH = "Bash"


class Described(Record):
    text: str  # the call for people, in one line
    rows: "tuple[Row, ...]"  # of the key, the tool's first


class Plan:
    """A call or a command that may be looked up.

    tool: its name; command: it for people; fresh: whether a fresh run was wished for; name: what its entry is called;
    names: every name that invalidates the entry, but for the project's and the team's; rule: the name of the one that
    covers it; declared: whether a skill or a person says what it depends on; depends: globs that narrow the
    content, None for everything, empty for no content; variables: more environment variables by name; tools: programs
    that it surely starts; reads: paths that a rule names, as it spells them; ttl, failures_ttl: seconds; failures:
    whether failed results may be served; findings: see `Rule`; normalize: more patterns for verification; shared:
    whether a team may be given its result; described: of a call.
    """

    __slots__ = (
        "command", "declared", "depends", "described", "failures", "failures_ttl", "findings", "fresh", "name",
        "names", "normalize", "reads", "rule", "shared", "tool", "tools", "ttl", "variables",
    )  # fmt: skip

    def __init__(
        self,
        command: str,
        rule: Rule,
        *,
        tool: str = BASH,
        fresh: bool = False,
        described: Described | None = None,
        ttl: int,
        failures_ttl: int,
    ) -> None:
        """`ttl`, `failures_ttl`: seconds, of the built-in rules about commands."""
        self.tool = tool
        self.command = command
        self.fresh = fresh
        self.described = described
        self.name = rule.name if tool == BASH else tool
        self.rule = rule.name
        self.names = tuple(sorted({tool, rule.name}))
        self.declared = rule.origin != BUILT_IN
        self.depends = None if rule.depends is None else tuple(sorted({*rule.depends}))
        self.variables = tuple(sorted({*rule.env}))
        self.tools = rule.tools
        self.reads = tuple(sorted({*rule.reads}))
        self.ttl = ttl if rule.origin == BUILT_IN else rule.ttl
        if rule.live:
            self.ttl = min(self.ttl, rule.live)
        self.failures = rule.failures
        self.findings = rule.findings
        self.failures_ttl = failures_ttl if rule.origin == BUILT_IN else rule.failures_ttl
        self.normalize = rule.normalize
        self.shared = bool(rule.share)


def finder_for(
    command: str, rules: tuple[Rule, ...], *, cwd: str, environ: "Mapping[str, str]", ttl: int
) -> "Finder | None":
    """What finds the skills whose scripts a command may run; None for nearly every one."""
    if not may_run_script(command, cwd, environ.get("PWD", "")):
        return None
    from skillcache.rules.skills.find import Finder  # few do

    return Finder(cwd, environ, tuple([rule for rule in rules if rule.tool == "Skill"]), ttl=ttl)


# These look a program up in node_modules, and in a registry when it is not there.
_NODE_LAUNCHERS = ("npx", "bunx", "npm", "pnpm", "yarn")


class CallKey:
    """key: full key text; digest: what the store's key is made of.

    called: the key's rows of the call itself; rows: all of them, for people; workplace: of a command that runs a script
    of a skill.
    """

    __slots__ = ("called", "digest", "fingerprint", "key", "rows", "workplace")

    def __init__(
        self, called: tuple[entry.Row, ...], fingerprint: Fingerprint, workplace: "Workplace | None" = None
    ) -> None:
        self.workplace = workplace
        self.called = called
        self.rows = (*called, *fingerprint.rows)
        self.key = entry.text_of(self.rows)
        self.digest = entry.digest_of(self.key)
        self.fingerprint = fingerprint

    @property
    def command_digest(self) -> str:
        """Of the call without what was captured: only a recorder and `explain` ask for it."""
        return entry.digest_of(entry.text_of(self.called))


def capture_of(
    plan: Plan,
    verdict: "Verdict",
    cwd: str,
    environ: "Mapping[str, str]",
    *,
    deadline: float,
    asked: "Git | None" = None,
    meanwhile: "Callable[[], object] | None" = None,
    rewritten: tuple[str, ...] = (),
    readings: "dict[object, Reading] | None" = None,
) -> "tuple[Fingerprint, Workplace | None]":
    """What the command of `verdict` depends on. The last four: see `Request`. Raises Bypass."""
    programs = (*verdict.executables, *((word, directory) for word, directory, _ in verdict.launched))
    directories = tuple(sorted({cwd, *(_join(cwd, place) for _, place in programs)}))
    _require_directories(directories)
    work = None
    if verdict.skill is not None:
        from skillcache.cache.skills.run import Workplace  # few commands run a skill's script

        work = Workplace((verdict.skill,), plan.depends, cwd, environ)
    request = Request(
        cwd=cwd,
        directories=directories,
        executables=(*((word, _join(cwd, place)) for word, place in programs), *_tools(plan, cwd, environ)),
        reads=(
            *(_join(_join(cwd, place), path) for path, place in verdict.operands),
            *(work.given if work is not None else ()),
        ),
        tasks=tuple([(word, name, _join(cwd, place)) for word, name, place in verdict.tasks]),
        depends=plan.depends if work is None else work.depends,
        variables=plan.variables,
        ruled=plan.reads,
        environ=environ,
        assignments=verdict.assignments,
        deadline=deadline,
        without=work.outputs if work is not None else (),
        counted=work.counted if work is not None else (),
        rewritten=rewritten,
        asked=asked,
        meanwhile=meanwhile,
        readings=readings,
        scope=_scope(plan, programs) if work is None else "",
        usual=work is not None,  # the skill names the others
    )
    # A tool that is given a file elsewhere may read what surrounds it.
    bounded = (*directories, *(_join(_join(cwd, place), path) for path, place in verdict.operands))
    top = find_root(os.path.realpath(cwd))
    if top is not None:
        _require_inside(bounded, top)
    fingerprint = capture(request)
    if top is None:
        _require_inside(bounded, fingerprint.root)
    for word, place, launcher in verdict.launched:
        _require_installed(word, _join(cwd, place), launcher, fingerprint.root)
    return fingerprint if work is None else work.completed(fingerprint, environ, deadline=deadline), work


def _scope(plan: Plan, programs: "tuple[tuple[str, str], ...]") -> str:
    """Whose outputs are the command's own: those of its tools, whatever they check; of a task that one alone."""
    from skillcache.fingerprint.configuration import ecosystems

    words = sorted({os.path.basename(word) for word, _ in programs})
    return plan.command if not words or ecosystems(words)[1] else " ".join(words)


def _require_directories(directories: tuple[str, ...]) -> None:
    for directory in directories:
        if not os.path.isdir(directory):
            raise Bypass(UNCAPTURABLE, f"{directory} is no directory")


def _require_inside(paths: tuple[str, ...], root: str) -> None:
    for path in paths:
        if path != os.devnull and inside(path, root) is None:
            raise Bypass(OUTSIDE, path)


def _require_installed(word: str, directory: str, launcher: str, root: str) -> None:
    """A program that is not installed in the project is one that the launcher fetches, or finds who knows where."""
    if launcher not in _NODE_LAUNCHERS or "/" in word:
        return
    while True:
        if os.path.exists(f"{directory}/node_modules/.bin/{word}"):
            return
        if directory in {root, "/"}:
            raise Bypass(UNCAPTURABLE, f"{word} is not installed in node_modules")
        directory = os.path.dirname(directory)


def _tools(plan: Plan, cwd: str, environ: "Mapping[str, str]") -> list[tuple[str, str]]:
    """What the command surely starts, such as node behind tsc, where it is installed."""
    folders = environ.get("PATH", os.defpath).split(":")
    return [
        (tool, cwd)
        for tool in sorted({*plan.tools})
        if any(os.access(place, os.X_OK) for place in _places(tool, folders, environ))
    ]


def _places(tool: str, folders: list[str], environ: "Mapping[str, str]") -> list[str]:
    if "/" not in tool:
        return [f"{folder}/{tool}" for folder in folders]
    return [environ.get("HOME", "/") + tool[1:] if tool.startswith("~/") else tool]


def inside(path: str, root: str) -> str | None:
    """`path` relative to `root`, '' for the root itself; None when it lies elsewhere."""
    real = os.path.realpath(path)
    if real == root:
        return ""
    prefix = root.rstrip("/") + "/"
    return real[len(prefix) :] if real.startswith(prefix) else None


def _join(base: str, path: str) -> str:
    return os.path.normpath(os.path.join(base, path))
