"""What stands in the place of a file of ours, or holds it up, holds up no call."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skillcache.core import files
from tests.events.conftest import HOOKS, Place

PAGE = {"url": "https://example.org/", "prompt": "What is it about?"}
FETCHED = {
    "bytes": 9, "code": 200, "codeText": "OK", "result": "A page.", "durationMs": 900, "url": PAGE["url"],
}  # fmt: skip


@pytest.mark.parametrize("name", ["outcomes.log", "durations.bin", "store.sqlite3"])
def test_a_pipe_that_nobody_reads_holds_nothing_up(place: Place, name: str) -> None:
    path = place.cache / name
    path.parent.mkdir(mode=0o700, parents=True)
    os.mkfifo(path)
    first, _ = place.call("pytest -q")
    assert place.call("pytest -q")[0] == first


@pytest.mark.long
def test_a_hook_whose_time_is_up_ends_even_where_that_cannot_be_counted(tmp_path: Path) -> None:
    """The time is short here, and both the event and the count wait for ever."""
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from skillcache.events import runtime; from skillcache.core import outcomes\n"
        "runtime._TIME = 0.1\n"
        "outcomes.record = lambda *_, **__: time.sleep(60)\n"
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
        "from skillcache.events import runtime\n"
        "from skillcache.events import tool_use\n"
        "runtime._END -= 3\n"
        f"def stuck(): {STUCK}\n"
        "def handle(data, world):\n"
        "    if sys.argv[2] == 'in the handler': stuck()\n"
        "    world.after = lambda: (runtime.arm(0.2), stuck())\n"
        "    return '{}'\n"
        "tool_use.before = handle\n"
        "runtime.main('PreToolUse')\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(HOOKS.parent), where],
        input=b"{}", capture_output=True, env={"HOME": str(tmp_path)}, timeout=60, check=False,
    )  # fmt: skip
    said = b"{}" if where == "behind the answer" else b""
    assert (done.returncode, done.stdout, done.stderr) == (1, said, b"")


def test_what_is_left_behind_is_swept_after_any_call_that_was_made(place: Place) -> None:
    first, second = place.before("WebFetch", PAGE), place.before("WebFetch", PAGE)
    for event in (first, second):
        assert place.ask(event) == {}
    drafts = [Path(files.draft_of(str(place.cache / name))) for name in ("seal.key", "quarantine/x")]
    (place.cache / "quarantine").mkdir()
    for path in drafts:
        path.touch()
    left = [place.cache / "pending" / first["tool_use_id"], *drafts]
    for path in left:
        os.utime(path, (1, 1))
    place.tell(second, {})
    assert not any(path.exists() for path in left)


def test_a_call_that_began_under_the_version_before_ends_under_this_one(place: Place) -> None:
    event = place.before("WebFetch", PAGE)
    assert place.ask(event) == {}
    (path,) = (place.cache / "pending").iterdir()
    path.write_text(json.dumps({**json.loads(path.read_text()), "verifies": False, "trace": {}}))

    place.tell(event, FETCHED)

    assert place.counted() == ["no_entry", "stored"]


@pytest.mark.parametrize("text", ["[]", "{", '{"key": "k"}', '{"since": []}'])
def test_a_record_of_a_call_that_cannot_be_read_stores_nothing(place: Place, text: str) -> None:
    event = place.before("WebFetch", PAGE)
    assert place.ask(event) == {}
    (path,) = (place.cache / "pending").iterdir()
    path.write_text(text)

    place.tell(event, FETCHED)

    assert "stored" not in place.counted()


class TestBadInput:
    EVENTS = (
        b"", b" ", b"null", b"[]", b"7", b"{", b"{}", b"\xff\xfe", b"\0" * 100, b'"text"', b"[" * 100_000,
        b'{"hook_event_name":"PreToolUse","tool_name":"WebFetch","tool_input":"x","cwd":"/","tool_use_id":"t"}',
        b'{"hook_event_name":"PreToolUse","tool_name":"WebFetch","tool_input":{},"cwd":7,"tool_use_id":"t"}',
        b'{"hook_event_name":"PreToolUse","tool_name":[],"tool_input":{},"cwd":"/","tool_use_id":"t"}',
    )  # fmt: skip

    @pytest.mark.table
    @pytest.mark.parametrize("script", ["pre_tool_use.py", "post_tool_use.py"])
    @pytest.mark.parametrize("data", EVENTS)
    def test_leaves_the_call_untouched_and_is_counted(self, place: Place, script: str, data: bytes) -> None:
        assert place.give(script, data) == (0, b"", b"")
        assert place.counted() == ["bad_event"]

    @pytest.mark.parametrize("tool", ["SomethingNew", "Bash", "Read"])
    def test_a_call_of_another_tool_is_none_of_ours(self, place: Place, tool: str) -> None:
        event = json.dumps(place.before(tool, {"command": "pytest -q"})).encode()
        for script in ("pre_tool_use.py", "post_tool_use.py"):
            assert place.give(script, event) == (0, b"", b"")
        assert place.counted() == []


def test_hooks_started_twice_for_one_call_handle_it_once(place: Place) -> None:
    event = place.before("WebFetch", PAGE)
    assert [place.ask(event), place.ask(event)] == [{}, {}]
    place.tell(event, FETCHED)
    place.tell(event, FETCHED)
    assert place.counted() == ["no_entry", "stored"]


def test_a_hit_that_another_hook_undid_is_none(place: Place) -> None:
    event = place.before("WebFetch", PAGE)
    place.ask(event)
    place.tell(event, FETCHED)
    served = place.before("WebFetch", PAGE, session="s2")
    assert place.ask(served) != {}
    place.tell(served, FETCHED)  # the call was made after all
    assert place.counted() == ["no_entry", "stored", "undone"]


def test_a_fault_of_ours_is_counted_and_leaves_its_place(place: Place) -> None:
    broken = place.base / "checkout"
    shutil.copytree(HOOKS, broken / "hooks")
    shutil.copytree(HOOKS.parent / "skillcache", broken / "skillcache")
    with (broken / "skillcache/core/git.py").open("a") as file:
        file.write("\n\ndef identity(root):\n    raise KeyError('something of the person')\n")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(broken / "hooks/pre_tool_use.py")],
        input=json.dumps(place.before("WebFetch", PAGE)), capture_output=True, text=True, check=False,
        env={**place.environ, "CLAUDE_PROJECT_DIR": str(place.root)},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert place.counted()[-1] == "internal"
    left = (place.cache / "fault.txt").read_text()
    assert left.startswith("KeyError\n")
    assert "core/git.py:" in left
    assert "something" not in left
