"""What real tools say of their options, for the tests of the tables that read them.

`python -m tests.option_lists` asks each tool on PATH for its help and writes its row of tests/data/options.jsonl anew;
the rows of tools that are not there stay. A row: the words that ask, the version, the options as the tool prints them,
by whether one takes a value: "none", "value", or "maybe" where the value may be left out; "unsaid" where that is not
told.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROWS = Path(__file__).parent / "data" / "options.jsonl"
# A tool, as the tables name it: the words that print its options, when not `--help`, and those that print its version.
ASKED: dict[str, tuple[str, ...]] = {
    "pytest": ("pytest --help", "pytest --version"),
    "ruff check": ("ruff check --help", "ruff --version"),
    "ruff format": ("ruff format --help", "ruff --version"),
    "ty check": ("ty check --help", "ty --version"),
    "pyrefly check": ("pyrefly check --help", "pyrefly --version"),
    "unittest": ("python3 -m unittest --help", "python3 --version"),
    "unittest discover": ("python3 -m unittest discover --help", "python3 --version"),
    "doctest": ("python3 -m doctest --help", "python3 --version"),
    "pylint": ("pylint --long-help", "pylint --version"),
    "manage.py test": ("django-admin test --help", "django-admin --version"),
    "manage.py check": ("django-admin check --help", "django-admin --version"),
    "sqlfluff lint": ("sqlfluff lint --help", "sqlfluff --version"),
    "taplo check": ("taplo check --help", "taplo --version"),
    "taplo format": ("taplo format --help", "taplo --version"),
    "jest": ("jest --help", "jest --version"),
    "tsc": ("tsc --all", "tsc --version"),
    "tsgo": ("tsgo --all", "tsgo --version"),
    "astro check": ("astro check --help", "astro --version"),
    "biome check": ("biome check --help", "biome --version"),
    "biome lint": ("biome lint --help", "biome --version"),
    "biome format": ("biome format --help", "biome --version"),
    "biome ci": ("biome ci --help", "biome --version"),
    "deno test": ("deno test --help=full", "deno --version"),
    "deno lint": ("deno lint --help=full", "deno --version"),
    "deno check": ("deno check --help=full", "deno --version"),
    "deno fmt": ("deno fmt --help=full", "deno --version"),
    "bun test": ("bun test --help", "bun --version"),
    "cspell": ("cspell lint --help", "cspell --version"),
    "cargo check": ("cargo check --help", "cargo --version"),
    "cargo clippy": ("cargo clippy --help", "cargo clippy --version"),
    "cargo test": ("cargo test --help", "cargo --version"),
    "cargo fmt": ("cargo fmt --help", "cargo fmt --version"),
    "rustfmt": ("rustfmt --help", "rustfmt --version"),
    "go test": ("go help testflag", "go version"),
    "go build": ("go help build", "go version"),
    "gofmt": ("gofmt --help", "go version"),
    "shfmt": ("shfmt --help", "shfmt --version"),
    "cppcheck": ("cppcheck --help", "cppcheck --version"),
    "clang-tidy": ("clang-tidy --help-hidden", "clang-tidy --version"),
    "clang-format": ("clang-format --help-hidden", "clang-format --version"),
    "uv run": ("uv run --help", "uv --version"),
    "poetry run": ("poetry run --help", "poetry --version"),
    "pdm run": ("pdm run --help", "pdm --version"),
    "hatch run": ("hatch --help", "hatch --version"),
    "pnpm": ("pnpm run --help", "pnpm --version"),
    "npm": ("npm run --help", "npm --version"),
    "yarn": ("yarn --help", "yarn --version"),
    "turbo": ("turbo run --help", "turbo --version"),
    "nx": ("nx run-many --help", "nx --version"),
    "lerna": ("lerna run --help", "lerna --version"),
    "invoke": ("invoke --help", "invoke --version"),
    "node": ("node --help", "node --version"),
    **{
        name: (f"{name} --help", f"{name} --version")
        for name in """mypy pyright basedpyright black isort flake8 bandit vulture pycodestyle pydocstyle pyflakes
        lint-imports deptry interrogate yamllint codespell typos ansible-lint vitest mocha ava eslint prettier vue-tsc
        tsd svelte-check oxlint oxfmt stylelint xo standard markdownlint markdownlint-cli2 knip depcheck madge htmlhint
        ember-template-lint jsonlint ctest shellcheck make just task poe timeout nice stdbuf env
        tail head cat wc nl tac sort uniq cut tr grep diff cmp basename dirname seq sed fold""".split()  # noqa: SIM905 - read as a list
    },
}
# What a help of these prints beside an option says nothing sure of its value.
_UNSAID = frozenset(
    """go-test go-build jest mocha ava eslint tsc tsgo vue-tsc tsd svelte-check standard xo knip depcheck lerna npm
    htmlhint stylelint nx bandit jsonlint clang-tidy""".split()  # noqa: SIM905
)
_NAME = r"--?[A-Za-z0-9][A-Za-z0-9_.-]*|-[?#]"
_OPTION = re.compile(rf"(?:\[no-\])?({_NAME})")
_VALUE = re.compile(r"\s*=\S|\s<|\s[A-Z][A-Z_0-9:|/.,-]*(\s|,|$)|\s\{|<|\s[a-z][\w.,-]*(\s{2,}|$|\s-)|\s[a-z_]+,")
_NEXT = re.compile(
    r"(?:\[?[= ]?(?:<[^>]*>|\{[^}]*\}|\[[^\]]*\]|\S*?))?\]?(?:\.\.\.)?(?:,\s*(?=[-\[])|\s\|\s|\s?/\s?|\s+(?=-))"
)


def options_of(text: str) -> dict[str, list[str]]:
    """The options of a help's text, each where its line begins; see the module."""
    found: dict[str, str] = {}
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    for line in re.sub(r"=\n\s+<", "=<", text).splitlines():
        begin = line.lstrip(" \t*│|")
        if not begin.startswith(("-", "[no-]", "--")):
            continue
        names, kind = _of_line(begin)
        for name in names:
            if found.get(name, "none") == "none":
                found[name] = kind
    return {kind: sorted(name for name, this in found.items() if this == kind) for kind in ("none", "value", "maybe")}


