"""What an event loads and never runs, held by what a profiler sees in the real process.

A module is idle where none of its functions was called. Packages, and modules that have no function of their own but
constants, classes and exceptions, are not counted.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import skillcache
from skillcache.core.paths import hooks_folder

PACKAGE = Path(skillcache.__file__).parent
# Runs a script as the client does, and tells at its end, however that comes, whose functions were called.
SEEN = """
import posix, sys
report, script, *words = sys.argv[1:]
called = set()
def see(frame, event, _arg):
    code = frame.f_code
    if event == "call" and code.co_flags & 1:  # the body of a module or a class is no function
        back = frame.f_back
        if code.co_name[0] != "<" or back.f_code.co_name != "<module>":
            called.add(code.co_filename)
        if code.co_name == "__init__" and code.co_filename.endswith("/core/__init__.py"):  # it makes records for others
            called.add(sys.modules[type(next(iter(frame.f_locals.values()))).__module__].__file__)
def telling(end):
    def tell(*arguments):
        sys.setprofile(None)
        loaded = [m.__spec__.origin for n, m in list(sys.modules.items()) if n.startswith("skillcache.")]
        handle = posix.open(report, posix.O_WRONLY | posix.O_CREAT, 0o600)
        posix.write(handle, repr((loaded, sorted(called))).encode())
        end(*arguments)
    return tell
posix._exit, posix.execve = telling(posix._exit), telling(posix.execve)
sys.argv = [script, *words]
with open(script, "rb") as file:
    code = compile(file.read(), script, "exec")
