"""PHP's test runners, static analysers and style checks."""

from skillcache.rules.builtin import Tool

_ENV = "APP_ENV PHPRC PHP_INI_SCAN_DIR XDEBUG_MODE DATABASE_URL"
_SYMFONY = "-q --quiet -v -n --no-interaction --ansi --no-ansi"
_STOPS = "error failure defect warning risky skipped incomplete notice deprecation"
_PHPUNIT_FLAGS = f"""--no-coverage --no-progress --no-results --no-output --no-logging --no-extensions
--no-configuration --coverage-text --testdox --debug -v --verbose --process-isolation --list-tests --list-groups
--list-suites --disallow-test-output --dont-report-useless-tests --reverse-list --fail-on-warning --fail-on-risky
--fail-on-deprecation --fail-on-notice --fail-on-skipped --fail-on-incomplete --fail-on-empty-test-suite
--display-deprecations --display-errors --display-notices --display-warnings --display-skipped --display-incomplete
{" ".join("--stop-on-" + word for word in _STOPS.split())}"""
_PHPUNIT_VALUES = """--filter --exclude-filter --testsuite --exclude-testsuite --group --exclude-group --covers --uses
--test-suffix --order-by=default --columns"""
_PHPUNIT_WRITES = "--testdox-text --cache-result-file --warm-coverage-cache"
_PHPSTAN = "table raw json prettyJson github gitlab checkstyle junit teamcity"
_PHPCS = "full summary json emacs source xml csv checkstyle junit code"


def _php(name: str, pattern: str = "", **given: object) -> Tool:
    return Tool(name, pattern, **{"env": _ENV, "tools": "php", **given})  # type: ignore[arg-type]


TABLE: dict[str, Tool] = {
    "phpunit": _php(
        "phpunit",
        flags=_PHPUNIT_FLAGS,
        values=_PHPUNIT_VALUES,
        maybe="--colors",
        files="-c --configuration --bootstrap --include-path",
        writes=_PHPUNIT_WRITES,
        fresh="--do-not-cache-result --cache-result --order-by",
    ),
    "pest": _php(
        "pest",
        flags=_PHPUNIT_FLAGS + " -p --parallel --compact --ci --bail",
        values=_PHPUNIT_VALUES + " --processes",
        maybe="--colors",
        files="-c --configuration --bootstrap",
        writes=_PHPUNIT_WRITES,
        fresh="--retry --order-by",
        outside="--dirty",
    ),
    "phpstan": _php(
        "phpstan",
        "Bash(phpstan analyse:*)",
        flags=_SYMFONY,
        subcommands=dict.fromkeys(
            ("analyse", "analyze"),
            _php(
                "phpstan",
                flags=_SYMFONY + " --no-progress --xdebug",
                values="-l --level --memory-limit " + " ".join("--error-format=" + name for name in _PHPSTAN.split()),
                files="-c --configuration -a --autoload-file",
                writes="-b --generate-baseline --pro",
            ),
        ),
        building="clear-result-cache worker",
    ),
    "psalm": _php(
        "psalm",
        flags="--no-progress --no-suggestions --monochrome -m",
        values="--threads --output-format --php-version --memory-limit --show-info --error-level",
        files="-c --config -r --root",
        writes="--alter -i --set-baseline --generate-stubs --safe-types --language-server",
        fresh="--no-file-cache --no-reflection-cache --clear-cache --clear-global-cache --diff --stats",
    ),
    "phpcs": _php(
        "phpcs",
        flags="-s -n -w -p -q -l -v --colors --no-colors --no-cache",
        maybe=f"""--standard --extensions --ignore --severity --error-severity --warning-severity --sniffs --exclude
        --encoding --tab-width --parallel --report-width --basepath
        {" ".join("--report=" + name for name in _PHPCS.split())}""",
        writes="--config-set --config-delete --generator --cache",
    ),
    "pint": _php(
        "pint",
        "Bash(pint --test:*)",
        needs="--test --bail",
        flags=_SYMFONY + " --test --bail",
        values="--preset",
        files="--config",
        outside="--dirty --diff",
        writes="--repair --cache-file",
    ),
    "php-cs-fixer": _php(
        "php-cs-fixer",
        "Bash(php-cs-fixer fix --dry-run:*)",
        flags=_SYMFONY,
        subcommands=dict.fromkeys(
            ("fix", "check"),
            _php(
                "php-cs-fixer",
                needs="--dry-run",
                flags=_SYMFONY + " --dry-run --diff --stop-on-violation --sequential",
                values="--rules --format --path-mode --show-progress --allow-risky --using-cache=no --using-cache=yes",
                files="--config",
                writes="--cache-file",
            ),
        ),
    ),
    "rector": _php(
        "rector",
        "Bash(rector process --dry-run:*)",
        flags="-q --quiet -v --ansi --no-ansi",
        subcommands={
            "process": _php(
                "rector",
                needs="--dry-run -n",
                flags="-q --quiet -v --ansi --no-ansi --dry-run -n --no-progress-bar --no-diffs",
                values="--only --output-format --memory-limit",
                files="-c --config -a --autoload-file",
                fresh="--clear-cache",
            )
        },
    ),
    "artisan": _php(
        "artisan",
        "Bash(php artisan test:*)",
        flags=_SYMFONY,
        subcommands={
            "test": _php(
                "artisan-test",
                flags="-v -q -p --parallel --compact --without-tty --ansi --no-ansi --stop-on-failure --stop-on-error",
                values="--filter --testsuite --group --exclude-group --processes",
                writes="--recreate-databases --drop-databases",
            )
        },
        building="migrate serve make:model tinker",
    ),
}
