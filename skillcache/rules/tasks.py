"""Tasks of package.json, a Makefile or a justfile, the programs that run them, and whether one is called as a check is.

A name is read in parts (`test:unit`, `test-unit`, `testUnit`). Each part must be a word of these lists, and one of them
a word that makes it a report: `test`, `lint:ci`, `type-check`, `format:check`, `backend:test`. A name with any other
part (`upload-test`, `test-data`) says nothing that is sure.
"""

from skillcache.core import KW_ONLY, Record, field
from skillcache.core.outcomes import COMMAND_FRESH, COMMAND_WRITES, OUTSIDE, Bypass
from skillcache.rules.words import join


class Runner:
    """A program that runs named tasks; its words are given as they are typed.

    verbs: words after which a task is named; alone: words that are tasks themselves; short: words for `test`; bare: any
    first word may be one; several: every operand is a task; flags, values: options without and with a value; numbers:
    options whose value is a number that may be left out; moves: options that change the directory; files: options that
    name a file; fresh, outside: refused; building: verbs that change something; assignments: `NAME=value` operands are
    variables; launches: a first word that is neither may be a
    tool.
    """

    __slots__ = (
        "alone",
        "assignments",
        "bare",
        "building",
        "files",
        "flags",
        "fresh",
        "launches",
        "moves",
        "numbers",
        "outside",
        "several",
        "short",
        "tools",
        "values",
        "verbs",
    )

    def __init__(
        self,
        *,
        verbs: str = "",
        alone: str = "",
        short: str = "",
        bare: bool = False,
        several: bool = False,
        flags: str = "",
        values: str = "",
        numbers: str = "",
        moves: str = "",
        files: str = "",
        fresh: str = "",
        outside: str = "",
        building: str = "",
        assignments: bool = False,
        launches: bool = False,
        tools: str = "",
    ) -> None:
        self.verbs = verbs.split()
        self.alone = alone.split()
        self.short = short.split()
        self.bare = bare
        self.several = several
        self.flags = flags.split()
        self.values = values.split()
        self.numbers = numbers.split()
        self.moves = moves.split()
        self.files = files.split()
        self.fresh = fresh.split()
        self.outside = outside.split()
        self.building = building.split()
        self.assignments = assignments
        self.launches = launches
        self.tools = tuple(tools.split())


