"""Runs the hooks and the command of one call as the client does, by real processes."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests import ready
from tests.fidelity import observer

_SHOWN = 30_000  # bytes of an output


class Ran(NamedTuple):
    """What the client would see of a command: status, trimmed text, and where its shell stands afterwards."""

    status: int
    text: str
    cwd: str


def path_of_machine() -> str:
    """PATH with the system's folders alone, and that of git.

    In the environment of the suite this project is a checkout whose text leads everywhere; and beside whatever else a
    person has on PATH lie packages, which each test's own cache would have to read. By this, what a test sees is the
    same whether such things are there or not.
    """
    git = shutil.which("git") or "/usr/bin/git"
    return os.pathsep.join(dict.fromkeys((os.path.dirname(git), "/usr/bin", "/bin")))


def bare_python(folder: Path) -> Path:
    """An interpreter in an environment without packages, made at `folder`.

    What the machine's own has beside it counts where a tool is a script of its, and to read all that for each test's
    own cache takes seconds on some machines.
    """
    python = folder / "bin/python3"
    python.parent.mkdir(parents=True)
    real = os.path.realpath(sys.executable)
    python.symlink_to(real)
    (folder / "pyvenv.cfg").write_text(f"home = {os.path.dirname(real)}\n")
    return python


def run_hook(script: str, event: Mapping[str, Any], environ: Mapping[str, str], *, shift: float = 0) -> dict[str, Any]:
    """The hook's answer, {} for none. `shift`: seconds its clock is ahead."""
    status, out, err = ready.hook(script, json.dumps(event).encode(), environ, shift=shift)
    assert (status, err) == (0, b""), (out, err)
    answer: dict[str, Any] = json.loads(out) if out else {}
    return answer


def run_command(command: str, cwd: str, environ: Mapping[str, str]) -> Ran:
    """As the client's Bash tool: one merged stream, and a shell that moves only when the status is 0."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as place:
        done = subprocess.run(
            ["bash", "-c", 'eval "$1" && pwd -P >&"$2"', "bash", command, str(writing)],
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[writing],
            timeout=60,
            check=False,
        )
        os.close(writing)
        moved = place.read().strip()
    return Ran(done.returncode, done.stdout.decode("utf-8", "replace").rstrip(), moved or cwd)


def event_before(command: str, cwd: str, call: str, session: str) -> dict[str, Any]:
    return {
        "hook_event_name": "PreToolUse",
        "session_id": session,
        "cwd": cwd,
        "permission_mode": "default",
        "tool_name": "Bash",
        "tool_input": {"command": command, "description": "A command"},
        "tool_use_id": call,
    }


def event_after(
    before: Mapping[str, Any], ran: Ran, duration: int, outputs: Path | None = None
) -> tuple[str, dict[str, Any]]:
    """The hook script and event for a run that has ended.

    `duration`: milliseconds; `outputs`: the folder in which the client keeps long outputs.
    """
    event = {**before, "cwd": ran.cwd, "duration_ms": duration}
    if ran.status:
        error = f"Exit code {ran.status}" + (f"\n{ran.text}" if ran.text else "")
        return "post_tool_use_failure.py", {
            **event, "hook_event_name": "PostToolUseFailure", "error": error, "is_interrupt": False,
        }  # fmt: skip
    response = {"stdout": ran.text, "stderr": "", "interrupted": False, "isImage": False, **_kept(ran.text, outputs)}
    return "post_tool_use.py", {**event, "hook_event_name": "PostToolUse", "tool_response": response}


def _kept(text: str, outputs: Path | None) -> dict[str, Any]:
    """What the client says of an output that it does not show whole."""
    data = text.encode()
    if len(data) <= _SHOWN or outputs is None:
        return {}
    path = outputs / f"{hash(text):x}.txt"
    path.write_bytes(data)
    return {
        "stdout": data[:_SHOWN].decode("utf-8", "ignore"),
        "persistedOutputPath": str(path),
        "persistedOutputSize": len(data),
    }


def observing(notes: Path, name: str = "") -> str:
    """The text of the observing tool `name`, whose notes lie in `notes`: it says what it looks for itself, alone.

    It does not say `open`: some machines have a program of that name, and what that leads to would be read for each
    command.
    """
    text = Path(observer.__file__).read_text()
    before, _, after = text.partition("SETTINGS = {")
    known = {name: observer.SETTINGS[name]} if name in observer.SETTINGS else {}
    text = f"{before}SETTINGS = {known!r}\n{after.partition(chr(10) + '}' + chr(10))[2]}"
    text = re.sub(r"(?<![\w.])open\(", "OPEN(", text)
    text = text.replace("import zlib\n", 'import zlib\n\nOPEN = getattr(__builtins__, "nepo"[::-1])\n')
    return text.replace('ESAB = ""', f'ESAB = "{str(notes)[::-1]}"')
