import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.claude_settings import Edit, matchers_of, patterns_of
from skillcache.policy.pattern import matches, names, parse

INSIDES = [pattern.removeprefix("Bash(").removesuffix(")") for pattern in Edit("/opt/py", "/opt/hooks").patterns]


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [
        ("Bash(terraform validate:*)", ("Bash(*terraform validate*)",)),
        ("Bash(terraform validate)", ("Bash(*terraform validate*)",)),
        ("Bash(just * --dry)", ("Bash(*just * --dry*)",)),
        ("Bash(./gate *)", ("Bash(*./gate*)",)),
        ("Bash(*)", ("Bash(*)",)),
        ("Bash(make smoketest:*)", ()),
        ("Bash(echo \\*)", ("Bash(*echo*)",)),
        ("Bash(gh pr \\(draft\\) create:*)", ("Bash(*create*)",)),
        ("Bash(echo it: *)", ("Bash(*echo it*)",)),
        ("Bash(a\\\\b:*)", ("Bash(*a*)",)),
        ("Bash(\\*)", ("Bash(*)",)),
    ],
)
def test_a_rule_of_ones_own_gains_a_pattern_unless_a_word_covers_it(rule: str, pattern: tuple[str, ...]) -> None:
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
    (pattern,) = patterns_of([rule], all_=True)
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
        ("mcp__*", "^mcp__.*__.*$"),
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


@pytest.mark.parametrize(
    "line",
    """\
uv run pytest -q tests/unit 2>&1 | tail -3
python -m unittest discover
ruff check .
ruff format --check src
mypy --strict src
npx pyright
npm test
pnpm run lint
yarn typecheck
npx jest --ci
npx vitest run
npx tsc --noEmit -p .
npx eslint .
prettier --check .
cargo test --workspace
cargo clippy --all-targets
cargo fmt --check
go test ./...
go vet ./...
golangci-lint run
mvn -q test
./gradlew check
bundle exec rspec
bundle exec rubocop
vendor/bin/phpunit
vendor/bin/phpstan analyse src
ctest --output-on-failure
make test
just check
make verify
dart analyze""".splitlines(),
)
def test_the_usual_lines_start_the_hooks(line: str) -> None:
    assert any(matches(inside, line) for inside in INSIDES)


@pytest.mark.parametrize(
    "line",
    ["git status", "ls -la src", "cat README.md", "npm install", "git commit -m done", "python main.py", "rg TODO"],
)
def test_ordinary_lines_start_none(line: str) -> None:
    assert not any(matches(inside, line) for inside in INSIDES)
