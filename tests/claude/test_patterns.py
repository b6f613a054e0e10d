import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.claude import patterns
from skillcache.core.outcomes import ConfigError

MATCHING = [
    ("", "anything at all"),
    ("*", "anything at all"),
    ("npm test", "npm test"),
    ("npm test", "  npm test\n"),
    ("npm test:*", "npm test"),
    ("npm test:*", "npm test -- --watch"),
    ("npm test:*", "npm test\t--silent"),
    ("npm *", "npm"),
    ("npm *", "npm run build"),
    ("*test*", "timeout 5 pytest -q"),
    ("*test*", "test"),
    ("* --version", "node --version"),
    ("git * main", "git push origin main"),
    ("npm run *:*", "npm run lint -- --quiet"),
    (r"echo \*", "echo *"),
    (r"echo \\*", r"echo \and more"),
    ("a*b*c", "a-b-b-c"),
    ("npm*", "npmx"),
]

OTHER = [
    ("npm test", "npm test -- x"),
    ("npm test", "NPM test"),
    ("npm test:*", "npm tests"),
    ("npm test:*", "npx npm test"),
    ("npm *", "npmx"),
    ("*test*", "pytes t"),
    (r"echo \*", "echo x"),
    ("a*a", "a"),
    ("ab*ba", "aba"),
    ("a*b*c", "a-c-b"),
]


@pytest.mark.parametrize(("rule", "command"), MATCHING)
def test_a_pattern_names_these_commands(rule: str, command: str) -> None:
    assert patterns.matches(rule, command)


@pytest.mark.parametrize(("rule", "command"), OTHER)
def test_a_pattern_does_not_name_these_commands(rule: str, command: str) -> None:
    assert not patterns.matches(rule, command)


@given(st.text(alphabet="ab c", max_size=12))
def test_a_command_without_marks_is_a_pattern_for_itself(command: str) -> None:
    assert patterns.matches(command, command)


@given(st.lists(st.text(alphabet="ab", max_size=3), min_size=2, max_size=5), st.text(alphabet="ab", max_size=4))
def test_asterisks_stand_for_anything(literals: list[str], filling: str) -> None:
    assert patterns.matches("*".join(literals), filling.join(literals))


@pytest.mark.parametrize(
    ("rule", "parsed"),
    [
        ("Bash", ("Bash", None)),
        ("Bash(*)", ("Bash", "*")),
        (" Bash(npm test:*) ", ("Bash", "npm test:*")),
        ("Bash(python -c 'print(1)')", ("Bash", "python -c 'print(1)'")),
        (r"Bash(python -c 'print\(1\)')", ("Bash", "python -c 'print(1)'")),
        ("WebFetch(domain:docs.python.org)", ("WebFetch", "domain:docs.python.org")),
        ("Read(//etc/**)", ("Read", "//etc/**")),
        ("mcp__server__tool", ("mcp__server__tool", None)),
        ("mcp__server__*", ("mcp__server__*", None)),
        ("*", ("*", None)),
    ],
)
def test_a_rule_is_a_tool_and_a_specifier(rule: str, parsed: tuple[str, str | None]) -> None:
    assert patterns.parse(rule) == parsed


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "()",
        "Bash()",
        "Bash( )",
        "Bash(npm",
        "Bash)",
        "Bash(npm) test",
        r"Bash(npm\)",
        "B ash",
        "Ba*",
        "(npm)",
    ],
)
def test_a_malformed_rule_is_refused_by_name(rule: str) -> None:
    with pytest.raises(ConfigError, match="rule"):
        patterns.parse(rule)


def test_a_tool_is_named_by_itself_by_its_server_or_by_a_wildcard() -> None:
    assert patterns.names("Bash", "Bash")
    assert patterns.names("*", "Bash")
    assert patterns.names("mcp__docs", "mcp__docs__search")
    assert patterns.names("mcp__docs__*", "mcp__docs__search")
    assert not patterns.names("mcp__docs__get*", "mcp__docs__search")
    assert not patterns.names("mcp__doc", "mcp__docs__search")
    assert not patterns.names("Bash", "BashOutput")
