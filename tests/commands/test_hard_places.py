"""Places in which others fail: terminals, devices, stopped jobs, a store that hangs, a disk that is full."""

from __future__ import annotations

import ctypes
import os
import pty
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import skillcache
from skillcache.core.outcomes import SLOW_PLACE, TIME_UP
from tests.conftest import until
from tests.shims.shell import Shell

_DO = '#!/bin/sh\necho "$*" >>"$COUNTER"\neval "$DO"\n'


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path, "bash")
    made.tool("pytest", _DO)
    made.start()
    return made


def test_a_device_that_takes_nothing(shell: Shell) -> None:
    shell.same("pytest -q", runs=1, DO="echo all well")
    shell.same("pytest -q >/dev/full; echo $?", runs=2, DO="echo all well")
    shell.same("pytest -q 2>/dev/full; echo $?", runs=2, DO="echo all well")


def test_streams_that_are_closed_or_cannot_be_written(shell: Shell) -> None:
    for place in ("&-", "/dev/null"):
        shell.same(f"pytest -q 2>{place}; echo $?", runs=2 if place == "&-" else 1, DO="echo all well >&2 || exit 7")
    shell.same("pytest -q 2</dev/null; echo $?", runs=2, DO="echo all well >&2 || exit 7")


def test_an_input_that_begins_late(shell: Shell) -> None:
    late = """(until grep -qs x "$COUNTER"; do sleep 0.02; done; echo late)"""
    for _ in range(2):
        shell.counter.unlink(missing_ok=True)
        assert shell.call(f"{late} | pytest -x", DO="cat").stdout == "late\n"


@pytest.mark.table
@pytest.mark.parametrize("limit", ["-n 8", "-n 9", "-n 10", "-n 11", "-v 20000", "-d 10000"])
def test_where_there_is_no_room_for_us(shell: Shell, limit: str) -> None:
    for count in (1, 200_000):  # a pipe holds one of them
        line = f"seq {count} | (ulimit {limit}; exec pytest -q); echo $?"
        bare = shell.run(line, DO="wc -l").stdout
        assert [shell.call(line, DO="wc -l").stdout for _ in range(2)] == [bare, bare]


