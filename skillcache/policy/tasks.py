"""Tasks that people name in package.json, a Makefile or a justfile, judged by their names."""

from skillcache.errors import Bypass
from skillcache.outcome import COMMAND_WRITES, OUTSIDE

# One of these makes it a report...
_TESTS = frozenset(
    ["test", "tests", "unit", "unittest", "unittests", "spec", "specs", "pytest", "vitest", "jest", "mocha"]
)
_LINTS = frozenset(
    """lint lints linter linting eslint oxlint biome ruff flake8 pylint clippy vet golangci shellcheck markdownlint
    stylelint actionlint rubocop hadolint yamllint staticcheck credo phpstan psalm""".split()  # noqa: SIM905
)
_TYPES = frozenset("typecheck types type typing typings tsc mypy pyright typechecking astrocheck".split())  # noqa: SIM905
_CHECKS = frozenset(["check", "checks", "checking", "verify", "validate"])
_FORMATS = frozenset("format fmt formatting prettier gofmt rustfmt style black isort shfmt gofumpt goimports".split())  # noqa: SIM905
NAMED = frozenset([*_TESTS, *_LINTS, *_TYPES, *_CHECKS, *_FORMATS])
# ... and none of these may be in it.
_WRITES = frozenset(
    """fix fixes fixup autofix write update updates upgrade watch watcher dev develop start serve server build builds
    rebuild compile bundle dist deploy release publish install uninstall setup bootstrap init generate gen codegen
    regen clean reset snapshot snapshots record bless golden goldens migrate migration migrations seed push pull up
    down ui open debug inspect headed coverage cov report reports html docs doc docker compose container podman
    commit add new create make prepare pre post precommit sync save accept approve overwrite bump version tag
    fmtfix lintfix format-write storybook preview apply destroy image images""".split()  # noqa: SIM905
)
_LIVE = frozenset(
    """e2e live smoke integration acceptance remote staging prod production network load stress perf performance bench
    benchmark benchmarks fuzz fuzzing browser cypress playwright external cloud db database canary nightly flaky soak
    mutation chaos visual percy changed affected staged since all k8s cluster env deps audit outdated
    links vulnerability vuln security govulncheck online""".split()  # noqa: SIM905
)


def kind(name: str) -> str:
    """`test`, `lint`, `types`, `format` or `check`; nothing for another name; Bypass for one that does more."""
    parts = _parts(name)
    for part in parts:
        if part in _WRITES:
            raise Bypass(COMMAND_WRITES, name)
    found = ""
    for names, word in ((_TESTS, "test"), (_LINTS, "lint"), (_TYPES, "types"), (_CHECKS, "check")):
        if not names.isdisjoint(parts):
            found = word
            break
    if not _FORMATS.isdisjoint(parts):
        if found not in ("check", "lint") and "diff" not in parts:
            raise Bypass(COMMAND_WRITES, name)
        found = "format"
    if found:
        for part in parts:
            if part in _LIVE:
                raise Bypass(OUTSIDE, f"{name} may depend on more than files")
    return found


def _parts(name: str) -> list[str]:
    """`//apps/api:test:unit`, `test-unit` and `testUnit` alike, in lower case."""
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
