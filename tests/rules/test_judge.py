"""What a verdict says, a person's own rules, and the tables' own consistency."""

import importlib
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.claude.patterns import parse
from skillcache.core.outcomes import COMMAND_FRESH, COMMAND_WRITES, NO_RULE, OUTSIDE, UNKNOWN_OPTION, Bypass, Outcome
from skillcache.rules.builtin import RUNNERS, WORDS, tool_of
from skillcache.rules.builtin.javascript import BUN_TEST
from skillcache.rules.judge import Verdict, judge
from skillcache.rules.rule import Rule
from skillcache.rules.tasks import TABLE


def verdict(text: str, *own: Rule) -> Verdict:
    return judge(tuple(shlex.split(text)), own)


def refusal(text: str, *own: Rule) -> Outcome:
    with pytest.raises(Bypass) as refused:
        verdict(text, *own)
    return refused.value.outcome


def name(text: str, *own: Rule) -> str:
    return verdict(text, *own).rule.name


def test_every_program_is_named_with_its_directory() -> None:
    found = verdict("timeout 60 uv run --directory sub pytest -q")
    assert found.executables == (("timeout", ""), ("uv", ""), ("uv", "sub"))
    assert found.launched == (("pytest", "sub", "uv"),)


def test_a_parenthesis_of_a_rule_may_be_escaped() -> None:
    own = Rule("own", 'Bash(./report "\\(a or b\\)":*)')
    assert name("./report '\"(a or b)\"' -v", own) == "own"


def test_a_wrapper_that_changes_the_directory_runs_its_command_there() -> None:
    assert verdict("uv run --directory sub pytest").launched == (("pytest", "sub", "uv"),)
    assert verdict("pnpm -C web lint").executables == (("pnpm", ""), ("pnpm", "web"))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("pytest tests/test_a.py::test_b", "tests/test_a.py"),
        ("rspec spec/a_spec.rb:12", "spec/a_spec.rb"),
        ("pytest ../other", "../other"),
        ("pytest /abs/tests", "/abs/tests"),
        ("pytest --rootdir=/x", "/x"),
        ("pytest --cov --cov-config /x/.coveragerc", "/x/.coveragerc"),
        ("ruff check --config ../ruff.toml", "../ruff.toml"),
        ("mypy --config-file=../mypy.ini src", "../mypy.ini"),
        ("go test -C ../x ./...", "../x"),
        ("make -f ../Makefile test", "../Makefile"),
        ("npm test -- --grep=/x.json", "/x.json"),
        ("env PYTHONPATH=src:/opt/lib pytest", "/opt/lib"),
        ("node --check dist/a.js", "dist/a.js"),
        ("./gradlew -p ../b test", "../b"),
        ("mvn -f /x/pom.xml test", "/x/pom.xml"),
    ],
)
def test_paths_given_to_ruled_commands_are_operands(text: str, path: str) -> None:
    assert (path, "") in verdict(text).operands


def test_variables_that_wrappers_set_are_told() -> None:
    assert verdict("env A=1 timeout 5 env B=2 pytest").assignments == (("A", "1"), ("B", "2"))


def test_a_rule_of_a_persons_own_names_a_command_we_do_not_know() -> None:
    own = Rule("check", "Bash(./check.sh:*)", ttl=60, origin="/x.toml")
    assert refusal("./check.sh") is NO_RULE
    assert name("./check.sh --all", own) == "check"
    assert verdict("./check.sh", own).rule.ttl == 60


def test_options_of_go_are_no_letters_to_a_persons_own_rule() -> None:
    own = Rule("check", "Bash(./check.sh:*)", origin="/x.toml")
    assert name("./check.sh -run TestX -timeout 5s -short", own) == "check"
    assert refusal("./check.sh -ru", own) is COMMAND_WRITES


def test_a_rule_of_a_persons_own_matches_inside_wrappers() -> None:
    own = Rule("check", "Bash(verify *)", origin="/x.toml")
    assert name("timeout 5 verify all", own) == "check"


@pytest.mark.parametrize(
    "text",
    ["rm -rf x", "git commit -m x", "./check.sh --fix", "./check.sh --write", "./check.sh -w", "./check.sh --update",
     "ruff check --fix", "black .", "npx jest -u", "docker run x", "cargo build"],
)  # fmt: skip
def test_no_pattern_however_wide_lifts_the_checks_for_writing(text: str) -> None:
    assert refusal(text, Rule("all", "Bash(*)", origin="/x.toml")) is COMMAND_WRITES


@pytest.mark.parametrize("text", ["eval x", "source x", "alias a=b", "exec x", "trap x EXIT", "unset X", "read x"])
def test_no_pattern_names_what_changes_the_shell_itself(text: str) -> None:
    assert refusal(text, Rule("all", "Bash(*)", origin="/x.toml")) is NO_RULE


