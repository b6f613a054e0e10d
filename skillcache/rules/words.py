"""The words of a command: behind programs that run another, which script it runs, and which may reach outside.

Of a program that runs another, an option that is not in its table makes the command one that no rule names.
"""

from skillcache.core import KW_ONLY, Record, field
from skillcache.core.outcomes import COMMAND_FRESH, COMMAND_WRITES, OUTSIDE, Bypass
from skillcache.rules.builtin import Tool, Words, examine

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
        from skillcache.rules.builtin import tool_of

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


DEEPEST = 6  # wrappers within wrappers


class Wrapped(Record):
    """A command without its wrappers."""

    words: tuple[str, ...]  # what is run
    _: KW_ONLY
    directory: str = ""  # where, relative to the command's own unless absolute
    assignments: list[tuple[str, str]] = field(default_factory=list)  # variables set for it
    programs: list[tuple[str, str]] = field(default_factory=list)  # the wrappers, each with its directory
    launcher: str = ""  # the wrapper that looks the program up in the project's own environment, or nothing


# word: options without a value, options with one, how many operands stand before the command
_PLAIN: dict[str, tuple[str, str, int]] = {
    "timeout": ("--preserve-status --foreground -v --verbose", "-s --signal -k --kill-after", 1),
    "gtimeout": ("--preserve-status --foreground -v --verbose", "-s --signal -k --kill-after", 1),
    "nice": ("", "-n --adjustment", 0),
    "stdbuf": ("", "-i -o -e --input --output --error", 0),
    "time": ("-p", "", 0),
    "command": ("", "", 0),
    "nohup": ("", "", 0),
    "xvfb-run": ("-a --auto-servernum", "-s --server-args -n --server-num", 0),
}

# word: subcommand, options without a value, options with one, the option that changes the directory
LAUNCHERS: dict[str, tuple[tuple[str, ...], str, str, str]] = {
    "uv": (
        ("run",),
        """--frozen --locked --no-sync --offline --all-extras --all-groups --all-packages --no-dev --dev --only-dev
        --quiet -q --active --no-project --no-default-groups --no-progress --exact --verbose -v --no-config
        --no-env-file --no-editable --native-tls --isolated --script -s --""",
        "--extra --no-extra --group --no-group --only-group --package --python -p --color --with",
        "--directory",
    ),
    "poetry": (("run",), "-q --quiet -n --no-interaction --no-ansi --ansi -v", "", "-C --directory"),
    "pdm": (("run",), "-s --site-packages -q -v", "", ""),
    "pipenv": (("run",), "-q --quiet", "", ""),
    "rye": (("run",), "", "", ""),
    "hatch": (("run",), "-q -v", "", ""),
    "bundle": (("exec",), "", "", ""),
    "npx": ((), "--yes -y --no-install --no -q --quiet --offline --prefer-offline --silent -s --", "", ""),
    "bunx": ((), "--bun -b --silent --", "", ""),
    "npm": (("exec", "x"), "--yes -y --no --offline -s --silent --", "-w --workspace", "--prefix -C"),
    "pnpm": (("exec",), "-s --silent -w --workspace-root -r --recursive --", "--filter -F", "-C --dir"),
    "yarn": (("exec",), "-s --silent --", "", "--cwd"),
    "mise": (("exec", "x"), "-q --quiet -y --yes --no-prepare", "", "-C --cd"),
}


def unwrap(words: tuple[str, ...], *, launchers: bool = True) -> Wrapped | None:
    """The command inside; None when a wrapper is used in a way that is not surely understood. Raises Bypass.

    launchers: whether those are wrappers that look the command up in the project's environment.
    """
    inner = Wrapped(words)
    for _ in range(DEEPEST):
        word = inner.words[0].rpartition("/")[2]
        if word in _PLAIN:
            at = _plain(word, inner)
        elif word == "env":
            at = _env(inner)
        elif word in LAUNCHERS and launchers:
            at = _launcher(word, inner)
            if at == 0:
                return inner
        elif word in ("uvx", "pipx"):
            raise Bypass(OUTSIDE, f"{word} runs a program from outside the project")
        else:
            return inner
        if not 0 < at < len(inner.words):
            return None
        inner.words = inner.words[at:]
    return None


def _skip(words: tuple[str, ...], at: int, flags: str, values: str) -> tuple[int, list[tuple[str, str]]]:
    """Steps over known options; gives where they end and those that have a value; -1 for an unknown one."""
    flag_list, value_list = flags.split(), values.split()
    found: list[tuple[str, str]] = []
    while at < len(words) and words[at].startswith("-"):
        word = words[at]
        name, equals, value = word.partition("=")
        if word in flag_list:
            at += 1
            if word == "--":
                break
        elif word == "--":
            break
        elif word in value_list:
            if at + 1 >= len(words) or words[at + 1].startswith("-"):
                return -1, found
            found.append((word, words[at + 1]))
            at += 2
        elif equals and name in value_list and name.startswith("--"):
            found.append((name, value))
            at += 1
        elif not word.startswith("--") and word[:2] in value_list:
            found.append((word[:2], word[2:]))
            at += 1
        else:
            return -1, found
    return at, found


