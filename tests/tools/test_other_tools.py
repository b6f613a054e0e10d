"""Which rule names a call of another tool than Bash."""

import pytest

from skillcache.claude import ToolEvent
from skillcache.core.outcomes import NO_RULE, Bypass
from skillcache.rules.rule import Rule
from skillcache.tools.lookup import plan_of, rule_for


def is_named(pattern: str, tool: str, **tool_input: object) -> bool:
    return rule_for(tool, tool_input, (Rule("own", pattern),)) is not None


@pytest.mark.parametrize(
    "address",
    [
        "https://docs.example.org/a",
        "https://docs.example.org?x=1",
        "https://docs.example.org#top",
        "https://docs.example.org:443/",
        "https://docs.example.org./",
        "HTTPS://DOCS.EXAMPLE.ORG",
        "https://somebody:word@docs.example.org/",
        "https://somebody@docs.example.org?x=/@other.example",
    ],
)
def test_a_domain_is_known_however_the_address_is_written(address: str) -> None:
    rules = (Rule("off", "WebFetch(domain:docs.example.org)", enabled=False),)

    assert rule_for("WebFetch", {"url": address, "prompt": "x"}, rules) is None


@pytest.mark.parametrize(
    ("domain", "host", "named"),
    [
        ("example.org", "example.org", True),
        ("example.org", "docs.example.org", False),
        ("*.example.org", "docs.example.org", True),
        ("*.example.org", "a.b.example.org", True),
        ("*.example.org", "example.org", False),
        ("docs.*.org", "docs.example.org", True),
        ("docs.*", "docs.example.org", False),
        ("*", "example.org", True),
    ],
)
def test_a_domain_is_one_as_in_the_person_s_permission_rules(domain: str, host: str, named: bool) -> None:
    rules = (Rule("off", f"WebFetch(domain:{domain})", enabled=False),)

    assert (rule_for("WebFetch", {"url": f"https://{host}/", "prompt": "x"}, rules) is None) is named


def test_an_agent_is_one_of_its_type() -> None:
    assert is_named("Agent", "Agent", prompt="x")
    assert is_named("Agent(reviewer)", "Agent", subagent_type="reviewer")
    assert not is_named("Agent(reviewer)", "Agent", subagent_type="reviewers")
    assert is_named("Agent(tools:*)", "Agent", subagent_type="tools:reviewer")
    assert not is_named("Agent(tools:*)", "Agent", subagent_type="other:reviewer")
    assert is_named("Agent(general-purpose)", "Agent", prompt="x")


@pytest.mark.parametrize("pattern", ["mcp__words", "mcp__words__*", "mcp__words__count", "mcp__*", "mcp__w*__count"])
def test_a_server_s_tool_is_named_by_its_server_or_a_wildcard(pattern: str) -> None:
    assert is_named(pattern, "mcp__words__count")
    assert is_named(pattern, "mcp__other__size") is (pattern == "mcp__*")


@pytest.mark.parametrize("tool", ["mcp__words__\ud800", "mcp__words__a\nb", "mcp__words__\x1b[2J"])
def test_a_tool_whose_name_no_entry_can_have_is_named_by_no_rule(tool: str) -> None:
    event = ToolEvent("PreToolUse", tool=tool, input={}, tool_use_id="1", cwd="/")

    with pytest.raises(Bypass) as caught:
        plan_of(event, (Rule("all", "mcp__*"),))
    assert caught.value.outcome is NO_RULE


def test_the_first_that_names_a_call_counts() -> None:
    rules = (Rule("one", "mcp__words__count"), Rule("two", "mcp__words__*", enabled=False))

    assert rule_for("mcp__words__count", {}, rules) is rules[0]
    assert rule_for("mcp__words__size", {}, rules) is None
    assert rule_for("mcp__words__size", {}, rules[::-1]) is None


def test_rules_about_lines_and_skills_name_no_other_call() -> None:
    rules = (Rule("line", "Bash(*)"), Rule("skill", "Skill(words)"))

    assert rule_for("mcp__words__count", {}, rules) is None
