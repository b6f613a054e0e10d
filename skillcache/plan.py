"""Whether a call may be looked up, and what is then to be captured: a function of the event and the rules."""

from skillcache.errors import Bypass
from skillcache.outcome import BACKGROUND, NO_RULE
from skillcache.policy import Rule, judge
from skillcache.policy.look import first_look, may_run_script
from skillcache.policy.rule import BUILT_IN
from skillcache.shell import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.event import ToolEvent
    from skillcache.kinds import Described
    from skillcache.policy import Verdict
    from skillcache.skill.find import Finder

BASH = "Bash"


class Plan:
    """A call that may be looked up.

    tool: its name; command: the call for people, a Bash line without a wish for a fresh run; fresh: whether it had one;
    name: what its entry is called; names: every name that invalidates the entry, but for the project's and the team's;
    rules: names of the rules that cover it; depends: globs that narrow the content, None for everything, empty for no
    content; variables: more environment variables by name; ttl, failures_ttl: seconds; failures: whether failed results
    may be served; normalize: more patterns for verification; shared: whether a team may be given its result; verdict:
    of a Bash line; described: of any other call; unsandboxed: whether a line asks to run outside the client's sandbox.
    """

    __slots__ = (
        "command", "depends", "described", "failures", "failures_ttl", "fresh", "name", "names", "normalize", "rules",
        "shared", "tool", "ttl", "unsandboxed", "variables", "verdict",
    )  # fmt: skip

    def __init__(
        self,
        command: str,
        rules: tuple[Rule, ...],
        *,
        tool: str = BASH,
        fresh: bool = False,
        unsandboxed: bool = False,
        verdict: "Verdict | None" = None,
        described: "Described | None" = None,
        ttl: int,
        failures_ttl: int,
    ) -> None:
        self.tool = tool
        self.command = command
        self.fresh = fresh
        self.unsandboxed = unsandboxed
        self.verdict = verdict
        self.described = described
        self.name = rules[0].name if tool == BASH else tool
        self.rules = tuple(sorted({rule.name for rule in rules}))
        self.names = tuple(sorted({tool, *self.rules}))
        self.depends = _widest(rules)
        self.variables = tuple(sorted({name for rule in rules for name in rule.env}))
        self.ttl = min(ttl if rule.origin == BUILT_IN else rule.ttl for rule in rules)
        self.failures = all(rule.failures for rule in rules)
        self.failures_ttl = min(failures_ttl if rule.origin == BUILT_IN else rule.failures_ttl for rule in rules)
        self.normalize = tuple(pattern for rule in rules for pattern in rule.normalize)
        self.shared = all(rule.share for rule in rules)


def _widest(rules: tuple[Rule, ...]) -> tuple[str, ...] | None:
    """What a line with several rules depends on: all that any of them does."""
    globs: set[str] = set()
    for rule in rules:
        if rule.depends is None:
            return None
        globs.update(rule.depends)
    return tuple(sorted(globs))


def plan(
    event: "ToolEvent", rules: tuple[Rule, ...], *, cwd: str, environ: "Mapping[str, str]", ttl: int, failures_ttl: int
) -> Plan:
    """`rules`: the person's own; `cwd`: where the call begins; `ttl`, `failures_ttl`: of the built-in rules about Bash.

    Looks at no file, but for those of a skill whose script the line may run. Raises Bypass.
    """
    if event.tool != BASH:
        from skillcache.policy.other_tools import plan_of  # most calls are Bash lines

        return plan_of(event, rules)
    command = event.input.get("command")
    if not isinstance(command, str):
        raise Bypass(NO_RULE)
    own = tuple([rule for rule in rules if rule.tool == BASH])
    finder = finder_for(command, rules, cwd=cwd, environ=environ, ttl=ttl)
    if finder is None and not first_look(command, own):
        raise Bypass(NO_RULE)
    line = read(command)
    verdict = judge(line, own, finder)
    if event.input.get("run_in_background"):
        raise Bypass(BACKGROUND)
    return Plan(
        line.text,
        verdict.rules,
        fresh=line.fresh,
        unsandboxed=event.input.get("dangerouslyDisableSandbox") is True,
        verdict=verdict,
        ttl=ttl,
        failures_ttl=failures_ttl,
    )


def finder_for(
    command: str, rules: tuple[Rule, ...], *, cwd: str, environ: "Mapping[str, str]", ttl: int
) -> "Finder | None":
    """What finds the skills whose scripts a line may run; None for nearly every line."""
    if not may_run_script(command, cwd):
        return None
    from skillcache.skill.find import Finder  # few lines do

    return Finder(cwd, environ, tuple([rule for rule in rules if rule.tool == "Skill"]), ttl=ttl)
