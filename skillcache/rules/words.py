"""Words and variables of a command: which may name something outside the project, which do more than hold a value."""

from skillcache.core.outcomes import COMMAND_FRESH, COMMAND_WRITES, OUTSIDE, Bypass
from skillcache.rules.options import Tool, Words, examine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


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
_OPTION_VARIABLES = {
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
    return name in _OPTION_VARIABLES or name in _TOOLS or name == "GOFLAGS"


def examine_value(name: str, value: str) -> None:
    """Raises Bypass for a variable's value that holds options which are not surely harmless."""
    words = tuple(value.split())
    if not any(word.startswith("-") and not word[1:].isdigit() for word in words):
        return
    tool = _OPTION_VARIABLES.get(name, GIVEN)
    if name == "GOFLAGS":
        from skillcache.rules.builtin.go import GO_TEST

        tool = GO_TEST
    elif name in _TOOLS:
        from skillcache.rules.builtin_index import tool_of

        tool = tool_of(_TOOLS[name]) or tool
    examine(tool, words, 0)


_HARMLESS = frozenset(["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin"])


def leaving(word: str) -> list[str]:
    """The absolute or climbing paths a word holds: as a whole, after `=`, `:`, `,` or `@`, or glued to a short option.

    Raises Bypass for an address of something on a network.
    """
    if "/" not in word and ".." not in word:
        return []
    if "://" in word:
        raise Bypass(OUTSIDE, word)
    found = []
    for piece in _pieces(word):
        path = piece
        if path[:1] == "-" and path[1:2] != "-":
            path = path[2:]
        if path in _HARMLESS:
            continue
        require_plain(path)
        if path.startswith(("/", "~")) or ".." in path.split("/"):
            found.append(path)
    return found


def require_plain(path: str) -> None:
    """Raises Bypass for a path whose content is no file's."""
    if path.startswith(("/dev/", "/proc/", "/sys/")) and path not in _HARMLESS:
        raise Bypass(OUTSIDE, path)


def join(directory: str, path: str) -> str:
    """`path` as seen from `directory`, lexically; `""` is the command's own directory, and `..` may lead out of it."""
    if path.startswith("/"):
        directory = ""
    absolute = path.startswith("/") or directory.startswith("/")
    parts: list[str] = []
    for part in f"{directory}/{path}".split("/"):
        if part in ("", "."):
            continue
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".." or not absolute:
            parts.append(part)
    return ("/" if absolute else "") + "/".join(parts)


def _pieces(word: str) -> list[str]:
    pieces = []
    piece = ""
    for character in word:
        if character in "=:,@;":
            pieces.append(piece)
            piece = ""
        else:
            piece += character
    pieces.append(piece)
    return pieces


_SHELLS = frozenset(
    """PATH IFS ENV BASH_ENV SHELL CDPATH GLOBIGNORE BASHOPTS SHELLOPTS POSIXLY_CORRECT PS4 PROMPT_COMMAND
    EXECIGNORE FPATH ZDOTDIR NULLCMD READNULLCMD PYTHONHOME PYTHONSTARTUP PYTHONINSPECT PYTHONBREAKPOINT
    PERL5OPT RUBYOPT HOME""".split()  # noqa: SIM905
)
# Where a tool keeps what it can make again; its place changes no result.
_CACHES = frozenset(
    """GOCACHE GOTMPDIR GOMODCACHE GOLANGCI_LINT_CACHE CARGO_TARGET_DIR RUFF_CACHE_DIR MYPY_CACHE_DIR
    UV_CACHE_DIR PYTHONPYCACHEPREFIX XDG_CACHE_HOME TMPDIR npm_config_cache NPM_CONFIG_CACHE PIP_CACHE_DIR
    TURBO_CACHE_DIR""".split()  # noqa: SIM905
)
# These name what a tool writes, or have it write.
_OUTPUTS = frozenset("RUFF_OUTPUT_FILE NODE_V8_COVERAGE TRYBUILD".split())  # noqa: SIM905
# Of the shell itself, the client and package managers, which many have all day.
_OTHERS = (
    *("NO_", "DISABLE_", "SKIP_", "CLAUDE", "SKILLCACHE", "HOMEBREW_", "npm_", "NPM_", "ZSH_", "HIST", "BUN_"),
    *("PIP_", "UV_", "APT_", "CONDA_", "NVM_", "GH_", "GIT_", "DOCKER_", "KUBE", "TF_"),
)
_OFF = ("", "0", "false", "no", "off", "never")
_WRITES = frozenset("update bless regen regenerate overwrite accept record rebaseline fix write".split())  # noqa: SIM905
_FRESH = frozenset("force rerun nocache refresh".split())  # noqa: SIM905


def examine_variable(name: str, value: str) -> list[str]:
    """Paths in the value that lead elsewhere; raises Bypass for a variable that changes how the command is run."""
    if name in _SHELLS or name.startswith(
        ("LD_", "DYLD_", "BASH_FUNC", "GIT_DIR", "GIT_WORK", "GIT_INDEX", "SKILLCACHE")
    ):
        raise Bypass(OUTSIDE, name)
    if name in _CACHES:
        return []
    if name in _OUTPUTS:
        raise Bypass(COMMAND_WRITES, name)
    _examine_name(name, value)
    examine_value(name, value)
    return leaving(value)


def examine_environment(environ: "Mapping[str, str]") -> None:
    """Raises Bypass for a variable that changes what a command does, not only what its result depends on.

    Of the shell that started the command, where most have nothing to do with it.
    """
    for name, value in environ.items():
        if name in _OUTPUTS and value:
            raise Bypass(COMMAND_WRITES, name)
        if name == "BASH_ENV" and value:  # whatever is a script begins with what that file says
            raise Bypass(OUTSIDE, name)
        if not (name.startswith(_OTHERS) or "_NO_" in name or name in _CACHES):
            _examine_name(name, value)
        if holds_options(name):
            examine_value(name, value)


def _examine_name(name: str, value: str) -> None:
    if value.lower() in _OFF:
        return
    parts = name.lower().split("_")
    if not _WRITES.isdisjoint(parts):
        raise Bypass(COMMAND_WRITES, name)
    if not _FRESH.isdisjoint(parts) and not {"color", "colors", "tty"}.intersection(parts):
        raise Bypass(COMMAND_FRESH, name)
