"""`--json-schema`: what `--json` prints. Whatever tests have printed as JSON is held to it: see conftest."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import click
import pytest

from skillcache.cli.main import group
from tests.cli.conftest import Person
from tests.cli.test_main import every_command


def commands() -> list[tuple[str, ...]]:
    """Those that print JSON."""
    found = []
    for names in every_command(group):
        command: Any = group
        for name in names:
            command = command.get_command(click.Context(command), name)
        if any("--json" in option.opts for option in command.params):
            found.append(names)
    return found


def test_every_command_that_prints_json_says_its_schema(person: Person) -> None:
    found = commands()
    assert len(found) == 20

    for names, ran in zip(found, person.each([(*names, "--json-schema") for names in found]), strict=True):
        assert (ran.status, ran.err) == (0, ""), names
        schema = json.loads(ran.out)
        assert schema.keys() & {"properties", "items", "anyOf"}, names
        assert schema["title"], names


@pytest.mark.table
@pytest.mark.parametrize("words", [("stats",), ("stats", "--json"), ("config",), ("rules", "pytest")])
def test_nothing_but_a_schema_takes_pydantic(person: Person, words: tuple[str, ...]) -> None:
    imported = []
    for more in ((), ("--json-schema",)):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "skillcache", *words, *more],
            env=person.variables,
            capture_output=True,
            text=True,
            check=True,
        )
        imported.append(any(line.endswith(" pydantic") for line in done.stderr.splitlines()))
    assert imported == [False, True]
