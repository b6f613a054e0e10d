"""Who waits for whom, in sessions of the real client: for a run that is under way, and for no call that is none."""

from __future__ import annotations

import json
import os
import pty
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from fcntl import ioctl
from termios import TIOCSWINSZ

import pytest

from skillcache.probe.api import Api, Request, Turn
from tests.e2e.plugin import Plugged
from tests.e2e.project import Place

# Runs until there is a file `go`; the file is not in the project, so that it is no input.
SLOW = """\
#!/bin/sh
echo "check $*" >> "$E2E_RUNS"
while [ ! -e "$E2E_GO" ]; do sleep 0.05; done
cat "$(dirname "$0")/answer"
"""


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_call_that_was_refused_is_waited_for_by_nobody(place: Place) -> None:
    """The session whose call was refused goes on meanwhile."""
    ran: list[list[str]] = []

    def then(_request: Request) -> Turn:
        ran.append(place.play("./check").texts)
        return "done"

    place.play("./check", then, mode="dontAsk")
    assert ran == [["all is well"]]
    assert place.count() == 1
    assert place.outcomes() == ["no_entry", "no_entry", "stored"]


class Terminal:
    """The client as a person has it."""

    def __init__(self, place: Plugged, api: Api) -> None:
        trusted = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
        state = {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "customApiKeyResponses": {"approved": ["not-a-key"], "rejected": []},
            "bypassPermissionsModeAccepted": True,
            "projects": {str(place.project): trusted},
        }
        (place.home / ".claude.json").write_text(json.dumps(state))
        settings = place.home / ".claude/settings.json"
        settings.parent.mkdir(exist_ok=True)
        settings.write_text('{"skipDangerousModePermissionPrompt": true}')
        self.fd, theirs = pty.openpty()
        ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            [place.client.binary, "--dangerously-skip-permissions", "--plugin-dir", str(place.folder)],
            cwd=place.project,
            env={**place.client.environment(), "ANTHROPIC_BASE_URL": api.url, "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while os.read(self.fd, 1 << 16):
                pass
        except OSError:
            return

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def end(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)
        os.close(self.fd)


@pytest.mark.parametrize("key", ["\x1b", "\x03"], ids=["Esc", "interrupt"])
def test_a_call_that_the_person_stops_is_waited_for_by_nobody(plugged: Plugged, key: str) -> None:
    """The client goes on, and tells no hook of it."""
    plugged.client.env["E2E_GO"] = str(plugged.root / "go")
    plugged.write("check", SLOW)
    plugged.commit()
    with Api([plugged.once_served("./check", set())]) as api:
        terminal = Terminal(plugged, api)
        try:
            until(plugged.sockets)
            until(lambda: _asked(terminal, api))
            until(lambda: plugged.count() == 1)
            terminal.type(key)
            until(lambda: "interrupted" in plugged.outcomes())
            plugged.write("go", "", plugged.root)
            session = plugged.play("./check")
            assert terminal.process.poll() is None
        finally:
            terminal.end()
    assert session.texts == ["all is well"]
    assert plugged.count() == 2
    assert plugged.outcomes() == ["no_entry", "interrupted", "no_entry", "stored"]


def _asked(terminal: Terminal, api: Api) -> bool:
    """Whether the message has reached the model; what is typed before the client listens is lost."""
    if api.requests:
        return True
    terminal.type("go")
    time.sleep(0.5)
    terminal.type("\r")
    time.sleep(0.5)
    return bool(api.requests)


def test_a_session_that_was_killed_is_waited_for_by_nobody(plugged: Plugged) -> None:
    plugged.client.env["E2E_GO"] = str(plugged.root / "go")
    plugged.write("check", SLOW)
    plugged.commit()
    with Api([plugged.once_served("./check", set())]) as api:
        killed = plugged.client.start(plugged.project, api, plugin=plugged.folder)
        until(lambda: plugged.count() == 1)
        killed.kill()
        killed.communicate(timeout=20)
    plugged.write("go", "", plugged.root)
    assert plugged.play("./check").texts == ["all is well"]
    assert plugged.count() == 2
    assert plugged.outcomes()[-1] == "stored"
