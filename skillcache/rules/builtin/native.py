"""C and C++, .NET, Swift, Dart, Elixir: tests, linters and format checks."""

from skillcache.rules.builtin import Tool

_CC = Tool("cc", values="-D -U -W -O -f -std -x", files="-I -isystem -include")
TABLE: dict[str, Tool] = {
    "ctest": Tool(
        "ctest",
        flags="""--output-on-failure -V --verbose -VV --extra-verbose -Q --quiet --progress --stop-on-failure -N
        --no-label-summary --no-subproject-summary -U --union""",
        values="""-R --tests-regex -E --exclude-regex -L --label-regex -LE --label-exclude -j --parallel -C
        --build-config --timeout -I --preset --no-tests --test-output-size-passed --test-output-size-failed
        --test-output-truncation --max-width -FA -FS -FC""",
        maybe="--show-only",
        files="--test-dir --resource-spec-file",
        writes="""-O --output-log -D --dashboard -S -SP --script --build-and-test -T --test-action -M -A
        --extra-submit --build-generator""",
        fresh="--rerun-failed --schedule-random -F --stop-time --test-load",
        env="CTEST_OUTPUT_ON_FAILURE CTEST_PARALLEL_LEVEL GTEST_FILTER",
    ),
    "clang-tidy": Tool(
        "clang-tidy",
        flags="-quiet -system-headers -allow-no-checks -explain-config -list-checks",
        maybe="-use-color",
        values="""-checks -header-filter -exclude-header-filter -line-filter -extra-arg -extra-arg-before
        -warnings-as-errors -format-style""",
        files="-p -config-file",
        writes="-fix-errors -fix-notes -export-fixes -store-check-profile -dump-config",
        after=_CC,
        dashed=True,
    ),
    "clang-format": Tool(
        "clang-format",
        "Bash(clang-format --dry-run:*)",
        needs="-dry-run -n",
        flags="-dry-run -n -Werror -verbose -fail-on-incomplete-format -fcolor-diagnostics -fno-color-diagnostics",
        values="-style -fallback-style -assume-filename -lines -ferror-limit",
        writes="-i",
        dashed=True,
    ),
    "cppcheck": Tool(
        "cppcheck",
        flags="-q --quiet --inline-suppr -f --force --xml -v --verbose --check-config --inconclusive",
        values="""-j --enable --std --suppress --platform --template --error-exitcode --language -x --max-configs
        --library -D -U --xml-version -l --check-level""",
        files="--project -I -i --suppressions-list --includes-file --include --file-list",
        writes="--cppcheck-build-dir --plist-output --debug",
    ),
    "dotnet": Tool(
        "dotnet",
        "Bash(dotnet test:*), Bash(dotnet format --verify-no-changes:*)",
        subcommands={
            "test": Tool(
                "dotnet-test",
                flags="--no-build --no-restore --nologo -nologo --list-tests",
                values="""-c --configuration -f --framework --filter -v --verbosity -r --runtime -a --arch
                --os --project --solution""",
                files="-s --settings",
                marks="@ + /",  # switches of MSBuild, in any case and length
                writes="""-l --logger -o --collect --results-directory -d --diag --blame --blame-crash
                --blame-hang --artifacts-path -bl""",
                env="DOTNET_ROOT DOTNET_ENVIRONMENT ASPNETCORE_ENVIRONMENT MSBUILDFLAGS",
            ),
            "format": Tool(
                "dotnet-format",
                needs="--verify-no-changes",
                flags="--verify-no-changes --no-restore --include-generated",
                values="--severity --include --exclude -v --verbosity --diagnostics --exclude-diagnostics",
                writes="--binarylog",
            ),
        },
        building="build publish run restore pack add new clean tool watch ef nuget remove msbuild",
    ),
    "swift": Tool(
        "swift",
        "Bash(swift test:*)",
        subcommands={
            "test": Tool(
                "swift-test",
                flags="--parallel --skip-build -q --quiet -v --verbose",
                values="--filter --skip -c --configuration -j --jobs --num-workers --sanitize",
                files="--package-path --scratch-path --build-path",
                writes="--attachments-path --event-stream-output-path",
            )
        },
        building="build run package",
    ),
    "swiftlint": Tool(
        "swiftlint",
        flags="--strict --lenient --quiet --no-progress",
        files="--config",
        values="--reporter",
        writes="--autocorrect --cache-path",
        fresh="--no-cache",
        building="analyze autocorrect generate-docs",
    ),
    "swiftformat": Tool(
        "swiftformat",
        "Bash(swiftformat --lint:*)",
        needs="--lint --dryrun",
        flags="--lint --dryrun --strict --quiet --lenient",
        values="--rules --disable --enable --swiftversion",
        files="--config",
        writes="--inferoptions",
    ),
    "flutter": Tool(
        "flutter",
        "Bash(flutter test:*), Bash(flutter analyze:*)",
        flags="-v --verbose --no-color",
        subcommands={
            "test": Tool(
                "flutter-test",
                flags="--no-pub --no-test-assets --machine",
                values="""--name --plain-name -t --tags -x --exclude-tags -j --concurrency --timeout --dart-define
                -r=compact -r=expanded -r=github -r=json --reporter=compact --reporter=expanded --reporter=github
                --reporter=json""",
                writes="--start-paused -d --device-id",
                fresh="--test-randomize-ordering-seed",
            ),
            "analyze": Tool(
                "flutter-analyze",
                flags="""--no-pub --no-fatal-infos --no-fatal-warnings --fatal-infos --fatal-warnings --no-congratulate
                --no-preamble""",
                fresh="--benchmark",
            ),
        },
        building="build run pub clean create upgrade install gen-l10n drive",
    ),
    "dart": Tool(
        "dart",
        "Bash(dart test:*), Bash(dart analyze:*), Bash(dart format --output=none:*)",
        subcommands={
            "test": Tool(
                "dart-test",
                flags="--no-color --color --no-chain-stack-traces --fail-fast",
                values="""-n --name -N --plain-name -t --tags -x --exclude-tags -j --concurrency -p --platform
                -r=compact -r=expanded -r=github -r=json --reporter=compact --reporter=expanded --reporter=github
                --reporter=json""",
                writes="--pause-after-load",
                fresh="--test-randomize-ordering-seed",
            ),
            "analyze": Tool(
                "dart-analyze",
                flags="--fatal-infos --fatal-warnings --no-fatal-warnings",
                values="--format",
            ),
            "format": Tool(
                "dart-format",
                needs="--output=none -o=none",
                flags="--set-exit-if-changed",
                values="-l --line-length --page-width --language-version -o=none --output=none",
            ),
        },
        building="compile run pub fix create build",
    ),
    "mix": Tool(
        "mix",
        "Bash(mix test:*), Bash(mix format --check-formatted:*), Bash(mix credo:*)",
        subcommands={
            "test": Tool(
                "mix-test",
                flags="--trace --color --no-color --no-compile --no-deps-check --raise --warnings-as-errors",
                values="--only --exclude --include --max-failures --timeout --max-cases",
                writes="--cover --profile-require -b --breakpoints",
                fresh="--failed --stale --seed --slowest",
                env="MIX_ENV DATABASE_URL",
            ),
            "format": Tool(
                "mix-format",
                needs="--check-formatted --dry-run",
                flags="--check-formatted --dry-run --no-exit",
                files="--dot-formatter",
            ),
            "credo": Tool(
                "mix-credo",
                flags="--strict -a --all --no-color --color",
                files="--config-file",
                values="--format --checks --min-priority -C --config-name --only --ignore",
                outside="--from-git-ref --from-git-merge-base --since",
                building="diff gen.config gen.check",
            ),
        },
        building="compile deps.get ecto.migrate phx.server release",
    ),
}
