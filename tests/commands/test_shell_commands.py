"""What a shell's commands are when stand-ins run them: their text, their status, their signals, and nothing left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skillcache.core import counts
from tests.conftest import until
from tests.shims.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path, "bash")
    made.tool("ruff")
    made.tool("pytest", '#!/bin/sh\necho "$*" >>"$COUNTER"\neval "$DO"\n')
    (made.project / ".gitignore").write_text("kept/\n")
    made.start()
    return made


def test_streams_are_as_the_command_wrote_them(shell: Shell) -> None:
    both = "for i in 1 2 3; do echo out $i; echo err $i >&2; done"
    shell.same("pytest -q", runs=1, DO=both)
    shell.same("pytest -q 2>&1 | cat", runs=0, DO=both)
    shell.same("{ pytest -q; } 2>/dev/null", runs=1, DO=both)
    shell.same("pytest -q 2>&1 >/dev/null | sed s/e/E/", runs=0, DO=both)
    shell.same("ruff check . 2>/dev/null", runs=1)
    shell.same("ruff check .", runs=0)  # nothing on standard error: one form serves the other


def test_data_of_any_kind_and_size_is_passed_on(shell: Shell) -> None:
    shell.same("pytest -q | od -c", runs=1, DO=r"printf '\000\377\r\n\033[1m'")
    shell.same("pytest -v | cksum", runs=2, DO="head -c 20000000 /dev/zero")
    shell.same("pytest -v -v | head -1; echo ${PIPESTATUS[0]}", runs=2, DO="yes")
    shell.same("pytest -s >&-; echo $?", runs=2, DO="exit 3")
    shell.same("pytest -ra 2>&-; echo $?", runs=2, DO="exit 3")


def test_what_a_variable_of_the_shell_has_a_command_do_counts_like_an_option(shell: Shell) -> None:
    shell.same("PYTEST_ADDOPTS=--lf pytest", runs=2)
    shell.same("export PYTEST_ADDOPTS=--lf; pytest -q", runs=2)
    shell.same("pytest -v", runs=2, PYTEST_ADDOPTS="--lf")
    shell.same("PYTEST_ADDOPTS=-x pytest -v", runs=1)


def test_a_client_that_is_switched_off_has_its_commands_run(shell: Shell) -> None:
    shell.call("pytest -q")
    switch = [sys.executable, "-m", "skillcache", "serve"]
    client = {**shell.environ, "CLAUDE_PID": str(os.getpid())}
    subprocess.run([*switch, "--off"], env=client, check=True, stdout=subprocess.DEVNULL)
    shell.same("pytest -q", runs=2, CLAUDE_PID=str(os.getpid()))
    shell.same("pytest -q", runs=0, CLAUDE_PID="1")
    subprocess.run([*switch, "--on"], env=client, check=True, stdout=subprocess.DEVNULL)
    shell.same("pytest -q", runs=0, CLAUDE_PID=str(os.getpid()))


def test_what_stands_around_a_command_changes_nothing(shell: Shell) -> None:
    (shell.project / "Makefile").write_text("all: a b c\na b c:\n\t@ruff check $@\n")
    shell.same("printf '%s\\n' a b c | xargs -P3 -n1 ruff check | sort", runs=3)
    shell.same("make -j3 all | sort", runs=3)
    shell.same("nice ruff check n; timeout 20 ruff check t; (ruff check s); sh -c 'ruff check h'", runs=4)
    shell.same('env -i PATH="$PATH" HOME="$HOME" COUNTER="$COUNTER" ruff check e', runs=2)  # quick ones are not kept
    shell.same('x=$(ruff check v); echo "$x"; [ -n "$x" ] && command ruff check c', runs=1)
    shell.same("for i in 1 2 3; do ruff check loop; done", runs=5)


def test_ends_by_signals_and_statuses(shell: Shell) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1, signal.SIGPIPE):
        shell.same("{ pytest -q & wait $!; } 2>/dev/null; echo $?", runs=2, DO=f"kill -{int(number)} $$")
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGHUP):
        do = f"trap 'echo heard; exit 9' {int(number)}; : >$READY; while :; do sleep 0.05; done"
        wait = "while [ ! -e $READY ]; do sleep 0.05; done"
        line = f"rm -f $READY; pytest -x & p=$!; {wait}; kill -{int(number)} $p; wait $p; echo $?"
        shell.same(line, runs=2, DO=do, READY="kept_ready")
    shell.same("pytest -q; echo $?", runs=2, DO="exit 126")
    shell.same("{ perl -e 'alarm 1; exec @ARGV' pytest -q; } 2>/dev/null; echo $?", runs=2, DO="exec sleep 30")


def test_an_asked_for_run_runs_and_so_does_what_it_starts(shell: Shell) -> None:
    (shell.project / "Makefile").write_text("check:\n\t@ruff check .\n")
    shell.same("make check", runs=1)
    shell.same("make check # fresh", runs=2)
    shell.same("make check <data", runs=1)
    shell.same("make check <data # fresh", runs=2)
    shell.same("make check; echo '# fresh' told", runs=0)
    shell.same("SKILLCACHE_FRESH=1 make check", runs=2)
    shell.same("SKILLCACHE_FRESH=0 make check", runs=0)


def test_a_failure_is_given_to_the_very_next_call_with_other_filters_and_to_nobody_else(shell: Shell) -> None:
    said = "one\ntwo\nthree\n"

    def ran(line: str, text: str) -> int:
        before = shell.runs()
        assert shell.call(line, DO="printf 'one\\ntwo\\nthree\\n'; exit 1").stdout == text
        return shell.runs() - before

    assert ran("pytest -q 2>&1 | tail -1", "three\n") == 1
    assert ran("pytest -q 2>&1 | head -1", "one\n") == 0
    assert ran("pytest -q 2>&1 | tail -2", "two\nthree\n") in (0, 1)
    assert ran("pytest", said) == 1
    assert ran("pytest 2>&1 | head -1", "one\n") == 0  # a line of one word, which the client does not quote
    assert ran("pytest -v 2>&1 | tail -1", "three\n") == 1
    assert ran("pytest -v 2>&1 | tail -1", "three\n") == 1  # the same line
    assert ran("true", "") == 0
    assert ran("pytest -v 2>&1 | head -1", "one\n") == 1  # not the very next
    assert ran("pytest -v 2>&1", said) == 1  # no filter
    assert ran("pytest -v 2>&1 | head -1", "one\n") in (0, 1)
    assert ran("pytest -x 2>&1 | tail -1", "three\n") == 1
    assert ran("pytest -x 2>&1 | cat; true", said) == 1  # another command
    assert ran("pytest -s 2>&1 | tail -1", "three\n") == 1
    (shell.project / "data").write_text("two\n")
    assert ran("pytest -s 2>&1 | head -1", "one\n") == 1
    failed = shell.cache / "failed/one"
    at, rest = failed.read_text().split(" ", 1)
    failed.write_text(f"{int(at) - 121} {rest}")
    assert ran("pytest -s 2>&1 | head -2", "one\ntwo\n") == 1


def test_what_is_not_to_be_kept_is_not(shell: Shell) -> None:
    shell.same("pytest -q", runs=2, DO="echo $RANDOM$$ >>data; echo changed")
    shell.same("pytest -q", runs=2, DO="echo AKIA$(printf ABCDEFGHIJKLMNOP)")
    outcomes = {count.outcome.name for count in counts.read(str(shell.cache))}
    assert {"changed_inputs", "secret"} <= outcomes


def test_in_the_clients_sandbox_nothing_is_given_or_kept(shell: Shell) -> None:
    shell.same("ruff check .", runs=2, SANDBOX_RUNTIME="1")
    shell.same("ruff check .", runs=1)
    shell.same("ruff check .", runs=2, SANDBOX_RUNTIME="1")
    assert "sandboxed" in {count.outcome.name for count in counts.read(str(shell.cache))}


def test_a_pipe_in_the_repository_holds_nobody_up(shell: Shell) -> None:
    os.mkfifo(shell.project / "fifo")
    shell.same("ruff check .", runs=1)


def test_what_a_command_leaves_behind_goes_on(shell: Shell) -> None:
    bare = shell.run("pytest -q", DO="(sleep 0.5; echo late) & echo early")
    assert shell.call("pytest -q", DO="(sleep 0.5; echo late) & echo early").stdout == bare.stdout


@pytest.mark.long
def test_killed_at_any_moment_nothing_is_left_and_nothing_is_stuck(shell: Shell) -> None:
    """The program that the shell waits for is killed: its own status or the signal's, at most one run each time."""
    environ = {**shell.environ, "PATH": f"{shell.shims()}:{shell.environ['PATH']}", "DO": "exec sleep 0.2"}
    chance = random.Random(7)
    for turn in range(30):
        before = shell.runs()
        words = ["pytest", "-q", f"case_{turn}.py"]
        process = subprocess.Popen(
            words, env=environ, cwd=shell.project, stdout=subprocess.DEVNULL, executable=str(shell.shims() / "pytest")
        )
        time.sleep(chance.random() * 0.4)  # the moment
        process.kill()
        assert process.wait() in (0, -9)
        assert shell.runs() - before <= 1
        until(lambda case=words[2]: not _running(case))  # type: ignore[misc]


def _running(word: str) -> bool:
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and word.encode() in (entry / "cmdline").read_bytes():
                return True
        except OSError:
            continue
    return False
