"""Commands that only read: what was seen of their runs is remembered, and part of their keys from then on.

Where a person has said so (`observe`), a verifying run of one is followed by a run that nobody waits for, observed by
strace. What it finds is kept on this machine, by project and rule; the key of each later run names it, so that a result
recorded without is never taken for one with it.
"""

import os
import sys
import time

from skillcache.core import files, json
from skillcache.core.paths import observed_folder, package_folder
from skillcache.rules.rule import BUILT_IN, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_CAP = 1 << 20
_MOST = 200  # of each kind: a rule that reads more is not one to be listed
_SELDOM = 3_600  # seconds between two runs that are observed
# Rules whose commands report on what they read and do nothing else, so that they may run once more.
_NAMES = """
    ruff mypy pyright basedpyright pyrefly ty black isort flake8 pylint bandit vulture pycodestyle pydocstyle pyflakes
    interrogate eslint prettier tsc vue-tsc tsd biome oxlint oxfmt stylelint xo standard markdownlint markdownlint-cli2
    cspell htmlhint gofmt gofumpt goimports staticcheck revive rustfmt cargo-fmt ktlint detekt rubocop standardrb phpcs
    pint clang-format cppcheck swiftlint swiftformat shellcheck shfmt actionlint hadolint yamllint taplo codespell typos
    vale tflint luacheck stylua selene editorconfig-checker nixfmt alejandra jsonlint
"""
_READERS = frozenset(_NAMES.split())
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1));"
    " from skillcache.__main__ import main; sys.exit(main(sys.argv[1:]))"
)


def is_reader(rule: Rule) -> bool:
    return rule.origin == BUILT_IN and rule.name in _READERS


def remembered(cache: str, project: str, rule: Rule) -> Rule | None:
    """What was seen of the rule's commands in this project, as a rule that adds it. Raises OSError."""
    content = files.read(_path(cache, project, rule.name), _CAP)
    try:
        found = json.loads(content) if content else None
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    reads, tools = (_texts(found.get(kind)) for kind in ("reads", "tools"))
    return Rule(rule.name, rule.pattern, reads=reads, tools=tools, adds=True)


def remember(cache: str, project: str, rule: str, reads: "tuple[str, ...]", tools: "tuple[str, ...]") -> None:
    """Add to what is remembered; what was seen once is never taken out. Raises OSError."""
    known = remembered(cache, project, Rule(rule, ""))
    if known is not None:
        reads, tools = (*known.reads, *reads), (*known.tools, *tools)
    lists = {"reads": sorted({*reads})[:_MOST], "tools": sorted({*tools})[:_MOST]}
    files.write(_path(cache, project, rule), json.dumps(lists).encode())


def observe(
    cache: str, project: str, rule: Rule, words: "tuple[str, ...]", cwd: str, environ: "Mapping[str, str]"
) -> None:
    """Start a run that is observed, unless there was one lately; nobody waits for it. Raises OSError."""
    if sys.platform != "linux":
        return
    path = _path(cache, project, rule.name)
    try:
        if time.time() - os.stat(path).st_mtime < _SELDOM:
            return
    except FileNotFoundError:
        files.write(path, b"{}")
    os.utime(path)
    argv = [
        sys.executable,
        "-I",
        "-c",
        _START,
        os.path.dirname(package_folder()),
        "observe",
        "--remember",
        "--",
        *words,
    ]
    null = os.open(os.devnull, os.O_RDWR)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
        os.posix_spawn(sys.executable, argv, {**environ, "PWD": cwd}, file_actions=actions, setsid=True)
    finally:
        os.close(null)


def _texts(value: object) -> tuple[str, ...]:
    return tuple([each for each in value if isinstance(each, str) and each]) if isinstance(value, list) else ()


def _path(cache: str, project: str, rule: str) -> str:
    return files.small(observed_folder(cache), project, rule)
