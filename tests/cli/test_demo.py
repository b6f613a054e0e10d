from __future__ import annotations

import re
from pathlib import Path

from tests.cli.conftest import Person
from tests.readme_tables import README


def test_shows_both_calls_side_by_side_with_equal_text(person: Person, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    person.variables["TMPDIR"] = str(temporary)

    ran = person.skillcache("demo")

    plain = re.sub(r"\d+\.\d\d+ ?s", "N s", ran.out)
    (shown,) = re.findall(r"```\n(A project.*?)```", README.read_text(), re.DOTALL)
    shown = re.sub(r"\d+\.\d\d+ ?s", "N s", shown)
    assert re.sub(r" {2,}", "  ", shown) in re.sub(r" {2,}", "  ", plain)
    assert (ran.status, ran.err) == (0, "")
    assert re.sub(r" {2,}", "  ", plain).splitlines() == [
        "A project with one test that takes two seconds. Claude runs it, and runs it again:",
        "",
        "  python3 -m unittest",
        "",
        "  first call  second call",
        "  outcome  no_entry, stored  replayed",
        "  time  N s  N s",
        "  exit status  0  0",
        "  output  98 bytes  98 bytes",
        "",
        "The text is the same, byte for byte:",
        "",
        "  .",
        "  ----------------------------------------------------------------------",
        "  Ran 1 test in N s",
        "",
        "  OK",
        "",
        "To use it in Claude Code: skillcache install",
    ]
    times = [float(number) for number in re.findall(r"time +(\d+\.\d\d) s +(\d+\.\d\d) s", ran.out)[0]]
    assert times[0] > 2
    assert list(temporary.iterdir()) == []
    assert person.files() == {}


def test_the_persons_own_settings_do_not_disturb_it(person: Person) -> None:
    person.variables |= {
        "SKILLCACHE_DISABLE": "1",
        "REDIS_URL": "redis://127.0.0.1:1",
        "CLAUDE_PROJECT_DIR": "/nowhere",
    }
    person.write_settings(b'{"permissions": {"deny": ["Bash(python3:*)"]}}')

    assert person.skillcache("demo").status == 0


def test_without_a_shell_it_says_so_without_a_trace(person: Person) -> None:
    person.variables["PATH"] = "/nonexistent"

    ran = person.skillcache("demo")

    assert "Traceback" not in ran.err
