"""Tasks that people name in package.json, a Makefile or a justfile, judged by what they are called as a whole.

A name is read in parts (`test:unit`, `test-unit`, `testUnit`). Each part must be a word of these lists, and one of them
a word that makes it a report: `test`, `lint:ci`, `type-check`, `format:check`, `backend:test`. A name with any other
part (`upload-test`, `test-data`) says nothing that is sure.
"""

from skillcache.errors import Bypass
from skillcache.outcome import COMMAND_WRITES, OUTSIDE

# One of these makes it a report...
_TESTS = frozenset(
    """test tests testing unit unittest unittests spec specs pytest vitest jest mocha bats rspec phpunit""".split()  # noqa: SIM905
)
_LINTS = frozenset(
    """lint lints linter linting eslint oxlint biome ruff flake8 pylint clippy vet golangci shellcheck markdownlint
    stylelint actionlint rubocop hadolint yamllint staticcheck credo phpstan psalm""".split()  # noqa: SIM905
)
_TYPES = frozenset("typecheck types type typing typings tsc mypy pyright typechecking astrocheck".split())  # noqa: SIM905
_CHECKS = frozenset(["check", "checks", "checking", "verify", "validate"])
_FORMATS = frozenset("format fmt formatting prettier gofmt rustfmt style black isort shfmt gofumpt goimports".split())  # noqa: SIM905
_KINDS = ((_FORMATS, "format"), (_TESTS, "test"), (_LINTS, "lint"), (_TYPES, "types"), (_CHECKS, "check"))
NAMED = frozenset([*_TESTS, *_LINTS, *_TYPES, *_CHECKS, *_FORMATS])
# ... and these may stand with it: how it is run...
_HOW = frozenset(["ci", "run", "only", "quick", "fast", "strict", "code"])
# ... and of what, where that is not asked of a mere check: `server:check` may ask a server.
_WHERE = frozenset(
    """js ts jsx tsx javascript typescript css scss html json yaml yml toml md markdown mdx py python rs rust cargo go
    golang gomod sh shell bash php ruby node frontend backend web app core lib libs cli src pkg package packages
    """.split()  # noqa: SIM905
)
# Why a name with such a part is refused.
_WRITES = frozenset(
    """fix fixes fixup autofix write update updates upgrade watch watcher dev develop start serve server build builds
    rebuild compile bundle dist deploy release publish install uninstall setup bootstrap init generate gen codegen
    regen clean reset snapshot snapshots record bless golden goldens migrate migration migrations seed push pull up
    down ui open debug inspect headed coverage cov report reports docs doc docker compose container podman
    commit add new create make prepare pre post precommit sync save accept approve overwrite bump version tag
    fmtfix lintfix format-write storybook preview apply destroy image images upload delete drop remove restart stop
    send""".split()  # noqa: SIM905
)
_LIVE = frozenset(
    """e2e live smoke integration acceptance remote staging prod production network load stress perf performance bench
    benchmark benchmarks fuzz fuzzing browser cypress playwright external cloud db database canary nightly flaky soak
    mutation chaos visual percy changed affected staged since all k8s cluster env deps audit outdated health
    links vulnerability vuln security govulncheck online""".split()  # noqa: SIM905
)


def kind(name: str) -> str:
    """`test`, `lint`, `types`, `format` or `check`; nothing for another name; Bypass for one that surely does more."""
    parts = _parts(name)
    found = _form(parts)
    if not found:
        _refuse(name, parts)
    return found


def _form(parts: list[str]) -> str:
    found = ""
    for names, word in _KINDS:
        if not names.isdisjoint(parts):
            found = word
            break
    if found == "format" and _CHECKS.isdisjoint(parts) and _LINTS.isdisjoint(parts) and "diff" not in parts:
        return ""
    for part in parts:
        if part in NAMED or part in _HOW or (part == "diff" and found == "format"):
            continue
        if part not in _WHERE or found == "check":
            return ""
    return found


def _refuse(name: str, parts: list[str]) -> None:
    if not _WRITES.isdisjoint(parts):
        raise Bypass(COMMAND_WRITES, name)
    if not NAMED.isdisjoint(parts) and not _LIVE.isdisjoint(parts):
        raise Bypass(OUTSIDE, f"{name} may depend on more than files")
    if not _FORMATS.isdisjoint(parts) and _CHECKS.isdisjoint(parts):
        raise Bypass(COMMAND_WRITES, name)


def _parts(name: str) -> list[str]:
    """`test:unit`, `test-unit` and `testUnit` alike, in lower case."""
    parts: list[str] = []
    part = ""
    for character in name:
        if character in ":-_./@+":
            parts.append(part)
            part = ""
        elif character.isupper() and part and part[-1].islower():
            parts.append(part)
            part = character.lower()
        else:
            part += character.lower()
    parts.append(part)
    return parts
