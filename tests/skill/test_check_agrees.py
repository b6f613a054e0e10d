"""What `skillcache skill check` says of a command is what hooks do with it."""

from __future__ import annotations

import pytest

from tests import ready
from tests.skill.conftest import Skills

ARGUMENT = "import sys\nprint(open(sys.argv[1]).read())\n"


def says_that_it_is_kept_out(skills: Skills, argument: str) -> bool:
    words = ("skill", "check", str(skills.folder), "--", "python3", str(skills.script), argument)
    status, said, complained = ready.skillcache(*words, folder=skills.root, environ=skills.environ)
    assert complained == ""
    assert status == ("What keeps this command out:" in said)
    return status == 1


@pytest.mark.table
@pytest.mark.parametrize(
    ("declared", "script", "argument"),
    [
        ("{args_are_files: true}", ARGUMENT, "table.csv"),
        ("{args_are_files: true}", ARGUMENT + "open('n.html', 'w').write('x')\n", "table.csv"),
        ("{outputs: [n.html]}", ARGUMENT + "open('n.html', 'w').write('x')\n", "table.csv"),
        ("{outputs: [n.html]}", ARGUMENT + "open('ignored.log', 'w').write('x')\n", "table.csv"),
        ("{ttl: 60}", "import os\nopen(os.path.dirname(__file__) + '/cache', 'w').write('x')\n", "table.csv"),
        ("{ttl: 60}", "import sys\nopen(sys.argv[1], 'a').write('x')\n", "table.csv"),
        ("{args_are_files: true}", "print(1)\n", "gone.csv"),
        ("{outputs: [table.csv]}", "print(1)\n", "table.csv"),
    ],
)
def test_what_keeps_a_command_out_is_what_is_not_stored(
    skills: Skills, declared: str, script: str, argument: str
) -> None:
    skills.environ["SKILLCACHE_MIN_DURATION_DECLARED"] = "0"
    skills.declare(declared)
    skills.script.write_text(script)
    (skills.root / "table.csv").write_text("1,2\n")
    (skills.root / ".gitignore").write_text("*.log\n")
    is_out = says_that_it_is_kept_out(skills, argument)

    for _ in range(2):
        _, served = skills.place.call(f"python3 {skills.script} {argument}")

    assert served is not is_out
