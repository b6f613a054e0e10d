"""What a call or a command that a rule names may be looked up by: a function of its rule."""

from skillcache.policy.look import may_run_script
from skillcache.policy.rule import BUILT_IN, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.key import Row
    from skillcache.skill.find import Finder

BASH = "Bash"


class Described:
    """text: the call for people, in one line; rows: of the key, the tool's first."""

    __slots__ = ("rows", "text")

    def __init__(self, text: str, rows: "tuple[Row, ...]") -> None:
        self.text = text
        self.rows = rows


class Plan:
    """A call or a command that may be looked up.

    tool: its name; command: it for people; fresh: whether a fresh run was wished for; name: what its entry is called;
    names: every name that invalidates the entry, but for the project's and the team's; rule: the name of the one that
    covers it; declared: whether a skill or a person says what it depends on; depends: globs that narrow the
    content, None for everything, empty for no content; variables: more environment variables by name; tools: programs
    that it surely starts; ttl, failures_ttl: seconds; failures: whether failed results may be served; findings:
    see `Rule`; normalize: more patterns for verification; shared: whether a team may be given its result; described: of
    a call.
    """

    __slots__ = (
        "command", "declared", "depends", "described", "failures", "failures_ttl", "findings", "fresh", "name",
        "names", "normalize", "rule", "shared", "tool", "tools", "ttl", "variables",
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
        self.ttl = ttl if rule.origin == BUILT_IN else rule.ttl
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
    from skillcache.skill.find import Finder  # few do

    return Finder(cwd, environ, tuple([rule for rule in rules if rule.tool == "Skill"]), ttl=ttl)
