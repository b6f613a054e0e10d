"""Rules about tools other than Bash: the person's own, and the built-in ones for the web. Functions of values."""

from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.kinds import kind_of
from skillcache.outcome import NO_RULE
from skillcache.plan import Plan
from skillcache.policy.pattern import matches, names
from skillcache.policy.rule import Rule

# Their results depend on no file: they are kept for a time.
BUILT_IN = {
    "WebFetch": Rule("WebFetch", "WebFetch", depends=(), ttl=3_600),
    "WebSearch": Rule("WebSearch", "WebSearch", depends=(), ttl=900),
}
_DOMAIN = "domain:"


def plan_of(event: ToolEvent, rules: tuple[Rule, ...]) -> Plan:
    """Raises Bypass."""
    kind = kind_of(event.tool)
    rule = rule_for(event.tool, event.input, rules)
    if kind is None or rule is None:
        raise Bypass(NO_RULE)
    described = kind.describe(event)
    return Plan(described.text, (rule,), tool=event.tool, described=described, ttl=rule.ttl, failures_ttl=rule.ttl)


def rule_for(tool: str, tool_input: dict[str, object], rules: tuple[Rule, ...]) -> Rule | None:
    """The rule that names a call; `rules`: the person's own, the first that does counting."""
    for rule in rules:
        if (
            rule.tool not in {"Bash", "Skill"}
            and names(rule.tool, tool)
            and _specified(rule.specifier, tool, tool_input)
        ):
            return rule if rule.enabled else None
    return BUILT_IN.get(tool)


def _specified(specifier: str, tool: str, tool_input: dict[str, object]) -> bool:
    if not specifier:
        return True
    if tool == "Agent":
        return matches(specifier, str(tool_input.get("subagent_type", "")))
    host = str(tool_input.get("url", "")).partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
    return specifier.startswith(_DOMAIN) and matches(specifier.removeprefix(_DOMAIN).lower(), host.lower())
