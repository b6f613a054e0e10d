import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.claude.patterns import matches, names, parse
from skillcache.cli.setup.entries import matchers_of, patterns_of


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [
        ("Bash(terraform validate:*)", ("Bash(*terraform validate*)",)),
        ("Bash(terraform validate)", ("Bash(*terraform validate*)",)),
        ("Bash(just * --dry)", ("Bash(*just * --dry*)",)),
        ("Bash(./gate *)", ("Bash(*./gate*)",)),
        ("Bash(*)", ("Bash(*)",)),
        ("Bash(make smoketest:*)", ("Bash(*make smoketest*)",)),
        ("Bash(echo \\*)", ("Bash(*echo*)",)),
        ("Bash(gh pr \\(draft\\) create:*)", ("Bash(*create*)",)),
        ("Bash(echo it: *)", ("Bash(*echo it*)",)),
        ("Bash(a\\\\b:*)", ("Bash(*a*)",)),
        ("Bash(\\*)", ("Bash(*)",)),
    ],
)
def test_a_pattern_is_for_the_lines_that_hold_what_a_rule_names(rule: str, pattern: tuple[str, ...]) -> None:
    assert patterns_of([rule, rule]) == pattern


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("Bash(gh pr *)", "cd sub && gh pr create --fill"),
        ("Bash(echo \\*)", "echo *"),
        ("Bash(sh -c \\(date\\))", "sh -c (date)"),
        ("Bash(echo it: *)", "echo it: now"),
        ("Bash(*:*)", "anything"),
        ("Bash(:*)", "anything"),
        ("Bash(git push*origin*)", "git push -f origin"),
    ],
)
def test_what_a_rule_names_starts_the_hooks_whatever_characters_are_in_it(rule: str, line: str) -> None:
    (pattern,) = patterns_of([rule])
    inside = parse(pattern)[1]

    assert inside is not None
    assert not inside.endswith(":*")
    assert matches(inside, line)


@pytest.mark.parametrize(
    ("rule", "matcher"),
    [
        ("mcp__words__count", "mcp__words__count"),
        ("mcp__my-words__get-all", "mcp__my-words__get-all"),
        ("mcp__my.words__count", "^mcp__my[.]words__count$"),
        ("mcp__words", "^mcp__words__.*$"),
        ("mcp__words__*", "^mcp__words__.*$"),
        ("mcp__words__get_*", "^mcp__words__get_.*$"),
        ("mcp__plugin_tools_words__count", "mcp__plugin_tools_words__count"),
        ("mcp__*", "^mcp__.*$"),
        ("mcp__words__*a*a*b", "^mcp__words__.*b$"),  # with many wildcards a search could hold the client
        ("Agent(reviewer)", "Agent"),
    ],
)
def test_a_matcher_is_for_the_calls_that_the_rule_names_and_no_others(rule: str, matcher: str) -> None:
    assert matchers_of([rule, rule]) == (matcher,)


@given(
    st.from_regex(r"\Amcp__[a-z.*-]{1,4}(__[a-z.*-]{1,4})?\Z"), st.from_regex(r"\Amcp__[a-z.-]{1,4}__[a-z.-]{1,4}\Z")
)
def test_a_matcher_starts_for_every_tool_that_the_rule_names(rule: str, tool: str) -> None:
    (matcher,) = matchers_of([rule])
    exact = all(char.isalnum() or char in "_-" for char in matcher)
    starts = matcher == tool if exact else re.search(matcher, tool) is not None

    assert starts >= names(rule, tool)
