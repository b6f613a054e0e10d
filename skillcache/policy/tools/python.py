"""Python's test runners, linters, type checkers and format checks."""

from skillcache.policy.tool import Tool

_ENV = """PYTHONPATH PYTHONHASHSEED PYTHONWARNINGS PYTHONDEVMODE PYTHONOPTIMIZE VIRTUAL_ENV
DJANGO_SETTINGS_MODULE"""

PYTEST = Tool(
    "pytest",
    values="""-k -m -p -o -W -r -n --maxfail --tb --durations --durations-min --ignore --ignore-glob
    --deselect --cov --cov-report --cov-config --cov-fail-under --import-mode --timeout --timeout-method
    --dist --numprocesses --log-level --log-cli-level --color --capture --verbosity --asyncio-mode --ds
    --django-settings --show-capture --override-ini --maxprocesses --tx --code-highlight --confcutdir""",
    files="-c --config-file --rootdir --basetemp",
    writes="""--junitxml --junit-xml --html --self-contained-html --cov-report=xml* --cov-report=html*
    --cov-report=json* --cov-report=lcov* --cov-report=annotate* --log-file --report-log --resultlog
    --json-report --json-report-file --snapshot-update --inline-snapshot --force-regen --regen-all
    --update-goldens --pdb --pdbcls --trace --debug --pastebin --basetemp --alluredir --record-mode
    --vcr-record --create-db --excelreport --md-report-output --setup-plan-file --result-log
    --store-durations --profile --profile-svg --memray --benchmark-json --benchmark-save
    --benchmark-autosave --csv --nbval --reuse-db --looponfail -f --looponfail --stepwise --sw
    --stepwise-skip -p=pytester* -o=addopts=-* -o=log_file* -o=junit* --override-ini=addopts=-* -p=pastebin*
    --generate-missing --approve --html-report --dev --cov-append""",
    fresh="""--cache-clear --cache-show --lf --last-failed --ff --failed-first --nf --new-first --reruns --reruns-delay
    --count --flake-finder --flake-runs --random-order --random-order-bucket --random-order-seed
    --randomly-seed --repeat --force-flaky --max-runs --min-passes --sw-reset --last-failed-no-failures
    --forked-rerun --shuffle -p=random* --hypothesis-seed --test-randomly""",
    outside="""--picked --testmon --testmon-forceselect --testmon-nocollect --pylint-git --cov-git
    --suite-timeout-git""",
    safe="""--cov-report --no-cov --cov-branch --show-capture --cov --no-header --benchmark-only
    --benchmark-skip --benchmark-disable --doctest-report --cov-context --ignore --cov-config
    --report-chars --no-summary --disable-warnings --disable-pytest-warnings --cov-fail-under --strict-config
    --doctest-modules --doctest-glob --showlocals --setup-show""",
    env=_ENV + " PYTEST_ADDOPTS PYTEST_PLUGINS PYTEST_DISABLE_PLUGIN_AUTOLOAD HYPOTHESIS_PROFILE",
)
RUFF = Tool(
    "ruff",
    "Bash(ruff check:*), Bash(ruff format --check:*)",
    subcommands={
        "check": Tool(
            "ruff",
            values="""--select --ignore --extend-select --extend-ignore --output-format --line-length
            --target-version --exclude --extend-exclude --per-file-ignores --fixable --unfixable
            --extend-fixable --color""",
            files="--config",
            writes="--fix --unsafe-fixes --fix-only --watch -w --add-noqa --output-file -o --add-ignore",
            fresh="--no-cache -n -v --verbose",
            safe="""--no-fix --no-unsafe-fixes --output-format --diff --show-fixes --fixable --unfixable
            --extend-fixable --extend-unfixable --exit-zero --no-show-fixes --statistics""",
        ),
        "format": Tool(
            "ruff",
            needs="--check --diff",
            values="--line-length --target-version --exclude --extend-exclude --range --output-format",
            files="--config",
            fresh="--no-cache -n -v --verbose",
        ),
    },
    building="clean server rule linter config",
)
MYPY = Tool(
    "mypy",
    values="""-p -m -c --package --module --python-version --platform --exclude --follow-imports
    --disable-error-code --enable-error-code --plugin --untyped-calls-exclude""",
    files="--config-file --cache-dir --custom-typeshed-dir --shadow-file --python-executable",
    writes="""--install-types --junit-xml --any-exprs-report --cobertura-xml-report --html-report
    --linecount-report --linecoverage-report --lineprecision-report --txt-report --xml-report --xslt-html-report
    --xslt-txt-report --cache-dir --pdb --lineprofile --timing-stats
    --line-checking-stats""",
    fresh="--no-incremental --no-cache -v --verbose --stats",
    safe="--show-traceback --no-error-summary --tb --raise-exceptions --cache-fine-grained",
    env="MYPYPATH " + _ENV,
)
TABLE: dict[str, Tool] = {
    "pytest": PYTEST,
    "py.test": PYTEST,
    "ruff": RUFF,
    "mypy": MYPY,
    "unittest": Tool(
        "unittest",
        "Bash(python -m unittest:*)",
        values="-k -s -p -t --start-directory --pattern --top-level-directory --durations",
        env=_ENV,
    ),
    "doctest": Tool("doctest", "Bash(python -m doctest:*)", values="-o", env=_ENV),
    "pyright": Tool(
        "pyright",
        values="--level --pythonversion --pythonplatform --threads --verifytypes",
        files="-p --project --venvpath -v --typeshedpath -t --pythonpath",
        writes="--createstub --writebaseline --watch -w --baselinefile",
        safe="--outputjson",
        env=_ENV + " PYRIGHT_PYTHON_FORCE_VERSION",
        tools="node",
    ),
    "ty": Tool(
        "ty",
        "Bash(ty check:*)",
        subcommands={
            "check": Tool(
                "ty",
                values="""--error --warn --ignore --output-format --python-version --python-platform --color
                --exclude""",
                files="--project --python --typeshed --extra-search-path --config-file --config -c",
                writes="-W --watch --add-ignore",
            )
        },
    ),
    "black": Tool(
        "black",
        "Bash(black --check:*), Bash(black --diff:*)",
        needs="--check --diff",
        values="-l --line-length -t --target-version --include --exclude --extend-exclude -W --workers",
        files="--config",
        fresh="-v --verbose",  # tells what its cache spared it
        safe="--diff",
    ),
    "isort": Tool(
        "isort",
        "Bash(isort --check-only:*), Bash(isort --diff:*)",
        needs="--check --check-only -c --diff",
        values="--profile -l --line-length -p -s --skip --sg --skip-glob --py -j",
        files="--sp --settings-path --settings-file --settings",
        writes="-i --interactive --remove-imports --ac --atomic",
        safe="--profile --show-config",
    ),
    "flake8": Tool(
        "flake8",
        values="""--select --ignore --extend-ignore --max-line-length --max-complexity --exclude --format -j
        --jobs""",
        files="--config --append-config",
        writes="--output-file --tee --install-hook --bug-report --benchmark",
        env=_ENV,
    ),
    "pylint": Tool(
        "pylint",
        values="""-d --disable -e --enable -j --jobs -f --output-format --fail-under --ignore --load-plugins
        --msg-template""",
        files="--rcfile --init-hook",
        writes="--output -o --output-format=json:* --generate-rcfile --generate-toml-config --init-hook",
        safe="--reports -r --output-format",
        env=_ENV,
    ),
    "bandit": Tool(
        "bandit",
        values="-x --exclude -t --tests -s --skip -f --format -n --number -l -i",
        files="-c --configfile -b --baseline --ini -p --profile",
        writes="-o --output",
        safe="--profile",
    ),
    "vulture": Tool(
        "vulture",
        values="--min-confidence --exclude --ignore-names --ignore-decorators",
        files="--config",
        writes="--make-whitelist",
    ),
    "pycodestyle": Tool("pycodestyle", values="--select --ignore --max-line-length --exclude", files="--config"),
    "pydocstyle": Tool("pydocstyle", values="--select --ignore --convention --match", files="--config"),
    "pyflakes": Tool("pyflakes"),
    "basedpyright": Tool(
        "basedpyright",
        files="-p --project",
        writes="--writebaseline --createstub --watch -w --baselinefile",
        safe="--outputjson",
        tools="node",
    ),
    "pyrefly": Tool(
        "pyrefly",
        "Bash(pyrefly check:*)",
        subcommands={
            "check": Tool(
                "pyrefly",
                files="-c --config",
                values="--output-format",
                writes="-o --output --suppress-errors --baseline --update-baseline",
            )
        },
    ),
    "lint-imports": Tool("lint-imports", files="--config"),
    "deptry": Tool("deptry", values="--exclude --extend-exclude --ignore", files="--config", writes="-o --json-output"),
    "interrogate": Tool(
        "interrogate",
        values="-f --fail-under -e --exclude",
        files="-c --config",
        writes="-o --output -g --generate-badge",
    ),
    "manage.py": Tool(
        "django",
        "Bash(python manage.py test:*), Bash(python manage.py check:*)",
        subcommands={
            "test": Tool(
                "django-test",
                values="""-k --tag --exclude-tag --pattern -p -t --top-level-directory --settings -v
                --verbosity --parallel""",
                writes="--pdb --debug-mode -d --keepdb",
                fresh="--shuffle",
                safe="--noinput --no-input",
                env=_ENV + " DATABASE_URL",
            ),
            "check": Tool(
                "django-check", values="--tag -t --settings -v --fail-level --database", env=_ENV + " DATABASE_URL"
            ),
        },
        building="migrate makemigrations runserver collectstatic shell flush loaddata createsuperuser",
    ),
}
# What `python -m` runs under the name of a tool above.
MODULES = frozenset(
    """pytest unittest doctest mypy ruff black isort flake8 pylint pyright bandit vulture pycodestyle
    pydocstyle pyflakes deptry interrogate""".split()  # noqa: SIM905 - read as a list
)
