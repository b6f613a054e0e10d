"""Claude Code's part in one Bash call: a shell that sources what the session's start has written, then the line."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from typing import NamedTuple

from skillcache.outcome import Outcome
from skillcache.paths import cache_folder
from skillcache.settings import load
from skillcache.shims.session import FILE, prepare
from skillcache.tally import read


class Ran(NamedTuple):
    """What a call came to. `output`: both streams, as the model reads them."""

    output: bytes
    status: int
    seconds: float
    outcomes: list[Outcome]


class Client:
    """One session in `project`; `environ` is the whole environment of its commands. Raises OSError."""

    def __init__(self, project: str, environ: Mapping[str, str]) -> None:
        self.environ = {**environ, "CLAUDE_PROJECT_DIR": project}
        self._project = project
        self._file = f"{os.path.dirname(project)}/session.sh"
        with open(self._file, "wb"):  # the client has it ready, too
            pass
        prepare({**self.environ, FILE: self._file}, project, "", load(self.environ, project))

    def call(self, line: str) -> Ran:
        counted = len(read(cache_folder(self.environ)))
        started = time.monotonic()
        shell = shutil.which("bash", path=self.environ["PATH"]) or "/bin/sh"
        done = subprocess.run(
            [shell, "-c", f'. "$0"; {line}', self._file],
            cwd=self._project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        outcomes = [count.outcome for count in read(cache_folder(self.environ))[counted:]]
        return Ran(done.stdout, done.returncode, time.monotonic() - started, outcomes)
