"""Claude Code's part in Bash calls: the hook at a session's start, and the text that it has each call source."""

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from typing import NamedTuple

from skillcache.commands.shims.session import FILE
from skillcache.core import files
from skillcache.core.counts import read
from skillcache.core.outcomes import Outcome
from skillcache.core.paths import cache_folder, hooks_folder

_HOOK_SECONDS = 10
_CAP = 1 << 16


class Ran(NamedTuple):
    """What a call came to. `output`: both streams, as the model reads them."""

    output: bytes
    status: int
    seconds: float
    outcomes: list[Outcome]


class Client:
    """One session in `project`, with its own files in `folder`; `environ` is the environment of hooks and commands."""

    def __init__(self, project: str, folder: str, environ: Mapping[str, str]) -> None:
        session = str(uuid.uuid4())
        self.environ = {**environ, "CLAUDE_PROJECT_DIR": project, "CLAUDE_CODE_SESSION_ID": session}
        self._project = project
        self._sourced = os.path.join(folder, "session.sh")
        self._shell = shutil.which("bash", path=self.environ["PATH"]) or "/bin/bash"
        self._begin(session)

    def call(self, line: str) -> Ran:
        counted = len(read(cache_folder(self.environ)))
        started = time.monotonic()
        done = subprocess.run(
            [self._shell, "-c", f"{self._preamble()}eval {_quoted(line)}"],
            cwd=self._project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        seconds = time.monotonic() - started
        outcomes = [count.outcome for count in read(cache_folder(self.environ))[counted:]]
        return Ran(done.stdout, done.returncode, seconds, outcomes)

    def _begin(self, session: str) -> None:
        event = {
            "session_id": session,
            "transcript_path": os.path.join(self._project, "none.jsonl"),
            "cwd": self._project,
            "hook_event_name": "SessionStart",
            "source": "startup",
        }
        subprocess.run(
            [sys.executable, "-I", "-S", os.path.join(hooks_folder(), "session_start.py")],
            cwd=self._project,
            env={**self.environ, FILE: self._sourced},
            input=json.dumps(event).encode(),
            capture_output=True,
            timeout=_HOOK_SECONDS,
            check=False,
        )

    def _preamble(self) -> str:
        """What the client puts before each line; nothing where the hook wrote nothing."""
        return (files.read(self._sourced, _CAP) or b"").decode("utf-8", "surrogateescape")


def _quoted(line: str) -> str:
    return "'" + line.replace("'", "'\"'\"'") + "'"
