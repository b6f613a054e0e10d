"""`skillcache demo`: a slow command four times through the real shims, in a folder made for it and then removed."""

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

from skillcache.cli.output import FAILED, OK, paint
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


_CODE = """def double(number):
    return number * 2
"""
_TEST = """import time
import unittest

from shop import double


class SlowTest(unittest.TestCase):
    def test_takes_two_seconds(self):
        time.sleep(2)
        self.assertEqual(double(2), 4)
"""
_EDITED = """def double(number):
    return number + number
"""
# What would let this person's own settings, store or repository into the demonstration.
_FOREIGN = ("CLAUDE", "GIT_", "PYTHON", "REDIS_", "SKILLCACHE_", "XDG_")


class Step(NamedTuple):
    """One call of the same command, after an edit or none. replays: whether that is what it should do."""

    title: str
    code: str | None
    replays: bool


_STEPS = (
    Step("The first time, the tests run.", None, False),
    Step("Asked again: nothing has changed, so the answer is the recorded one.", None, True),
    Step("shop.py is edited: the tests run.", _EDITED, False),
    Step("The edit is taken back: what was recorded for that code holds again.", _CODE, True),
)


@click.command()
def command() -> int:
    """Show in ten seconds what a session of Claude Code would see: a run, a replay, an edit, the edit taken back.

    Uses a small project, a cache and a home folder of its own, and removes them.
    """
    with tempfile.TemporaryDirectory(prefix="skillcache-demo-") as folder:
        project = _make_project(folder)
        client = Client(project, folder, _environment(folder))
        line = f"{_python(client.environ['PATH'])} -m unittest"
        click.echo(f"A small project whose one test takes two seconds. Four times the same command:\n\n    {line}\n")
        runs = []
        for step in _STEPS:
            if step.code is not None:
                _write(project, "shop.py", step.code)
            ran = client.call(line)
            runs.append(ran)
            click.echo(_row(step, ran))
    wrong = [step.title for step, ran in zip(_STEPS, runs, strict=True) if (ran.outcomes == [REPLAYED]) != step.replays]
    if wrong or any(ran.status for ran in runs) or runs[1].output != runs[0].output:
        click.echo("\nThat is not what should have happened. Check with: skillcache doctor", err=True)
        return FAILED
    saved = sum(runs[at - 1].seconds - runs[at].seconds for at in (1, 3))
    click.echo(f"\nA replay gives the same text and the same exit status, {saved:.1f} s sooner here:\n")
    for row in runs[1].output.decode("utf-8", "replace").splitlines():
        click.echo(f"    {row}".rstrip())
    click.echo("\nTo have it in Claude Code: skillcache install")
    return OK


def _row(step: Step, ran: Ran) -> str:
    ended = "replayed" if ran.outcomes == [REPLAYED] else "ran"
    colour = "green" if ended == "replayed" else "yellow"
    return f"  {ran.seconds:6.2f} s  {paint(f'{ended:8}', fg=colour)}  {step.title}"


def _make_project(folder: str) -> str:
    # The real path: on macOS the temporary folder is behind a symbolic link.
    project = os.path.join(os.path.realpath(folder), "project")
    os.mkdir(project)
    _write(project, "shop.py", _CODE)
    _write(project, "test_shop.py", _TEST)
    make_repository(project, _environment(folder))  # without git it is a project all the same
    return project


def _write(project: str, name: str, text: str) -> None:
    with open(os.path.join(project, name), "w", encoding="utf-8") as file:
        file.write(text)


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
