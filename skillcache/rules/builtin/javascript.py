"""JavaScript's and TypeScript's test runners, linters, type checkers and format checks."""

from skillcache.rules.builtin import Tool

_ENV = "NODE_ENV NODE_OPTIONS NODE_PATH CI"


def _node(name: str, pattern: str = "", **given: object) -> Tool:
    """A tool that runs on node, whose parsers take each letter of `-tu` for an option."""
    return Tool(name, pattern, **{"env": _ENV, "tools": "node", "single": True, **given})  # type: ignore[arg-type]


def _only(option: str, values: str) -> str:
    return " ".join(f"{option}={value}" for value in values.split())


_VITEST = "default verbose dot basic tap tap-flat tree agent github-actions hanging-process"
_MOCHA = "spec dot min tap list nyan landing progress"
_ESLINT = "stylish json json-with-metadata html compact unix codeframe table tap checkstyle junit visualstudio"
_STYLELINT = "string compact json tap unix verbose github"
_KNIP = "symbols compact codeowners json codeclimate markdown disclosure"
TSC_FLAGS = """--noEmit --noemit --skipLibCheck --skipDefaultLibCheck --strict --strictNullChecks --noImplicitAny
--noUnusedLocals --noUnusedParameters --noImplicitReturns --noImplicitThis --noImplicitOverride
--noUncheckedIndexedAccess --noFallthroughCasesInSwitch --exactOptionalPropertyTypes --esModuleInterop
--allowSyntheticDefaultImports --allowJs --checkJs --resolveJsonModule --isolatedModules --pretty --noErrorTruncation
--allowImportingTsExtensions --downlevelIteration --experimentalDecorators --emitDecoratorMetadata
--verbatimModuleSyntax --forceConsistentCasingInFileNames --listFiles --listFilesOnly --explainFiles
--traceResolution --noResolve --useDefineForClassFields --preserveSymlinks --erasableSyntaxOnly
--allowUmdGlobalAccess --alwaysStrict --strictFunctionTypes --strictBindCallApply --strictPropertyInitialization
--useUnknownInCatchVariables --showConfig --noEmitOnError --declaration --importHelpers --allowArbitraryExtensions"""
TSC_VALUES = """-t --target --lib -m --module --moduleResolution --jsx --types --jsxImportSource --moduleDetection
--customConditions"""
TSC_FILES = "-p --project --rootDir --baseUrl --typeRoots"
TSC_WRITES = "-b --build -w -i --incremental --composite --declarationDir --locale"
_TSC: dict[str, object] = {
    "flags": TSC_FLAGS,
    "values": TSC_VALUES,
    "files": TSC_FILES,
    "writes": TSC_WRITES,
    "fresh": "-f --diagnostics --extendedDiagnostics",
}
TABLE: dict[str, Tool] = {
    "vitest": _node(
        "vitest",
        building="watch dev bench init",
        flags="""--run --passWithNoTests --pass-with-no-tests --globals --allowOnly --hideSkippedTests
        --printConsoleTrace --disableConsoleIntercept --typecheck --isolate --no-isolate --dom --fileParallelism
        --no-file-parallelism --no-color --no-coverage --coverage=false --no-watch --watch=false""",
        values=f"""-t --testNamePattern --test-name-pattern --project --pool --environment --testTimeout --test-timeout
        --hookTimeout --teardownTimeout --bail --maxWorkers --minWorkers --maxConcurrency --exclude --mode --shard --dir
        --slowTestThreshold {_only("--reporter", _VITEST)}""",
        maybe="--silent",
        files="-c --config -r --root",
        writes="""-u -w --standalone --browser --api --clearCache --attachmentsDir --mergeReports""",
        fresh="--retry --no-cache",
    ),
    "jest": _node(
        "jest",
        flags="""--ci --verbose --silent --runInBand -i --passWithNoTests --no-coverage --coverage=false
        --detectOpenHandles --forceExit --no-watchman --watchman=false --watch=false --watchAll=false
        --errorOnDeprecated --expand -e --noStackTrace --json --listTests --showConfig --clearMocks --resetMocks
        --restoreMocks --resetModules --color --colors --no-color --runTestsByPath --findRelatedTests --useStderr
        --testLocationInResults""",
        values="""-t --testNamePattern --testPathPattern --testPathPatterns --testPathIgnorePatterns -w --maxWorkers
        --selectProjects --ignoreProjects --testTimeout --env --testEnvironment --shard --maxConcurrency --testRegex
        --testMatch --openHandlesTimeout --reporters=default --reporters=summary""",
        maybe="-b --bail",
        files="-c --config --rootDir --roots",
        writes="-u --collectCoverage --clearCache --ci=false --reporters --testResultsProcessor --notify",
        fresh="--no-cache --cache=false --seed -f --onlyFailures --logHeapUsage",
        outside="-o --lastCommit",
    ),
    "mocha": _node(
        "mocha",
        flags="""-b --bail --color --colors --no-color --no-colors -c -C --full-trace --exit --recursive --check-leaks
        --forbid-only --forbid-pending --inline-diffs --diff --no-diff -p --parallel -A --async-only -S --sort
        --dry-run -n --delay --fail-zero -i --invert --allow-uncaught""",
        values=f"""-g --grep -f --fgrep -t --timeout --timeouts -s --slow -j --jobs -u --ui --extension --ignore
        --exclude {_only("-R", _MOCHA)} {_only("--reporter", _MOCHA)}""",
        files="-r --require --config --package --spec --file",
        writes="-w -O --reporter --reporter-option --reporter-options",
        fresh="--retries",
    ),
    "ava": _node(
        "ava",
        flags="-v --verbose -s --serial --fail-fast --color --no-color --no-worker-threads --tap",
        values="-m --match -T --timeout -c --concurrency",
        files="--config",
        writes="-u -w",
        building="reset-cache debug",
    ),
    "eslint": _node(
        "eslint",
        flags="""--quiet --no-fix --fix-dry-run --no-eslintrc --no-config-lookup --no-ignore --no-inline-config
        --no-warn-ignored --color --no-color --report-unused-disable-directives --no-error-on-unmatched-pattern
        --pass-on-no-patterns --pass-on-unpruned-suppressions --exit-on-fatal-error --no-cache --stdin""",
        values=f"""--rule --ext --max-warnings --ignore-pattern --env --parser --parser-options --plugin --global
        --concurrency --flag --report-unused-disable-directives-severity --report-unused-inline-configs
        --stdin-filename {_only("-f", _ESLINT)} {_only("--format", _ESLINT)}""",
        files="-c --config --rulesdir --resolve-plugins-relative-to --ignore-path --print-config",
        writes="""--cache --cache-location --cache-strategy --cache-file -o --suppress-all --suppress-rule
        --prune-suppressions --mcp""",
        fresh="--debug --stats",
    ),
    "prettier": _node(
        "prettier",
        "Bash(prettier --check:*), Bash(prettier --list-different:*)",
        needs="--check -c --list-different -l",
        flags="""--check -c --list-different -l -u --ignore-unknown --no-config --no-editorconfig --no-color
        --no-error-on-unmatched-pattern --with-node-modules --no-cache --single-quote --jsx-single-quote --no-semi
        --use-tabs --no-bracket-spacing --bracket-same-line --single-attribute-per-line""",
        values="""--parser --plugin --log-level --print-width --tab-width --trailing-comma --end-of-line
        --arrow-parens --prose-wrap --quote-props --config-precedence --stdin-filepath""",
        files="--config --ignore-path",
        writes="-w --cache --cache-location --cache-strategy",
    ),
    "tsc": _node("tsc", "Bash(tsc --noEmit:*)", needs="--noEmit --noemit", **_TSC),
    "vue-tsc": _node("vue-tsc", "Bash(vue-tsc --noEmit:*)", needs="--noEmit", **_TSC),
    "tsgo": _node("tsgo", "Bash(tsgo --noEmit:*)", needs="--noEmit", **_TSC),
    "tsd": _node("tsd", flags="--show-diff", files="-t --typings -f --files"),
    "svelte-check": _node(
        "svelte-check",
        flags="--no-tsconfig --fail-on-warnings --color --no-color --tsgo",
        values="--output --threshold --compiler-warnings --ignore --diagnostic-sources",
        files="--tsconfig --workspace --config",
        writes="--preserveWatchOutput --incremental",
    ),
    "astro": _node(
        "astro",
        "Bash(astro check --noSync:*)",
        subcommands={
            "check": _node(
                "astro-check",
                needs="--noSync",
                flags="--noSync",
                files="--root --tsconfig",
                values="--minimumSeverity --minimumFailingSeverity",
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
                flags="--error-on-warnings --no-errors-on-unmatched --skip-parse-errors --verbose",
                values=f"""--max-diagnostics --diagnostic-level --only --skip --colors --log-level --log-kind
                --linter-enabled --formatter-enabled --assist-enabled --enforce-assist --indent-style --indent-width
                --line-width --files-ignore-unknown --files-max-size --vcs-enabled --vcs-use-ignore-file
                --vcs-client-kind --stdin-file-path
                {_only("--reporter", "default json json-pretty github summary gitlab checkstyle rdjson concise")}""",
                files="--config-path --vcs-root",
                writes="--unsafe --suppress --log-path --log-file --use-server",
            ),
        ),
        building="init start stop migrate lsp-proxy upgrade rage",
    ),
    "oxlint": _node(
        "oxlint",
        flags="""--quiet --silent --deny-warnings --no-ignore --no-error-on-unmatched-pattern --type-aware --type-check
        --report-unused-disable-directives --import-plugin --react-plugin --jsx-a11y-plugin --nextjs-plugin
        --react-perf-plugin --promise-plugin --node-plugin --vue-plugin --vitest-plugin --jest-plugin --jsdoc-plugin
        --disable-nested-config --disable-unicorn-plugin --disable-oxc-plugin --disable-typescript-plugin --rules
        --print-config""",
        values="""-A -W -D --allow --warn --deny -f --format --max-warnings --ignore-pattern --threads
        --report-unused-disable-directives-severity""",
        files="-c --config --tsconfig --ignore-path",
        writes="--fix-dangerously --lsp",
    ),
    "oxfmt": _node(
        "oxfmt",
        "Bash(oxfmt --check:*)",
        needs="--check --list-different",
        flags="""--check --list-different --no-error-on-unmatched-pattern --with-node-modules
        --disable-nested-config""",
        values="--threads --stdin-filepath",
        files="-c --config --ignore-path",
        writes="--lsp",
    ),
    "stylelint": _node(
        "stylelint",
        flags="""-q --quiet --color --no-color --id --ignore-disables --di --disable-default-ignores --rd
        --report-needless-disables --risd --report-invalid-scope-disables --rdd --report-descriptionless-disables
        --aei --allow-empty-input --no-cache --quiet-deprecation-warnings""",
        values=f"""--mw --max-warnings --custom-syntax --ip --ignore-pattern --stdin-filename
        {_only("-f", _STYLELINT)} {_only("--formatter", _STYLELINT)}""",
        files="-c --config --config-basedir -i --ignore-path",
        writes="-o --cache --cache-location --cache-strategy --suppress",
    ),
    "xo": _node("xo", flags="--quiet", files="--config"),
    "standard": _node("standard", flags="--verbose -v"),
    "markdownlint": _node(
        "markdownlint",
        flags="-q --quiet -d --dot -j --json",
        values="-i --ignore --enable --disable --configPointer",
        files="-c --config -p --ignore-path -r --rules",
        writes="-f -o -s",
    ),
    "markdownlint-cli2": _node("markdownlint-cli2", flags="--no-globs", files="--config"),
    "cspell": _node(
        "cspell",
        flags="""--no-progress --no-summary --quiet --silent -u --unique --words-only --no-must-find-files --gitignore
        --no-gitignore --dot --color --no-color --fail-fast --show-context --show-suggestions --no-show-suggestions
        --no-exit-code --no-cache --no-issues --continue-on-error""",
        files="-c --config --file-list --file -r --root",
        values="-e --exclude --locale --language-id --dictionary --disable-dictionary",
        writes="--cache --cache-location --cache-strategy --cache-reset",
        building="link init suggestions",
    ),
    "knip": _node(
        "knip",
        flags="""--production -p --strict -s --no-progress -n --no-exit-code --include-entry-exports --dependencies
        --exports --files --no-gitignore --no-config-hints --treat-config-hints-as-errors --cycles""",
        values=f"""-W --workspace --include --exclude --max-issues --tags {_only("--reporter", _KNIP)}""",
        files="-c --config -t --tsConfig -D --directory",
        writes="--fix-type --allow-remove-files --cache --cache-location -w",
        fresh="--performance --memory --duration",
    ),
    "depcheck": _node(
        "depcheck",
        flags="--json --oneline --quiet --skip-missing --ignore-bin-package",
        values="--ignores --ignore-patterns --parsers --detectors --specials",
        files="--config --ignore-path --ignore-dirs",
    ),
    "madge": _node(
        "madge",
        flags="""-c --circular --orphans --leaves --no-color --no-spinner --no-count -j --json --warning --include-npm
        --summary""",
        files="--ts-config --webpack-config --require-config",
        values="--extensions -x --exclude -b --basedir -d --depends",
        writes="-i --image -s",
    ),
    "htmlhint": _node(
        "htmlhint",
        flags="--nocolor --warn -l --list",
        values=_only("-f", "default compact json stylish unix") + " -r --rules -i --ignore",
        files="-c --config -R --rulesdir",
    ),
    "ember-template-lint": _node("ember-template-lint", flags="--quiet --no-ignore-pattern", files="--config-path"),
    "node": _node(
        "node-test",
        "Bash(node --test:*), Bash(node --check:*)",
        only="--test --check -c",
        ordered=True,
        flags="""--test --check -c --test-only --test-force-exit --no-warnings --trace-warnings --trace-deprecation
        --trace-uncaught --no-deprecation --throw-deprecation --pending-deprecation --enable-source-maps --expose-gc
        --experimental-vm-modules --experimental-strip-types --experimental-transform-types
        --experimental-test-coverage --experimental-test-module-mocks --experimental-test-snapshots
        --experimental-require-module --experimental-import-meta-resolve --experimental-wasm-modules
        --preserve-symlinks --openssl-legacy-provider""",
        values="""--test-name-pattern --test-skip-pattern --test-concurrency --test-timeout --test-shard --import
        --loader
        --experimental-loader --test-coverage-include --test-coverage-exclude -C --conditions --disable-warning
        --unhandled-rejections --max-old-space-size --stack-size
        """
        + _only("--test-reporter", "spec tap dot"),
        files="-r --require --env-file --env-file-if-exists",
        writes="""--test-reporter-destination --cpu-prof --heap-prof --prof -e --eval -p --print -i
        --report-on-fatalerror --build-snapshot --redirect-warnings""",
        fresh="--test-random-seed --test-rerun-failures",
    ),
    "deno": _node(
        "deno",
        "Bash(deno test:*), Bash(deno lint:*), Bash(deno check:*), Bash(deno fmt --check:*)",
        flags="-q --quiet",
        subcommands={
            "test": Tool(
                "deno-test",
                flags="""-q --quiet -A --allow-all --no-lock --no-prompt --no-npm --no-remote --cached-only --doc
                --parallel
                --permit-no-files --hide-stacktraces --no-config""",
                values="--filter --reporter=pretty --reporter=dot --reporter=tap",
                maybe="""--allow-read -R --allow-write -W --allow-net -N --allow-env -E --allow-run --allow-sys -S
                --allow-ffi --allow-import -I --deny-net --deny-read --deny-write --deny-env --deny-run --ignore --check
                --no-check --fail-fast --node-modules-dir --frozen-lockfile""",
                files="-c --config --import-map --cert",
                writes="-u --junit-path --clean",
                fresh="-r --reload",
                env="DENO_DIR NO_COLOR",
            ),
            "lint": Tool(
                "deno-lint",
                flags="-q --quiet --json --compact --rules --no-config --permit-no-files",
                values="--ext",
                maybe="--rules-include --rules-exclude --rules-tags --ignore",
                files="-c --config",
            ),
            "check": Tool(
                "deno-check",
                flags="-q --quiet --all --doc --doc-only --no-lock --no-npm --no-remote --cached-only --no-config",
                files="-c --config --import-map",
                fresh="-r --reload",
            ),
            "fmt": Tool(
                "deno-fmt",
                needs="--check",
                flags="-q --quiet --check --no-config --permit-no-files --fail-fast",
                files="-c --config",
                values="--line-width --indent-width --prose-wrap --ext",
                maybe="--ignore --use-tabs --single-quote --no-semicolons",
            ),
        },
        building="run task install compile cache upgrade serve jupyter repl publish bundle",
    ),
}
BUN_TEST = Tool(
    "bun-test",
    "Bash(bun test:*)",
    flags="--only --pass-with-no-tests --todo --dots --concurrent",
    values="-t --test-name-pattern --timeout --max-concurrency --preload --reporter=dots --path-ignore-patterns",
    maybe="--bail",
    files="--env-file -c --config --cwd",
    writes="-u --hot --coverage-dir --timings --update-timings",
    fresh="--rerun-each --retry --seed --only-failures",
    env="NODE_ENV CI BUN_ENV",
)
