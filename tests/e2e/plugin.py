"""A project whose person has the plugin, for tests of the real client."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from skillcache.cli.checks.client import Session
from skillcache.cli.checks.messages_api import Request, Turn
from tests.e2e.project import Place, as_turn

SECONDS = 50.0  # for a server to come up, on a busy machine
# Of the mod: a machine so busy that the server is late must not decide a test that is not about time.
_HASTY, _PATIENT = "const PATIENCE = 150 ", "const PATIENCE = 5_000 "
_REST, _BRIEF_REST = "const REST = 10_000 ", "const REST = 300 "
_END = 10.0  # and to hear how a call has ended; of one in the background it hears nothing
_NOTE = "tool.call hook additional context: "


class Plugged(Place):
    """`runtime`: a short path of a folder of its own, where servers listen; `folder`: of the plugin.

    As it is laid out, its mod is patient, and where a test says so it soon starts again a server that has ended.
    """

    def __init__(self, root: Path, claude: str, runtime: Path) -> None:
        super().__init__(root, claude)
        self.runtime = runtime
        self.client.env["XDG_RUNTIME_DIR"] = str(runtime)
        self.folder = root / "plugin"
        self.is_patient = True
        self.rests_briefly = False

    def lay_out(self) -> None:
        """The plugin for the person's configuration as it is now."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.skillcache("plugin-path").strip(), self.folder)
        module = self.folder / "hooks/register.js"
        text = module.read_text()
        assert text.count(_HASTY) == text.count(_REST) == 1
        if self.is_patient:
            text = text.replace(_HASTY, _PATIENT)
        if self.rests_briefly:
            text = text.replace(_REST, _BRIEF_REST)
        module.write_text(text)

    def configure(self, text: str) -> None:
        super().configure(text)
        if (self.project / ".git").exists():
            self.lay_out()

    def play(self, *turns: Turn | list[str], **options: Any) -> Session:
        """The first turn waits until the session's server listens, where the plugin is loaded.

        A session has the MCP server of `servers`.
        """
        options.setdefault("mcp_config", self.servers())
        first, *rest = turns
        if options.setdefault("plugin", self.folder) and not options.pop("at_once", False):
            before = set(self.sockets())
            return super().play(self.once_served(first, before), *rest, self.once_heard, **options)
        return super().play(first, *rest, **options)

    def sockets(self) -> list[str]:
        """Where servers listen."""
        folder = self.runtime / "skillcache"
        return [path.name for path in folder.iterdir() if path.is_socket()] if folder.exists() else []

    def once_served(self, turn: Turn | list[str], before: set[str]) -> Turn:
        def served(_request: Request) -> Turn:
            began = time.monotonic()
            while not set(self.sockets()) - before:
                assert time.monotonic() - began < SECONDS, "no server came up"
                time.sleep(0.01)
            # Until the mod has read where it listens, which nobody else sees: as slow as the machine was until here.
            time.sleep(0.1 + (time.monotonic() - began) / 2)
            return as_turn(turn)

        return served

    def once_heard(self, _request: Request) -> Turn:
        """The end of the session, when the server has heard how its calls ended: the mod does not wait for it there."""
        ends = time.monotonic() + _END
        waiting = self.home / ".cache/skillcache/pending"
        while waiting.exists() and any(waiting.iterdir()) and time.monotonic() < ends:
            time.sleep(0.01)
        return "done"


def notes(session: Session) -> list[str]:
    """What the model was told beside answers of the plugin, in the order in which it received them."""
    # Those of one batch of calls come joined into one text.
    parts = [part for note in session.requests[-1].notes() for part in f"\n\n{note}".split(f"\n\n{_NOTE}")[1:]]
    return [part for part in parts if part.startswith("skillcache")]
