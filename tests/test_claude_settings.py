import pytest

from skillcache.claude_settings import Edit, patterns_of
from skillcache.policy.pattern import matches

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
    ],
)
def test_a_rule_of_ones_own_gains_a_pattern_unless_a_word_covers_it(rule: str, pattern: tuple[str, ...]) -> None:
    assert patterns_of([rule, rule]) == pattern


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