def test_a_persons_own_rule_may_name_a_task_by_any_name() -> None:
    own = Rule("e2e", "Bash(npm run test:e2e:*)", origin="/x.toml")
    assert refusal("npm run test:e2e") is OUTSIDE
    assert name("npm run test:e2e -- a.spec.ts", own) == "e2e"
    assert refusal("npm run test:e2e -- --update-snapshots", own) is COMMAND_WRITES


def test_a_persons_own_rule_may_spell_out_an_option_that_no_table_holds() -> None:
    own = Rule("slow", "Bash(pytest --runslow:*)", origin="/x.toml")
    assert refusal("pytest --runslow") is UNKNOWN_OPTION
    assert name("pytest --runslow -q", own) == "slow"
    assert refusal("pytest --runslow --other", own) is UNKNOWN_OPTION
    assert refusal("pytest --lf", Rule("last", "Bash(pytest --lf:*)", origin="/x.toml")) is COMMAND_FRESH


def test_a_disabled_rule_takes_the_command_from_the_built_in_ones() -> None:
    off = Rule("pytest", "Bash(pytest:*)", enabled=False, origin="/x.toml")
    assert refusal("pytest -q", off) is NO_RULE
    assert name("ruff check .", off) == "ruff"


def test_a_narrowing_rule_keeps_the_variables_and_programs_of_the_built_in_one() -> None:
    own = Rule("tests", "Bash(npx jest:*)", depends=("src/**",), env=("API",), failures=True, origin="/x.toml")
    rule = verdict("npx jest", own).rule
    assert (rule.name, rule.depends, rule.failures) == ("tests", ("src/**",), True)
    assert {"API", "NODE_ENV"} <= set(rule.env)
    assert rule.tools == ("node",)
    assert refusal("npx jest --no-cache", own) is COMMAND_FRESH


def test_the_first_of_a_persons_own_rules_counts() -> None:
    one, two = Rule("one", "Bash(pytest:*)", origin="a"), Rule("two", "Bash(pytest -q)", origin="b")
    assert name("pytest -q", one, two) == "one"


@pytest.mark.parametrize("module", WORDS)
def test_the_index_of_words_is_that_of_the_tables(module: str) -> None:
    table = importlib.import_module(f"skillcache.rules.builtin.{module}").TABLE
    assert sorted(table) == sorted(WORDS[module].split())
    for word in table:
        assert tool_of(word) is table[word]


def test_the_index_of_runners_is_that_of_their_table() -> None:
    assert frozenset(TABLE) == RUNNERS


def test_every_built_in_rule_has_readable_patterns() -> None:
    found = [tool_of(word) for words in WORDS.values() for word in words.split()]
    for rule in (BUN_TEST, *filter(None, found)):
        assert rule.name
        for pattern in rule.pattern.replace(", ...", "").split(", "):
            tool, specifier = parse(pattern)
            assert tool == "Bash"
            assert specifier


WORDS_OF_COMMANDS = """
pytest ruff check format --fix --check . npm run test lint -- -u --watch cargo fmt clippy go vet ./...
-count=1 tsc --noEmit npx uv -o awk cd sub timeout 5 env A=1 make just mise python -m black eslint -o=f -- ../x
/abs --config bundle exec rspec pnpm --filter web -k --output
""".split()  # noqa: SIM905 - read as a list


@given(st.lists(st.sampled_from(WORDS_OF_COMMANDS), min_size=1, max_size=14))
def test_judging_anything_gives_a_verdict_or_a_bypass(words: list[str]) -> None:
    try:
        found = judge(tuple(words))
    except Bypass:
        return
    assert found.rule.name
    assert not {"--fix", "--watch"}.intersection(words)


AHEAD = Rule("pytest", "Bash(pytest:*)", ahead=True, adds=True, origin="/x.toml")
NEVER = Rule("slow", "Bash(pytest -m slow:*)", ahead=False, adds=True, origin="/x.toml")
OWN = Rule("own", "Bash(pytest -x:*)", ahead=True, origin="/x.toml")


@pytest.mark.parametrize(
    ("text", "rules", "ahead"),
    [
        ("pytest -q", (), None),
        ("pytest -q", (AHEAD,), True),
        ("uv run pytest -q", (AHEAD,), True),
        ("mypy", (AHEAD,), None),
        ("pytest -m slow", (AHEAD, NEVER), False),
        ("pytest -m slow", (NEVER, AHEAD), False),
        ("pytest -x", (OWN,), True),
        ("pytest -x", (OWN, AHEAD), True),
    ],
)
def test_whether_a_command_may_run_ahead_is_said_by_all_rules_of_it(
    text: str, rules: tuple[Rule, ...], ahead: bool | None
) -> None:
    assert judge(tuple(text.split()), rules).rule.ahead is ahead
