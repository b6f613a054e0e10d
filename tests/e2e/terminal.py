"""The client as a person has it: in a terminal, by tmux."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from skillcache.cli.checks.messages_api import Api
from tests.conftest import require_program, until
from tests.e2e.plugin import Plugged
from tests.e2e.project import Place

TERM = "xterm-256color"  # commands are told, and a result holds for no other
_SIZE = (120, 40)
_FREELY = ("--dangerously-skip-permissions",)
_PROMPT = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"


class Terminal:
    """Runs while it is entered. `runtime`: a folder with a short path, for the socket."""

    def __init__(
        self,
        place: Place,
        api: Api,
        runtime: Path,
        *,
        size: tuple[int, int] = _SIZE,
        options: Sequence[str] = _FREELY,
    ) -> None:
        configuration = runtime / "tmux.conf"
        # The client gives advice in its own lines where it is told nothing of the focus.
        configuration.write_text(f"set -g default-terminal {TERM}\nset -g focus-events on\n")
        self._tmux = [require_program("tmux"), "-S", str(runtime / "tmux"), "-f", str(configuration)]
        self._place = place
        self._environ = {**place.client.environment(), "ANTHROPIC_BASE_URL": api.url, "TERM": TERM}
        plugin = ["--plugin-dir", str(place.folder)] if isinstance(place, Plugged) else []
        self._command = [place.client.binary, *options, *plugin]
        self._size = size

    def __enter__(self) -> Self:
        _greet(self._place)
        width, height = map(str, self._size)
        self._do("new-session", "-d", "-x", width, "-y", height, "-c", str(self._place.project), *self._command)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do("kill-server")

    def screen(self) -> str:
        return self._do("capture-pane", "-p")

    def painted(self) -> str:
        """The screen with its colours, as escape sequences."""
        return self._do("capture-pane", "-e", "-p")

    def press(self, key: str) -> None:
        self._do("send-keys", key)

    def resize(self, width: int, height: int) -> None:
        self._do("resize-window", "-x", str(width), "-y", str(height))

    def type(self, text: str) -> None:
        self._do("send-keys", "-l", text)

    def say(self, text: str) -> None:
        """Type `text`, once the client listens, and enter it."""
        until(lambda: self._typed() is not None)
        self.type(text)
        until(lambda: self._typed() == text)
        self.press("Enter")

    def _typed(self) -> str | None:
        """What stands behind the client's prompt; None where there is none."""
        lines = [line for line in self.screen().splitlines() if line.startswith(_PROMPT)]
        return lines[-1].removeprefix(_PROMPT).strip() if lines else None

    def _do(self, *words: str) -> str:
        done = subprocess.run(
            [*self._tmux, *words],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout


def _greet(place: Place) -> None:
    """What the client asks at its first start is answered."""
    state = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": ["not-a-key"], "rejected": []},
        "bypassPermissionsModeAccepted": True,
        "projects": {str(place.project): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}},
    }
    (place.home / ".claude.json").write_text(json.dumps(state))
    path = place.home / ".claude/settings.json"
    path.parent.mkdir(exist_ok=True)
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**known, "skipDangerousModePermissionPrompt": True}))
