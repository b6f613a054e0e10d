"""The README and the example say what the code does."""

from __future__ import annotations

import re

import pytest

from skillcache.cli.main import COMMANDS
from skillcache.cli.setup.entries import Edit
from skillcache.cli.setup.settings_text import add
from tests.readme_tables import README, TABLES, with_tables

TEXT = README.read_text()
EXAMPLE = README.parent / "settings.example.json"


@pytest.mark.parametrize("name", TABLES)
def test_the_tables_are_those_of_the_code(name: str) -> None:
    begin, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"

    written = TEXT.partition(begin)[2].partition(end)[0]

    assert written == TABLES[name](), "write them anew: python -m tests.readme_tables"
    assert with_tables(TEXT).count(begin) == 1


def test_the_example_is_what_install_writes() -> None:
    edit = Edit("/path/to/python3", "/path/to/skillcache/hooks", sessions=True)

    assert EXAMPLE.read_text() == add("", edit, "settings.example.json")


def test_every_command_is_named() -> None:
    for command in COMMANDS:
        assert f"skillcache {command}" in TEXT


def test_the_two_commands_for_a_fresh_machine_are_there() -> None:
    assert "pip install . && skillcache demo" in TEXT
    assert "pip install -e '.[test]' && pytest" in TEXT


def test_every_row_of_a_table_has_the_cells_of_its_head() -> None:
    for table in re.findall(r"(?:^\|.*\n)+", TEXT, re.MULTILINE):
        counts = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(counts) == 1, table
