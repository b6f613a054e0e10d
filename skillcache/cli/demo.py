"""`skillcache demo`: a slow command twice through the real shims, in a folder made for it and then removed."""

import os
import shutil
import sys
import tempfile

import click

from skillcache.cli import trouble
from skillcache.cli.demo_client import Client, Ran
from skillcache.cli.format import several
from skillcache.core.git import folders, make_repository
from skillcache.core.outcomes import REPLAYED

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
