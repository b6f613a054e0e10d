from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from skillcache.cli.main import COMMANDS, group
from tests.cli.conftest import Person

HELP = Path(__file__).parent / "help"


def test_help_reads_as_it_was_written(person: Person) -> None:
    names = ["skillcache", *COMMANDS]
    written = [(0, (HELP / f"{name}.txt").read_text(), "") for name in names]
    for option in ("--help", "-h"):
        assert person.each([(option,) if name == "skillcache" else (name, option) for name in names]) == written


def every_command(command: click.Command, *names: str) -> Iterator[tuple[str, ...]]:
    yield names
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from every_command(found, *names, name)


def test_no_help_shows_marks_cut_sentences_or_long_lines() -> None:
    for names in every_command(group):
        text = CliRunner().invoke(group, [*names, "--help"], prog_name="skillcache").output
        usage, _, rest = text.partition("\n\n")
        assert usage.startswith(f"Usage: {' '.join(('skillcache', *names))} "), names
        assert rest.replace("\n", "").isprintable(), names
        assert "\\" not in rest, names
        assert "..." not in rest.replace("mcp__server__tool, ...", ""), names
        assert max(map(len, text.splitlines())) <= 80, names


def test_every_help_is_of_a_command_that_exists() -> None:
    assert {path.stem for path in HELP.iterdir()} == {"skillcache", *COMMANDS}


def test_help_imports_no_command(person: Person) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "skillcache", "--help"],
        env=person.variables,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "skillcache.cli.main" in done.stderr
    assert not any(f"skillcache.cli.{name}" in done.stderr for name in COMMANDS)
    assert "| redis" not in done.stderr


def test_says_its_version(person: Person) -> None:
    assert person.skillcache("--version") == (0, f"skillcache {version('skillcache')}\n", "")


def test_an_unknown_command_is_a_usage_error(person: Person) -> None:
    ran = person.skillcache("instal")

    assert (ran.status, ran.out) == (2, "")
    assert "No such command 'instal'" in ran.err


def test_an_unknown_option_is_a_usage_error(person: Person) -> None:
    ran = person.skillcache("stats", "--xml")

    assert (ran.status, ran.out) == (2, "")
    assert "No such option" in ran.err


@pytest.mark.parametrize("command", ["clear", "doctor"])
def test_a_bad_value_in_the_environment_is_one_clear_line(person: Person, command: str) -> None:
    person.variables["SKILLCACHE_MIN_DURATION"] = "soon"

    ran = person.skillcache(command)

    message = "SKILLCACHE_MIN_DURATION: min_duration cannot be 'soon'; allowed: a number of seconds from 0 to 3600"
    assert ran.status == 1
    assert message in ran.out + ran.err


def test_a_reader_that_stops_reading_gets_no_traceback(person: Person) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [sys.executable, "-m", "skillcache", "stats"],
        env=person.variables,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    os.close(writing)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("entries", "list"), ("invalidate", "--project"), ("suggest",)])
def test_a_folder_that_is_gone_is_one_clear_line(person: Person, arguments: tuple[str, ...]) -> None:
    gone = person.home / "gone"
    gone.mkdir()
    line = f"cd {gone} && rmdir {gone} && exec {shlex.join([sys.executable, '-m', 'skillcache', *arguments])}"
    done = subprocess.run(["sh", "-c", line], env=person.variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "skillcache: this folder: No such file or directory. Go to one that is there: cd ~\n"
