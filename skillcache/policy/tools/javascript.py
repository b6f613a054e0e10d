"""JavaScript's and TypeScript's test runners, linters, type checkers and format checks."""

from skillcache.policy.tool import Tool

_ENV = "NODE_ENV NODE_OPTIONS NODE_PATH CI"
_TESTS = """-u --update --updateSnapshot --update-snapshots --watch --watchAll --ui --open --coverage
--outputFile --output-file --inspect --inspect-brk --inspectBrk --debug --standalone --browser --api
--clearCache"""


def _node(name: str, pattern: str = "", **given: object) -> Tool:
    """A tool that runs on node."""
    return Tool(name, pattern, **{"env": _ENV, "tools": "node", **given})  # type: ignore[arg-type]


_VITEST_VALUES = """-t --testNamePattern --test-name-pattern --project --pool --environment --testTimeout
--test-timeout --hookTimeout --bail --maxWorkers --minWorkers --exclude --mode --retry --shard --dir
--sequence"""
_VITEST_WRITES = _TESTS + " -w --reporter=html* --reporter=json* --reporter=junit* --reporter=blob* --attachmentsDir"
TSC_WRITES = """-b --build -w --watch --init --generateTrace --generateCpuProfile --emitDeclarationOnly
--locale --tsBuildInfoFile --outDir --outFile --declarationDir"""
TABLE: dict[str, Tool] = {
    "vitest": _node(
        "vitest",
        building="watch dev bench init",
        values=_VITEST_VALUES + " --reporter",
        files="-c --config -r --root",
        writes=_VITEST_WRITES,
        fresh="--sequence.shuffle --sequence.seed --retry --no-cache",
        outside="--changed",
        safe="--no-coverage --no-watch --passWithNoTests --watch=false",
    ),
    "jest": _node(
        "jest",
        values="""-t --testNamePattern --testPathPattern --testPathPatterns -w --maxWorkers --selectProjects
        --testTimeout --testPathIgnorePatterns --env --shard --maxConcurrency --reporters --bail""",
        files="-c --config --rootDir --roots",
        writes=_TESTS.replace("--api", "") + " --init --collectCoverage --coverageDirectory --logHeapUsage --ci=false "
        "--reporters=jest-* --testResultsProcessor",
        fresh="--no-cache --randomize --seed --cache=false -f --onlyFailures",
        outside="-o --onlyChanged --changedSince --changedFilesWithAncestor --lastCommit",
        safe="""--forceExit --openHandlesTimeout --detectOpenHandles --no-watchman --no-coverage
        --outputName --ci --json""",
    ),
    "mocha": _node(
        "mocha",
        values="""-g --grep -f --fgrep -t --timeout -s --slow -R --reporter -j --jobs --ui -u --extension
        --ignore --exclude""",
        files="-r --require --config --package --spec --file",
        writes="""-w --watch -O --reporter-option --reporter-options --inspect --inspect-brk -R=xunit*
        --reporter=xunit*""",
        fresh="--retries",
        safe="--ui -u",
    ),
    "ava": _node(
        "ava",
        values="-m --match -T --timeout -c --concurrency",
        files="--config",
        writes="-u --update-snapshots -w --watch",
        fresh="--reset-cache",
    ),
    "eslint": _node(
        "eslint",
        values="""--rule --ext --max-warnings -f --format --ignore-pattern --env --parser --plugin --global
        --concurrency"""
        "--report-unused-disable-directives-severity --report-unused-inline-configs",
        files="-c --config --rulesdir --resolve-plugins-relative-to --ignore-path",
        writes="""--fix --fix-type --cache --cache-location --cache-strategy -o --output-file --init
        --inspect-config --suppress-all --suppress-rule --prune-suppressions --mcp --cache-file""",
        safe="""--no-fix --report-unused-disable-directives --report-unused-disable-directives-severity
        --fix-dry-run --report-unused-inline-configs --no-error-on-unmatched-pattern
        --pass-on-unpruned-suppressions --no-cache""",
    ),
    "prettier": _node(
        "prettier",
        "Bash(prettier --check:*), Bash(prettier --list-different:*)",
        needs="--check -c --list-different -l",
        values="--parser --plugin --log-level --print-width --tab-width --cache-strategy",
        files="--config --ignore-path --cache-location",
        writes="-w --write --cache --cache-location",
        safe="--no-cache",
    ),
    "tsc": _node(
        "tsc",
        "Bash(tsc --noEmit:*)",
        needs="--noEmit --noemit",
        values="-t --target --lib --module -m --moduleResolution --jsx --types",
        files="-p --project --rootDir --baseUrl",
        writes=TSC_WRITES,
        fresh="--force -f",
        safe="""--noEmitOnError --skipLibCheck --skipDefaultLibCheck --emitDecoratorMetadata --declaration
        --importHelpers"""
        "--extendedDiagnostics --listEmittedFiles",
    ),
    "vue-tsc": _node(
        "vue-tsc",
        "Bash(vue-tsc --noEmit:*)",
        needs="--noEmit",
        files="-p --project",
        writes=TSC_WRITES,
        fresh="--force",
    ),
    "tsgo": _node(
        "tsgo", "Bash(tsgo --noEmit:*)", needs="--noEmit", files="-p --project", writes=TSC_WRITES, fresh="--force"
    ),
    "svelte-check": _node(
        "svelte-check",
        values="--output --threshold --compiler-warnings --ignore",
        files="--tsconfig --workspace",
        writes="--watch --preserveWatchOutput",
        safe="--output",
    ),
    "astro": _node(
        "astro",
        "Bash(astro check:*)",
        subcommands={
            "check": _node(
                "astro-check",
                files="--root --tsconfig",
                values="--minimumSeverity --minimumFailingSeverity",
                writes="--watch",
            )
        },
        building="build dev preview sync add",
    ),
    "biome": _node(
        "biome",
        "Bash(biome check:*), Bash(biome lint:*), Bash(biome format:*), Bash(biome ci:*)",
        subcommands=dict.fromkeys(
            ("check", "lint", "format", "ci"),
            _node(
                "biome",
                values="--max-diagnostics --diagnostic-level --reporter --only --skip --colors --log-level",
                files="--config-path --vcs-root",
                writes="--write --fix --apply --apply-unsafe --suppress --unsafe --log-path --reporter-file",
                outside="--changed --staged --since",
                safe="--use-server_ --vcs-enabled --vcs-use-ignore-file --vcs-client-kind",
            ),
        ),
        building="init start stop migrate lsp-proxy upgrade rage",
    ),
    "oxlint": _node(
        "oxlint",
        values="-A -W -D --allow --warn --deny -f --format --max-warnings --ignore-pattern --threads",
        files="-c --config --tsconfig --ignore-path",
        writes="--fix --fix-suggestions --fix-dangerously --init --lsp --suppress-all",
        safe="--report-unused-disable-directives --report-unused-disable-directives-severity",
    ),
    "oxfmt": _node(
        "oxfmt",
        "Bash(oxfmt --check:*)",
        needs="--check --list-different",
        files="-c --config",
        writes="--write --init --migrate --lsp",
    ),
    "stylelint": _node(
        "stylelint",
        values="-f --formatter --mw --max-warnings --custom-syntax",
        files="--config --config-basedir -i --ignore-path",
        writes="--fix --cache --cache-location --cache-strategy -o --output-file",
        safe="--report-needless-disables --report-invalid-scope-disables --report-descriptionless-disables "
        "--report-unscoped-disables --no-cache",
    ),
    "xo": _node("xo", writes="--fix"),
    "standard": _node("standard", writes="--fix"),
    "markdownlint": _node(
        "markdownlint",
        values="-i --ignore --enable --disable",
        files="-c --config -p --ignore-path -r --rules",
        writes="-f --fix -o --output -s",
    ),
    "markdownlint-cli2": _node("markdownlint-cli2", files="--config", writes="--fix"),
    "cspell": _node(
        "cspell",
        files="-c --config --file-list",
        values="-e --exclude --locale --language-id",
        writes="--cache --cache-location --init",
        safe="--no-progress --no-cache",
    ),
    "knip": _node(
        "knip",
        values="-W --workspace --include --exclude --reporter --max-issues --tags",
        files="-c --config -t --tsConfig --directory",
        writes="--fix --fix-type --allow-remove-files --cache --cache-location -w --watch",
        safe="--include --exports --no-exit-code --no-progress --production",
    ),
    "depcheck": _node("depcheck"),
    "madge": _node(
        "madge", files="--ts-config --webpack-config", values="--extensions --exclude", writes="-i --image -s"
    ),
    "htmlhint": _node("htmlhint", files="-c --config"),
    "ember-template-lint": _node("ember-template-lint", writes="--fix --update-todo"),
    "node": _node(
        "node-test",
        "Bash(node --test:*), Bash(node --check:*)",
        only="--test --check -c",
        values="""--test-name-pattern --test-reporter --test-concurrency --test-timeout -r --require
        --import --loader --test-skip-pattern --experimental-loader""",
        writes="""--watch --watch-path --test-reporter-destination --test-update-snapshots --cpu-prof
        --heap-prof --inspect --inspect-brk --prof -e --eval -p --print -i --interactive
        --report-on-fatalerror --experimental-repl-await --build-snapshot --redirect-warnings
        --trace-event-categories --test-rerun-failures""",
        fresh="--test-random-seed --test-shuffle",
        safe="""--trace-warnings --trace-deprecation --trace-uncaught --experimental-test-coverage
        --experimental-vm-modules"""
        "--experimental-test-snapshots --test-coverage-include --test-coverage-exclude --test-force-exit",
    ),
    "deno": _node(
        "deno",
        "Bash(deno test:*), Bash(deno lint:*), Bash(deno check:*), Bash(deno fmt --check:*)",
        subcommands={
            "test": Tool(
                "deno-test",
                values="--filter --ignore --config --import-map",
                files="-c --config --import-map --lock",
                writes="""--watch --coverage --junit-path --update --inspect --inspect-brk --lock-write
                --clean""",
                fresh="-r --reload --shuffle",
                safe="--allow-write --allow-read --no-lock",
                env="DENO_DIR NO_COLOR",
            ),
            "lint": Tool(
                "deno-lint",
                values="--rules-include --rules-exclude --rules-tags --ignore",
                files="-c --config",
                writes="--fix --watch",
            ),
            "check": Tool("deno-check", files="-c --config --import-map", fresh="-r --reload", writes="--lock-write"),
            "fmt": Tool(
                "deno-fmt",
                needs="--check",
                files="-c --config",
                values="--ignore --line-width --indent-width",
                writes="--watch",
            ),
        },
        building="run task install compile cache upgrade serve jupyter repl publish bundle",
    ),
}
BUN_TEST = Tool(
    "bun-test",
    "Bash(bun test:*)",
    values="-t --test-name-pattern --timeout --bail --preload --max-concurrency",
    files="--env-file -c --config --cwd",
    writes="""-u --update-snapshots --watch --hot --coverage --coverage-reporter --coverage-dir
    --reporter-outfile --inspect"""
    "--inspect-brk --inspect-wait",
    fresh="--rerun-each --randomize --seed",
    env="NODE_ENV CI BUN_ENV",
)
