"""Linters of shell scripts, documents, data and configuration files."""

from skillcache.rules.builtin import Tool


def _terraform(word: str) -> Tool:
    """HashiCorp's and its fork: Go's own flags, which end at the first operand."""
    return Tool(
        word,
        f"Bash({word} validate:*), Bash({word} fmt -check:*)",
        subcommands={
            "validate": Tool("terraform-validate", flags="-json -no-color -no-tests", dashed=True, ordered=True),
            "fmt": Tool(
                "terraform-fmt",
                needs="-check -write=false",
                flags="-check -write=false -diff -recursive -no-color -list=false",
                dashed=True,
                ordered=True,
            ),
        },
        building="apply plan init destroy import",
    )


_TAPLO = Tool(
    "taplo",
    flags="--no-schema --no-auto-config --verbose",
    files="-c --config --schema",
    values="--colors",
)
_TAPLO_FORMAT = Tool(
    "taplo",
    needs="--check",
    flags="--check --diff --no-auto-config --verbose",
    files="-c --config",
    values="-o --option --colors",
)
TABLE: dict[str, Tool] = {
    "shellcheck": Tool(
        "shellcheck",
        flags="-x --external-sources -a --check-sourced --norc",
        values="""-e --exclude -i --include -f --format -s --shell -S --severity -o --enable -W --wiki-link-count""",
        maybe="-C --color",
        files="-P --source-path --rcfile",
    ),
    "shfmt": Tool(
        "shfmt",
        "Bash(shfmt -d:*), Bash(shfmt -l:*)",
        needs="-d --diff -l --list -l=0",
        flags="""-d --diff -l --list -l=0 -s --simplify -mn --minify -ci --case-indent -bn --binary-next-line -sr
        --space-redirects -kp --keep-padding -fn --func-next-line -p --posix""",
        values="-i --indent -ln --language-dialect --filename",
        writes="-w",
        ordered=True,
    ),
    "bash": Tool("bash-syntax", "Bash(bash -n:*)", only="-n", flags="-n", writes="-c -i -l -s", ordered=True),
    "actionlint": Tool(
        "actionlint",
        flags="-no-color -color -oneline",
        values="-format -ignore -shellcheck -pyflakes -stdin-filename",
        files="-config-file",
        dashed=True,
        ordered=True,
    ),
    "hadolint": Tool(
        "hadolint",
        flags="--no-color --no-fail --disable-ignore-pragma",
        values="""-f --format --ignore -t --failure-threshold --error --warning --info --style --trusted-registry
        --require-label""",
        files="-c --config",
    ),
    "yamllint": Tool(
        "yamllint",
        flags="-s --strict --no-warnings --list-files",
        values="-f --format -d --config-data",
        files="-c --config-file",
    ),
    "taplo": Tool(
        "taplo",
        "Bash(taplo check:*), Bash(taplo format --check:*)",
        subcommands={"check": _TAPLO, "lint": _TAPLO, "fmt": _TAPLO_FORMAT, "format": _TAPLO_FORMAT},
    ),
    "codespell": Tool(
        "codespell",
        flags="""-c --enable-colors -d --disable-colors -H --check-hidden -f --check-filenames -s --summary --count -e
        --hard-encoding-detection""",
        values="""-L --ignore-words-list -S --skip -q --quiet-level --builtin -A --after-context -B --before-context
        -C --context --ignore-regex -r --regex --uri-ignore-words-list""",
        files="-I --ignore-words --config --toml -D --dictionary -x --exclude-file",
        writes="-w -i",
    ),
    "typos": Tool(
        "typos",
        flags="""--diff --hidden --no-ignore --no-ignore-dot --no-ignore-global --no-ignore-parent --no-ignore-vcs
        --force-exclude --isolated --sort --files --words --identifiers -q --quiet --binary --no-check-filenames
        --no-check-files --no-unicode""",
        values="--format --exclude --color -j --threads --locale",
        files="-c --config --file-list",
        writes="-w --dump-config",
    ),
    "vale": Tool(
        "vale",
        flags="--no-exit --no-wrap --no-global --ignore-syntax",
        values="--output=line --output=JSON --output=CLI --minAlertLevel --ext --glob --filter",
        files="--config",
        building="sync ls-config",
    ),
    "sqlfluff": Tool(
        "sqlfluff",
        "Bash(sqlfluff lint:*)",
        subcommands={
            "lint": Tool(
                "sqlfluff",
                flags="""-v --verbose -n --nocolor --disable-progress-bar --disable-noqa --nofail -q --quiet
                --ignore-local-config --warn-unused-ignores""",
                values="""-d --dialect -f --format -r --rules -e --exclude-rules -p --processes -i
                --ignore --encoding""",
                files="--config",
                writes="--persist-timing",
                fresh="--bench",
            )
        },
        building="fix format",
    ),
    "terraform": _terraform("terraform"),
    "tofu": _terraform("tofu"),
    "tflint": Tool(
        "tflint",
        flags="--recursive --no-color --force",
        files="-c --config --chdir --var-file",
        values="-f --format --enable-rule --disable-rule --only --minimum-failure-severity --filter",
        writes="--act-as-bundled-plugin",
    ),
    "buf": Tool(
        "buf",
        "Bash(buf lint:*), Bash(buf format --diff:*)",
        subcommands={
            "lint": Tool(
                "buf", files="--config --path --exclude-path", values="--error-format", marks="@ + buf.build/ .git"
            ),
            "format": Tool(
                "buf",
                needs="--exit-code -d --diff",
                flags="--exit-code -d --diff",
                files="--config --path --exclude-path",
                writes="-w -o",
            ),
        },
        building="generate push build",
    ),
    "luacheck": Tool(
        "luacheck",
        flags="-q --codes --ranges --no-color --no-cache",
        values="--std --globals --ignore --only --formatter",
        files="--config",
        writes="--cache",
    ),
    "stylua": Tool(
        "stylua",
        "Bash(stylua --check:*)",
        needs="--check",
        flags="--check --verify --respect-ignores --allow-hidden",
        files="-f --config-path",
        values="-g --glob --color --num-threads --syntax --output-format",
    ),
    "selene": Tool(
        "selene",
        flags="-q --quiet --no-summary --allow-warnings",
        files="--config",
        values="--display-style --color",
        building="generate-roblox-std update-roblox-std",
    ),
    "editorconfig-checker": Tool(
        "editorconfig-checker",
        flags="-no-color",
        values="-exclude -format",
        files="-config",
        dashed=True,
        ordered=True,
    ),
    "ansible-lint": Tool(
        "ansible-lint",
        "Bash(ansible-lint --offline:*)",
        needs="--offline",
        flags="-q --quiet --offline --nocolor --force-color -s --strict",
        values="-x --skip-list -t --tags -f --format -w --warn-list --exclude --profile --enable-list",
        files="-c --config-file -i --ignore-file -r --rules-dir --project-dir",
        writes="--sarif-file --generate-ignore",
    ),
    "nixfmt": Tool("nixfmt", "Bash(nixfmt --check:*)", needs="--check -c", flags="--check -c", values="-w --width"),
    "alejandra": Tool(
        "alejandra", "Bash(alejandra --check:*)", needs="--check -c", flags="--check -c -q", values="-e --exclude"
    ),
    "jsonlint": Tool("jsonlint", flags="-q -c -p", files="-V", writes="-i --in-place"),
}
