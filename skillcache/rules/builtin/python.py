"""Python's test runners, linters, type checkers and format checks."""

from skillcache.rules.builtin import Tool

_ENV = """PYTHONPATH PYTHONHASHSEED PYTHONWARNINGS PYTHONDEVMODE PYTHONOPTIMIZE VIRTUAL_ENV
DJANGO_SETTINGS_MODULE"""

# What `-o` may say: `addopts`, `cache_dir` or `log_file` there would be options again.
_INI = """=addopts= =log_cli=* =log_cli_level=* =asyncio_mode=* =python_files=* =python_functions=* =python_classes=*
=testpaths=* =xfail_strict=* =console_output_style=*""".split()  # noqa: SIM905 - read as a list
PYTEST = Tool(
    "pytest",
    flags="""-q --quiet -v --verbose -s -x --exitfirst -l --showlocals --no-showlocals --full-trace --strict
    --strict-config --strict-markers --runxfail --no-header --no-summary --disable-warnings --disable-pytest-warnings
    --collect-only --co --setup-show --setup-only --setup-plan --fixtures --fixtures-per-test --funcargs --markers
    --doctest-modules --doctest-ignore-import-errors --doctest-continue-on-failure --continue-on-collection-errors
    --no-cov --no-cov-on-fail --cov-branch --benchmark-skip --benchmark-disable --force-short-summary --pyargs
    --keep-duplicates --noconftest --no-fold-skipped --xfail-tb --migrations --no-migrations --block-network
    --disable-plugin-autoload""",
    values=f"""-k -m -n -r -W --pythonwarnings --maxfail --tb --durations --durations-min --ignore --ignore-glob
    --deselect --cov-fail-under --import-mode --timeout --timeout-method --dist --numprocesses --maxprocesses
    --max-worker-restart --log-level --log-cli-level --color --capture --verbosity --asyncio-mode --anyio-mode --ds
    --show-capture --report-chars --code-highlight --confcutdir --assert --doctest-glob --doctest-report --cov-context
    --cov-report=term --cov-report=term-missing --cov-report=term:skip-covered --cov-report=
    --cov-report=term-missing:skip-covered -p=no:* {" ".join("-o" + ini for ini in _INI)}
    {" ".join("--override-ini" + ini for ini in _INI)}""",
    maybe="--cov",
    files="--rootdir --cov-config",
    writes="--alluredir --debug --create-db --reuse-db --cov-append",
    fresh="""-f --looponfail --cache-clear --cache-show --lf --last-failed --ff --failed-first --nf --new-first --sw
    --stepwise --sw-skip --stepwise-skip --sw-reset --stepwise-reset --lfnf --last-failed-no-failures --count
    --flake-finder --flake-runs --randomly-seed""",
    outside="--testmon --testmon-forceselect --testmon-nocollect --testmon-noselect",
    env=_ENV + " PYTEST_ADDOPTS PYTEST_PLUGINS PYTEST_DISABLE_PLUGIN_AUTOLOAD HYPOTHESIS_PROFILE",
)
_RUFF_VALUES = "--target-version --exclude --extend-exclude --color --stdin-filename --extension --output-format"
_RUFF_FLAGS = """-q --quiet -s --silent --isolated --preview --no-preview --force-exclude --no-force-exclude
--respect-gitignore --no-respect-gitignore --diff"""
RUFF = Tool(
    "ruff",
    "Bash(ruff check:*), Bash(ruff format --check:*)",
    flags="-q --quiet --isolated",
    subcommands={
        "check": Tool(
            "ruff",
            flags=_RUFF_FLAGS
            + """ --no-fix --no-unsafe-fixes --show-fixes --no-show-fixes -e --exit-zero --exit-non-zero-on-fix
            --statistics --ignore-noqa --show-files --show-settings""",
            values=_RUFF_VALUES
            + """ --select --ignore --extend-select --extend-ignore --per-file-ignores --extend-per-file-ignores
            --fixable --unfixable --extend-fixable --extend-unfixable --line-length""",
            files="--config",
            writes="-w -o --add-noqa --add-ignore",
            fresh="--no-cache -n -v --verbose",
        ),
        "format": Tool(
            "ruff",
            needs="--check --diff",
            flags=_RUFF_FLAGS + " --check --exit-non-zero-on-format",
            values=_RUFF_VALUES + " --line-length --range",
            files="--config",
            fresh="--no-cache -n -v --verbose",
        ),
    },
    building="clean server rule linter config",
)
MYPY = Tool(
    "mypy",
    flags="""--strict --ignore-missing-imports --no-error-summary --show-error-codes --hide-error-codes --pretty
    --no-pretty --show-column-numbers --hide-column-numbers --show-error-context --hide-error-context
    --show-error-code-links --hide-error-code-links --show-error-end --hide-error-end --show-absolute-path
    --no-color-output --color-output --namespace-packages --no-namespace-packages --explicit-package-bases
    --check-untyped-defs --disallow-any-unimported --disallow-any-expr --disallow-any-decorated
    --disallow-any-explicit --disallow-any-generics --disallow-subclassing-any --disallow-untyped-calls
    --disallow-untyped-defs --disallow-incomplete-defs --disallow-untyped-decorators --implicit-optional
    --no-implicit-optional --no-strict-optional --strict-optional --warn-redundant-casts --warn-unused-ignores
    --no-warn-no-return --warn-return-any --warn-unreachable --warn-unused-configs --no-warn-unused-configs
    --allow-untyped-globals --allow-redefinition --no-implicit-reexport --implicit-reexport --strict-equality
    --extra-checks --strict-bytes --no-site-packages --no-silence-site-packages --fast-module-lookup
    --scripts-are-modules --sqlite-cache --show-traceback --tb --local-partial-types""",
    values="""-p -m -c --package --module --command --python-version --platform --exclude --follow-imports
    --disable-error-code --enable-error-code --untyped-calls-exclude --always-true --always-false --output -O
    --enable-incomplete-feature""",
    files="--config-file --custom-typeshed-dir --python-executable",
    writes="--install-types --cache-dir --lineprofile --timing-stats --line-checking-stats --shadow-file",
    fresh="--no-incremental --no-cache -v --verbose --stats",
    outside="--exclude-gitignore",
    env="MYPYPATH " + _ENV,
)
_PYRIGHT: dict[str, str] = {
    "flags": "--outputjson --warnings --skipunannotated --ignoreexternal --dependencies",
    "values": "--level --pythonversion --pythonplatform --threads --verifytypes",
    "files": "-p --project --venvpath -v --typeshedpath -t --pythonpath",
    "writes": "--createstub -w",
    "fresh": "--stats --verbose",
}
TABLE: dict[str, Tool] = {
    "pytest": PYTEST,
    "py.test": PYTEST,
    "ruff": RUFF,
    "mypy": MYPY,
    "unittest": Tool(
        "unittest",
        "Bash(python -m unittest:*)",
        flags="-v -q -f -b -c --verbose --quiet --locals --failfast --buffer --catch",
        values="-k -s -p -t --start-directory --pattern --top-level-directory --durations",
        env=_ENV,
    ),
    "doctest": Tool(
        "doctest",
        "Bash(python -m doctest:*)",
        flags="-v --verbose -f --fail-fast",
        values="-o --option",
        env=_ENV,
    ),
    "pyright": Tool(
        "pyright",
        env=_ENV + " PYRIGHT_PYTHON_FORCE_VERSION",
        single=True,
        tools="node",
        **_PYRIGHT,  # type: ignore[arg-type]
    ),
    "ty": Tool(
        "ty",
        "Bash(ty check:*)",
        subcommands={
            "check": Tool(
                "ty",
                flags="""--error-on-warning --exit-zero --exit-zero-on-warning --no-progress -q --quiet
                --force-exclude --respect-ignore-files --exclude-scripts""",
                values="--error --warn --ignore --output-format --python-version --python-platform --color --exclude",
                files="--project --python --typeshed --extra-search-path --config-file",
                writes="-W --add-ignore --baseline",
            )
        },
    ),
    "black": Tool(
        "black",
        "Bash(black --check:*), Bash(black --diff:*)",
        needs="--check --diff",
        flags="""--check --diff -q --quiet --color --no-color --fast --safe --preview --unstable --pyi --ipynb -S -C
        --skip-string-normalization --skip-magic-trailing-comma -x --skip-source-first-line""",
        values="""-l --line-length -t --target-version --include --exclude --extend-exclude --force-exclude -W
        --workers --required-version --stdin-filename --line-ranges""",
        files="--config",
        fresh="-v --verbose --no-cache",  # tells what its cache spared it
    ),
    "isort": Tool(
        "isort",
        "Bash(isort --check-only:*), Bash(isort --diff:*)",
        needs="--check --check-only -c --diff --df",
        flags="""--check --check-only -c --diff --df -q --quiet -v --verbose --color --show-files --show-config
        --skip-gitignore --filter-files --resolve-all-configs --sl --force-single-line-imports --tc --trailing-comma
        --up --use-parentheses --ca --combine-as --fss --force-sort-within-sections --ff --from-first
        --float-to-top --case-sensitive --ds --no-sections""",
        values="""--profile -l --line-length -w --line-width -p --project -o --thirdparty -s --skip --extend-skip --sg
        --skip-glob --extend-skip-glob --py --python-version -m --multi-line --src --src-path""",
        maybe="-j --jobs",
        files="--sp --settings-path --settings-file --settings --cr --config-root",
        writes="-i --interactive --rm --remove-import --ac --atomic -a --add-import",
    ),
    "flake8": Tool(
        "flake8",
        flags="""-q -v --quiet --verbose --count --statistics --show-source --no-show-source --exit-zero --isolated
        --disable-noqa --doctests --hang-closing""",
        values="""--select --extend-select --ignore --extend-ignore --max-line-length --max-doc-length
        --max-complexity --exclude --extend-exclude --filename --per-file-ignores --format -j --jobs --color
        --builtins --indent-size --enable-extensions --require-plugins --stdin-display-name""",
        files="--config --append-config",
        writes="--bug-report --benchmark",
        env=_ENV,
    ),
    "pylint": Tool(
        "pylint",
        flags="-E --errors-only -v --verbose --exit-zero --list-msgs",
        values="""-d --disable -e --enable -j --jobs --fail-under --fail-on --ignore --ignore-patterns --ignore-paths
        --msg-template --load-plugins --max-line-length --good-names --py-version --confidence --recursive
        --min-similarity-lines -r --reports -s --score --ignored-modules --extension-pkg-allow-list
        -f=text -f=colorized -f=json -f=json2 -f=parseable -f=github -f=msvs --output-format=text
        --output-format=colorized --output-format=json --output-format=json2 --output-format=parseable
        --output-format=github --output-format=msvs""",
        files="--rcfile",
        writes="-o --output --init-hook",
        env=_ENV,
    ),
    "bandit": Tool(
        "bandit",
        flags="-r --recursive -q --quiet --silent -l --level -i --confidence -v --verbose --exit-zero --ignore-nosec",
        values="""-x --exclude -t --tests -s --skip -f --format -n --number -a --aggregate --severity-level
        --confidence-level --msg-template -p --profile""",
        files="-c --configfile -b --baseline --ini",
        writes="-o --output",
    ),
    "vulture": Tool(
        "vulture",
        flags="--sort-by-size -v --verbose",
        values="--min-confidence --exclude --ignore-names --ignore-decorators",
        files="--config",
        writes="--make-whitelist",
    ),
    "pycodestyle": Tool(
        "pycodestyle",
        flags="-q --quiet -v --verbose -r --first --show-source --show-pep8 --statistics --count --hang-closing",
        values="--select --ignore --max-line-length --max-doc-length --exclude --filename --format --indent-size",
        files="--config",
        fresh="--benchmark",
    ),
    "pydocstyle": Tool(
        "pydocstyle",
        flags="-e --explain -s --source --count -v --verbose --ignore-self-only-init",
        values="""--select --ignore --add-select --add-ignore --convention --match --match-dir --ignore-decorators
        --property-decorators""",
        files="--config",
    ),
    "pyflakes": Tool("pyflakes"),
    "basedpyright": Tool("basedpyright", env=_ENV, single=True, tools="node", **_PYRIGHT),  # type: ignore[arg-type]
    "pyrefly": Tool(
        "pyrefly",
        "Bash(pyrefly check:*)",
        subcommands={
            "check": Tool(
                "pyrefly",
                files="-c --config --search-path --site-packages-path",
                values="""--output-format --min-severity --color --python-version --python-platform --error --warn
                --ignore --project-excludes --only""",
                writes="-o --suppress-errors --baseline",
            )
        },
    ),
    "lint-imports": Tool("lint-imports", files="--config", values="--contract", flags="--verbose"),
    "deptry": Tool(
        "deptry",
        flags="--no-ansi -v --verbose",
        values="--exclude -e --extend-exclude -ee --ignore -i --per-rule-ignores -pri --known-first-party -kf",
        files="--config",
        writes="-o --json-output",
    ),
    "interrogate": Tool(
        "interrogate",
        flags="""-v --verbose -q --quiet -i --ignore-init-method -I --ignore-init-module -m --ignore-magic -M
        --ignore-module -n --ignore-nested-functions -C --ignore-nested-classes -p --ignore-private -s
        --ignore-semiprivate --color --no-color --omit-covered-files""",
        values="-f --fail-under -e --exclude -r --ignore-regex --ext --style",
        files="-c --config",
        writes="-o --output -g --generate-badge",
    ),
    "manage.py": Tool(
        "django",
        "Bash(python manage.py test:*), Bash(python manage.py check:*)",
        subcommands={
            "test": Tool(
                "django-test",
                flags="""--noinput --no-input --failfast -b --buffer -r --reverse --no-color --force-color
                --traceback""",
                values="""-k --tag --exclude-tag --pattern -p -t --top-level-directory --settings --pythonpath -v
                --verbosity --testrunner""",
                maybe="--parallel",
                writes="--pdb --debug-mode --keepdb",
                fresh="--shuffle --timing",
                env=_ENV + " DATABASE_URL",
            ),
            "check": Tool(
                "django-check",
                flags="--list-tags --deploy --no-color --force-color --traceback",
                values="--tag -t --settings --pythonpath -v --verbosity --fail-level",
                outside="--database",
                env=_ENV + " DATABASE_URL",
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
