from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Person
from tests.readme_tables import README

pytestmark = pytest.mark.long


def test_shows_a_run_a_replay_an_edit_and_the_edit_taken_back(person: Person, tmp_path: Path) -> None:
    """And what is the person's own does not disturb it."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    person.variables |= {
        "TMPDIR": str(temporary),
        "SKILLCACHE_DISABLE": "1",
        "REDIS_URL": "redis://127.0.0.1:1",
        "CLAUDE_PROJECT_DIR": "/nowhere",
    }
    person.write_settings(b'{"permissions": {"deny": ["Bash(python3:*)"]}}')
    before = person.files()

    ran = person.skillcache("demo")

    plain = re.sub(r" *\d+\.\d+ ?s", " N s", ran.out)
    (shown,) = re.findall(r"```\n(A small project.*?)```", README.read_text(), re.DOTALL)
    assert re.sub(r" *\d+\.\d+ ?s", " N s", shown) in plain
    assert (ran.status, ran.err) == (0, "")
    assert plain.splitlines() == [
        "A small project whose one test takes two seconds. Four times the same command:",
        "",
        "    python3 -m unittest",
        "",
        " N s  ran       The first time, the tests run.",
        " N s  replayed  Asked again: nothing has changed, so the answer is the recorded one.",
        " N s  ran       shop.py is edited: the tests run.",
        " N s  replayed  The edit is taken back: what was recorded for that code holds again.",
        "",
        "A replay gives the same text and the same exit status, N s sooner here:",
        "",
        "    .",
        "    ----------------------------------------------------------------------",
        "    Ran 1 test in N s",
        "",
        "    OK",
        "",
        "To have it in Claude Code: skillcache install",
    ]
    times = [float(number) for number in re.findall(r"^ +(\d+\.\d\d) s", ran.out, re.MULTILINE)]
    assert min(times[0], times[2]) > 2
    assert list(temporary.iterdir()) == []
    assert person.files() == before


def test_without_a_shell_it_says_so_without_a_trace(person: Person) -> None:
    person.variables["PATH"] = "/nonexistent"

    ran = person.skillcache("demo")

    assert "Traceback" not in ran.err