sys.setprofile(see)
exec(code, {"__name__": "__main__", "__file__": script})
"""


def has_functions(path: str) -> bool:
    return any(isinstance(node, ast.FunctionDef) for node in ast.parse(Path(path).read_text()).body)


class Way(NamedTuple):
    """Modules, by their names below the package."""

    loaded: set[str]
    idle: set[str]


class Place:
    """A project, and a home folder in which sessions are recorded."""

    def __init__(self, base: Path) -> None:
        self.base, self.project, self.program = base, base / "project", base / "bin" / "pytest"
        self.project.mkdir()
        self.program.parent.mkdir()
        subprocess.run(["git", "init", "-q", str(self.project)], check=True)
        self.program.write_text("#!/bin/sh\necho 3 passed\n")
        self.program.chmod(0o755)
        (self.project / "count.sh").write_text("#!/bin/sh\necho 12\n")
        (self.project / "count.sh").chmod(0o755)
        self.environ = {
            "PATH": f"{self.program.parent}:{os.environ['PATH']}",
            "HOME": str(base),
            "CLAUDE_PROJECT_DIR": str(self.project),
            "CLAUDE_ENV_FILE": str(base / "env"),
            "SKILLCACHE_VERIFY": "0",
        }

    def way(self, script: str, *words: str, told: dict[str, object] | None = None) -> Way:
        report = self.base / "report"
        report.unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", SEEN, str(report), f"{hooks_folder()}/{script}", *words],
            cwd=self.project,
            input=json.dumps(told or {}),
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stderr == ""
        loaded, called = ast.literal_eval(report.read_text())
        own = {path for path in loaded if not path.endswith("/__init__.py")}
        idle = {path for path in own - set(called) if has_functions(path)}
        return Way(set(map(named, own)), set(map(named, idle)))

    def stand_in(self) -> Way:
        self.environ["SKILLCACHE_MIN_DURATION"] = "0"  # else one that is known to be quick is not looked up
        return self.way("stand_in.py", "", str(self.program), "pytest", "-q")

    def event(self, name: str, /, script: str = "record.py", **more: Any) -> Way:
        common = {"session_id": "s", "cwd": str(self.project), "hook_event_name": name}
        return self.way(script, told={**common, **more})

    def observed(self) -> Way:
        self.environ["SKILLCACHE_MIN_DURATION"] = "0"  # what was touched since a long run began would not be stored
        return self.bash("PostToolUse", "record.py", 5, "./count.sh --all")

    def bash(self, name: str, script: str, duration: int = 5, command: str = "git push --force") -> Way:
        return self.event(
            name,
            script,
            tool_name="Bash",
            tool_input={"command": command},
            tool_use_id="toolu_1",
            tool_response={"stdout": "done", "stderr": "", "interrupted": False, "isImage": False},
            duration_ms=duration,
        )


def named(path: str) -> str:
    return str(Path(path).relative_to(PACKAGE).with_suffix("")).replace("/", ".")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path)
    found.event("SessionStart", "session_start.py", source="startup")  # which makes the folders
    return found


A_HANDFUL = 5
OF_A_HIT = 40  # modules, at most


def test_a_profiler_sees_what_is_idle(place: Place) -> None:
    way = place.event("Stop")
    assert {"events.record", "events.runtime", "settings.in_force", "sessions.delivery"} <= way.loaded - way.idle
    assert "core.processes" in way.idle  # whose functions start and know them


@pytest.mark.parametrize("source", ["clear", "resume"])
def test_a_start_runs_what_it_loads(place: Place, source: str) -> None:
    assert len(place.event("SessionStart", "session_start.py", source=source).idle) < A_HANDFUL


@pytest.mark.parametrize(
    ("name", "more"),
    [("UserPromptSubmit", {"prompt": "mend it"}), ("Stop", {}), ("SessionEnd", {"reason": "clear"})],
)
def test_an_event_of_a_session_runs_what_it_loads(place: Place, name: str, more: dict[str, Any]) -> None:
    assert len(place.event(name, **more).idle) < A_HANDFUL


@pytest.mark.parametrize("name", ["PreToolUse", "PostToolUse"])
def test_the_hooks_of_other_tools_load_next_to_nothing_for_a_command(place: Place, name: str) -> None:
    way = place.bash(name, "pre_tool_use.py" if name == "PreToolUse" else "post_tool_use.py")
    assert len(way.idle) < A_HANDFUL
    assert len(way.loaded) < 20


@pytest.mark.parametrize(("command", "duration"), [("git push --force", 5), ("git push --force", 60_000)])
def test_the_record_of_a_command_runs_what_it_loads(place: Place, command: str, duration: int) -> None:
    assert len(place.bash("PostToolUse", "record.py", duration, command).idle) < A_HANDFUL


def test_what_a_rule_names_is_not_looked_at_for_one(place: Place) -> None:
    way = place.bash("PostToolUse", "record.py", 60_000, "pytest -q")
    assert len(way.idle) < A_HANDFUL
    assert "events.observe" in way.loaded
    assert "events.sighting" not in way.loaded


def test_what_may_be_worth_a_rule_is_looked_at(place: Place) -> None:
    way = place.observed()
    assert "events.sighting" in way.loaded - way.idle
    assert len(way.idle) < A_HANDFUL


def test_a_stand_in_runs_what_it_loads(place: Place) -> None:
    miss, hit = place.stand_in(), place.stand_in()
    assert "commands.record" in miss.loaded - miss.idle
    assert "commands.replay" in hit.loaded - hit.idle
    assert (len(miss.idle) < A_HANDFUL, len(hit.idle) < A_HANDFUL) == (True, True), (miss.idle, hit.idle)
    assert len(hit.loaded) <= OF_A_HIT


if __name__ == "__main__":  # the table
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        here = Place(Path(folder))
        first = here.event("SessionStart", "session_start.py", source="startup")
        ways = {
            "SessionStart, first": first,
            "SessionStart": here.event("SessionStart", "session_start.py", source="clear"),
            "UserPromptSubmit": here.event("UserPromptSubmit", prompt="mend it"),
            "PreToolUse of Bash": here.bash("PreToolUse", "pre_tool_use.py"),
            "PostToolUse of Bash": here.bash("PostToolUse", "post_tool_use.py"),
            "Bash, recorded": here.bash("PostToolUse", "record.py"),
            "Bash, slow, refused": here.bash("PostToolUse", "record.py", 60_000),
            "Bash, slow, named": here.bash("PostToolUse", "record.py", 60_000, "pytest -q"),
            "Bash, slow, observed": here.observed(),
            "Stop": here.event("Stop"),
            "SessionEnd": here.event("SessionEnd", reason="clear"),
            "stand-in, miss": here.stand_in(),
            "stand-in, hit": here.stand_in(),
        }
        rows = [(what, len(way.loaded), len(way.loaded - way.idle), sorted(way.idle)) for what, way in ways.items()]
        sys.stdout.writelines(
            f"{what:28} {all_:4} {run:4} {len(idle):4}  {' '.join(idle)}\n" for what, all_, run, idle in rows
        )
