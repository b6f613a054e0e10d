"""A project with the observing tool: commands through the shims of a session, other calls through hook processes."""

import atexit
import json
import shlex
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from skillcache.commands.shims.session import prepare
from skillcache.core import counts as tally
from skillcache.core.outcomes import HIT, SkillcacheError
from skillcache.settings.in_force import load
from skillcache.stores.entry import decode, encode
from tests import ready
from tests.fidelity.hooks import bare_python, observing, path_of_machine, run_hook

HOOKS = Path(__file__).parents[2] / "hooks"
_first: list[Path] = []  # the project of the first place
_FILES = ("app.py", "tests/test_app.py", "sub/mod.py", "sub/data.txt", "notes.txt")


class Ran(NamedTuple):
    """What the model reads of a line."""

    status: int
    text: str


class Place:
    """One project in two worktrees, one person, one machine."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.root = base / "workshop"
        self.other_root = base.with_name(f"{base.name}-afar") / "annexe"
        self.cache = base / "cache"
        self.environ = {
            "PATH": f"{base}/bin:{base}/python/bin:{path_of_machine()}",
            "HOME": str(base / "home"),
            "LANG": "C.UTF-8",
            "USER": "someone",
            "SKILLCACHE_HOME": str(self.cache),
            "SKILLCACHE_MIN_DURATION": "0",
            "SKILLCACHE_VERIFY": "0",
            "SKILLCACHE_CAPTURE_TIME": "30",
            "OBSERVER_COUNTER": str(base / "counter"),
            "GIT_CONFIG_GLOBAL": str(base / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self.number = 0
        self._files: dict[tuple[str, Path], Path] = {}
        (base / "home").mkdir()
        (base / "gitconfig").write_text("[user]\nname = x\nemail = x@x\n[init]\ndefaultBranch = main\n")
        self._make_tools()
        self._make_roots()

    def _folder(self, name: str) -> Path:
        (folder := self.base / name).mkdir()
        return folder

    def _make_tools(self) -> None:
        source = observing(self._folder("notes")).replace("LOOKS_AROUND = True", "LOOKS_AROUND = False")
        self.python = bare_python(self.base / "python")
        (self.base / "bin").mkdir()
        for name in ("pytest", "ruff", "mypy"):
            path = self.base / "bin" / name
            path.write_text(f"#!{self.python} -IS\n{source}")
            path.chmod(0o755)

    def _make_roots(self) -> None:
        if not _first:  # a copy is made in a tenth of the time
            _first.append(self._make_root(Path(tempfile.mkdtemp(prefix="workshop-"))))
        shutil.copytree(_first[0], self.root)
        self.git("worktree", "add", "-q", "--detach", str(self.other_root))

    def _make_root(self, root: Path) -> Path:
        atexit.register(shutil.rmtree, root)
        for name in _FILES:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("one\n")
        (root / ".gitignore").write_text(".env\nbuild/\n.venv/\n__pycache__/\n.pytest_cache/\n")
        for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "first")):
            self.git("-C", str(root), *words, root=self.base)
        return root

    def git(self, *arguments: str, root: Path | None = None) -> None:
        subprocess.run(["git", *arguments], cwd=root or self.root, env=self.environ, capture_output=True, check=True)

    def settings(self, text: str) -> None:
        path = Path(self.environ["HOME"], ".config/skillcache/config.toml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self._files.clear()  # a session that begins now knows them

    def claude_settings(self, **content: object) -> None:
        path = Path(self.environ["HOME"], ".claude/settings.json")
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))

    # Commands.

    def call(self, line: str, *, session: str = "s1", root: Path | None = None, **variables: str) -> tuple[Ran, bool]:
        """What the model reads, and whether something in the line was served."""
        root = root or self.root
        before = len(self.counts())
        file = self._file(session, root)
        spliced = file.read_text() if file.exists() else ":"
        done = subprocess.run(
            ["bash", "-c", f"{spliced}\n: && eval {shlex.quote(line)} < /dev/null"],
            cwd=root,
            env={**self.environ, "CLAUDE_PROJECT_DIR": str(root), "CLAUDE_CODE_SESSION_ID": session, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        served = any(count.outcome.kind == HIT for count in self.counts()[before:])
        return Ran(done.returncode, done.stdout), served

    def run(self, line: str, root: Path | None = None) -> Ran:
        """Without us."""
        done = subprocess.run(
            ["bash", "-c", line], cwd=root or self.root, env=self.environ, capture_output=True, text=True, check=False
        )
        return Ran(done.returncode, done.stdout + done.stderr)

    def _file(self, session: str, root: Path) -> Path:
        """What a session's start has written for its Bash calls."""
        known = self._files.get((session, root))
        if known is None:
            known = self._files[session, root] = self.base / f"session-{len(self._files)}.sh"
            environ = self.environ | {"CLAUDE_PROJECT_DIR": str(root), "CLAUDE_ENV_FILE": str(known)}
            with suppress(SkillcacheError, OSError):  # as the hook: a session with a fault begins all the same
                settings = load(environ, str(root))
                if not settings.flag("disable"):
                    prepare(environ, str(root), session, settings)
        return known

    def age(self, seconds: float) -> None:
        """What is stored was recorded so much earlier."""
        with sqlite3.connect(self.cache / "store.sqlite3") as file:
            for key, value in file.execute("SELECT key, value FROM entries WHERE key LIKE 'skill_cache:%'").fetchall():
                entry = decode(value, details=True)
                entry.finished -= int(seconds * 1000)
                entry.started -= int(seconds * 1000)
                file.execute("UPDATE entries SET value = ? WHERE key = ?", (encode(entry), key))
        file.close()

    # Calls of other tools.

    def before(
        self, tool: str, tool_input: Mapping[str, object], *, session: str = "s1", **fields: object
    ) -> dict[str, Any]:
        self.number += 1
        return {
            "hook_event_name": "PreToolUse",
            "session_id": session,
            "cwd": str(self.root),
            "permission_mode": "default",
            "tool_name": tool,
            "tool_input": dict(tool_input),
            "tool_use_id": f"toolu_{self.number}",
            **fields,
        }

    def ask(self, event: Mapping[str, Any], *, shift: float = 0) -> dict[str, Any]:
        return run_hook("pre_tool_use.py", event, self._hook_environ(), shift=shift)

    def tell(self, event: Mapping[str, Any], response: object, *, shift: float = 0) -> None:
        ended = {**event, "hook_event_name": "PostToolUse", "tool_response": response, "duration_ms": 900}
        assert run_hook("post_tool_use.py", ended, self._hook_environ(), shift=shift) == {}

    def give(self, script: str, data: bytes) -> tuple[int, bytes, bytes]:
        """Exit status and output of a hook that is given these bytes."""
        return ready.hook(script, data, self._hook_environ())

    def _hook_environ(self) -> dict[str, str]:
        return {"CLAUDE_PROJECT_DIR": str(self.root), **self.environ}

    def counts(self) -> list[tally.Count]:
        return tally.read(str(self.cache))

    def counted(self) -> list[str]:
        """The names of all outcomes so far, oldest first."""
        return [count.outcome.name for count in self.counts()]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
