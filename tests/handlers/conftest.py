"""A project with the observing tool, and calls that go through the real hook processes."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from skillcache import tally
from tests.fidelity.hooks import Ran, event_after, event_before, run_command, run_hook
from tests.fidelity.world import World

HOOKS = Path(__file__).parents[2] / "hooks"


class Place:
    """One project, one person, one machine; `call` runs a command as the client would."""

    def __init__(self, base: Path) -> None:
        self.world = World(base, "", Random(0))
        self.base = base
        self.root = self.world.roots[0]
        self.other_root = self.world.roots[1]
        self.environ = self.world.environ
        self.cache = Path(self.environ["SKILLCACHE_HOME"])
        self.number = 0

    def settings(self, text: str) -> None:
        path = Path(self.environ["HOME"], ".config/skillcache/config.toml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def claude_settings(self, **content: object) -> None:
        path = Path(self.environ["HOME"], ".claude/settings.json")
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))

    def before(
        self, command: str, *, session: str = "s1", root: Path | None = None, **fields: object
    ) -> dict[str, Any]:
        self.number += 1
        event = event_before(command, str(root or self.root), f"toolu_{self.number}", session)
        return {**event, **fields}

    def ask(self, event: Mapping[str, Any], *, shift: float = 0) -> dict[str, Any]:
        environ = {"CLAUDE_PROJECT_DIR": str(self.root), **self.environ}
        return run_hook("pre_tool_use.py", event, environ, shift=shift)

    def run(self, command: str, root: Path | None = None) -> Ran:
        return run_command(command, str(root or self.root), self.environ)

    def tell(self, event: Mapping[str, Any], ran: Ran, *, duration: int = 2_000, shift: float = 0) -> None:
        script, after = event_after(event, ran, duration)
        environ = {"CLAUDE_PROJECT_DIR": str(self.root), **self.environ}
        assert run_hook(script, after, environ, shift=shift) == {}

    def call(
        self, command: str, *, session: str = "s1", root: Path | None = None, duration: int = 2_000, shift: float = 0,
        **fields: object,
    ) -> tuple[Ran, bool]:  # fmt: skip
        """What the model sees, and whether it was served."""
        event = self.before(command, session=session, root=root, **fields)
        answer = self.ask(event, shift=shift)
        if answer:
            return self.run(answer["hookSpecificOutput"]["updatedInput"]["command"], root), True
        ran = self.run(command, root)
        self.tell(event, ran, duration=duration, shift=shift)
        return ran, False

    def counted(self) -> list[str]:
        """The names of all outcomes so far, oldest first."""
        return [count.outcome.name for count in tally.read(str(self.cache))]

    def give(self, script: str, data: bytes) -> tuple[int, bytes, bytes]:
        """Exit status and output of a hook that is given these bytes."""
        environ = {"CLAUDE_PROJECT_DIR": str(self.root), **self.environ}
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(HOOKS / script)],
            input=data, capture_output=True, env=environ, timeout=30, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
