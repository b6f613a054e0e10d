"""Ruby's test runners and linters."""

from skillcache.policy.tool import Tool

_ENV = "RAILS_ENV RACK_ENV RUBYOPT RUBYLIB BUNDLE_GEMFILE GEM_HOME GEM_PATH DATABASE_URL SPEC_OPTS"
TABLE: dict[str, Tool] = {
    "rspec": Tool(
        "rspec",
        values="""-e --example -t --tag -f --format -P --pattern --exclude-pattern --seed --order -E -I
        --fail-fast"""
        "--backtrace-exclusion --default-path",
        files="-r --require -O --options",
        writes="-o --out --deprecation-out --init --bisect --drb -f=h* --format=html* --format=RspecJunit*",
        fresh="--only-failures --next-failure -n --order=rand* --seed",
        safe="--profile --no-profile --dry-run --failure-exit-code",
        env=_ENV,
        tools="ruby",
    ),
    "rubocop": Tool(
        "rubocop",
        values="--only --except -f --format --fail-level --display-only-fail-level-offenses --require",
        files="-c --config",
        writes="""-a -A -x --autocorrect --autocorrect-all --auto-correct --auto-correct-all --fix-layout -o
        --out --auto-gen-config --regenerate-todo --init --server --start-server --restart-server --lsp
        --disable-uncorrectable""",
        safe="""--no-server --cache --display-only-fail-level-offenses --force-exclusion
        --force-default-config"""
        "--display-only-correctable",
        env=_ENV,
        tools="ruby",
    ),
    "standardrb": Tool("standardrb", writes="--fix --fix-unsafely", env=_ENV, tools="ruby"),
    "brakeman": Tool(
        "brakeman",
        values="-f --format -w --confidence-level",
        files="-c --config-file -i --ignore-config -p --path",
        writes="-o --output --compare --interactive-ignore -I -C --create-config",
        env=_ENV,
        tools="ruby",
        safe="--no-pager --no-progress --report-direct",
    ),
    "reek": Tool("reek", files="-c --config", writes="--todo -t", env=_ENV, tools="ruby"),
    "erb_lint": Tool(
        "erb_lint", files="--config", writes="-a --autocorrect --cache", safe="--lint-all", env=_ENV, tools="ruby"
    ),
    "srb": Tool(
        "srb",
        "Bash(srb tc:*)",
        subcommands={"tc": Tool("sorbet", writes="-a --autocorrect --print --lsp --store-state")},
    ),
    "rails": Tool(
        "rails",
        "Bash(rails test:*)",
        subcommands={
            "test": Tool(
                "rails-test", values="-n --name -e --environment -s --seed", fresh="-s --seed", env=_ENV, tools="ruby"
            )
        },
        building="server s console c generate g db:migrate new runner destroy",
    ),
}
