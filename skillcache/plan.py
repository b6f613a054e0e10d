"""Whether a Bash call may be looked up, and what is then to be captured: a pure function of the event and the rules."""

from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.outcome import BACKGROUND, NO_RULE
from skillcache.policy import Rule, Verdict, judge
from skillcache.policy.look import first_look
from skillcache.policy.rule import BUILT_IN
from skillcache.shell import read


class Plan:
    """A call that may be looked up.

    command: the line without a wish for a fresh run; fresh: whether it had one; name: the rule that names the entry;
    names: every rule of the line; depends: globs that narrow the content, None for everything; variables: more
    environment variables by name; ttl, failures_ttl: seconds; failures: whether failed results may be served;
    normalize: more patterns for verification.
    """

    __slots__ = (
        "command", "depends", "failures", "failures_ttl", "fresh", "name", "names", "normalize", "ttl", "unsandboxed",
        "variables", "verdict",
    )  # fmt: skip

    def __init__(
        self, command: str, *, fresh: bool, unsandboxed: bool, verdict: Verdict, ttl: int, failures_ttl: int
    ) -> None:
        rules = verdict.rules
        self.command = command
        self.fresh = fresh
        self.unsandboxed = unsandboxed
        self.verdict = verdict
        self.name = rules[0].name
        self.names = tuple(sorted({rule.name for rule in rules}))
        self.depends = _widest(rules)
        self.variables = tuple(sorted({name for rule in rules for name in rule.env}))
        self.ttl = min(ttl if rule.origin == BUILT_IN else rule.ttl for rule in rules)
        self.failures = all(rule.failures for rule in rules)
        self.failures_ttl = min(failures_ttl if rule.origin == BUILT_IN else rule.failures_ttl for rule in rules)
        self.normalize = tuple(pattern for rule in rules for pattern in rule.normalize)


def _widest(rules: tuple[Rule, ...]) -> tuple[str, ...] | None:
    """What a line with several rules depends on: all that any of them does."""
    globs: set[str] = set()
    for rule in rules:
        if rule.depends is None:
            return None
        globs.update(rule.depends)
    return tuple(sorted(globs))


def plan(event: ToolEvent, rules: tuple[Rule, ...], *, ttl: int, failures_ttl: int) -> Plan:
    """`rules`: the person's own; `ttl`, `failures_ttl`: of the built-in ones. Raises Bypass."""
    command = event.input.get("command")
    if event.tool != "Bash" or not isinstance(command, str):
        raise Bypass(NO_RULE)
    if not first_look(command, rules):
        raise Bypass(NO_RULE)
    line = read(command)
    verdict = judge(line, rules)
    if event.input.get("run_in_background"):
        raise Bypass(BACKGROUND)
    return Plan(
        line.text,
        fresh=line.fresh,
        unsandboxed=event.input.get("dangerouslyDisableSandbox") is True,
        verdict=verdict,
        ttl=ttl,
        failures_ttl=failures_ttl,
    )
