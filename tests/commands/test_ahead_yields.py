"""A run ahead is in nobody's way: it is gone before a line of the model's begins that it could be in the way of."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from skillcache.commands.ahead import running
from skillcache.commands.shims.session import make
from skillcache.settings.in_force import load
from tests.commands.ahead import RULES, Place
from tests.conftest import require_program


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    yield (made := Place(tmp_path))
    running.stop(str(made.cache))


@pytest.fixture(params=["bash", "zsh"])
def of_shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    require_program(request.param)
    yield (made := Place(tmp_path, kind=request.param))
    running.stop(str(made.cache))


# Says whether a check is there, as the first thing that its line does.
LOOK = """#!/bin/sh
for words in /proc/[0-9]*/cmdline; do
    tr '\\0' ' ' <"$words" 2>/dev/null | grep -q "$CHECKS" && echo "check is there" && exit 1
done
echo alone
"""


@pytest.mark.parametrize("line", ["look", "other x && look", "cat data; look", "check two; look", "./nothing; look"])
def test_it_has_gone_before_another_command_begins(of_shell: Place, line: str) -> None:
    of_shell.tool("look", LOOK)
    of_shell.open("two")
    of_shell.ahead("check one")
    number = of_shell.command()
    said = of_shell.call(line, CHECKS=f"{of_shell.bin}/check one").stdout
    assert said.endswith("alone\n")
    assert not os.path.exists(f"/proc/{number}")
    of_shell.settle()
    assert of_shell.became() == ["killed"]


@pytest.mark.parametrize("line", ["cat data", "git log --oneline", "cd . && ls | head -3", "true"])
def test_it_goes_on_beside_what_only_looks(of_shell: Place, line: str) -> None:
    of_shell.ahead("check one")
    of_shell.call(line)
    assert of_shell.current().words == ("check", "one")
    of_shell.open("one")
    of_shell.settle()
    assert of_shell.became() == ["stored"]


# Each takes what only one can have, says so and goes on, whatever it is sent; `try` takes it for a moment.
THINGS = {
    "port": """
import socket
taken = socket.socket()
taken.bind(("127.0.0.1", int(os.environ["PORT"])))
taken.listen()
""",
    "database": """
import sqlite3
taken = sqlite3.connect("data.sqlite3", timeout=0, isolation_level=None)
taken.execute("BEGIN EXCLUSIVE")
""",
    "lock file": """
os.close(os.open("work.lock", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
""",
    "lock file with a number": """
with open(os.open(".work-lock-pid", os.O_CREAT | os.O_EXCL | os.O_WRONLY), "w") as taken:
    taken.write(str(os.getpid()))
""",
}
TAKING = """#!{python} -IS
import os, signal, sys, time
{thing}
if "try" in sys.argv:
    print("taken")
    sys.exit()
for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
    signal.signal(number, signal.SIG_IGN)
with open(os.environ["COUNTER"], "a") as counter:
    counter.write("taken\\n")
while True:
    time.sleep(1)
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        number: int = one.getsockname()[1]
    return number


@pytest.mark.parametrize("thing", THINGS)
def test_what_it_has_taken_is_free(place: Place, thing: str, port: int) -> None:
    place.environ["PORT"] = str(port)
    (place.project / ".gitignore").write_text("*.sqlite3\n")
    place.tool("check", TAKING.format(python=sys.executable, thing=THINGS[thing]))
    place.ahead("check one")
    done = place.call(f"{place.bin}/check try")
    assert (done.stdout, done.returncode) == ("taken\n", 0)


def test_locks_of_others_stay(place: Place) -> None:
    """Those that were there, that name who lives, that somebody has open, and lists of versions."""
    project = place.project
    (project / "before.lock").touch()
    place.ahead("check one")
    (project / "mine.lock").write_text(f"{os.getpid()}\n")
    (project / "uv.lock").write_text("version = 1\n" * 20)
    (project / "unlocked.txt").touch()
    with open(project / "open.lock", "w"):
        (project / "left.lock").touch()
        running.stop(str(place.cache))
        place.settle()
    left = {path.name for path in project.iterdir()} - {".git", "data"}
    assert left == {"before.lock", "mine.lock", "uv.lock", "unlocked.txt", "open.lock"}


def test_an_edit_ends_it_and_the_fresh_run_is_right(place: Place) -> None:
    place.tool("check", '#!/bin/sh\necho x >>"$COUNTER"\ncat data\n[ -e "$GATES/one" ] || sleep 1000\n')
    place.ahead("check one")
    (place.project / "data").write_text("two\n")
    place.settle()
    assert place.became() == ["killed"]
    place.open("one")
    assert place.call("check one").stdout == "two\n"
    assert place.call("check one").stdout == "two\n"
    assert place.runs() == 2


def test_what_it_writes_itself_does_not_end_it(place: Place) -> None:
    (place.project / ".gitignore").write_text("out\n")
    place.tool(
        "check",
        '#!/bin/sh\nmkdir -p out __pycache__ && echo x >out/x && echo x >new.tmp\necho x >>"$COUNTER"\n'
        'while [ ! -e "$GATES/one" ]; do sleep 0.02; done\nrm new.tmp; echo fine\n',
    )
    place.ahead("check one")
    due = place.current()
    place.call("cat data")
    place.open("one")
    place.settle()
    assert due.words == ("check", "one")
    assert "killed" not in place.became()


def test_without_such_a_rule_nothing_is_different(tmp_path: Path) -> None:
    """The text that is sourced, to the byte, and what lies in the cache folder."""
    place = Place(tmp_path, RULES.replace("ahead = true\n", ""))
    text = Path(place.preamble()).read_text()
    assert "ahead" not in text
    place.open("one")
    place.call("check one")
    place.call("check one")
    assert not (place.cache / "ahead").exists()

    other = Place(tmp_path / "other")
    told = Path(other.preamble()).read_text()
    begin, mark, rest = told.replace("export SKILLCACHE_AHEAD=1\n", "").partition("if [ -e ")
    block, _, rest = (mark + rest).partition("\nfi\n")
    assert "/ahead/running" in block
    assert "/ahead" not in begin + rest
    assert (begin + rest).replace(str(other.base), str(place.base)).count("\n") == text.count("\n")


def test_it_is_no_part_of_a_terminals_shell(place: Place) -> None:
    """There no line is known before it begins."""
    path = make(place.environ, str(place.project), load(place.environ, str(place.project)), counts=False)
    assert path is not None
    assert "/ahead" not in Path(path).read_text()


@pytest.mark.parametrize("option", ["set -e", "set -u", "set -C", "set -eu -o pipefail"])
def test_a_line_runs_whatever_becomes_of_the_look(of_shell: Place, option: str) -> None:
    """Damaged records, a hook that is gone, and options of the shell."""
    folder = of_shell.cache / "ahead"
    folder.mkdir()
    for name in ("running", "once"):
        (folder / name).write_bytes(b"\xff{]")
    done = of_shell.call("echo fine", before=option)
    assert (done.stdout, done.returncode) == ("fine\n", 0)
    assert not (folder / "running").exists()
    (folder / "once").mkdir()
    path = Path(of_shell.preamble())
    path.write_text(path.read_text().replace("stop_ahead.py", "missing.py"))
    done = of_shell.call("echo fine", before=option)
    assert (done.stdout, done.returncode) == ("fine\n", 0)
