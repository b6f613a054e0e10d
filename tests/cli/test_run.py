"""`skillcache run` on real commands: what it prints, stores and refuses, seen from outside."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skillcache.cache.decision import Inquiry, Plan, decide
from skillcache.core import counts as tally
from skillcache.core.outcomes import EXPIRED
from skillcache.core.paths import embedded_store
from skillcache.rules.rule import Rule
from skillcache.stores import open_store
from skillcache.stores.contract import EMBEDDED, Store
from skillcache.stores.entry import STREAMS, Entry, File, encode
from tests import ready
from tests.conftest import RedisServer, free_port

Completed = subprocess.CompletedProcess[bytes]
Running = subprocess.Popen[bytes]

SKILLCACHE = (sys.executable, "-m", "skillcache", "run")
SECONDS = 60


class Script:
    """A person's project, and the scripts in it: each adds a line to `counter` when it really runs."""

    def __init__(self, base: Path, store: str) -> None:
        self.base = base
        self.root = base / "project"
        self.other = base / "elsewhere" / "tree"
        self.counter = base / "counter"
        self.fifo = base / "fifo"
        os.mkfifo(self.fifo)
        # Open for both, it takes a line before there is a reader, and is at its end for none.
        self._gate = os.open(self.fifo, os.O_RDWR)
        weakref.finalize(self, os.close, self._gate)
        self.environ = {
            "HOME": str(base / "home"),
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "USER": "someone",
            "COUNTER": str(self.counter),
            "GIT_CONFIG_GLOBAL": str(base / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            **({"SKILLCACHE_REDIS_URL": store} if store else {}),
        }
        (base / "home").mkdir()
        (base / "gitconfig").write_text("[user]\nname = x\nemail = x@x\n[init]\ndefaultBranch = main\n")
        self.root.mkdir()
        self.git("init", "-q")
        (self.root / ".gitignore").write_text("ignored.txt\n")
        (self.root / "data.txt").write_text("one\n")
        self.script("work.sh", "cat data.txt; echo error >&2")

    def git(self, *words: str) -> None:
        subprocess.run(["git", *words], cwd=self.root, env=self.environ, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", "more", "--allow-empty")

    def script(self, name: str, body: str) -> None:
        """`$FIFO` in it is the path of the pipe: a command that a variable tells of one is not cached."""
        path = self.root / name
        told = body.replace("$FIFO", str(self.fifo))
        path.write_text(f'#!/bin/sh\necho ran >> "$COUNTER"\n{told}\n')
        path.chmod(0o755)
        self.commit()

    def run(self, *arguments: str, given: bytes | int = subprocess.DEVNULL, folder: Path | None = None) -> Completed:
        with open(os.devnull, "rb") as nothing:
            handle = nothing.fileno() if given == subprocess.DEVNULL else given
            status, out, err = ready.ran(
                "run",
                *arguments,
                folder=folder or self.root,
                environ=self.environ,
                given=handle,
                seconds=SECONDS,
            )
        assert b"Traceback" not in err
        return subprocess.CompletedProcess(arguments, status, out, err)

    def start(self, *arguments: str, given: int = subprocess.DEVNULL, error: int = subprocess.PIPE) -> Running:
        return subprocess.Popen(
            [*SKILLCACHE, *arguments],
            cwd=self.root,
            env=self.environ,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=error,
        )

    def runs(self) -> int:
        return len(self.counter.read_text().splitlines()) if self.counter.exists() else 0

    def let_go(self) -> None:
        """Let a script that reads the fifo go on."""
        os.write(self._gate, b"go\n")

    def cache(self) -> str:
        return f"{self.environ['HOME']}/.cache/skillcache"

    def store(self) -> Store:
        target = self.environ.get("SKILLCACHE_REDIS_URL") or EMBEDDED + embedded_store(self.cache())
        return open_store(target, now=time.time())

    def counted(self) -> list[str]:
        return [count.outcome.name for count in tally.read(self.cache())]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path, "")


@pytest.fixture(params=["embedded", "redis"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Script:
    """The same over both stores."""
    url = request.getfixturevalue("redis_server").url if request.param == "redis" else ""
    return Script(tmp_path, url)


@pytest.fixture
def started() -> Iterator[Callable[[Running], Running]]:
    """Ends what a failed test left running."""
    processes: list[Running] = []

    def keep(process: Running) -> Running:
        processes.append(process)
        return process

    yield keep
    for process in processes:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def seen(done: Completed) -> tuple[int, bytes, bytes]:
    return done.returncode, done.stdout, done.stderr


def read_until(fd: int, text: bytes) -> bytes:
    """What a terminal shows until `text` is there."""
    got = b""
    deadline = time.monotonic() + SECONDS
    while text not in got:
        assert time.monotonic() < deadline, got
        ready, _, _ = select.select([fd], [], [], 1)
        if ready:
            got += os.read(fd, 1000)
    return got


# What a replay prints


def test_replays_both_streams_apart_and_runs_nothing(stored: Script) -> None:
    first = stored.run("--", "./work.sh")
    second = stored.run("--", "./work.sh")
    assert seen(first) == seen(second) == (0, b"one\n", b"error\n")
    assert stored.runs() == 1


@pytest.mark.long
def test_replays_every_byte_of_a_large_binary_output_without_a_last_newline(stored: Script) -> None:
    stored.environ["SKILLCACHE_CAPTURE_TIME"] = "60"  # what the interpreter has beside it is read as well
    # The same bytes each time: in some of 3 MB of noise something looks like a password.
    noise = "import random, sys; sys.stdout.buffer.write(random.Random(1).randbytes(3_000_000))"
    stored.script("work.sh", f"{sys.executable} -c '{noise}'; printf '\\000\\377end' >&2")
    first = stored.run("--", "./work.sh")
    second = stored.run("--", "./work.sh")
    assert len(first.stdout) == 3_000_000
    assert first.stderr == b"\x00\xffend"
    assert seen(first) == seen(second)
    assert stored.runs() == 1


def test_a_command_that_prints_nothing_is_replayed_as_nothing(script: Script) -> None:
    script.script("work.sh", ":")
    assert seen(script.run("./work.sh")) == seen(script.run("./work.sh")) == (0, b"", b"")
    assert script.runs() == 1


def test_verbose_says_what_was_done(script: Script) -> None:
    first = script.run("-v", "--", "./work.sh")
    second = script.run("--verbose", "--", "./work.sh")
    assert first.stderr == b"error\nskillcache: ran, the result was stored\n"
    line = rb"error\nskillcache: replayed, recorded \d seconds? ago by someone on \S+\n"
    assert re.fullmatch(line, second.stderr)


def test_hits_and_runs_are_counted(script: Script) -> None:
    script.run("--", "./work.sh")
    script.run("--", "./work.sh")
    assert script.counted() == ["no_entry", "stored", "replayed"]


# What the command ends with


def test_what_it_takes_itself_and_what_its_command_takes_are_counted_apart(script: Script) -> None:
    script.script("work.sh", "sleep 1")
    began = time.monotonic()
    for _ in range(2):
        script.run("--", "./work.sh")
    whole = (time.monotonic() - began) * 1000
    counts = tally.read(script.cache())
    assert [(count.outcome.name, count.run >= 1000) for count in counts] == [
        ("no_entry", False), ("stored", True), ("replayed", True),
    ]  # fmt: skip
    assert counts[1].run + sum(count.spent for count in counts) <= whole  # nothing is counted twice


def test_a_failed_run_fails_again(stored: Script) -> None:
    stored.script("work.sh", "echo bad; exit 3")
    assert seen(stored.run("--", "./work.sh")) == seen(stored.run("--", "./work.sh")) == (3, b"bad\n", b"")
    assert stored.runs() == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_command_that_a_signal_ends_ends_as_it_would_without_us(script: Script, number: signal.Signals) -> None:
    script.script("work.sh", f"kill -{number.value} $$")
    assert script.run("--", "./work.sh").returncode == -number


def test_a_command_that_does_not_exist_ends_with_127(script: Script) -> None:
    assert seen(script.run("--", "no-such-command")) == (127, b"", b"skillcache: no-such-command: command not found\n")


def test_a_file_that_cannot_be_executed_ends_with_126(script: Script) -> None:
    assert script.run("--", "./data.txt").returncode == 126


def test_a_script_without_a_first_line_runs_as_in_a_shell(script: Script) -> None:
    path = script.root / "bare"
    path.write_text('echo bare "$1"\n')
    path.chmod(0o755)
    assert script.run("--", "./bare", "x").stdout == b"bare x\n"
    assert script.run("--", "./bare", "x").stdout == b"bare x\n"
    assert script.counted()[-1] == "replayed"


# While it runs


def test_output_comes_while_the_command_runs_and_in_its_order(
    script: Script, started: Callable[[Running], Running]
) -> None:
    script.script("work.sh", 'echo a; read x < "$FIFO"; echo b >&2; read x < "$FIFO"; printf c')
    running = started(script.start("--", "./work.sh", error=subprocess.STDOUT))
    assert running.stdout is not None
    assert running.stdout.readline() == b"a\n"
    script.let_go()
    assert running.stdout.readline() == b"b\n"
    script.let_go()
    assert running.stdout.read() == b"c"
    assert running.wait(SECONDS) == 0


def test_a_signal_to_end_reaches_the_command(script: Script, started: Callable[[Running], Running]) -> None:
    script.script("work.sh", 'trap "echo ending; exit 9" TERM; echo ready; read x < "$FIFO"')
    running = started(script.start("--", "./work.sh"))
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\n"
    running.terminate()
    assert running.communicate(timeout=SECONDS)[0] == b"ending\n"
    assert running.returncode == 9


def test_one_that_was_told_to_end_is_not_stored(script: Script, started: Callable[[Running], Running]) -> None:
    script.script("work.sh", 'trap "exit 0" TERM; echo ready; read x < "$FIFO"')
    running = started(script.start("--", "./work.sh"))
    assert running.stdout is not None
    running.stdout.readline()
    running.terminate()
    assert running.wait(SECONDS) == 0
    assert script.counted() == ["no_entry", "interrupted"]


class Terminal:
    """The command on a terminal of its own."""

    def __init__(self, script: Script, *arguments: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:  # pragma: no cover - another process
            os.chdir(script.root)
            os.execve(SKILLCACHE[0], [*SKILLCACHE, *arguments], script.environ)  # noqa: S606

    def end(self) -> int:
        """The status as `waitpid` gives it."""
        try:
            while os.read(self.fd, 1000):
                pass
        except OSError:  # how Linux says that nobody has the terminal any more
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return status


def test_the_interrupt_key_reaches_the_command_once(script: Script) -> None:
    script.script("work.sh", 'trap "echo int >> $COUNTER" INT; echo ready; read x < "$FIFO"; read x < "$FIFO"; exit 7')
    terminal = Terminal(script, "--", "./work.sh")
    read_until(terminal.fd, b"ready")
    os.write(terminal.fd, b"\x03")
    deadline = time.monotonic() + SECONDS
    while "int" not in script.counter.read_text():
        assert time.monotonic() < deadline
    script.let_go()
    script.let_go()  # some shells go on with the read that was interrupted
    assert os.waitstatus_to_exitcode(terminal.end()) == 7
    assert script.counter.read_text() == "ran\nint\n"


def test_a_command_that_dies_of_the_interrupt_key_takes_its_caller_along(script: Script) -> None:
    script.script("work.sh", 'echo ready; read x < "$FIFO"')
    terminal = Terminal(script, "--", "./work.sh")
    read_until(terminal.fd, b"ready")
    os.write(terminal.fd, b"\x03")
    assert os.waitstatus_to_exitcode(terminal.end()) == -signal.SIGINT


def test_a_reader_that_has_seen_enough_ends_the_command(script: Script, started: Callable[[Running], Running]) -> None:
    running = started(script.start("--", "yes"))
    assert running.stdout is not None
    assert running.stdout.read(2) == b"y\n"
    running.stdout.close()
    assert running.wait(SECONDS) == -signal.SIGPIPE


def test_a_replay_to_a_reader_that_has_seen_enough_ends_as_the_command_would(
    script: Script, started: Callable[[Running], Running]
) -> None:
    script.script("work.sh", "yes | head -c 1000000")
    script.run("--", "./work.sh")
    running = started(script.start("--", "./work.sh"))
    assert running.stdout is not None
    assert running.stdout.read(2) == b"y\n"
    running.stdout.close()
    assert running.wait(SECONDS) == 128 + signal.SIGPIPE
    assert running.stderr is not None
    assert running.stderr.read() == b""


def test_what_a_command_leaves_behind_is_not_waited_for_and_not_cut_off(
    script: Script, started: Callable[[Running], Running]
) -> None:
    script.script("work.sh", '(read x < "$FIFO"; echo late) & echo at once')
    running = started(script.start("--", "./work.sh"))
    assert running.stdout is not None
    assert running.stdout.readline() == b"at once\n"
    assert running.wait(SECONDS) == 0
    script.let_go()
    assert running.stdout.read() == b"late\n"
    assert script.counted() == ["no_entry", "cut"]


# What it depends on


def test_an_edit_runs_it_again(stored: Script) -> None:
    stored.run("--", "./work.sh")
    (stored.root / "data.txt").write_text("two\n")
    assert stored.run("--", "./work.sh").stdout == b"two\n"
    (stored.root / "data.txt").write_text("one\n")
    assert stored.run("--", "./work.sh").stdout == b"one\n"
    assert stored.runs() == 2


def test_other_words_run_it_again(script: Script) -> None:
    script.script("work.sh", 'echo "$#: $*"')
    assert script.run("--", "./work.sh", "a b").stdout == b"1: a b\n"
    assert script.run("--", "./work.sh", "a", "b").stdout == b"2: a b\n"


def test_another_directory_runs_it_again(script: Script) -> None:
    (script.root / "sub").mkdir()
    script.script("work.sh", "pwd")
    first = script.run("--", "../project/work.sh", folder=script.root)
    second = script.run("--", "../work.sh", folder=script.root / "sub")
    assert first.stdout != second.stdout


@pytest.mark.parametrize("back", [False, True])
def test_an_edit_during_the_run_is_not_stored(
    script: Script, started: Callable[[Running], Running], *, back: bool
) -> None:
    script.script("work.sh", 'echo ready; read x < "$FIFO"; cat data.txt')
    running = started(script.start("--", "./work.sh"))
    assert running.stdout is not None
    running.stdout.readline()
    (script.root / "data.txt").write_text("two\n")
    if back:
        (script.root / "data.txt").write_text("one\n")
    script.let_go()
    assert running.wait(SECONDS) == 0
    assert script.counted() == ["no_entry", "changed_inputs"]


def test_a_command_that_changes_what_it_reads_is_not_stored(script: Script) -> None:
    script.script("work.sh", "echo more >> data.txt")
    script.run("--", "./work.sh")
    assert script.counted() == ["no_entry", "changed_inputs"]


def test_an_ignored_file_among_the_words_counts(script: Script) -> None:
    script.script("work.sh", 'cat "$1"')
    (script.root / "ignored.txt").write_text("one\n")
    assert script.run("--", "./work.sh", "ignored.txt").stdout == b"one\n"
    (script.root / "ignored.txt").write_text("two\n")
    assert script.run("--", "./work.sh", "ignored.txt").stdout == b"two\n"


@pytest.mark.table
@pytest.mark.parametrize("form", ["{}", "--file={}", "@{}", "-f{}"])
def test_a_file_elsewhere_among_the_words_counts(script: Script, form: str) -> None:
    script.script("work.sh", f'word="$1"; cat "/${{word#*/}}"; : {form}')
    outside = script.base / "outside.txt"
    outside.write_text("one\n")
    word = form.format(outside)
    assert script.run("--", "./work.sh", word).stdout == b"one\n"
    assert script.run("--", "./work.sh", word).stdout == b"one\n"
    outside.write_text("two\n")
    assert script.run("--", "./work.sh", word).stdout == b"two\n"
    assert script.runs() == 2


def test_a_file_in_a_line_for_a_shell_counts(script: Script) -> None:
    outside = script.base / "outside.txt"
    outside.write_text("one\n")
    words = ("--", "sh", "-c", f"cat {outside}|tr a-z A-Z")
    assert script.run(*words).stdout == b"ONE\n"
    outside.write_text("two\n")
    assert script.run(*words).stdout == b"TWO\n"


def test_a_program_in_a_line_for_a_shell_counts(script: Script) -> None:
    programs = script.base / "bin"
    programs.mkdir()
    script.environ["PATH"] = f"{programs}:{script.environ['PATH']}"
    tool = programs / "mytool"
    for answer in ("one", "two"):
        tool.write_text(f"#!/bin/sh\necho {answer}\n")
        tool.chmod(0o755)
        assert script.run("--", "sh", "-c", "mytool").stdout == f"{answer}\n".encode()
        assert script.run("--", "env", "mytool").stdout == f"{answer}\n".encode()


def test_the_program_behind_a_stand_in_of_ours_counts(script: Script) -> None:
    """As in a session, whose shell finds our folders first."""
    ours, real = script.base / "ours", script.base / "bin"
    for folder in (ours, real):
        folder.mkdir()
    (ours / ".skillcache-shims").touch()
    passes_on = 'rest=${PATH#*:}\nexec "${rest%%:*}/${0##*/}" "$@"'
    for path, text in ((ours / "tool", passes_on), (real / "tool", "echo one")):
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    script.environ["PATH"] = f"{ours}:{real}:{script.environ['PATH']}"
    assert [script.run("-v", "--", "tool").stderr for _ in range(2)][1].startswith(b"skillcache: replayed")
    (real / "tool").write_text("#!/bin/sh\necho two\n")
    assert script.run("--", "tool").stdout == b"two\n"


def test_a_variable_counts_when_it_is_named(script: Script) -> None:
    script.script("work.sh", 'echo "$MINE"')
    script.environ["MINE"] = "one"
    assert script.run("--env", "MINE", "--", "./work.sh").stdout == b"one\n"
    script.environ["MINE"] = "two"
    assert script.run("--env", "MINE", "--", "./work.sh").stdout == b"two\n"


def test_a_variable_that_the_words_spell_counts(script: Script) -> None:
    for value in ("one", "two"):
        script.environ["MINE"] = value
        assert script.run("--", "sh", "-c", 'echo "${MINE}"').stdout == f"{value}\n".encode()


def test_a_command_that_asks_git_runs_again_after_a_commit(script: Script) -> None:
    script.script("work.sh", "git rev-list --count HEAD")
    first = [script.run("--", "./work.sh").stdout, script.run("--", "git", "log", "-1", "--format=%H").stdout]
    script.commit()
    second = [script.run("--", "./work.sh").stdout, script.run("--", "git", "log", "-1", "--format=%H").stdout]
    assert int(second[0]) == int(first[0]) + 1
    assert second[1] != first[1]


def test_a_commit_of_the_same_content_is_the_same_content(script: Script) -> None:
    script.run("--", "./work.sh")
    script.commit()
    script.run("--", "./work.sh")
    assert script.runs() == 1


def test_another_worktree_of_the_same_content_is_served_with_its_own_paths(stored: Script) -> None:
    stored.script("work.sh", "cat data.txt; echo $PWD/data.txt; pwd >&2")
    stored.git("worktree", "add", "-q", "--detach", str(stored.other))
    first = stored.run("--", "./work.sh")
    second = stored.run("--", "./work.sh", folder=stored.other)
    assert seen(first) == (0, f"one\n{stored.root}/data.txt\n".encode(), f"{stored.root}\n".encode())
    assert seen(second) == (0, f"one\n{stored.other}/data.txt\n".encode(), f"{stored.other}\n".encode())
    assert stored.runs() == 1


def test_bytes_that_hold_the_worktrees_path_are_served_in_that_worktree_only(script: Script) -> None:
    script.script("work.sh", "printf '\\000%s\\000' \"$PWD\"")
    script.git("worktree", "add", "-q", "--detach", str(script.other))
    for _ in range(2):
        assert script.run("--", "./work.sh").stdout == f"\0{script.root}\0".encode()
    assert script.runs() == 1
    assert script.run("--", "./work.sh", folder=script.other).stdout == f"\0{script.other}\0".encode()


def test_a_directory_reached_by_another_name_is_another(script: Script) -> None:
    script.script("work.sh", "pwd")
    (script.base / "link").symlink_to(script.root)
    script.environ["PWD"] = str(script.root)
    script.run("--", "./work.sh")
    script.environ["PWD"] = str(script.base / "link")
    assert script.run("--", "./work.sh").stdout == f"{script.base}/link\n".encode()


def test_a_pipe_among_the_words_is_not_cached(script: Script) -> None:
    line = '"$@" cat <(echo "$RANDOM-$$")'
    outputs = {
        subprocess.run(
            ["bash", "-c", line, "bash", *SKILLCACHE, "--"],
            cwd=script.root, env=script.environ, stdin=subprocess.DEVNULL, capture_output=True, check=True,
        ).stdout
        for _ in range(2)
    }  # fmt: skip
    assert len(outputs) == 2
    assert script.counted() == ["uncapturable"] * 2


# --depends


def test_depends_narrows_to_what_it_names(script: Script) -> None:
    words = ("--depends", "data.*", "--", "./work.sh")
    script.run(*words)
    (script.root / "unrelated.txt").write_text("new\n")
    script.run(*words)
    assert script.runs() == 1
    (script.root / "data.txt").write_text("two\n")
    assert script.run(*words).stdout == b"two\n"


def test_a_narrowed_command_may_write_beside_what_it_depends_on(script: Script) -> None:
    script.script("work.sh", "cat data.txt | tee report.txt")
    words = ("--depends", "data.txt", "--", "./work.sh")
    script.run(*words)
    script.run(*words)
    assert script.runs() == 1


@pytest.mark.parametrize("pattern", ["{}/outside.txt", "{}/out*.txt"])
def test_depends_may_name_files_elsewhere(script: Script, pattern: str) -> None:
    outside = script.base / "outside.txt"
    outside.write_text("one\n")
    script.script("work.sh", f"cat {outside}")
    words = ("--depends", pattern.format(script.base), "--depends", "work.sh", "--", "./work.sh")
    script.run(*words)
    assert script.run(*words).stdout == b"one\n"
    outside.write_text("two\n")
    assert script.run(*words).stdout == b"two\n"
    (script.base / "outer.txt").write_text("new\n")
    script.run(*words)
    assert script.runs() == (3 if "*" in pattern else 2)


def test_depends_takes_an_absolute_path_of_the_worktree(script: Script) -> None:
    words = ("--depends", f"{script.root}/data.txt", "--", "./work.sh")
    script.run(*words)
    (script.root / "data.txt").write_text("two\n")
    assert script.run(*words).stdout == b"two\n"
    (script.root / "unrelated.txt").write_text("new\n")
    script.run(*words)
    assert script.runs() == 2


# Standard input


def test_what_is_piped_in_counts(stored: Script) -> None:
    stored.script("work.sh", "tr a-z A-Z")
    for _ in range(2):
        assert stored.run("--", "./work.sh", given=b"one").stdout == b"ONE"
    assert stored.run("--", "./work.sh", given=b"two").stdout == b"TWO"
    assert stored.run("--", "./work.sh").stdout == b""
    assert stored.runs() == 3


def test_a_file_is_left_where_the_run_left_it(script: Script) -> None:
    script.script("work.sh", 'read line; echo "$line"')
    (script.root / "lines").write_text("1\n2\n3\n")
    line = 'for _ in 1 2; do { "$@"; cat; } < lines; done'
    done = subprocess.run(
        ["sh", "-c", line, "sh", *SKILLCACHE, "--", "./work.sh"],
        cwd=script.root, env=script.environ, capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == b"1\n2\n3\n" * 2
    assert script.runs() == 1


def test_a_shell_that_reads_its_script_from_a_pipe_keeps_the_rest_of_it(script: Script) -> None:
    done = subprocess.run(
        ["sh", "-s", *SKILLCACHE, "--", "./work.sh"],
        input=b'"$@"\necho after\n',
        cwd=script.root, env=script.environ, capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout == b"one\nafter\n"


def test_a_pipe_that_stays_open_holds_nothing_up(script: Script, started: Callable[[Running], Running]) -> None:
    running = started(script.start("--", "./work.sh", given=subprocess.PIPE))
    assert running.wait(SECONDS) == 0
    assert script.counted() == ["uncapturable"]


def test_a_conversation_over_a_pipe_goes_on_as_without_us(
    script: Script, started: Callable[[Running], Running]
) -> None:
    script.script("work.sh", 'while read line; do echo "got $line"; done')
    running = started(script.start("--", "./work.sh", given=subprocess.PIPE))
    assert running.stdin is not None
    assert running.stdout is not None
    for word in (b"one", b"two"):
        running.stdin.write(word + b"\n")
        running.stdin.flush()
        assert running.stdout.readline() == b"got " + word + b"\n"
    running.stdin.close()
    assert running.wait(SECONDS) == 0


def test_an_input_over_the_cap_is_passed_on_whole(script: Script) -> None:
    script.environ["SKILLCACHE_MAX_OUTPUT"] = "1000"
    script.script("work.sh", "wc -c")
    assert script.run("--", "./work.sh", given=b"x" * 300_000).stdout.strip() == b"300000"
    assert script.counted() == ["too_large"]


def test_what_is_typed_is_no_part_of_a_result(script: Script) -> None:
    script.script("work.sh", 'read answer; echo "answer: $answer."')
    for _ in range(2):
        terminal = Terminal(script, "--", "./work.sh")
        os.write(terminal.fd, b"yes\n")
        assert b"answer: ." in read_until(terminal.fd, b"answer: .")
        assert os.waitstatus_to_exitcode(terminal.end()) == 0
    assert script.runs() == 1


# What is not stored


def test_a_secret_in_the_output_is_not_stored(script: Script) -> None:
    script.script("work.sh", "echo AKIA$(echo IOSFODNN7EXAMPLF)")
    script.run("--", "./work.sh")
    assert script.counted() == ["no_entry", "secret"]


def test_a_secret_among_the_words_is_not_stored(script: Script) -> None:
    script.run("--", "./work.sh", "--token=ghp_0123456789abcdefghijABCDEFGHIJ012345")
    assert script.counted() == ["no_entry", "secret"]


def test_an_output_over_the_cap_is_passed_on_and_not_stored(script: Script) -> None:
    script.environ["SKILLCACHE_MAX_OUTPUT"] = "1000"
    script.script("work.sh", "yes | head -c 600; yes | head -c 600 >&2")
    done = script.run("--", "./work.sh")
    assert (len(done.stdout), len(done.stderr)) == (600, 600)
    assert script.counted() == ["no_entry", "too_big"]


# Names, ages, fresh runs


def test_fresh_runs_and_replaces(script: Script) -> None:
    script.script("work.sh", 'wc -l < "$COUNTER"')
    assert script.run("--", "./work.sh").stdout.strip() == b"1"
    assert script.run("--fresh", "--", "./work.sh").stdout.strip() == b"2"
    assert script.run("--", "./work.sh").stdout.strip() == b"2"


def test_a_fresh_run_that_fails_takes_the_stored_pass_back(script: Script) -> None:
    script.script("work.sh", 'test "$(wc -l < "$COUNTER")" != 2')
    assert script.run("--", "./work.sh").returncode == 0
    assert script.run("--fresh", "--", "./work.sh").returncode == 1
    script.run("--", "./work.sh")
    assert script.runs() == 3


@pytest.mark.parametrize("name", ["report", "run", "run-work-sh"])
def test_each_of_its_names_invalidates_it(stored: Script, name: str) -> None:
    options = ("--skill", "report") if name == "report" else ()
    stored.run(*options, "--", "./work.sh")
    store = stored.store()
    store.invalidate(name)
    store.close()
    stored.run(*options, "--", "./work.sh")
    assert stored.runs() == 2


def test_ttl_bounds_how_long_it_is_kept(tmp_path: Path, redis_server: RedisServer) -> None:
    script = Script(tmp_path, redis_server.url)
    script.run("--ttl", "100", "--", "./work.sh")
    name = redis_server.command("KEYS", "skill_cache:run-work-sh:*").split(b"\r\n")[2].decode()
    assert 0 < int(redis_server.command("TTL", name).strip(b":\r\n")) <= 100


@pytest.mark.parametrize("pinned", [False, True])
def test_an_entry_older_than_asked_for_is_served_only_when_pinned(*, pinned: bool) -> None:
    kept = Entry(
        key="k", names={"run": 0}, status=0, meaning="", failed=False, output=b"out", directory=None, relocated=False,
        root="/p", project="p", duration=1, started=1_000, finished=2_000, writer={}, form=STREAMS,
        files=(File("stderr", 0o644, b"err"),), pinned=pinned,
    )  # fmt: skip
    rule = Rule("run-x", "", ttl=10, origin="a person")
    plan = Plan("x", rule, tool="run", ttl=10, failures_ttl=10)
    inquiries = [
        Inquiry(
            key="k",
            names=("run",),
            generations={"run": 0},
            root="/p",
            place="",
            now=now,
            form=STREAMS,
            failures=False,
            most=1_000,
        )
        for now in (12.0, 12.1)
    ]
    answers = [decide(plan, inquiry, encode(kept)) for inquiry in inquiries]
    shown = [(answer.output, answer.error) if answer.entry else answer.outcome for answer in answers]
    assert shown == [(b"out", b"err"), (b"out", b"err") if pinned else EXPIRED]


# Two at once


def start_waiting(script: Script) -> Running:
    """A run that waits for another; it says so where a person can read it."""
    terminal, error = pty.openpty()
    running = script.start("--", "./work.sh", error=error)
    os.close(error)
    assert b"where the same command runs" in read_until(terminal, b"\n")
    os.close(terminal)
    return running


def test_a_second_run_waits_for_the_first_and_prints_what_it_gave(
    stored: Script, started: Callable[[Running], Running]
) -> None:
    stored.script("work.sh", 'echo ready; read x < "$FIFO"; echo done')
    first = started(stored.start("--", "./work.sh"))
    assert first.stdout is not None
    assert first.stdout.readline() == b"ready\n"
    others = [started(start_waiting(stored)) for _ in range(3)]
    stored.let_go()
    assert [other.communicate(timeout=SECONDS)[0] for other in others] == [b"ready\ndone\n"] * 3
    assert first.wait(SECONDS) == 0
    assert stored.runs() == 1


def test_when_the_first_fails_the_second_runs(stored: Script, started: Callable[[Running], Running]) -> None:
    stored.script("work.sh", 'echo ready; read x < "$FIFO"; exit "$(wc -l < "$COUNTER" | sed s/2/0/)"')
    first = started(stored.start("--", "./work.sh"))
    assert first.stdout is not None
    first.stdout.readline()
    second = started(start_waiting(stored))
    stored.let_go()
    assert first.wait(SECONDS) == 1
    stored.let_go()
    assert second.wait(SECONDS) == 0
    assert stored.runs() == 2


def test_when_the_first_is_killed_the_second_runs(stored: Script, started: Callable[[Running], Running]) -> None:
    stored.script("work.sh", 'echo ready; test "$(wc -l < "$COUNTER")" != 1 || read x < "$FIFO"; echo done')
    first = started(stored.start("--", "./work.sh"))
    assert first.stdout is not None
    first.stdout.readline()
    second = started(start_waiting(stored))
    first.kill()
    assert second.communicate(timeout=SECONDS)[0] == b"ready\ndone\n"
    assert stored.runs() == 2
    stored.let_go()


@pytest.mark.parametrize("patience", ["0", "0.2"])
def test_nobody_waits_longer_than_the_setting_says(
    stored: Script, started: Callable[[Running], Running], patience: str
) -> None:
    stored.script("work.sh", 'echo ready; test "$(wc -l < "$COUNTER")" != 1 || read x < "$FIFO"; echo done')
    first = started(stored.start("--", "./work.sh"))
    assert first.stdout is not None
    first.stdout.readline()
    stored.environ["SKILLCACHE_WAIT"] = patience
    assert stored.run("--", "./work.sh").stdout == b"ready\ndone\n"
    assert first.poll() is None
    stored.let_go()
    assert first.wait(SECONDS) == 0


# In nobody's way


def test_without_its_store_a_command_simply_runs(script: Script) -> None:
    script.environ["SKILLCACHE_REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    assert seen(script.run("--", "./work.sh")) == (0, b"one\n", b"error\n")
    done = script.run("-v", "--", "./work.sh")
    assert done.stderr == b"skillcache: not cached: the store could not be reached: ECONNREFUSED\nerror\n"
    assert script.runs() == 2


def test_a_redis_url_that_is_not_for_us_is_told_and_the_command_runs(script: Script) -> None:
    script.environ["REDIS_URL"] = "redis://127.0.0.1:1/0?family=0"
    done = script.run("--", "./work.sh")
    assert (done.returncode, done.stdout) == (0, b"one\n")
    assert done.stderr.startswith(b"skillcache: REDIS_URL: a Redis URL of this kind has the options ")
    assert done.stderr.endswith(b"\nerror\n")


def test_a_store_that_dies_during_the_run_costs_the_entry_only(
    script: Script, started: Callable[[Running], Running], redis_factory: Callable[..., RedisServer]
) -> None:
    server = redis_factory()
    script.environ["SKILLCACHE_REDIS_URL"] = server.url
    script.script("work.sh", 'echo ready; read x < "$FIFO"; echo done')
    running = started(script.start("--", "./work.sh"))
    assert running.stdout is not None
    running.stdout.readline()
    server.stop()
    script.let_go()
    assert running.communicate(timeout=SECONDS) == (b"done\n", b"")
    assert running.returncode == 0


def test_a_piped_input_is_passed_on_without_a_store(script: Script) -> None:
    script.environ["SKILLCACHE_REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    assert script.run("--", "cat", given=b"x" * 200_000).stdout == b"x" * 200_000


@pytest.mark.parametrize("where", ["environment", "project"])
def test_switched_off_it_only_runs(script: Script, where: str) -> None:
    if where == "environment":
        script.environ["SKILLCACHE_DISABLE"] = "1"
    else:
        (script.root / ".claude").mkdir()
        (script.root / ".claude/skillcache.toml").write_text("disable = true\n")
    script.script("work.sh", "exit 4")
    for _ in range(2):
        assert script.run("--", "./work.sh").returncode == 4
    assert script.runs() == 2
    assert script.counted() == []


def test_a_bad_setting_is_said_before_anything_runs(script: Script) -> None:
    script.environ["SKILLCACHE_TTL"] = "soon"
    done = script.run("--", "./work.sh")
    assert done.returncode == 2
    assert done.stderr.startswith(b"skillcache: SKILLCACHE_TTL: ttl cannot be 'soon'")
    assert script.runs() == 0


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--",),
        ("--skill", "a b", "--", "./work.sh"),
        ("--ttl", "0", "--", "./work.sh"),
        ("--depends", "../x", "--", "./work.sh"),
        ("--env", "A=B", "--", "./work.sh"),
        ("--env", "", "--", "./work.sh"),
        ("--depends", ":(top)x", "--", "./work.sh"),
        ("--unknown", "./work.sh"),
    ],
)
def test_a_wrong_option_is_a_usage_error_before_anything_runs(script: Script, arguments: tuple[str, ...]) -> None:
    done = script.run(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"Usage: skillcache run ")
    assert script.runs() == 0


def test_options_behind_the_command_are_the_commands(script: Script) -> None:
    script.script("work.sh", 'echo "$*"')
    assert script.run("./work.sh", "--ttl", "-v", "--", "x").stdout == b"--ttl -v -- x\n"


@pytest.mark.parametrize("given", [{}, {"LC_CTYPE": "C"}, {"LANG": "C"}, {"LC_CTYPE": "C.UTF-8"}])
def test_the_command_has_the_locale_that_we_were_given(tmp_path: Path, given: dict[str, str]) -> None:
    """Python sets one for itself where there is none."""
    done = subprocess.run(
        [sys.executable, "-m", "skillcache", "run", "--", "sh", "-c", "echo ${LC_CTYPE-unset} ${LANG-unset}"],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], **given},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{given.get('LC_CTYPE', 'unset')} {given.get('LANG', 'unset')}\n"