def _of_line(line: str) -> tuple[list[str], str]:
    names: list[str] = []
    kind = "none"
    at = 0
    while True:
        match = _OPTION.match(line, at)
        if match is None:
            break
        at = match.end()
        name = match[1].rstrip(".,-")
        names.append(name)
        rest = line[at:]
        if re.match(r"=?\s?\[[=<A-Za-z0-9]", rest):
            kind = "maybe"
        elif kind == "none" and _VALUE.match(rest):
            kind = "value"
        step = _NEXT.match(rest)
        if step is None:
            break
        at += step.end()
    return names, kind


def _asked(words: str) -> str:
    answer = subprocess.run(
        words.split(), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60
    )
    return answer.stdout + answer.stderr


def main() -> None:
    rows = {row["tool"]: row for row in map(json.loads, ROWS.read_text().splitlines())} if ROWS.exists() else {}
    for tool, (help_words, version_words) in ASKED.items():
        if shutil.which(help_words.split()[0]) is None or (sys.argv[1:] and tool not in sys.argv[1:]):
            continue
        version = re.search(r"\d+(\.\d+)+", _asked(version_words))
        found = options_of(_asked(help_words))
        if any(found.values()):
            if tool.replace(" ", "-") in _UNSAID:
                found = {"unsaid": sorted(option for options in found.values() for option in options)}
            rows[tool] = {"tool": tool, "asked": help_words, "version": version[0] if version else "", **found}
    ROWS.write_text("".join(json.dumps(rows[tool]) + "\n" for tool in sorted(rows)))


if __name__ == "__main__":
    main()
