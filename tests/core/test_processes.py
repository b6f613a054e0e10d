"""Children without subprocess: their output whole, their end certain."""

import os
import time

import pytest

from skillcache.core.processes import end, gather, start

ENVIRON = {"PATH": os.defpath}


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def far() -> float:
    return time.monotonic() + 30


def alive(pid: int) -> bool:
    """Whether it still runs; one that was ended and waits for its parent to take notice does not."""
    deadline = time.monotonic() + 10  # the signal is sent, its effect is the kernel's business
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                state = file.read().rpartition(b") ")[2][:1]
        except OSError:
            return False
        if state in b"ZX":
            return False
    return True


def test_children_run_side_by_side_and_give_all_their_output() -> None:
    many = start("/bin/sh", shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"), ENVIRON)
    few = start("/bin/sh", shell("echo $PATH; exit 3"), ENVIRON)
    gather([many, few], far())
    assert many.output.endswith(b"line 19999\n")
    assert (many.status, few.status, few.output) == (0, 3, os.defpath.encode() + b"\n")


def test_a_child_reads_nothing_and_its_errors_go_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    child = start("/bin/sh", shell("cat; echo error >&2; echo done"), ENVIRON)
    gather([child], far())
    assert child.output == b"done\n"
    assert capfd.readouterr() == ("", "")


def test_an_executable_that_is_missing_raises() -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        start("/no/such/thing", ["thing"], ENVIRON)
    assert len(os.listdir("/proc/self/fd")) == descriptors


@pytest.mark.parametrize("script", ["sleep 60", "sleep 60 & echo $!; wait", "exec >&-; sleep 60"])
def test_past_the_deadline_a_child_and_what_it_started_are_ended(script: str) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    child = start("/bin/sh", shell(script), ENVIRON)
    with pytest.raises(TimeoutError):
        gather([child], time.monotonic() + 0.2)
    assert child.status == -9
    assert not alive(child.pid)
    if child.output:
        assert not alive(int(child.output))
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_child_is_reaped_when_nobody_asks_for_its_output() -> None:
    child = start("/bin/sh", shell("sleep 60"), ENVIRON)
    end([child])
    end([child])
    assert not alive(child.pid)
    with pytest.raises(ChildProcessError):
        os.waitpid(child.pid, 0)
