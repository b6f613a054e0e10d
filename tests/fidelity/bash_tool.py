"""A session's Bash calls as the client makes them, with the shims that its SessionStart hook has given it."""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

HOOKS = Path(__file__).parents[2] / "hooks"
# What the client puts around the text of the env files and the line: see `spelled`.
_CALL = """source {snapshot} 2>/dev/null || true && {preamble}
: && \\builtin shopt -u extglob 2>/dev/null || true && eval {line} && pwd -P >| {place}"""
_BARE = re.compile(r"[\w./:=@%+,-]+", re.ASCII)
_NO_SNAPSHOT = "/dev/null"


class Ran(NamedTuple):
    """What the client would see of a line: status, text, and where its shell stands afterwards."""

    status: int
    text: str
    cwd: str


def spelled(line: str) -> str:
    """As the client gives it to `eval` (observed): in quotes where needed, and without input where it names none."""
    word = line if _BARE.fullmatch(line) else "'" + line.replace("'", "'\"'\"'") + "'"
    return word if "<" in line else f"{word} < /dev/null"


class BashTool:
    """folder: of what it writes; hooks: of the hook scripts."""

    def __init__(self, folder: Path, hooks: Path = HOOKS) -> None:
        self.seconds = 120
        self._folder = folder
        self._hooks = hooks

    def begin(self, session: str, project: str, environ: Mapping[str, str]) -> str:
        """What SessionStart writes into the client's file."""
        file = self._folder / f"{session}.sh"
        event = {"hook_event_name": "SessionStart", "session_id": session, "cwd": project, "source": "startup"}
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(self._hooks / "session_start.py")],
            input=json.dumps(event).encode(),
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
                line=spelled(line),
                place=shlex.quote(str(place)),
            )
            done = subprocess.run(
                ["bash", "-c", text],
                cwd=cwd,
                env={**environ, "PWD": cwd, "CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": session, "SHELL": "/bin/bash"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=self.seconds,
                check=False,
            )
            size = os.fstat(output.fileno()).st_size
            said = os.pread(output.fileno(), size, 0).decode("utf-8", "replace")
        moved = place.read_text().strip() if place.exists() else ""
        return Ran(done.returncode, said, moved or cwd)
