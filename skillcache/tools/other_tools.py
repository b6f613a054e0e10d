"""Rules about tools other than Bash: the person's own, and the built-in ones for the web. Functions of values."""

from skillcache.cache.capture import Plan
from skillcache.claude import DEFAULT_AGENT, ToolEvent, urls
from skillcache.claude.patterns import fits, names
from skillcache.core.outcomes import NO_RULE, Bypass
from skillcache.rules.rule import Rule
from skillcache.tools.registry import kind_of

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
    if kind is None or rule is None or not event.tool.isprintable():  # it names the entry
        raise Bypass(NO_RULE)
    described = kind.describe(event)
    return Plan(described.text, rule, tool=event.tool, described=described, ttl=rule.ttl, failures_ttl=rule.ttl)


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
        return fits(specifier.split("*"), str(tool_input.get("subagent_type") or DEFAULT_AGENT))
    try:
        host = urls.split(str(tool_input.get("url"))).host
    except ValueError:  # an address that is not looked up
        return False
    return specifier.startswith(_DOMAIN) and urls.is_domain(specifier.removeprefix(_DOMAIN), host)