def test_a_signal_that_is_ignored_stays_so(shell: Shell) -> None:
    shell.same("trap '' ALRM; pytest -q", runs=1, DO="kill -ALRM $$; echo all well")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_comes_when_the_command_has_ended(shell: Shell, number: signal.Signals) -> None:
    environ = {
        **shell.environ,
        "PATH": f"{shell.shims()}:{shell.environ['PATH']}",
        "DO": "rm -f .gitignore; mkfifo .gitignore; echo all well",  # git waits there when it is asked again
    }
    with subprocess.Popen(
        [str(shell.shims() / "pytest"), "-q"], cwd=shell.project, env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        until(lambda: "git" in _children(process.pid) and (shell.project / ".gitignore").is_fifo())
        process.send_signal(number)
        assert process.communicate(timeout=30)[0] == "all well\n"
        assert process.returncode == 0


def _children(parent: int) -> list[str]:
    return [name for name, of in _named() if of == parent]


def _named() -> Iterator[tuple[str, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                before, _, after = (entry / "stat").read_text().rpartition(")")
            except OSError:
                continue
            yield before.partition("(")[2], int(after.split()[1])


def test_what_is_looked_at_in_a_terminal_runs(shell: Shell) -> None:
    shell.call("pytest -q", DO="[ -t 1 ] && echo a terminal || echo none")
    master, terminal = pty.openpty()
    for _ in range(2):
        command = ["bash", "-c", f"{Path(shell.start()).read_text()}\npytest -q"]
        environ = {**shell.environ, "DO": "[ -t 1 ] && echo a terminal || echo none"}
        subprocess.run(command, cwd=shell.project, env=environ, stdin=terminal, stdout=terminal, check=True)
    said = b""
    while said.count(b"\n") < 2:  # what was written comes when the kernel has time for it
        said += os.read(master, 1000)
    assert said == b"a terminal\r\n" * 2
    os.close(terminal)
    os.close(master)


def test_a_job_that_is_stopped_stops_and_goes_on(shell: Shell) -> None:
    began, go_on = shell.base / "began", shell.base / "go on"
    environ = {
        **shell.environ,
        "PATH": f"{shell.shims()}:{shell.environ['PATH']}",
        "BEGAN": str(began),
        "GO_ON": str(go_on),
        "DO": ': >"$BEGAN"; while [ ! -e "$GO_ON" ]; do sleep 0.02; done; echo ended',
    }
    command = [str(shell.shims() / "pytest"), "-q"]
    with subprocess.Popen(
        command, cwd=shell.project, env=environ, stdout=subprocess.PIPE, process_group=0, text=True
    ) as process:
        try:
            until(began.exists)
            os.killpg(process.pid, signal.SIGTSTP)
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status)
            until(lambda: set(_states(process.pid)) - {"Z"} == {"T"})  # whose parent is stopped, too
            go_on.touch()
            os.killpg(process.pid, signal.SIGCONT)
            assert process.communicate(timeout=60)[0] == "ended\n"
            assert process.returncode == 0
        finally:
            if process.poll() is None:  # or it is waited for without an end
                os.killpg(process.pid, signal.SIGKILL)


def test_an_end_that_another_thread_is_told_of_says_nothing() -> None:
    """Python does, on standard error, where a signal has no handler when its turn comes."""
    named = "from skillcache.commands.child import SIGCHLD, _Signals, getsignal"
    code = f"{named}\nwith _Signals(): pass\nassert callable(getsignal(SIGCHLD))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def _states(group: int) -> list[str]:
    """Of the processes in a group, but those that only watch."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group:
                found.append(fields[0])
    return found


def test_a_store_that_takes_the_connection_and_says_nothing(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"redis://127.0.0.1:{server.getsockname()[1]}"
        shell.same("pytest -q | cat", runs=2, DO="echo all well", SKILLCACHE_REDIS_URL=url)


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[None]:
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def _gone(folder: Path) -> Iterator[None]:
    """A share whose server says nothing any more: who looks at it waits, and no signal but the last ends that."""
    folder.mkdir(parents=True)
    library = ctypes.CDLL(None)
    try:
        server = os.open("/dev/fuse", os.O_RDWR)
    except OSError:
        pytest.skip("nothing may be mounted here")
    options = f"fd={server},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
    if library.mount(b"fuse", os.fsencode(folder), b"fuse", 0, options.encode()):
        os.close(server)
        pytest.skip("nothing may be mounted here")
    try:
        yield
    finally:
        os.close(server)
        library.umount2(os.fsencode(folder), 2)


@pytest.mark.long
def test_a_share_that_has_gone_away(shell: Shell) -> None:
    (shell.project / "conftest.py").write_text('open("../share/data.json")')
    environ = {"DO": "echo all well; trap '' PIPE; cat", "SKILLCACHE_CAPTURE_TIME": "0.5"}
    line = "seq 3 | pytest -q"
    with _gone(shell.base / "share"):
        assert [shell.call(line, **environ).stdout for _ in range(2)] == ["all well\n1\n2\n3\n"] * 2
    log = (shell.cache / "outcomes.log").read_text().splitlines()
    assert [int(line.split("\t")[1]) for line in log] == [TIME_UP.id, SLOW_PLACE.id]  # it is asked once in a session


_HELD_UP = """
import os, sys, time, _signal
sys.path.insert(0, sys.argv[1])
from skillcache.commands import nesting
nesting.rescues.append(lambda: os._exit(7))
_signal.pthread_sigmask(_signal.SIG_BLOCK, [_signal.SIGALRM])  # as one is that waits where no signal ends that
nesting.begin(0.01)
nesting.end()
nesting.begin(0.01)
time.sleep(600)
"""


_ENDLESS = """CREATE TRIGGER held_up AFTER INSERT ON records BEGIN DELETE FROM records WHERE
    (WITH RECURSIVE one (x) AS (SELECT 1 UNION ALL SELECT x FROM one) SELECT count(*) FROM one); END"""


@pytest.mark.long
def test_a_store_that_does_not_come_back(shell: Shell) -> None:
    shell.environ["SKILLCACHE_CAPTURE_TIME"] = "1"
    shell.call("pytest -q", DO="echo all well")
    with closing(sqlite3.connect(shell.cache / "store.sqlite3")) as store:  # as on a disk that answers no more
        store.execute(_ENDLESS)
        store.commit()
    assert shell.call("pytest -x", DO="echo all well").stdout == "all well\n"


def test_whoever_does_not_come_back_is_not_waited_for() -> None:
    program = [sys.executable, "-I", "-S", "-c", _HELD_UP, str(Path(skillcache.__file__).parents[1])]
    assert subprocess.run(program, check=False, timeout=60).returncode == 7


def test_a_signal_that_comes_while_we_let_go_of_signals_is_told_to_nobody() -> None:
    """Another process sends us what a child's end sends, again and again: without care Python complains in moments."""
    program = [sys.executable, "-c", _SWARM]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


_SWARM = """
import os
from _signal import SIGCHLD, SIGKILL
from skillcache.commands.child import _Signals

me = os.getpid()
other = os.fork()
if not other:
    while os.getppid() == me:
        os.kill(me, SIGCHLD)
    os._exit(0)
for _ in range(5_000):
    with _Signals():
        pass
os.kill(other, SIGKILL)
"""


def test_where_the_system_shows_no_processes(shell: Shell) -> None:
    hidden = "mount -t tmpfs none /proc || exit 9;"
    if subprocess.run(["unshare", "-m", "sh", "-c", hidden], capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here")
    for line in ("seq 3 | (pytest -q; cat)", "pytest -q 3>&1 >/dev/null"):
        shell.same(f"unshare -m bash -c '{hidden} {line}'", runs=2, DO="read x; echo $x; echo all well >&3")


def test_a_disk_that_is_full(shell: Shell) -> None:
    with _mounted(shell.base / "full", "size=1m,mode=700"):
        shell.environ["SKILLCACHE_HOME"] = str(shell.base / "full/cache")
        shell.start()
        shell.same("pytest -q", runs=1, DO="echo all well")
        with pytest.raises(OSError, match="space"):
            (shell.base / "full/rest").write_bytes(bytes(1 << 21))
        shell.same("pytest -x", runs=2, DO="echo all well")
        shell.start()
        shell.same("pytest -v", runs=2, DO="echo all well")


def test_a_folder_where_nothing_may_be_executed(shell: Shell) -> None:
    with _mounted(shell.base / "noexec", "noexec,mode=700"):
        shell.environ["SKILLCACHE_HOME"] = str(shell.base / "noexec/cache")
        (shell.base / "client/sessionstart-hook-1.sh").unlink()
        file = shell.start()
        assert not file.exists()
        shell.same("pytest -q; command -v pytest", runs=2, DO="echo all well")
