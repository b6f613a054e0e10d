"""What a project's build files say that a run depends on besides the content: read as text, and generously.

Options that make a report depend on the last run, commands that read git's own state, paths that lead out of the
project. A word too many costs a run or a miss.
"""

import os

from skillcache import outcome
from skillcache.digest import digest_parts
from skillcache.errors import Bypass
from skillcache.fingerprint.files import Budget, follow, tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PYTEST = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg", "pyproject.toml")
# These may name folders beside the project that its tools read.
_MANIFESTS = (
    *_PYTEST,
    *("package.json", "tsconfig.json", "Cargo.toml", "go.mod", "go.work", "composer.json", "pom.xml", "mypy.ini"),
    *("settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts", "jest.config.js"),
    *("jest.config.ts", "vitest.config.ts", "vite.config.ts", "eslint.config.js", "eslint.config.mjs"),
)
_TASKS = (
    *("Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", ".justfile", "Taskfile.yml", "Taskfile.yaml"),
    *("mise.toml", "mise.local.toml", ".mise.toml", ".mise.local.toml", "Rakefile", "deno.json", "tasks.py"),
)
_GOLANGCI = (".golangci.yml", ".golangci.yaml", ".golangci.toml", ".golangci.json")
_LAST_RUN = frozenset(
    (
        *(b"--lf", b"--last-failed", b"--ff", b"--failed-first", b"--nf", b"--new-first", b"--sw", b"--stepwise"),
        *(b"--picked", b"--testmon", b"--cov-append"),
    )
)
_READS_GIT = frozenset(
    (
        *(b"diff", b"log", b"status", b"describe", b"show", b"branch", b"tag", b"blame", b"shortlog", b"stash"),
        *(b"rev-parse", b"rev-list", b"merge-base", b"name-rev", b"symbolic-ref", b"show-ref", b"for-each-ref"),
        *(b"ls-files", b"ls-tree", b"diff-index", b"diff-files", b"diff-tree", b"cat-file", b"remote", b"reflog"),
    )
)
_ABOUT_GIT = (b"--changed", b"onlyChanged", b"lastCommit", b"--affected", b"nx affected", b"--since", b"new-from-")
_BETWEEN = b" \t\r\n\"'`,;:=()[]{}<>|&@"
_BLANKS = bytes.maketrans(_BETWEEN, b" " * len(_BETWEEN))


class Said:
    """git: whether a task may read git's own state; outside: real paths of what is named outside the project."""

    __slots__ = ("git", "outside")

    def __init__(self) -> None:
        self.git = False
        self.outside: set[str] = set()


def read(
    root: str,
    folders: "Iterable[str]",
    environ: "Mapping[str, str]",
    budget: Budget,
    *,
    words: "Iterable[str]",
    any_: bool,
) -> Said:
    """`folders`: those of the command and all above them up to `root`; `any_`: the words may run any task.

    COMMAND_FRESH where pytest is always told to go by the last run.
    """
    said = Said()
    if _LAST_RUN.intersection(environ.get("PYTEST_ADDOPTS", "").encode("utf-8", "surrogateescape").split()):
        raise Bypass(outcome.COMMAND_FRESH, "PYTEST_ADDOPTS")
    names: tuple[str, ...] = (*_MANIFESTS, *_TASKS, *_GOLANGCI) if any_ else _MANIFESTS
    if "golangci-lint" in words and not any_:
        names += _GOLANGCI
    for folder in folders:
        for name in names:
            path = f"{folder}/{name}"
            text = follow(path, budget) if os.access(path, os.F_OK) else None
            if text is None:
                continue
            if name in _PYTEST and b"addopts" in text and _LAST_RUN.intersection(_added(text)):
                raise Bypass(outcome.COMMAND_FRESH, f"{path} has pytest go by the last run")
            if (any_ or name in _GOLANGCI) and not said.git:
                said.git = _reads_git(text)
            if b"../" in text:
                said.outside.update(_leading_out(text, folder, root, folders_too=name in _MANIFESTS))
    return said


def state_of_git(folder: str, shared: str, listing: bytes, budget: Budget) -> str:
    """Digest of what git commands tell: HEAD and the index of the worktree's `folder`, the references of all."""
    parts = [listing]
    parts += [follow(f"{place}/{name}", budget) or b"" for place, name in ((folder, "HEAD"), (shared, "packed-refs"))]
    return digest_parts([*parts, tree(f"{shared}/refs", budget, lambda _path, _directory: False).encode()])


def _added(text: bytes) -> list[bytes]:
    """The words of the value of `addopts`, which goes on in lines that are indented or only close it."""
    _, _, after = text.partition(b"addopts")
    first, *rest = after.split(b"\n")
    lines = [first]
    for line in rest:
        if line[:1] not in (b" ", b"\t", b"]", b'"', b"'", b"-", b"#", b"", b"\r"):
            break
        lines.append(line)
    return b"\n".join(line for line in lines if not line.lstrip().startswith(b"#")).translate(_BLANKS).split()


def _reads_git(text: bytes) -> bool:
    if any(word in text for word in _ABOUT_GIT):
        return True
    if b"git" not in text:
        return False
    words = text.translate(_BLANKS).split()
    following = [words[at] for at, word in enumerate(words[:-1], 1) if word == b"git"]
    return any(word in _READS_GIT or word.startswith(b"-") for word in following)


def _leading_out(text: bytes, folder: str, root: str, *, folders_too: bool) -> set[str]:
    """What exists at the relative paths in `text` that leave the project; folders around the project are none."""
    found = set()
    for word in {word for word in text.translate(_BLANKS).split() if b"../" in word and len(word) < 1_000}:
        path = os.path.realpath(os.path.join(folder, os.fsdecode(word[word.index(b"../") :]).partition("*")[0]))
        if f"{path}/".startswith(f"{root}/") or f"{root}/".startswith(f"{path.rstrip('/')}/"):
            continue
        if os.path.isfile(path) or (folders_too and os.path.isdir(path)):
            found.add(path)
        elif os.path.isfile(f"{path}.json"):  # what a tsconfig.json extends
            found.add(f"{path}.json")
    return found
