"""What is ours before and after a command of `skillcache run` is given up after its time, and the command is not."""

import subprocess
import sys

import pytest

from tests.events.conftest import Place
from tests.events.conftest import place as place_fixture

place = place_fixture
PROGRAM = """
import os, signal, sys
from skillcache.cli import run
from skillcache.commands import record
def held_up(*_, **__):
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    signal.setitimer(signal.ITIMER_REAL, 0.01)  # the time is over sooner here
    os.read(os.pipe()[0], 1)
if sys.argv[1] == "look":
    run.Declared.capture_key = held_up
if sys.argv[1] == "keep":
    record.Recorder.keep = held_up
from skillcache.__main__ import main
sys.exit(main(["run", "-v", "--", *sys.argv[2:]]))
"""


def run(place: Place, held_up: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, held_up, *words],
        cwd=place.root, env=place.environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_before_it_the_command_runs_as_it_would(place: Place) -> None:
    done = run(place, "look", "sh", "-c", "echo out; echo error >&2; exit 3")
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert done.stderr == "skillcache: not cached: the hook ran out of its own time\nerror\n"
    assert place.counted() == ["time_up"]


def test_after_it_the_status_is_the_command_s(place: Place) -> None:
    done = run(place, "keep", "sh", "-c", "echo out; exit 3")
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert place.counted() == ["no_entry", "time_up"]


@pytest.mark.parametrize("held_up", ["look", ""])
def test_the_command_is_left_no_alarm(place: Place, held_up: str) -> None:
    said = "import signal; print(signal.getitimer(signal.ITIMER_REAL), signal.getsignal(signal.SIGALRM).name)"
    assert run(place, held_up, sys.executable, "-c", said).stdout == "(0.0, 0.0) SIG_DFL\n"
