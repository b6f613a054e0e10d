"""C and C++, .NET, Swift, Dart, Elixir: tests, linters and format checks."""

from skillcache.policy.tool import Tool

TABLE: dict[str, Tool] = {
    "ctest": Tool(
        "ctest",
        values="-R -E -L -LE -j --parallel -C --build-config --timeout -I --preset --stop-time --test-load",
        files="--test-dir",
        writes="""-O --output-log --output-junit -D --dashboard -S -SP --script --build-and-test -T
        --test-action -M -A --submit-index --extra-submit --build-generator""",
        fresh="--rerun-failed --repeat --repeat-until-fail --schedule-random -F",
        safe="--output-on-failure --no-tests --test-output-size-passed --test-output-size-failed",
        env="CTEST_OUTPUT_ON_FAILURE CTEST_PARALLEL_LEVEL GTEST_FILTER",
    ),
    "clang-tidy": Tool(
        "clang-tidy",
        files="-p --config-file",
        values="--checks -checks --header-filter",
        safe="--extra-arg",
        writes="""--fix -fix --fix-errors -fix-errors --fix-notes --export-fixes --store-check-profile
        --dump-config""",
    ),
    "clang-format": Tool(
        "clang-format", "Bash(clang-format --dry-run:*)", needs="--dry-run -n", values="--style", writes="-i"
    ),
    "cppcheck": Tool(
        "cppcheck",
        values="-j --enable --std --suppress",
        files="--project -I --suppressions-list --includes-file --file-list",
        writes="--output-file --cppcheck-build-dir --dump --plist-output --checkers-report --debug",
        safe="--force -f --enable --inline-suppr --xml --xml-version",
    ),
    "dotnet": Tool(
        "dotnet",
        "Bash(dotnet test:*), Bash(dotnet format --verify-no-changes:*)",
        subcommands={
            "test": Tool(
                "dotnet-test",
                values="""-c --configuration -f --framework --filter -v --verbosity -r --runtime -a --arch
                --os --project --solution""",
                files="-s --settings",
                writes="""-l --logger -o --output --collect --results-directory -d --diag --blame
                --blame-crash --blame-hang --report-trx --coverage --artifacts-path -bl""",
                safe="--no-build --no-restore --nologo",
                env="DOTNET_ROOT DOTNET_ENVIRONMENT ASPNETCORE_ENVIRONMENT MSBUILDFLAGS",
            ),
            "format": Tool(
                "dotnet-format",
                needs="--verify-no-changes",
                values="--severity --include --exclude -v --verbosity",
                writes="--report --binarylog",
                safe="--no-restore",
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
                values="--filter --skip -c --configuration -j --jobs --num-workers -Xswiftc --sanitize",
                files="--package-path --scratch-path --build-path",
                writes="--xunit-output --enable-code-coverage --attachments-path --event-stream-output-path",
            )
        },
        building="build run package",
    ),
    "swiftlint": Tool(
        "swiftlint",
        files="--config",
        values="--reporter",
        writes="--fix --autocorrect --output --write-baseline --cache-path",
        fresh="--no-cache",
        building="analyze autocorrect",
    ),
    "swiftformat": Tool(
        "swiftformat",
        "Bash(swiftformat --lint:*)",
        needs="--lint --dryrun",
        files="--config",
        writes="--output --report --inferoptions",
    ),
    "flutter": Tool(
        "flutter",
        "Bash(flutter test:*), Bash(flutter analyze:*)",
        subcommands={
            "test": Tool(
                "flutter-test",
                values="""--name --plain-name -t --tags -x --exclude-tags -j --concurrency -r --reporter
                --timeout --dart-define""",
                writes="""--coverage --coverage-path --update-goldens --file-reporter --start-paused -d
                --device-id""",
                fresh="--test-randomize-ordering-seed",
                safe="--no-pub",
            ),
            "analyze": Tool(
                "flutter-analyze",
                writes="--watch --write --benchmark",
                safe="--no-pub --no-fatal-infos --no-fatal-warnings",
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
                values="""-n --name -N --plain-name -t --tags -x --exclude-tags -j --concurrency -r --reporter
                -p --platform""",
                writes="--coverage --coverage-path --file-reporter --pause-after-load --debug",
                fresh="--test-randomize-ordering-seed",
            ),
            "analyze": Tool("dart-analyze", values="--format", safe="--no-fatal-warnings"),
            "format": Tool(
                "dart-format",
                needs="--output=none -onone",
                values="-l --line-length -o",
                safe="--output --set-exit-if-changed",
                writes="-o=write* -o=json* -o=show* --output=write* --output=json* --output=show* --fix",
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
                values="--only --exclude --include --max-failures --timeout --partitions --formatter",
                writes="--cover --export-coverage --profile-require -b --breakpoints",
                fresh="--failed --stale --seed --force --repeat-until-failure",
                safe="--trace --slowest --no-compile",
                env="MIX_ENV DATABASE_URL",
            ),
            "format": Tool(
                "mix-format", needs="--check-formatted --dry-run", files="--dot-formatter", safe="--no-exit"
            ),
            "credo": Tool(
                "mix-credo",
                files="--config-file",
                values="--format --checks --min-priority -C --config-name",
                outside="diff --from-git-ref --from-git-merge-base --since",
                writes="--watch",
                building="diff gen.config gen.check",
            ),
        },
        building="compile deps.get ecto.migrate phx.server release",
    ),
}
