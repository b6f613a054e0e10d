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

from skillcache.cli.checks.messages_api import Api, Request, Turn, bash
from tests.e2e.plugin import Plugged
from tests.e2e.project import Place

# Runs until there is a file `go`; the file is not in the project, so that it is no input.
SLOW = """\
#!/bin/sh
echo "check $*" >> "$E2E_LOG"
while [ ! -e "$E2E_GO_LOCK" ]; do sleep 0.05; done
cat "$(dirname "$0")/answer"
"""

STAND_IN = "/.stand_in.py\0"  # what a shim becomes where it may answer


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
    assert place.outcomes() == ["no_entry", "stored"]


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


def test_a_call_that_the_person_stops_is_waited_for_by_nobody(plugged: Plugged) -> None:
    """The client goes on, and tells no hook of it. By Ctrl-C; by Esc: test_shims_terminal."""
    plugged.client.env["E2E_GO_LOCK"] = str(plugged.root / "go")
    plugged.write("check", SLOW)
    plugged.commit()
    with Api([plugged.once_served("./check", set())]) as api:
        terminal = Terminal(plugged, api)
        try:
            until(plugged.sockets)
            until(lambda: _asked(terminal, api))
            until(lambda: plugged.count() == 1)
            terminal.type("\x03")
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


def test_the_run_of_a_session_that_was_killed_is_waited_for_while_it_goes_on(place: Place) -> None:
    """The client's shells outlive it."""
    place.client.env["E2E_GO_LOCK"] = str(place.root / "go")
    place.write("check", SLOW)
    place.commit()
    with Api([bash("./check")]) as api:
        killed = place.client.start(place.project, api)
        until(lambda: place.count() == 1)
        killed.kill()
        killed.communicate(timeout=20)

    def open_once_there_are_two() -> None:
        until(lambda: len(place.processes(STAND_IN)) == 2)
        place.write("go", "", place.root)

    thread = threading.Thread(target=open_once_there_are_two)
    thread.start()
    assert place.play("./check").texts == ["all is well"]
    thread.join()
    assert place.count() == 1
    first, *others = place.outcomes()
    assert (first, "stored" in others, bool({"waited", "replayed"}.intersection(others))) == ("no_entry", True, True)


def test_a_run_that_was_killed_is_waited_for_by_nobody(place: Place) -> None:
    place.client.env["E2E_GO_LOCK"] = str(place.root / "go")
    place.write("check", SLOW)
    place.commit()
    with Api([bash("./check")]) as api:
        client = place.client.start(place.project, api)
        until(lambda: place.count() == 1)
        (stand_in,) = place.processes(STAND_IN)
        os.kill(stand_in, signal.SIGKILL)
        place.write("go", "", place.root)
        assert place.play("./check").texts == ["all is well"]
        client.communicate(timeout=60)
    assert place.count() == 2
    assert place.outcomes() == ["no_entry", "no_entry", "stored"]
    (killed,) = api.requests[-1].results()
    assert killed.is_error
