"""A small real project with a person who works in it: a git repository, a home folder, hooks installed, a client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skillcache.cli.checks.client import Client, Session
from skillcache.cli.checks.messages_api import Request, ToolCall, Turn, bash
from skillcache.core import counts
from tests import ready

# `-qq` leaves the time out of what pytest prints, so two runs print the same bytes.
PYTEST = "pytest -qq"

# Of the variable's name nothing is spelled whole: what a text reads by a variable is an input.
FILES = {
    ".gitignore": "__pycache__/\n.pytest_cache/\n",
    "pytest.ini": "[pytest]\ntestpaths = test_sum.py\n",
    "test_sum.py": """\
import os


def test_sum() -> None:
    with open(os.environ["E2E_" + "LOG"], "a") as runs:
        runs.write("pytest\\n")
    assert 1 + 1 == 2
""",
    "sub/test_product.py": """\
import os


def test_product() -> None:
    with open(os.environ["E2E_" + "LOG"], "a") as runs:
        runs.write("pytest in sub\\n")
    assert 2 * 2 == 4
""",
    # A command of the project's own: says what its folder's file `answer` says, ends with the status in `status`.
    "check": """\
#!/bin/sh
echo "check $*" >> "$E2E_LOG"
cat "$(dirname "$0")/answer"
exit "$(cat "$(dirname "$0")/status")"
""",
    "answer": "all is well\n",
    "status": "0\n",
}

CHECK_RULE = '[[rules]]\nmatch = "Bash(./check:*)"\n'
# A tool of mcp_server.py, and the rule that names it.
COUNT = ToolCall("mcp__words__count_words", {"text": "one two three"})
MCP_RULE = '\n[[rules]]\nmatch = "mcp__words__count_words"\n'


class Place:
    """`root` holds everything: the project `project`, the home `home`, and `runs`, where real runs leave a line."""

    def __init__(self, root: Path, claude: str) -> None:
        self.root = root
        self.home = root / "home"
        self.project = root / "project"
        self.runs = root / "runs"
        self.client = Client(
            claude,
            self.home,
            {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "SHELL": "/bin/bash",  # as a login sets it: without it the client takes zsh, where there is one
                "E2E_LOG": str(self.runs),
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "SKILLCACHE_MIN_DURATION": "0",
                "SKILLCACHE_VERIFY": "0",
                "SKILLCACHE_CAPTURE_TIME": "60",  # a busy machine decides no test
                "SKILLCACHE_RECORD_SESSIONS": "0",  # those tests switch it on that are about sessions
            },
        )

    def make(self) -> None:
        """Put the project and the home folder there, without hooks."""
        (self.home / "tmp").mkdir(parents=True)
        (self.home / ".gitconfig").write_text(
            "[user]\nname = Somebody\nemail = somebody@example.org\n[init]\ndefaultBranch = main\n"
        )
        for name, text in FILES.items():
            self.write(name, text)
        (self.project / "check").chmod(0o755)
        self.configure(CHECK_RULE)
        self.git("init", "--quiet")
        self.commit()

    def write(self, name: str, text: str | bytes, project: Path | None = None) -> None:
        path = (project or self.project) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    def configure(self, text: str) -> None:
        """Make `text` the person's own configuration."""
        path = self.home / ".config/skillcache/config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def servers(self) -> Path:
        """A file that gives a session the server `words`, of mcp_server.py."""
        path = self.home / "servers.json"  # above the project it would be an input
        command = {"command": sys.executable, "args": [str(Path(__file__).parent / "mcp_server.py")]}
        path.write_text(json.dumps({"mcpServers": {"words": command}}))
        return path

    def git(self, *args: str, project: Path | None = None) -> str:
        return self._tool("git", *args, cwd=project)

    def commit(self, message: str = "a step") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)

    def skillcache(self, *args: str) -> str:
        """What the command prints, run by this person in this project."""
        status, out, err = ready.skillcache(*args, folder=self.project, environ=self.client.environment())
        assert status == 0, f"{args}: {out}{err}"
        return out

    def play(self, *turns: Turn | list[str], **options: Any) -> Session:
        """One session; a turn that is a text is one Bash call, a list of texts a batch of parallel ones."""
        project = options.pop("project", self.project)
        agents = {key: [as_turn(turn) for turn in script] for key, script in options.pop("agents", {}).items()}
        return self.client.run(project, [as_turn(turn) for turn in turns], agents=agents, **options)

    def count(self) -> int:
        """How often a command of the project, or a tool of the server, really ran."""
        return len(self.runs.read_text().splitlines()) if self.runs.exists() else 0

    def replayed(self) -> int:
        """How many commands and calls were answered with a recorded result so far."""
        return self.outcomes().count("replayed")

    def outcomes(self) -> list[str]:
        """What became of the calls so far, by the names of the table of outcomes."""
        return [count.outcome.name for count in counts.read(str(self.home / ".cache/skillcache"))]

    def processes(self, running: str = "") -> list[int]:
        """The processes of this person; `running`: a part of their command lines."""
        mark = f"HOME={self.home}\0".encode()
        found = []
        for path in Path("/proc").iterdir():
            if path.name.isdecimal():
                try:
                    is_ours = mark in (path / "environ").read_bytes() + b"\0"
                    if is_ours and running.encode() in (path / "cmdline").read_bytes():
                        found.append(int(path.name))
                except OSError:  # gone meanwhile, or another's
                    continue
        return found

    def _tool(self, *command: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            command,
            cwd=cwd or self.project,
            env=self.client.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout


def agent(prompt: str) -> ToolCall:
    """The call that gives a subagent its task and waits for it."""
    task = {"description": "a task", "prompt": prompt, "subagent_type": "general-purpose"}
    return ToolCall("Agent", {**task, "run_in_background": False})


def after(change: Callable[[], object], turn: Turn | list[str]) -> Turn:
    """`turn`, once the world has changed."""

    def changed(_request: Request) -> Turn:
        change()
        return as_turn(turn)

    return changed


def as_turn(turn: Turn | list[str]) -> Turn:
    if isinstance(turn, str):
        return bash(turn)
    if isinstance(turn, list):
        return [bash(call) if isinstance(call, str) else call for call in turn]
    return turn


def pass_a_minute(home: Path) -> None:
    """For what was read from Redis."""
    for path in (home / ".cache/skillcache/near").iterdir():
        os.utime(path, (time.time() - 61, time.time() - 61))
