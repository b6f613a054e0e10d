"""The border between what a hook touches and the rest, held by what fresh interpreters really import."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import skillcache
from skillcache.cli.setup.entries import EVENTS
from skillcache.core import bytecode
from skillcache.core.paths import hooks_folder

PACKAGE = Path(skillcache.__file__).parent

# What a hook cannot afford before it knows that a slow command is at hand. Milliseconds that an import adds to the 8.4
# of `python -I -S -c pass` (CPython 3.11): json 9, nearly all of it re; socket 4.4, where _socket is free; hashlib 3.8,
# where _blake2 is; sqlite3 5; typing 4.6; pathlib 4.8; subprocess 7.3; logging 9.3; dataclasses 11.8; click 32;
# pydantic 89; redis 145.
FORBIDDEN = frozenset(
    [
        "typing",
        "dataclasses",
        "logging",
        "pathlib",
        "subprocess",
        "argparse",
        "re",
        "json",
        "socket",
        "hashlib",
        "sqlite3",
        "enum",
        "functools",
        "contextlib",
        "collections",
        "shutil",
        "tempfile",
        "glob",
        "fnmatch",
        "shlex",
        "signal",
        "threading",
        "tomllib",
        "click",
        "redis",
        "pydantic",
    ]
)
# Modules of the command line and the library: no hook may ever import them.
COLD = (
    "__main__",
    "cache.invalidation",
    "cli",
    "commands.observed",
    "core.json_spans",
    "core.scope",
    "events.server",
    "fingerprint.traced",
    "library",
    "messages.live",
    "messages.sending",
    "stores.patterns",
    "stores.pooled",
    "stores.redis_cluster",
    "stores.redis_py",
    "stores.scan",
    "tools.explanation",
)
# Modules that a hook imports only behind a command that took its time, or when a file of the person has changed.
LATE = (
    "cache.verify",
    "commands.candidate",
    "commands.filters",
    "core.credentials.assignment",
    "core.credentials.find",
    "core.credentials.judgement",
    "core.credentials.shapes",
    "events.observe",
    "events.sighting",
    "messages.signed",
    "sessions.signed",
    "settings.configuration",
    "settings.team",
    "stores.signed",
    "stores.tls",
    "tools.record",
)


def test_the_kept_bytecode_is_of_nothing_that_no_hook_imports() -> None:
    assert set(bytecode.COLD) == {
        name.replace(".", "/") for name in COLD if PACKAGE.joinpath(*name.split(".")).is_dir()
    } | {"__main__"}


def test_what_is_named_here_is_a_module() -> None:
    assert set(COLD) | set(LATE) <= set(modules())


def modules() -> Iterator[str]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix("__init__").removesuffix(".")
        if name and not name.startswith("hooks"):
            yield name


def is_in(name: str, tier: tuple[str, ...]) -> bool:
    return any(name == member or name.startswith(member + ".") for member in tier)


WARM = [name for name in modules() if not is_in(name, COLD)]
HOT = [name for name in WARM if not is_in(name, LATE)]


# Of an interpreter that finds none of our kept bytecode: what comes from there is no import that shows.
OPTIONS = ("-X", f"pycache_prefix={tempfile.gettempdir()}/skillcache-borders-{os.getuid()}", "-X", "importtime")


def imported_by(*arguments: str, event: dict[str, object] | None = None, home: Path | None = None) -> set[str]:
    """The modules that a bare interpreter imports beyond its own start."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", *OPTIONS, *arguments],
        input=json.dumps(event or {}),
        env={"PATH": os.environ["PATH"], "HOME": str(home or "/nonexistent")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


# Each in a fork of an interpreter that has imported nothing yet.
_EACH = """
import os, sys
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
for name in sys.argv[2:]:
    child = os.fork()
    if not child:
        __import__(f"skillcache.{name}")
        print(name, *sorted(set(sys.modules) - before), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_a_hot_module_imports_nothing_dear() -> None:
    words = [sys.executable, "-I", "-S", "-c", _EACH, str(PACKAGE.parent), *HOT]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)

    found = {name: set(imported) for name, *imported in map(str.split, done.stdout.splitlines())}

    assert sorted(found) == sorted(HOT), done.stderr
    for name, imported in found.items():
        assert f"skillcache.{name}" in imported
        assert imported & FORBIDDEN == set(), name
        assert [each for each in imported if is_in(each.removeprefix("skillcache."), COLD)] == [], name


def test_nothing_that_a_hook_may_import_names_a_cold_module() -> None:
    for name in WARM:
        path = PACKAGE.joinpath(*name.split("."))
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")

        named = set()
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name}: relative imports hide what is imported"
                named |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}

        assert [each for each in named if is_in(each.removeprefix("skillcache."), COLD)] == [], name


def bash_event(name: str, command: str, folder: Path) -> dict[str, object]:
    return {
        "session_id": "s",
        "cwd": str(folder),
        "hook_event_name": name,
        "tool_name": "Bash",
        "tool_input": {"command": command},
        "tool_use_id": "toolu_1",
        "tool_response": {"stdout": "", "stderr": "", "interrupted": False, "isImage": False},
        "error": "Exit code 1",
        "duration_ms": 5,
    }


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("command", ["git push --force", "pytest -q", "cd sub && pytest | tail -3", "echo $(date)"])
def test_a_hook_imports_nothing_dear(event: str, command: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    script = f"{hooks_folder()}/{EVENTS[event]}"

    imported = imported_by(script, event=bash_event(event, command, project), home=tmp_path)

    assert "skillcache.events.runtime" in imported
    assert "skillcache.events.tool_use" in imported
    assert imported & FORBIDDEN == set()
    assert [name for name in imported if is_in(name.removeprefix("skillcache."), (*COLD, *LATE))] == []


def test_a_bash_call_costs_the_hooks_of_other_tools_no_look(tmp_path: Path) -> None:
    told = bash_event("PreToolUse", "git push --force origin tests", tmp_path)

    imported = imported_by(f"{hooks_folder()}/pre_tool_use.py", event=told, home=tmp_path)

    assert "skillcache.tools.before" not in imported


@pytest.mark.parametrize("event", EVENTS)
def test_a_hook_on_another_tool_imports_little(event: str, tmp_path: Path) -> None:
    told = {**bash_event(event, "", tmp_path), "tool_name": "Read", "tool_input": {"file_path": "/x"}}

    imported = imported_by(f"{hooks_folder()}/{EVENTS[event]}", event=told, home=tmp_path)

    assert imported & FORBIDDEN == set()


def test_the_resident_server_waits_for_nothing_that_only_a_redis_client_needs() -> None:
    """It is up when the first call comes, also where its Python lacks every package but ours."""
    code = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); import skillcache.events.server.serve"

    imported = imported_by("-c", code)

    assert "skillcache.events.server.calls" in imported
    assert imported & {"redis", "asyncio", "click", "pydantic", "skillcache.stores.pooled"} == set()


class Shell:
    """A project with a program that reports, and what a stand-in imports for it."""

    def __init__(self, base: Path) -> None:
        self.project, self.program, self.home = base / "project", base / "pytest", base / "home"
        for folder in (self.project, self.home):
            folder.mkdir()
        subprocess.run(["git", "init", "-q", str(self.project)], check=True)
        self.program.write_text("#!/bin/sh\necho 3 passed\n")
        self.program.chmod(0o755)
        self.environ = {
            "PATH": f"{base}:/usr/bin:/bin",
            "HOME": str(self.home),
            "SKILLCACHE_CAPTURE_TIME": "60",
            "SKILLCACHE_MIN_DURATION": "0",
            "SKILLCACHE_VERIFY": "0",
        }

    def imported_for(self, *words: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-I", "-S", *OPTIONS, f"{hooks_folder()}/stand_in.py", "", str(self.program), *words],
            cwd=self.project,
            stdin=subprocess.DEVNULL,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout == "3 passed\n"
        return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


def test_a_stand_in_imports_nothing_dear(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    miss, hit, unknown = (shell.imported_for("pytest", word) for word in ("-q", "-q", "--pdb"))

    assert (hit | unknown) & FORBIDDEN == set()  # what was run is searched for credentials, and that takes `re`
    assert [name for name in miss | hit if is_in(name.removeprefix("skillcache."), COLD)] == []
    assert "skillcache.core.credentials.find" in miss
    of_runs = (
        *("core.credentials.find", "cache.single_flight", "cache.put", "commands.child"),
        *("commands.record", "fingerprint.changes"),
    )
    assert [name for name in hit if is_in(name.removeprefix("skillcache."), (*LATE, *of_runs))] == []
    looked = ("fingerprint.changes", "stores.sqlite", "commands.way")
    assert [name for name in unknown if is_in(name.removeprefix("skillcache."), looked)] == []


def test_a_switched_off_hook_imports_next_to_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", *OPTIONS, f"{hooks_folder()}/pre_tool_use.py"],
        input="{}",
        env={"SKILLCACHE_DISABLE": "1", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "skillcache.events.tool_use" not in done.stderr
    assert list(tmp_path.iterdir()) == []