_BUILDING = """install i ci add remove rm uninstall update up upgrade link publish pack init create build
dev start serve deploy prune dedupe rebuild version import patch patch-commit set unlink cache"""
TABLE: dict[str, Runner] = {
    "npm": Runner(
        verbs="run run-script rum",
        alone="test",
        short="t tst",
        tools="node",
        building=_BUILDING,
        flags="""-s --silent -q --quiet --if-present --workspaces -ws --include-workspace-root --no-color
        --no-audit --no-fund""",
        values="-w --workspace --loglevel",
        moves="--prefix -C",
    ),
    "pnpm": Runner(
        verbs="run run-script",
        alone="test",
        short="t tst",
        bare=True,
        launches=True,
        tools="node",
        building=_BUILDING,
        flags="""-s --silent -r --recursive -w --workspace-root --if-present --no-bail --stream
        --aggregate-output --parallel --no-color --reporter-hide-prefix --sequential""",
        values="--filter -F --loglevel --reporter --filter-prod --workspace-concurrency",
        moves="-C --dir",
    ),
    "yarn": Runner(
        verbs="run",
        alone="test",
        bare=True,
        launches=True,
        tools="node",
        building=_BUILDING,
        flags="-s --silent -T --top-level --offline --ignore-engines",
        moves="--cwd",
    ),
    "bun": Runner(
        verbs="run",
        bare=True,
        launches=True,
        building=_BUILDING,
        flags="--silent -b --bun --if-present",
        values="--filter -F --env-file",
        moves="--cwd",
    ),
    "make": Runner(
        bare=True,
        several=True,
        assignments=True,
        fresh="-B --always-make",
        flags="-s --silent --quiet -k --keep-going --no-print-directory -w --no-builtin-rules -r -R",
        numbers="-j --jobs -l",
        moves="-C --directory",
        files="-f --file --makefile",
    ),
    "just": Runner(
        bare=True,
        several=True,
        assignments=True,
        flags="-q --quiet -v --verbose --no-deps",
        values="--color",
        files="-f --justfile",
        moves="-d --working-directory",
    ),
    "task": Runner(
        bare=True,
        several=True,
        assignments=True,
        flags="-s --silent -v --verbose -p --parallel -y --yes",
        values="-o --output -C --concurrency",
        files="-t --taskfile",
        moves="-d --dir",
        fresh="-f --force",
    ),
    "mise": Runner(
        verbs="run r",
        bare=True,
        flags="-q --quiet -S --silent -r --raw -y --yes -v --verbose -k --no-timings",
        values="-j --jobs --output -o -E --env",
        moves="-C --cd",
        fresh="-f --force",
        building="""install i use up upgrade uninstall prune trust watch w generate set unset activate settings
        self-update""",
    ),
    "rake": Runner(
        bare=True,
        several=True,
        assignments=True,
        flags="-q --quiet -s --silent --trace -m",
        files="-f --rakefile",
        tools="ruby",
    ),
    "composer": Runner(
        verbs="run run-script",
        alone="test lint check",
        bare=True,
        tools="php",
        flags="-q --quiet --no-interaction -n -v --ansi --no-ansi",
        values="--timeout",
        moves="-d --working-dir",
        building=_BUILDING + " require dump-autoload",
    ),
    "turbo": Runner(
        verbs="run",
        bare=True,
        several=True,
        tools="node",
        outside="--affected",
        building="prune login link gen generate watch daemon query ls",
        flags="--continue --no-daemon --only",
        values="--verbosity --filter -F --concurrency --output-logs --log-order --ui",
        moves="--cwd",
        fresh="--force --no-cache --remote-only --summarize --profile --graph",
    ),
    "nx": Runner(
        verbs="run",
        bare=True,
        tools="node",
        outside="affected",
        building="build serve generate g migrate reset graph add release sync format:write init",
        flags="--verbose --nx-bail --no-tui",
        numbers="--parallel",
        values="""--configuration -c --output-style --outputStyle --projects -p --target -t
        --targets""",
        fresh="--skip-nx-cache --skipNxCache --no-cache --graph",
    ),
    "poe": Runner(bare=True, flags="-q --quiet -v", moves="-C --directory"),
    "invoke": Runner(bare=True, several=True, flags="-e --echo"),
    "deno": Runner(verbs="task", flags="-q --quiet", moves="--cwd", files="-c --config"),
    "hatch": Runner(verbs="run"),
    "pdm": Runner(verbs="run", alone="test lint", bare=True, building=_BUILDING + " lock sync"),
    "rye": Runner(verbs="run", alone="test lint", building=_BUILDING + " lock sync fmt"),
    "vp": Runner(alone="check lint test", verbs="run", bare=False, tools="node", building=_BUILDING + " fmt"),
    "lerna": Runner(
        verbs="run",
        tools="node",
        outside="--since",
        values="--scope --ignore --concurrency",
        flags="--stream --parallel --no-bail",
    ),
}


# One of these makes it a report...
_TESTS = frozenset(
    """test tests testing unit unittest unittests spec specs pytest vitest jest mocha bats rspec phpunit""".split()  # noqa: SIM905
)
_LINTS = frozenset(
    """lint lints linter linting eslint oxlint biome ruff flake8 pylint clippy vet golangci shellcheck markdownlint
    stylelint actionlint rubocop hadolint yamllint staticcheck credo phpstan psalm""".split()  # noqa: SIM905
)
_TYPES = frozenset("typecheck types type typing typings tsc mypy pyright typechecking astrocheck".split())  # noqa: SIM905
_CHECKS = frozenset(["check", "checks", "checking", "verify", "validate"])
_FORMATS = frozenset("format fmt formatting prettier gofmt rustfmt style black isort shfmt gofumpt goimports".split())  # noqa: SIM905
_KINDS = ((_FORMATS, "format"), (_TESTS, "test"), (_LINTS, "lint"), (_TYPES, "types"), (_CHECKS, "check"))
NAMED = frozenset([*_TESTS, *_LINTS, *_TYPES, *_CHECKS, *_FORMATS])
# ... and these may stand with it: how it is run...
_HOW = frozenset(["ci", "run", "only", "quick", "fast", "strict", "code"])
# ... and of what, where that is not asked of a mere check: `server:check` may ask a server.
_WHERE = frozenset(
    """js ts jsx tsx javascript typescript css scss html json yaml yml toml md markdown mdx py python rs rust cargo go
    golang gomod sh shell bash php ruby node frontend backend web app core lib libs cli src pkg package packages
    """.split()  # noqa: SIM905
)
# Why a name with such a part is refused.
_WRITES = frozenset(
    """fix fixes fixup autofix write update updates upgrade watch watcher dev develop start serve server build builds
    rebuild compile bundle dist deploy release publish install uninstall setup bootstrap init generate gen codegen
    regen clean reset snapshot snapshots record bless golden goldens migrate migration migrations seed push pull up
    down ui open debug inspect headed coverage cov report reports docs doc docker compose container podman
    commit add new create make prepare pre post precommit sync save accept approve overwrite bump version tag
    fmtfix lintfix format-write storybook preview apply destroy image images upload delete drop remove restart stop
    send""".split()  # noqa: SIM905
)
_LIVE = frozenset(
    """e2e live smoke integration acceptance remote staging prod production network load stress perf performance bench
    benchmark benchmarks fuzz fuzzing browser cypress playwright external cloud db database canary nightly flaky soak
    mutation chaos visual percy changed affected staged since all k8s cluster env deps audit outdated health
    links vulnerability vuln security govulncheck online""".split()  # noqa: SIM905
)


