"""Ruby's test runners and linters."""

from skillcache.rules.builtin import Tool

_ENV = "RAILS_ENV RACK_ENV RUBYOPT RUBYLIB BUNDLE_GEMFILE GEM_HOME GEM_PATH DATABASE_URL SPEC_OPTS"
_RSPEC = "p progress d documentation j json f failures"
_RUBOCOP = "p progress s simple c clang e emacs j json q quiet o offenses w worst fu fuubar github"
TABLE: dict[str, Tool] = {
    "rspec": Tool(
        "rspec",
        flags="""-b --backtrace -c --color --colour --force-color --no-color --no-fail-fast -w --warnings --dry-run
        --no-profile""",
        values=f"""-e --example -E --example-matches -t --tag -P --pattern --exclude-pattern --order=defined
        --default-path -I --failure-exit-code {" ".join(f"-f={name} --format={name}" for name in _RSPEC.split())}""",
        maybe="--fail-fast",
        files="-r --require",
        writes="-o --deprecation-out --init --bisect --drb",
        fresh="--only-failures --next-failure -n --seed -p --profile",
        env=_ENV,
        tools="ruby",
    ),
    "rubocop": Tool(
        "rubocop",
        flags="""-D --display-cop-names --no-display-cop-names -E --extra-details -S --display-style-guide -L
        --list-target-files -F --fail-fast -P --parallel --no-parallel --force-exclusion --force-default-config
        --ignore-parent-exclusion --no-server --color --no-color --only-guide-cops --display-only-correctable
        --display-only-fail-level-offenses -l --lint --safe --ignore-unrecognized-cops""",
        values=f"""--only --except --fail-level --cache=true --cache=false
        {" ".join(f"-f={name} --format={name}" for name in _RUBOCOP.split())}""",
        files="-c --config -r --require",
        writes="""-a -A -x --autocorrect --autocorrect-all --auto-correct --auto-correct-all -o --auto-gen-config
        --regenerate-todo --start-server --restart-server --lsp --disable-uncorrectable""",
        env=_ENV,
        tools="ruby",
    ),
    "standardrb": Tool("standardrb", flags="--no-fix", env=_ENV, tools="ruby"),
    "brakeman": Tool(
        "brakeman",
        flags="""-q --quiet --no-pager --no-progress -z --exit-on-warn --no-exit-on-warn --no-summary --summary --color
        --no-color -A --run-all-checks""",
        values="""-f=text -f=json -f=tabs -f=csv -f=markdown --format=text --format=json --format=tabs --format=csv
        --format=markdown -w --confidence-level""",
        files="-c --config-file -i --ignore-config -p --path",
        writes="-o --compare --interactive-ignore -I -C --create-config",
        env=_ENV,
        tools="ruby",
    ),
    "reek": Tool(
        "reek",
        flags="--no-progress --no-color --color",
        files="-c --config",
        writes="--todo -t",
        env=_ENV,
        tools="ruby",
    ),
    "erb_lint": Tool(
        "erb_lint",
        flags="--lint-all --enable-all-linters",
        values="--enable-linters --format",
        files="--config",
        writes="-a --autocorrect --cache",
        env=_ENV,
        tools="ruby",
    ),
    "srb": Tool(
        "srb",
        "Bash(srb tc:*)",
        subcommands={"tc": Tool("sorbet", values="--ignore --typed", writes="-a --autocorrect --print --lsp")},
    ),
    "rails": Tool(
        "rails",
        "Bash(rails test:*)",
        subcommands={
            "test": Tool(
                "rails-test",
                flags="-v --verbose -b --backtrace -f --fail-fast -c --color --no-color",
                values="-n --name -e --environment",
                fresh="-s --seed --profile",
                env=_ENV,
                tools="ruby",
            )
        },
        building="server s console c generate g db:migrate new runner destroy",
    ),
}
