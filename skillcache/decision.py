"""The decision for one Bash call: pure functions of values, the same for every lane.

`plan` says whether a call may be looked up and what is to be captured; `decide` says, from what the store holds,
whether the entry is served or the tool runs. Neither touches the world.
"""

from skillcache.digest import digest
from skillcache.entry import Entry, Unreadable, decode
from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.outcome import (
    BACKGROUND,
    ELSEWHERE,
    EXPIRED,
    FRESH,
    INVALIDATED,
    NO_ENTRY,
    NO_RULE,
    REPLAYED,
    SEEN_FAILURE,
    UNREADABLE_ENTRY,
    Outcome,
)
from skillcache.policy import Rule, Verdict, judge
from skillcache.policy.rule import BUILT_IN
from skillcache.relocation import expand
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


class Answer:
    """outcome: REPLAYED or the miss; entry, output: what is served, the paths in it being those of this root."""

    __slots__ = ("entry", "outcome", "output")

    def __init__(self, outcome: Outcome, entry: Entry | None = None, output: bytes = b"") -> None:
        self.outcome = outcome
        self.entry = entry
        self.output = output


def decide(
    plan: Plan,
    *,
    key: str,
    found: bytes | None,
    generations: dict[str, int],
    root: str,
    now: float,
    seen_failure: bool,
) -> Answer:
    """`found`: the stored bytes; `generations`: each name's present one; `seen_failure`: see `seen`."""
    if plan.fresh:
        return Answer(FRESH)
    if found is None:
        return Answer(NO_ENTRY)
    try:
        entry = decode(found)
    except Unreadable:
        return Answer(UNREADABLE_ENTRY)
    if entry.key != key:
        return Answer(UNREADABLE_ENTRY)
    if entry.names != generations:
        return Answer(INVALIDATED)
    failed = entry.status != 0 and not entry.meaning
    ttl = plan.failures_ttl if failed else plan.ttl
    # An entry from the future is another machine's wrong clock; it is not younger than new.
    if now - entry.finished / 1000 > ttl:
        return Answer(EXPIRED)
    if failed and (seen_failure or not plan.failures):
        return Answer(SEEN_FAILURE)
    if entry.relocated:
        return Answer(REPLAYED, entry, expand(entry.output, root))
    if entry.root != root:
        return Answer(ELSEWHERE)
    return Answer(REPLAYED, entry, entry.output)


def chosen_for_verification(tool_use_id: str, share: float) -> bool:
    """Whether this would-be hit runs for real: the call's own id decides, so the choice needs no chance."""
    return int(digest(tool_use_id.encode("utf-8", "replace"))[:12], 16) < share * (1 << 48)
