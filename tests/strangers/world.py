"""A repository that came from a stranger, and all of ours that looks at one: hooks, stand-ins, commands, processes."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from pathlib import Path
from typing import Any

from skillcache.core import counts
from tests import ready
from tests.fidelity.bash_tool import BashTool, Ran
from tests.fidelity.hooks import run_hook

_COMMAND = "pytest -q"
_CONFIG = "verify = 0\nmin_duration = 0\ncapture_time = 30\n"
_PROGRAM = '#!/bin/sh\ncat "$(dirname "$0")/said"\n'
# What a script on PATH names is an input of whoever may start it: the folder is spelled from its end.
_GIT = """#!/bin/sh
{ printf '%s\\0' "$@"; printf '\\0'; env -0 | grep -z '^GIT_'; } > "$(echo GOL | rev)/$$"
exec REAL "$@"
"""


class Stranger:
    """`root`: their repository; `mark`: words that leave a mark when git runs them, in whatever way."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.root = base / "project"
        self.home = base / "home"
        self.marks = base / "marks"
        for folder in (self.root, self.home, self.marks, base / "bin"):
            folder.mkdir()
        self._mark = self._program("mark", f'#!/bin/sh\n: > "{self.marks}/$1"\nexec cat\n')
        self._program("pytest", _PROGRAM)
        (base / "bin/said").write_text(f"passed in {self.root}\n")
        self.environ = {
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PATH": f"{base}/bin:{os.environ['PATH']}",
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        config = self.home / ".config/skillcache/config.toml"  # what a project says of the environment is no matter
        config.parent.mkdir(parents=True)
        config.write_text(_CONFIG)
        self.cache = self.home / ".cache/skillcache"
        self._tool = BashTool(base)
        self.git("init", "-q")

    def _program(self, name: str, text: str) -> Path:
        path = self.base / "bin" / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def mark(self, name: str) -> str:
        return f"{self._mark} {name}"

    def program(self, name: str) -> Path:
        """The same as a program, which git may talk to in vain."""
        return self._program(name, f'#!/bin/sh\n: > "{self.marks}/{name}"\nexit 1\n')

    def sprung(self) -> set[str]:
        """The marks so far, which are taken away."""
        found = {path.name for path in self.marks.iterdir()}
        for name in found:
            (self.marks / name).unlink()
        return found

    def git(self, *words: str, cwd: Path | None = None, given: str = "", fails: bool = False) -> str:
        """The person's own git, which is to make what the stranger has made."""
        login = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
        done = subprocess.run(
            ["git", *login, "-c", "protocol.file.allow=always", *words],
            cwd=cwd or self.root, env=self.environ, input=given, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert fails or done.returncode == 0, done.stderr
        return done.stdout.strip()

    def on_a_terminal(self, *words: str) -> None:
        ours, its = pty.openpty()
        with subprocess.Popen(["git", *words], cwd=self.root, env=self.environ, stdout=its, stderr=its) as child:
            os.close(its)
            try:
                while os.read(ours, 4096):
                    pass
            except OSError:
                pass
            child.wait(60)
        os.close(ours)

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def configure(self, text: str | bytes, place: str = ".git/config") -> None:
        with (self.root / place).open("ab") as file:
            file.write(text.encode() if isinstance(text, str) else text)

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-qm", "theirs")
        return self.git("rev-parse", "HEAD")

    def arm(self, root: Path | None = None) -> None:
        """Leave every file as it is, but with a time that makes git compare its content."""
        for path in (root or self.root).rglob("*"):
            if path.is_file() and ".git" not in path.relative_to(self.root).parts:
                os.utime(path, (1, 1))

    def watch_git(self) -> Path:
        """From now on every git that is started from the path writes down its words and what GIT_ variables it has."""
        log, real = self.base / "gits", shutil.which("git")
        log.mkdir()
        self._program("git", _GIT.replace("GOL", str(log)[::-1]).replace("REAL", str(real)))
        return log

    @staticmethod
    def gits(log: Path) -> list[tuple[list[str], dict[str, str]]]:
        """The words and the GIT_ variables of each git that was started."""
        found = []
        for file in log.iterdir():
            words, _, variables = file.read_bytes().partition(b"\0\0")
            pairs = [item.partition(b"=")[::2] for item in variables.split(b"\0") if item]
            given = {os.fsdecode(name): os.fsdecode(value) for name, value in pairs}
            found.append(([os.fsdecode(word) for word in words.split(b"\0")], given))
        return found

    # What of ours looks at a repository.

    def record_a_session(self) -> None:
        self._hook("session_start.py", "SessionStart", "s0", source="startup")
        self._hook("record.py", "UserPromptSubmit", "s0", prompt="make it faster")
        for path in ("a.txt", "new.txt"):
            given = {"file_path": str(self.root / path)}
            self._hook("record.py", "PostToolUse", "s0", tool_name="Edit", tool_input=given, tool_response={})
        self._hook("record.py", "SessionEnd", "s0", reason="other")

    def begin_a_session(self, session: str = "s1") -> str:
        """What its model is told; what its Bash calls are given is kept."""
        answer = self._hook("session_start.py", "SessionStart", session, source="startup")
        return str(answer["hookSpecificOutput"]["additionalContext"]) if answer else ""

    def call(self, session: str = "s1") -> Ran:
        """A Bash call of the client's, in a session that has begun."""
        file = self._env_file(session)
        if not file.exists():
            self.begin_a_session(session)
        preamble = file.read_text() if file.exists() else ""
        ran = self._tool.run(_COMMAND, str(self.root), self._environ(), session=session, preamble=preamble)
        assert (ran.status, ran.text) == (0, (self.base / "bin/said").read_text())
        return ran

    def skillcache(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = ready.skillcache(*words, folder=self.root, environ=self.environ)
        return subprocess.CompletedProcess(words, *done)

    def look_in_every_way(self) -> None:
        """All that ever starts git: a brief, a call that is recorded and one that is answered, explaining, `run`."""
        self.record_a_session()
        self.begin_a_session()
        self.call()
        self.call()
        self.write("a.txt", "2\n")
        self.skillcache("explain", "--", _COMMAND)
        self.skillcache("run", "--", "pytest", "-q")
        self.write("a.txt", "1\n")

    def counted(self) -> list[str]:
        """What the calls came to; a busy machine may cut short what a process does once all is stored."""
        found = [count.outcome.name for count in counts.read(str(self.cache))]
        return [name for name in found if name != "time_up"]

    def _environ(self) -> dict[str, str]:
        return {**self.environ, "CLAUDE_PROJECT_DIR": str(self.root)}

    def _hook(self, script: str, name: str, session: str, **fields: Any) -> dict[str, Any]:
        told = {"session_id": session, "cwd": str(self.root), "hook_event_name": name, **fields}
        given = {"CLAUDE_ENV_FILE": str(self._env_file(session))} if name == "SessionStart" else {}
        return run_hook(script, told, {**self._environ(), **given})

    def _env_file(self, session: str) -> Path:
        return self.base / f"{session}.env"
