"""A person with a home folder of their own, and the real command line run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from skillcache.cli.main import group
from skillcache.cli.output import Schema, model_of
from tests import ready
from tests.shelf import Shelf

_EACH = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from skillcache.__main__ import main

ran = []
for command in json.load(sys.stdin):
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        status = main(command)
    for text in (out, err):
        text.flush()
    ran.append((status, out.buffer.getvalue().decode(), err.buffer.getvalue().decode()))
print(json.dumps(ran))
"""


class Ran(NamedTuple):
    status: int
    out: str
    err: str


def check(arguments: tuple[str, ...], printed: str) -> None:
    """That what a command has printed as JSON is of the schema that it names."""
    found: click.Command = group
    for word in arguments:
        if not isinstance(found, click.Group):
            break
        below = found.get_command(click.Context(found), word)
        if below is None:  # `note TEXT`
            return
        found = below
    (schema,) = (each.callback for each in found.params if each.name == "json_schema")
    assert isinstance(schema, Schema)
    is_by_line = schema.model.startswith("inbox.")
    for text in printed.splitlines() if is_by_line else [printed]:
        # A name that is no text is printed as half a character, which pydantic does not read.
        legible = json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace")
        model_of(schema.model).model_validate_json(legible)


class Person:
    """`home` holds everything of theirs; `variables` is their whole environment."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.variables = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}

    def skillcache(
        self, *arguments: str, folder: Path | None = None, answer: str = "", python: str = sys.executable
    ) -> Ran:
        place = folder or self.home
        ran = Ran(*ready.skillcache(*arguments, folder=place, environ=self.variables, given=answer, python=python))
        assert "Traceback" not in ran.err
        if "--json" in arguments and ran.out:
            check(arguments, ran.out)
        return ran

    def each(self, commands: list[tuple[str, ...]]) -> list[Ran]:
        """As `skillcache` for many commands that follow each other, in one process: most of a command is its start."""
        done = subprocess.run(
            [sys.executable, "-c", _EACH],
            cwd=self.home,
            env=self.variables,
            input=json.dumps(commands),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return [Ran(*each) for each in json.loads(done.stdout)]

    @property
    def settings(self) -> Path:
        return self.home / ".claude" / "settings.json"

    @property
    def cache(self) -> Path:
        return self.home / ".cache" / "skillcache"

    def write_settings(self, content: bytes) -> None:
        self.settings.parent.mkdir(parents=True, exist_ok=True)
        self.settings.write_bytes(content)

    def files(self) -> dict[str, bytes | None]:
        """Everything below home: the bytes of each file, None for a folder."""
        return {
            str(path.relative_to(self.home)): path.read_bytes() if path.is_file() else None
            for path in sorted(self.home.rglob("*"))
        }


@pytest.fixture
def person(tmp_path: Path) -> Person:
    home = tmp_path / "home"
    home.mkdir()
    return Person(home)


@pytest.fixture(params=["embedded", "redis"])
def shelf(request: pytest.FixtureRequest, person: Person) -> Shelf:
    """The person's store."""
    if request.param == "embedded":
        return Shelf(f"embedded:{person.cache}/store.sqlite3")
    person.variables["SKILLCACHE_REDIS_URL"] = request.getfixturevalue("redis_server").url
    return Shelf(person.variables["SKILLCACHE_REDIS_URL"])
