"""`skillcache doctor` says where no command can be answered, and which rules name none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skillcache.cli.checks import Finding, Place
from skillcache.cli.checks.installation import check_shims
from skillcache.commands.shims import session
from tests.cli.conftest import Person


def found(person: Person, **variables: str) -> list[Finding]:
    return check_shims(Place({**person.variables, **variables}, str(person.home), 0.0))


def test_where_shims_start_all_is_well(person: Person) -> None:
    (finding,) = found(person)
    assert (finding.level, finding.subject, finding.mend) == ("ok", "shims", "")


def test_a_cache_folder_with_a_colon_is_found(person: Person, tmp_path: Path) -> None:
    (finding,) = found(person, SKILLCACHE_HOME=str(tmp_path / "a:b"))
    assert finding.text == f"{tmp_path}/a:b/shims has a colon in it, so it cannot stand on PATH: commands run"
    assert finding.mend == "set SKILLCACHE_HOME to a folder without one"


def test_a_machine_without_bash_is_found(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_SHELLS", ("/nonexistent/bash",))
    (finding,) = found(person)
    assert (finding.level, finding.mend) == ("mend", "install bash")


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        ("cd web && npm test:*", 'write "Bash(npm test:*)" instead'),
        ("./report | tail", 'write "Bash(./report)" instead'),
        ("./a x; ./b", 'write "Bash(./a x)" and "Bash(./b)" instead'),
        ("./report 'a b':*", 'write "Bash(./report a b:*)" instead'),
        ("CI=1 ./report", 'write "Bash(./report)" instead'),
        ("./report 'a", "name the command itself instead"),
    ],
)
def test_a_rule_of_a_whole_line_is_told_with_what_to_write_instead(person: Person, pattern: str, instead: str) -> None:
    path = person.home / ".config/skillcache/config.toml"
    os.makedirs(path.parent, exist_ok=True)
    path.write_text(f'[[rules]]\nmatch = "Bash({pattern})"\n')
    lost = [finding for finding in found(person) if finding.subject == "rule"]
    assert [(finding.level, finding.mend) for finding in lost] == [("mend", instead)]


def test_a_rule_of_a_command_is_well(person: Person) -> None:
    path = person.home / ".config/skillcache/config.toml"
    os.makedirs(path.parent, exist_ok=True)
    path.write_text('[[rules]]\nmatch = "Bash(./report --month=5 x:*)"\n')
    assert [finding.level for finding in found(person)] == ["ok"]