def kind(name: str) -> str:
    """`test`, `lint`, `types`, `format` or `check`; nothing for another name; Bypass for one that surely does more."""
    parts = parts_of(name)
    found = _form(parts)
    if not found:
        _refuse(name, parts)
    return found


def _form(parts: list[str]) -> str:
    found = ""
    for names, word in _KINDS:
        if not names.isdisjoint(parts):
            found = word
            break
    if found == "format" and _CHECKS.isdisjoint(parts) and _LINTS.isdisjoint(parts) and "diff" not in parts:
        return ""
    for part in parts:
        if part in NAMED or part in _HOW or (part == "diff" and found == "format"):
            continue
        if part not in _WHERE or found == "check":
            return ""
    return found


def _refuse(name: str, parts: list[str]) -> None:
    if not _WRITES.isdisjoint(parts):
        raise Bypass(COMMAND_WRITES, name)
    if not NAMED.isdisjoint(parts) and not _LIVE.isdisjoint(parts):
        raise Bypass(OUTSIDE, f"{name} may depend on more than files")
    if not _FORMATS.isdisjoint(parts) and _CHECKS.isdisjoint(parts):
        raise Bypass(COMMAND_WRITES, name)


def parts_of(name: str) -> list[str]:
    """`test:unit`, `test-unit` and `testUnit` alike, in lower case."""
    parts: list[str] = []
    part = ""
    for character in name:
        if character in ":-_./@+":
            parts.append(part)
            part = ""
        elif character.isupper() and part and part[-1].islower():
            parts.append(part)
            part = character.lower()
        else:
            part += character.lower()
    parts.append(part)
    return parts


class Task(Record):
    directory: str
    _: KW_ONLY
    name: str = ""  # of its rule
    rest: int = 0  # where the words after it begin
    tool: bool = False  # whether it is a tool, which is to be judged
    tools: tuple[str, ...] = ()
    files: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # of the tasks themselves
    variables: list[tuple[str, str]] = field(default_factory=list)


def task(word: str, words: tuple[str, ...], directory: str) -> Task | None:
    """The task that the words run; None when no rule names it. Raises Bypass."""
    runner = TABLE[word]
    found = Task(directory)
    found.tools = runner.tools
    at, named = _first_task(word, runner, words, found)
    if not 0 < at < len(words):
        return None
    first = words[at]
    if word == "nx" and first == "run-many":
        return _nx_many(runner, words, at + 1, found)
    if not named and not _may_be_task(word, runner, first):
        return None
    if runner.launches and _is_tool(first):
        found.tool = True
        found.rest = at
        return found
    kinds = _kinds(word, runner, words if named else _spelled_out(runner, words, at), at, found)
    if not kinds:
        return None
    if word == "npm":  # its own options may stand behind the task
        found.rest = max(_options(runner, words, found.rest, found), found.rest)
    for given in words[found.rest :]:
        if given.partition("=")[0] in runner.fresh:
            raise Bypass(COMMAND_FRESH, given)
        if given == ":::":
            return None
    found.name = f"{word}-{kinds[0]}"
    return found


def _spelled_out(runner: Runner, words: tuple[str, ...], at: int) -> tuple[str, ...]:
    return (*words[:at], "test", *words[at + 1 :]) if words[at] in runner.short else words


def _may_be_task(word: str, runner: Runner, first: str) -> bool:
    """Whether a first word that no verb such as `run` came before can be a task's name."""
    if first in runner.outside or (runner.launches and first in ("dlx", "x")):
        raise Bypass(OUTSIDE, f"{word} {first}")
    if first in runner.building:
        raise Bypass(COMMAND_WRITES, f"{word} {first}")
    return runner.bare or first in runner.alone or first in runner.short


