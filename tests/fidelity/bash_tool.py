"""A session's Bash calls as the client makes them, with the shims that a SessionStart hook may give it."""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_PREPARE = """
import os, sys
from skillcache.settings import load
from skillcache.shims.session import prepare
project = os.environ["CLAUDE_PROJECT_DIR"]
prepare(os.environ, project, sys.argv[1], load(os.environ, project))
"""
# What the client puts around the text of the env files and the line, whose quotes it spells '"'"'.
_CALL = """source {snapshot} 2>/dev/null || true && {preamble}
: && \\builtin shopt -u extglob 2>/dev/null || true && eval '{line}' < /dev/null && pwd -P >| {place}"""
_NO_SNAPSHOT = "/dev/null"


class Ran(NamedTuple):
    """What the client would see of a line: status, text, and where its shell stands afterwards."""

    status: int
    text: str
    cwd: str


class BashTool:
    """folder: of what it writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, session: str, project: str, environ: Mapping[str, str]) -> str:
        """What is written into the client's file at a session's start."""
        file = self._folder / f"{session}.sh"
        done = subprocess.run(
            [sys.executable, "-c", _PREPARE, session],
            env={**environ, "CLAUDE_PROJECT_DIR": project, "CLAUDE_ENV_FILE": str(file)},
            capture_output=True,
            timeout=60,
            check=True,
        )
        assert file.exists(), done
        return file.read_text()

    def run(self, line: str, cwd: str, environ: Mapping[str, str], *, session: str = "", preamble: str = "") -> Ran:
        """One call: both streams are one file, and its shell moves only when the status is 0."""
        with tempfile.TemporaryFile(dir=self._folder) as output:
            place = self._folder / "cwd"
            place.unlink(missing_ok=True)
            text = _CALL.format(
                snapshot=_NO_SNAPSHOT,
                preamble=preamble,
                line=line.replace("'", "'\"'\"'"),
                place=shlex.quote(str(place)),
            )
            done = subprocess.run(
                ["bash", "-c", text],
                cwd=cwd,
                env={**environ, "PWD": cwd, "CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": session, "SHELL": "/bin/bash"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=120,
                check=False,
            )
            size = os.fstat(output.fileno()).st_size
            said = os.pread(output.fileno(), size, 0).decode("utf-8", "replace")
        moved = place.read_text().strip() if place.exists() else ""
        return Ran(done.returncode, said, moved or cwd)
