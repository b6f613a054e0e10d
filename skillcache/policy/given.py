"""Words given to a program that is not known: to what a task runs, or in a variable that holds options."""

from skillcache.errors import Bypass
from skillcache.outcome import COMMAND_WRITES
from skillcache.policy.options import Words, examine
from skillcache.policy.tool import Tool

# What means the same, or nothing at all, to every test runner, linter and type checker that a task may run.
GIVEN = Tool(
    "",
    flags="""-v -q -s -x --verbose --quiet --silent --run --runInBand --run-in-band --bail --nocapture --no-capture
    --no-coverage --no-cov --no-color --no-header --ci --passWithNoTests --noEmit --exact --race --failfast --fail-fast
    --forceExit --detectOpenHandles --exitfirst --help --version --list --all --check --strict
    --reporter=verbose --reporter=dot --reporter=spec --reporter=default --reporter=basic --reporter=tap
    -race -short -failfast""",
    values="""-k -t -g -run -tags -timeout --grep --filter --testPathPattern --testPathPatterns --testNamePattern
    --test-name-pattern --max-warnings --maxWorkers --max-workers --testTimeout --timeout --test-threads --skip
    --tb --maxfail --durations --project --selectProjects --reporter=verbose --reporter=dot --reporter=spec
    --reporter=default --reporter=tap""",
    maybe="--color",
    writes="-w -u -i -o",
    fresh="-f -count --lf --last-failed --ff --failed-first --sw --stepwise --onlyFailures",
    outside="--onlyChanged --lastCommit",
)
GIVEN.after = GIVEN  # `pnpm test -- -- -t name`
_RUSTC = Tool(
    "",
    values="""-D -W -A -F --cap-lints --cfg --check-cfg -C=target-cpu=* -C=opt-level=* -C=debuginfo=* -C=link-arg=*
    -C=debug-assertions* -C=overflow-checks*""",
)
_JAVA = Tool("", values="-X=mx* -X=ms* -D")
# Variables whose value is read as a tool's options.
_OTHERS = {
    "RUSTFLAGS": _RUSTC,
    "RUSTDOCFLAGS": _RUSTC,
    "MAVEN_OPTS": _JAVA,
    "GRADLE_OPTS": _JAVA,
    "JAVA_OPTS": _JAVA,
    "JAVA_TOOL_OPTIONS": _JAVA,
}
_TOOLS = {"PYTEST_ADDOPTS": "pytest", "SPEC_OPTS": "rspec", "NODE_OPTIONS": "node", "SHELLCHECK_OPTS": "shellcheck"}
VERBS = frozenset(
    """fix write update watch dev serve build install format init deploy upload publish release push apply delete
    destroy drop remove reset restart start stop send migrate seed""".split()  # noqa: SIM905 - read as a list
)


def examine_given(words: tuple[str, ...], at: int) -> Words:
    """The words from `at` on. Raises Bypass."""
    for word in words[at:]:
        if word in VERBS:
            raise Bypass(COMMAND_WRITES, word)
    return examine(GIVEN, words, at)


def holds_options(name: str) -> bool:
    """Whether a tool that is known takes the variable's value for options of its own."""
    return name in _OTHERS or name in _TOOLS or name == "GOFLAGS"


def examine_value(name: str, value: str) -> None:
    """Raises Bypass for a variable's value that holds options which are not surely harmless."""
    words = tuple(value.split())
    if not any(word.startswith("-") and not word[1:].isdigit() for word in words):
        return
    tool = _OTHERS.get(name, GIVEN)
    if name == "GOFLAGS":
        from skillcache.policy.tools.go import GO_TEST

        tool = GO_TEST
    elif name in _TOOLS:
        from skillcache.policy.builtin import tool_of

        tool = tool_of(_TOOLS[name]) or tool
    examine(tool, words, 0)
