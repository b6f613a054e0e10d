"""`skillcache demo`: a slow command twice through the real shims, in a folder made for it and then removed."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from typing import NamedTuple

import click

from skillcache.cli import trouble
from skillcache.cli.output import several
from skillcache.commands.shims.session import FILE
from skillcache.core import files
from skillcache.core.counts import read
from skillcache.core.git import folders, make_repository
from skillcache.core.outcomes import REPLAYED, Outcome
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


_TEST = """import time
import unittest


class SlowTest(unittest.TestCase):
    def test_takes_two_seconds(self):
        time.sleep(2)
"""
# What would let this person's own settings, store or repository into the demonstration.
_FOREIGN = ("CLAUDE", "GIT_", "PYTHON", "REDIS_", "SKILLCACHE_", "XDG_")


@click.command()
def command() -> int:
    """Run a slow command twice, as a session of Claude Code would, side by side.

    Uses a small project, a cache and a home folder of its own, and removes them.
    """
    with tempfile.TemporaryDirectory(prefix="skillcache-demo-") as folder:
        client = Client(_make_project(folder), folder, _environment(folder))
        line = f"{_python(client.environ['PATH'])} -m unittest"
        click.echo(
            f"A project with one test that takes two seconds. Claude runs it, and runs it again:\n\n    {line}\n"
        )
        runs = [client.call(line), client.call(line)]
    click.echo("\n".join(_side_by_side(*runs)))
    first, second = runs
    if second.outcomes != [REPLAYED] or second.output != first.output or second.status != first.status:
        click.echo("\nThe second call was not replayed as it should have been. Check with: skillcache doctor", err=True)
        return trouble.FAILED
    click.echo("\nThe text is the same, byte for byte:\n")
    for row in second.output.decode("utf-8", "replace").splitlines():
        click.echo(f"    {row}".rstrip())
    click.echo()
    click.echo("To use it in Claude Code: skillcache install")
    return trouble.OK


def _make_project(folder: str) -> str:
    # The real path: on macOS the temporary folder is behind a symbolic link.
    project = os.path.join(os.path.realpath(folder), "project")
    os.mkdir(project)
    with open(os.path.join(project, "test_slow.py"), "w", encoding="utf-8") as file:
        file.write(_TEST)
    make_repository(project, _environment(folder))  # without git it is a project all the same
    return project


def _environment(folder: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    here = os.path.dirname(os.path.abspath(sys.executable))
    return {
        **kept,
        "HOME": os.path.join(folder, "home"),
        "SKILLCACHE_HOME": os.path.join(folder, "cache"),
        "SKILLCACHE_CAPTURE_TIME": "30",  # what an interpreter has installed is read whole here, for the first time
        "SKILLCACHE_VERIFY": "0",  # else one second call in fifty would run for real
        "PATH": os.pathsep.join([here, *folders(kept, os.getcwd())]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _python(path: str) -> str:
    return "python3" if shutil.which("python3", path=path) else "python"


def _side_by_side(first: Ran, second: Ran) -> list[str]:
    rows = [
        ("", "first call", "second call"),
        ("outcome", *(", ".join(outcome.name for outcome in ran.outcomes) or "none" for ran in (first, second))),
        ("time", *(f"{ran.seconds:.2f} s" for ran in (first, second))),
        ("exit status", *(str(ran.status) for ran in (first, second))),
        ("output", *(several(len(ran.output), "byte") for ran in (first, second))),
    ]
    width = max(len(row[1]) for row in rows) + 3
    return [f"  {name:16}{one:{width}}{other}" for name, one, other in rows]
