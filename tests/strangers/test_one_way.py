"""There is one way from our code to git, and one to the files of a stranger's repository."""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import skillcache
from skillcache.core.git import Git
from skillcache.core.outcomes import Bypass
from skillcache.core.processes import TooMuch, gather, start

if TYPE_CHECKING:
    from tests.strangers.world import Stranger

PACKAGE = Path(skillcache.__file__).parent
# These name git where nothing is started: as words of a line that is judged, of a folder, of a check.
NAMING = {
    *("cli/checks/installation.py", "fingerprint/capture.py", "fingerprint/configuration.py", "fingerprint/index.py"),
    *(
        "fingerprint/worktree.py",
        "commands/ahead/harmless.py",
        "cli/run.py",
        "commands/observed.py",
        "fingerprint/usual.py",
        "cli/skill/sight.py",
        "cli/skill/python_sight.py",
        "fingerprint/above.py",
        "fingerprint/git_state.py",
        "fingerprint/mention_text.py",
    ),
}
# These open what is ours alone, or what the person has named to us, or they write.
OPENING = {
    "core/bytecode.py": "our own bytecode",
    "cli/checks/folder.py": "our own file",
    "cli/checks/installation.py": "our own bytecode",
    "cli/checks/proof.py": "our own file",
    "cli/demo.py": "writes",
    "cli/explain.py": "the event that the person names",
    "cli/help.py": "our own files",
    "cli/skill/propose.py": "writes",
    "cli/skill/rehearsal.py": "files of its own making",
    "cli/setup/settings_file.py": "writes",
    "cli/install.py": "writes",
    "cli/tail.py": "our own file",
    "cache/history.py": "our own file",
    "core/files.py": "the one way",
    "events/runtime.py": "the null device",
    "messages/arrival.py": "our own file",
    "tools/inflight.py": "writes",
    "cli/setup/bundle.py": "our own files",
    "cli/setup/__init__.py": "our own metadata",
    "cli/checks/client.py": "a file of its own making",
    "commands/child.py": "the person's terminal",
    "commands/way.py": "writes",
    "commands/ahead/keeper.py": "the null device, and what it was handed",
    "commands/ahead/known.py": "the null device",
    "commands/ahead/running.py": "our own file",
    "commands/ahead/start.py": "our own file",
    "commands/ahead/tree.py": "our own file",
    "commands/streams.py": "the null device",
    "sessions/delivery.py": "our own file",
    "stores/sqlite_file.py": "our own file",
    "core/counts.py": "our own file",
    "cache/put.py": "the machine's id",
    "commands/readers.py": "the null device",
    "fingerprint/traced.py": "our own file",
}


def sources() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield str(path.relative_to(PACKAGE)), ast.parse(path.read_text())


def test_nothing_else_names_git() -> None:
    naming = {
        name
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in ("git", b"git")
    }
    assert naming == {"core/git.py", *NAMING}


def test_nothing_else_opens_files() -> None:
    opening = {name for name, tree in sources() for node in ast.walk(tree) if _opens(node)}
    assert opening == set(OPENING)


def _opens(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    if isinstance(called, ast.Name):
        return called.id == "open"
    if not isinstance(called, ast.Attribute):
        return False
    of = called.value.id if isinstance(called.value, ast.Name) else ""
    return called.attr in {"read_text", "read_bytes"} or (called.attr == "open" and of in {"os", "io", "posix"})


@pytest.mark.long
def test_every_git_that_anything_starts_has_the_switches(stranger: Stranger) -> None:
    stranger.write(".gitattributes", "*.txt filter=x\n")
    stranger.write("a.txt", "1\n")
    stranger.commit()
    stranger.configure('[filter "x"]\n\tclean = cat\n')
    log = stranger.watch_git()

    stranger.look_in_every_way()
    stranger.write("c.txt", "1\n")
    stranger.commit()
    stranger.skillcache("explain", "--", "pytest", "-q")  # what two commits have changed
    stranger.write("b.txt", "1\n")
    stranger.skillcache("demo")

    seen: set[str] = set()
    for words, variables in stranger.gits(log):
        if "user.name=A" in words:  # the stranger's own
            continue
        assert variables["GIT_ALLOW_PROTOCOL"] == ""
        assert variables["GIT_NO_LAZY_FETCH"] == "1"
        assert variables["GIT_OPTIONAL_LOCKS"] == "0"
        command = next(word for word in words if word in COMMANDS)
        seen.add(command)
        if command == "init":
            assert "--template=" in words
            continue
        for option in (
            "core.fsmonitor=",
            "core.hooksPath=/dev/null",
            "protocol.allow=never",
            "submodule.recurse=false",
        ):
            assert words[words.index(option) - 1] == "-c"
        if command == "config" or words[1] != str(stranger.root):
            continue  # it converts nothing, and asks for what the others switch off
        off = {variables[f"GIT_CONFIG_KEY_{at}"] for at in range(int(variables["GIT_CONFIG_COUNT"]))}
        assert {"filter.x.clean", "filter.x.process", "filter.x.required"} <= off
    assert seen == set(COMMANDS)


COMMANDS = ("config", "diff-files", "diff-tree", "grep", "init", "log", "ls-files", "status")


def test_what_the_person_sets_in_the_environment_stays(stranger: Stranger) -> None:
    stranger.configure('[filter "x"]\n\tclean = cat\n')
    given = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.autocrlf", "GIT_CONFIG_VALUE_0": "input"}
    git = Git(str(stranger.root), stranger.environ | given, time.monotonic() + 60)
    assert git.settings()[b"core.autocrlf"] == b"input"
    assert git.run("config", "core.autocrlf") == b"input\n"
    assert git.run("config", "filter.x.clean") == b"\n"


@pytest.mark.parametrize("count", ["x", "-1", "1_0"])
def test_what_git_would_not_understand_is_not_asked(stranger: Stranger, count: str) -> None:
    with pytest.raises(Bypass):
        Git(str(stranger.root), stranger.environ | {"GIT_CONFIG_COUNT": count}, time.monotonic() + 60).run("status")


def test_more_filters_than_can_be_switched_off(stranger: Stranger) -> None:
    stranger.configure("".join(f'[filter "x{number}"]\n\tclean = cat\n' for number in range(501)))
    stranger.write("a.txt", "1\n")
    stranger.call()
    assert stranger.counted() == ["uncapturable"]


def test_no_output_is_without_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skillcache.core.processes._MOST", 1 << 20)
    child = start(sys.executable, ["python", "-c", "while True: print('y' * 4096)"], {})
    with pytest.raises(TooMuch):
        gather([child], time.monotonic() + 60)
    assert child.status == -9
