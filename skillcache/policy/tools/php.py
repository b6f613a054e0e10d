"""PHP's test runners, static analysers and style checks."""

from skillcache.policy.tool import Tool

_ENV = "APP_ENV PHPRC PHP_INI_SCAN_DIR XDEBUG_MODE DATABASE_URL"
_PHPUNIT = """--coverage-html --coverage-clover --coverage-cobertura --coverage-crap4j --coverage-php
--coverage-xml --log-junit --log-teamcity --log-otr --testdox-html --testdox-text --testdox-xml
--generate-baseline --generate-configuration --migrate-configuration --log-events-text
--log-events-verbose-text --warm-coverage-cache --cache-result-file --profile --update-snapshots
--compact-out"""
_TESTS = Tool(
    "phpunit",
    values="""--filter --testsuite --group --exclude-group --test-suffix --order-by --columns
    --stop-on-defect-count --filter-out""",
    files="-c --configuration --bootstrap --include-path --cache-directory",
    writes=_PHPUNIT,
    fresh="""--repeat --order-by=random* --order-by=defects* --random-order --random-order-seed
    --do-not-cache-result --cache-result""",
    safe="""--coverage-text --no-coverage --no-output --no-progress --no-logging --display-deprecations
    --no-results""",
    env=_ENV,
    tools="php",
)
TABLE: dict[str, Tool] = {
    "phpunit": _TESTS,
    "pest": Tool(
        "pest",
        values="--filter --testsuite --group --exclude-group --min --processes",
        files="-c --configuration",
        writes=_PHPUNIT + " --init --watch --coverage",
        fresh="--repeat --retry --order-by=random*",
        outside="--dirty",
        safe="--coverage-text --no-coverage",
        env=_ENV,
        tools="php",
    ),
    "phpstan": Tool(
        "phpstan",
        "Bash(phpstan analyse:*)",
        subcommands=dict.fromkeys(
            ("analyse", "analyze"),
            Tool(
                "phpstan",
                values="-l --level --memory-limit --error-format --error-format",
                files="-c --configuration -a --autoload-file",
                writes="-b --generate-baseline --pro --watch --fix",
                safe="--no-progress --xdebug",
                env=_ENV,
                tools="php",
            ),
        ),
        building="clear-result-cache worker",
    ),
    "psalm": Tool(
        "psalm",
        values="--threads --output-format --php-version --memory-limit --show-info --stats",
        files="-c --config -r --root",
        writes="""--alter --init -i --report --report-show-info --set-baseline --update-baseline
        --generate-stubs --safe-types"""
        "--fix --language-server",
        fresh="--no-cache --no-file-cache --no-reflection-cache --clear-cache --clear-global-cache --diff",
        safe="--no-progress",
        env=_ENV,
        tools="php",
    ),
    "phpcs": Tool(
        "phpcs",
        values="-d",
        writes="--report-* --report-file --config-set --config-delete --generator --cache",
        safe="--report --report-width --no-cache",
        env=_ENV,
        tools="php",
    ),
    "pint": Tool(
        "pint",
        "Bash(pint --test:*)",
        needs="--test --bail",
        files="--config",
        outside="--dirty --diff",
        writes="--repair --cache-file",
        env=_ENV,
        tools="php",
    ),
    "php-cs-fixer": Tool(
        "php-cs-fixer",
        "Bash(php-cs-fixer fix --dry-run:*)",
        subcommands=dict.fromkeys(
            ("fix", "check"),
            Tool(
                "php-cs-fixer",
                needs="--dry-run",
                values="--rules --format --path-mode --show-progress --using-cache --allow-risky",
                files="--config --cache-file",
                safe="--dry-run",
                env=_ENV,
                tools="php",
            ),
        ),
    ),
    "rector": Tool(
        "rector",
        "Bash(rector process --dry-run:*)",
        subcommands={
            "process": Tool(
                "rector", needs="--dry-run -n", files="-c --config", fresh="--clear-cache", env=_ENV, tools="php"
            )
        },
    ),
    "artisan": Tool(
        "artisan",
        "Bash(php artisan test:*)",
        subcommands={
            "test": Tool(
                "artisan-test",
                values="--filter --testsuite --group --exclude-group --processes",
                writes=_PHPUNIT + " --recreate-databases --coverage",
                fresh="--repeat",
                env=_ENV,
                tools="php",
            )
        },
        building="migrate serve make:model tinker",
    ),
}
