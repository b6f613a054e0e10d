"""Linters of shell scripts, documents, data and configuration files."""

from skillcache.policy.tool import Tool

TABLE: dict[str, Tool] = {
    "shellcheck": Tool(
        "shellcheck",
        values="-e --exclude -i --include -f --format -s --shell -S --severity -o --enable -C --color -W",
        files="-P --source-path --rcfile",
    ),
    "shfmt": Tool(
        "shfmt",
        "Bash(shfmt -d:*), Bash(shfmt -l:*)",
        needs="-d --diff -l --list -l=0",
        values="-i --indent -ln --language-dialect --filename",
        writes="-w --write",
        safe="--tojson",
    ),
    "bash": Tool("bash-syntax", "Bash(bash -n:*)", only="-n", writes="-c -i -l -s --init-file --rcfile"),
    "actionlint": Tool(
        "actionlint",
        values="-format -ignore -shellcheck -pyflakes",
        files="-config-file",
        dashed=True,
        writes="-init-config -update",
    ),
    "hadolint": Tool("hadolint", values="-f --format --ignore -t --failure-threshold", files="-c --config"),
    "yamllint": Tool("yamllint", values="-f --format -d --config-data", files="-c --config-file"),
    "taplo": Tool(
        "taplo",
        "Bash(taplo check:*), Bash(taplo format --check:*)",
        subcommands={
            "check": Tool("taplo", files="-c --config --schema"),
            "lint": Tool("taplo", files="-c --config --schema"),
            "fmt": Tool("taplo", needs="--check", files="-c --config", values="-o --option"),
            "format": Tool("taplo", needs="--check", files="-c --config", values="-o --option"),
        },
    ),
    "codespell": Tool(
        "codespell",
        values="-L --ignore-words-list -S --skip",
        files="-I --ignore-words --config --toml -D --dictionary -x",
        writes="-w --write-changes -i --interactive",
    ),
    "typos": Tool(
        "typos",
        values="--format --exclude --color -j --threads",
        files="-c --config",
        writes="-w --write-changes --dump-config",
        safe="--diff --force-exclude --file-types",
    ),
    "vale": Tool(
        "vale",
        values="--output --minAlertLevel --ext --glob --filter",
        files="--config",
        safe="--output",
        building="sync ls-config",
    ),
    "sqlfluff": Tool(
        "sqlfluff",
        "Bash(sqlfluff lint:*)",
        subcommands={
            "lint": Tool(
                "sqlfluff",
                values="-d --dialect -f --format --rules -t --templater -p --processes",
                files="--config --ignore-local-config",
                writes="--write-output --persist-timing",
            )
        },
        building="fix format",
    ),
    "terraform": Tool(
        "terraform",
        "Bash(terraform validate:*), Bash(terraform fmt -check:*)",
        subcommands={
            "validate": Tool("terraform-validate", dashed=True, files="-chdir"),
            "fmt": Tool("terraform-fmt", needs="-check -write=false", dashed=True, safe="-write=false -diff"),
        },
        building="apply plan init destroy import",
    ),
    "tofu": Tool(
        "tofu",
        "Bash(tofu validate:*), Bash(tofu fmt -check:*)",
        subcommands={
            "validate": Tool("terraform-validate", dashed=True, files="-chdir"),
            "fmt": Tool("terraform-fmt", needs="-check -write=false", dashed=True, safe="-write=false -diff"),
        },
        building="apply plan init destroy import",
    ),
    "tflint": Tool(
        "tflint",
        files="-c --config --chdir",
        values="-f --format --enable-rule --disable-rule --var",
        writes="--fix --init --act-as-bundled-plugin",
        safe="--force",
    ),
    "buf": Tool(
        "buf",
        "Bash(buf lint:*), Bash(buf format --diff:*)",
        subcommands={
            "lint": Tool("buf", files="--config --path", values="--error-format"),
            "format": Tool(
                "buf", needs="--exit-code -d --diff", files="--config --path", writes="-w --write -o --output"
            ),
        },
        building="generate push build",
    ),
    "luacheck": Tool(
        "luacheck", values="--std --globals --ignore --only", files="--config", writes="--cache", safe="--no-cache"
    ),
    "stylua": Tool("stylua", "Bash(stylua --check:*)", needs="--check", files="-f --config-path", values="-g --glob"),
    "selene": Tool(
        "selene", files="--config", values="--display-style", building="generate-roblox-std update-roblox-std"
    ),
    "editorconfig-checker": Tool("editorconfig-checker", files="-config --config", writes="--init -init"),
    "ansible-lint": Tool(
        "ansible-lint",
        values="-x --exclude -t --tags -f --format",
        files="-c --config-file",
        writes="--fix --write --generate-ignore --sarif-file--offline_",
    ),
    "nixfmt": Tool("nixfmt", "Bash(nixfmt --check:*)", needs="--check -c", values="-w --width"),
    "alejandra": Tool("alejandra", "Bash(alejandra --check:*)", needs="--check -c", values="-e --exclude"),
    "jsonlint": Tool("jsonlint", writes="-i --in-place", files="-V"),
}
