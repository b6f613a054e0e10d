"""What stands in the place of a file of ours, or holds it up, holds up no call."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skillcache import files
from tests.handlers.conftest import HOOKS, Place


@pytest.mark.parametrize("name", ["outcomes.log", "durations.bin", "store.sqlite3"])
def test_a_pipe_that_nobody_reads_holds_nothing_up(place: Place, name: str) -> None:
    path = place.cache / name
    path.parent.mkdir(mode=0o700, parents=True)
    os.mkfifo(path)
    first, _ = place.call("pytest -q")
    assert place.call("pytest -q")[0] == first


def test_a_hook_whose_time_is_up_ends_even_where_that_cannot_be_counted(tmp_path: Path) -> None:
    """The time is short here, and both the event and the count wait for ever."""
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from skillcache import runtime, tally\n"
        "runtime._TIME = 0.1\n"
        "tally.record = lambda *_, **__: time.sleep(60)\n"
        "runtime.main('PreToolUse')\n"
    )
    reading, writing = os.pipe()
    with os.fdopen(reading) as event, os.fdopen(writing, "w"):
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", script, str(HOOKS.parent)],
            stdin=event, capture_output=True, env={"HOME": str(tmp_path)}, timeout=30, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert time.monotonic() - begun < 20


# The main thread never lets another have the interpreter: nothing of Python's own can end this.
STUCK = "import sys; sys.set_int_max_str_digits(0); str(7 ** 3_000_000) * 9; 7 ** (1 << 40)"


@pytest.mark.parametrize("where", ["in the handler", "behind the answer"])
def test_a_hook_that_code_in_c_holds_up_is_ended_by_the_system(tmp_path: Path, where: str) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from skillcache import runtime\n"
        "from skillcache.handlers import pre_tool_use\n"
        "runtime._ends[0] -= 3\n"
        f"def stuck(): {STUCK}\n"
        "def handle(data, world):\n"
        "    if sys.argv[2] == 'in the handler': stuck()\n"
        "    world.after = lambda: (runtime.arm(0.2), stuck())\n"
        "    return '{}'\n"
        "pre_tool_use.handle = handle\n"
        "runtime.main('PreToolUse')\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(HOOKS.parent), where],
        input=b"{}", capture_output=True, env={"HOME": str(tmp_path)}, timeout=60, check=False,
    )  # fmt: skip
    said = b"{}" if where == "behind the answer" else b""
    assert (done.returncode, done.stdout, done.stderr) == (1, said, b"")


def test_what_is_left_behind_is_swept_after_any_slow_run(place: Place) -> None:
    place.call("pytest -q")
    place.call("pytest -q")
    drafts = [Path(files.draft_of(str(place.cache / name))) for name in ("seal.key", "quarantine/x")]
    (place.cache / "quarantine").mkdir()
    for path in drafts:
        path.touch()
    left = [path for folder in ("pending", "replays") for path in (place.cache / folder).iterdir()] + drafts
    assert len(left) == 4
    for path in left:
        os.utime(path, (1, 1))
    place.call("pytest -k writes")
    assert place.counted()[-1] == "changed_inputs"
    assert not any(path.exists() for path in left)


def test_a_call_that_began_under_the_version_before_ends_under_this_one(place: Place) -> None:
    event = place.before("pytest -q")
    assert place.ask(event) == {}
    (path,) = (place.cache / "pending").iterdir()
    known = json.loads(path.read_text())
    fields = ("cwd", "generations", "key", "project", "since", "started", "verifies")
    path.write_text(json.dumps({name: known[name] for name in fields}))

    place.tell(event, place.run("pytest -q"))

    assert place.counted() == ["no_entry", "stored"]


@pytest.mark.parametrize("text", ["[]", "{", '{"key": "k"}', '{"since": []}'])
def test_a_record_of_a_call_that_cannot_be_read_stores_nothing(place: Place, text: str) -> None:
    event = place.before("pytest -q")
    assert place.ask(event) == {}
    (path,) = (place.cache / "pending").iterdir()
    path.write_text(text)

    place.tell(event, place.run("pytest -q"))

    assert place.call("pytest -q")[1] is False