def _first_task(word: str, runner: Runner, words: tuple[str, ...], found: Task) -> tuple[int, bool]:
    """Where the first task's name stands, or -1, and whether a verb such as `run` came before it."""
    at = _options(runner, words, 1, found)
    if word == "yarn" and words[at : at + 1] == ("workspace",):
        at += 2
    if not 0 < at < len(words) or words[at] not in runner.verbs:
        return at, False
    return _options(runner, words, at + 1, found), True


_ALL_TASKS = ("make", "rake")  # what stands behind `--` is a task as well


def _kinds(word: str, runner: Runner, words: tuple[str, ...], at: int, found: Task) -> list[str]:
    """The kinds of the tasks that stand from `at` on; none when one of them is not a report."""
    kinds: list[str] = []
    while at < len(words) and (words[at] != "--" or word in _ALL_TASKS) and (runner.several or not kinds):
        operand = words[at]
        if operand == "--":
            at += 1
            continue
        if operand.startswith("-"):
            at = _options(runner, words, at, found)
            if at < 0:
                return []
            continue
        name, equals, value = operand.partition("=")
        if runner.assignments and equals and name.replace("-", "_").isidentifier():
            found.variables.append((name, value))
        elif word in ("bun", "deno") and "." in operand:
            return []
        else:
            this = kind(_target(word, operand))
            if not this:
                return []
            kinds.append(this)
            found.names.append(_target(word, operand))
        at += 1
    found.rest = at
    return kinds


def _target(word: str, name: str) -> str:
    """What a task is called within the package whose name stands before it."""
    if word == "mise" and name.startswith("//"):
        return name.partition(":")[2]
    if word == "turbo":
        return name.rpartition("#")[2]
    return name.partition(":")[2] or name if word == "nx" else name


def _is_tool(word: str) -> bool:
    from skillcache.rules.builtin import names_tool

    return names_tool(word)


def _options(runner: Runner, words: tuple[str, ...], at: int, found: Task) -> int:
    """Steps over known options; -1 at an unknown one."""
    while 0 <= at < len(words) and words[at].startswith("-") and words[at] != "--":
        at = _option(runner, words, at, found)
    return at


def _option(runner: Runner, words: tuple[str, ...], at: int, found: Task) -> int:  # noqa: C901 - one option, read once
    word = words[at]
    name, equals, value = word.partition("=")
    if not word.startswith("--") and len(word) > 2 and word not in runner.flags:  # `-Cdir`
        name, equals, value = word[:2], "=", word[2:].removeprefix("=")
    if name in runner.fresh:
        raise Bypass(COMMAND_FRESH, name)
    if name in runner.outside:
        raise Bypass(OUTSIDE, name)
    at += 1
    if name in runner.numbers:  # such as `-j`: whether the number is left out is told by the next word
        return at + (not equals and "".join(words[at : at + 1]).isdigit()) if not value.strip("0123456789") else -1
    if name not in [*runner.values, *runner.moves, *runner.files]:
        return at if name in runner.flags and not equals else -1
    if not equals:
        if at >= len(words) or words[at].startswith("-"):
            return -1
        value = words[at]
        at += 1
    if name in runner.moves:
        found.directory = join(found.directory, value)
    elif name in runner.files:
        found.files.append(value)
    elif "[" in value:
        raise Bypass(OUTSIDE, value)  # a filter by what changed in git
    else:
        found.values.append(value)
    return at


def _nx_many(runner: Runner, words: tuple[str, ...], at: int, found: Task) -> Task | None:
    if words[at - 1] == "affected":
        raise Bypass(OUTSIDE, "nx affected")
    kinds: list[str] = []
    while at < len(words):
        name, equals, value = words[at].partition("=")
        if name in runner.fresh:
            raise Bypass(COMMAND_FRESH, name)
        if name in ("-t", "--target", "--targets"):
            if not equals:
                at += 1
                value = words[at] if at < len(words) else ""
            kinds.extend([kind(target) for target in value.split(",")])
            found.names += value.split(",")
            while at + 1 < len(words) and not words[at + 1].startswith("-"):  # a list, whose items blanks part as well
                at += 1
                kinds.append(kind(words[at]))
                found.names.append(words[at])
        elif name.startswith("-") and name not in runner.flags and name not in runner.values and name != "--all":
            return None
        at += 1
    if not kinds or not all(kinds):
        return None
    found.name = f"nx-{kinds[0]}"
    found.rest = at
    return found
