"""The programs that run named tasks, and the words each of them knows."""


class Runner:
    """A program that runs named tasks; its words are given as they are typed.

    verbs: words after which a task is named; alone: words that are tasks themselves; bare: any first word may be
    one; several: every operand is a task; flags, values: options without and with a value; numbers: options whose value
    is a number that may be left out; moves: options that
    change the directory; files: options that name a file; fresh, outside: refused; building: verbs that change
    something; assignments: `NAME=value` operands are variables; launches: a first word that is neither may be a
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
        "tools",
        "values",
        "verbs",
    )

    def __init__(
        self,
        *,
        verbs: str = "",
        alone: str = "",
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