def _plain(word: str, inner: Wrapped) -> int:
    flags, values, operands = _PLAIN[word]
    at, _ = _skip(inner.words, 1, flags, values)
    if at < 0:
        return -1
    at += operands
    if word not in ("time", "command"):
        inner.programs.append((inner.words[0], inner.directory))
    return at


def _env(inner: Wrapped) -> int:
    at = 1
    while at < len(inner.words):
        name, equals, value = inner.words[at].partition("=")
        if not equals or not name.isidentifier() or not name.isascii():
            break
        inner.assignments.append((name, value))
        at += 1
    if at < len(inner.words) and inner.words[at].startswith("-"):
        return -1
    inner.programs.append((inner.words[0], inner.directory))
    return at


def _launcher(word: str, inner: Wrapped) -> int:  # noqa: C901 - what launchers have in common
    """Where the command begins; 0 when it is the wrapper itself that a rule may name; -1 when not understood."""
    subcommands, flags, values, moves = LAUNCHERS[word]
    words = inner.words
    at, before = _skip(words, 1, flags, f"{values} {moves}")
    if at < 0 or at >= len(words):
        return 0
    given = before
    if subcommands:
        if words[at] not in subcommands:
            return 0
        at, after = _skip(words, at + 1, flags, f"{values} {moves}")
        given = before + after
        if word == "uv" and "--with" in [part.partition("=")[0] for part in words[:at]]:
            raise Bypass(OUTSIDE, "what --with names is looked up in a registry")
        if at < 0:
            return -1
    if word == "mise":
        at = _mise(words, at)
    if not 0 < at < len(words):
        return -1
    if word in ("npx", "bunx", "npm", "pnpm") and "@" in words[at][1:]:
        raise Bypass(OUTSIDE, f"{words[at]} is looked up in a registry")
    inner.programs.append((words[0], inner.directory))
    inner.launcher = word
    for name, value in given:
        if name in moves.split():
            # few wrappers change the folder

            inner.directory = join(inner.directory, value)
    if word in ("uv", "poetry", "pdm", "hatch", "rye", "pipenv") and ":" in words[at]:
        return -1
    return at


def _mise(words: tuple[str, ...], at: int) -> int:
    """`mise exec [tool[@version]…] -- command`."""
    while at < len(words) and words[at] != "--":
        if words[at].startswith("-"):
            return -1
        at += 1
    return at + 1


_PYTHON = frozenset("-B -u -I -s -S -E -O -OO -b -bb -q".split())  # noqa: SIM905 - read as a list
# word: a first word that belongs to it, and the options it may have before the script, or their beginnings
_SHELL = ("", ("-e", "-u", "-x", "-v", "-eu", "-ex", "-ux", "-eux"), ())
_TABLE: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "bash": _SHELL,
    "sh": _SHELL,
    "zsh": _SHELL,
    "dash": _SHELL,
    "node": ("", ("--no-warnings", "--enable-source-maps", "--no-deprecation"), ("--experimental-",)),
    "bun": ("run", (), ()),
    "deno": ("run", ("-A", "-q", "--quiet", "--no-prompt", "--no-check", "--no-lock", "--cached-only"), ("--allow-",)),
    "ruby": ("", ("-w", "-W0", "-W1", "-W2"), ()),
    "perl": ("", ("-w", "-T"), ()),
    "tsx": ("", (), ()),
    "ts-node": ("", (), ()),
}
_NODE_LAUNCHERS = ("npx", "bunx", "npm", "pnpm", "yarn")


def script_at(words: tuple[str, ...], launcher: str) -> int:
    """The index of the word; -1 when it is not sure that a file is run. `launcher`: what looks the first word up."""
    word = words[0].rpartition("/")[2]
    if word in ("pypy", "pypy3") or (word.startswith("python") and not word[6:].replace(".", "").strip("0123456789")):
        at = _after_python(words)
    elif word in _TABLE:
        first, options, beginnings = _TABLE[word]
        at = 2 if first and words[1:2] == (first,) else 1
        if word == "deno" and at == 1:
            return -1
        while at < len(words) and (words[at] in options or (beginnings and words[at].startswith(beginnings))):
            at += 1
    elif launcher in _NODE_LAUNCHERS:  # for them a path is a package
        return -1
    else:
        return 0 if "/" in words[0] or is_python_of(launcher, words[0]) else -1
    return at if at < len(words) and words[at][:1] not in ("", "-") else -1


def is_python_of(launcher: str, word: str) -> bool:
    """Whether the launcher runs the file by its Python: `uv run script.py`."""
    return launcher == "uv" and word.endswith(".py")


def _after_python(words: tuple[str, ...]) -> int:
    at = 1
    while at < len(words) and words[at].startswith("-"):
        if words[at] in ("-X", "-W"):
            at += 1
        elif words[at] not in _PYTHON and words[at][:2] not in ("-X", "-W"):
            break
        at += 1
    return at


def may_run_script(text: str, *folders: str) -> bool:
    """Whether a command may run a script of a skill: False for nearly every one. `folders`: names of where it runs."""
    return "skills/" in text or any("/skills/" in f"{folder}/" for folder in folders)


def literal_of(pattern: str) -> str:
    """The longest run of the pattern's characters that must stand in what it matches."""
    return max(pattern.replace(":*", "*").replace("\\", "*").replace(" ", "*").split("*"), key=len)
