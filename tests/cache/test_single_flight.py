"""Two runs of one command at once: the process that runs it holds the claim, and nobody waits for what runs no more."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skillcache.commands.nesting import Around, Mark
from tests.cli.test_run import SECONDS, SKILLCACHE, Running, Script, Terminal, read_until, seen, start_waiting
from tests.conftest import RedisServer

HELD = 'echo ready; test "$(wc -l < "$COUNTER")" != 1 || read x < "$FIFO"; echo done'  # the first run only
DONE = b"ready\ndone\n"


@pytest.fixture(params=["embedded", "redis"])
def script(tmp_path: Path, request: pytest.FixtureRequest) -> Script:
    server = request.getfixturevalue("redis_server") if request.param == "redis" else None
    script = Script(tmp_path, server.url if server else "")
    script.script("work.sh", HELD)
    return script


@pytest.fixture
def started() -> Iterator[Callable[[Running], Running]]:
    running: list[Running] = []

    def keep(process: Running) -> Running:
        running.append(process)
        return process

    yield keep
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def first(script: Script, started: Callable[[Running], Running]) -> Running:
    """A run that goes on until it is let go."""
    running = started(script.start("--", "./work.sh"))
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\n"
    return running


def test_of_those_who_wait_for_a_killed_run_one_runs_and_the_others_are_given_its_result(
    script: Script, first: Running, started: Callable[[Running], Running]
) -> None:
    waiting = [started(start_waiting(script)) for _ in range(3)]
    first.kill()
    assert [each.communicate(timeout=SECONDS)[0] for each in waiting] == [DONE] * 3
    assert script.runs() == 2
    assert sorted(script.counted()) == ["no_entry", "stored", "waited", "waited", "waited_in_vain"]
    script.let_go()


def test_after_the_wait_it_is_the_present_content_that_counts(
    script: Script, first: Running, started: Callable[[Running], Running]
) -> None:
    """Who waits is in another worktree, whose files change meanwhile."""
    script.script("work.sh", f"{HELD}; cat data.txt")
    script.let_go()
    first.wait(SECONDS)
    script.counter.unlink()
    script.git("worktree", "add", "-q", "--detach", str(script.other))
    running = started(script.start("--", "./work.sh"))
    assert running.stdout is not None
    running.stdout.readline()
    here, script.root = script.root, script.other
    waiting = started(start_waiting(script))
    (script.other / "data.txt").write_text("two\n")
    script.root = here
    script.let_go()
    assert running.communicate(timeout=SECONDS)[0] == b"done\none\n"
    assert waiting.communicate(timeout=SECONDS)[0] == DONE + b"two\n"


def test_the_interrupt_key_ends_who_waits_and_nothing_else(script: Script, first: Running) -> None:
    terminal = Terminal(script, "--", "./work.sh")
    read_until(terminal.fd, b"on the same inputs")
    os.write(terminal.fd, b"\x03")
    assert os.waitstatus_to_exitcode(terminal.end()) == -signal.SIGINT
    script.let_go()
    assert first.communicate(timeout=SECONDS)[0] == b"done\n"
    assert script.runs() == 1


def test_a_run_within_another_run_waits_for_nobody(script: Script, first: Running) -> None:
    """Else two of them might wait for each other; it is known without a variable, which a tool may take away."""
    kept = ("HOME", "PATH", "COUNTER", "SKILLCACHE_REDIS_URL", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")
    names = " ".join(f'{name}="${name}"' for name in kept)
    inner = " ".join(SKILLCACHE)
    script.script("outer.sh", f"env -i {names} LC_ALL=C.UTF-8 USER=someone {inner} -- ./work.sh")
    os.utime(script.root / "outer.sh")
    assert seen(script.run("--", "./outer.sh"))[:2] == (0, DONE)
    assert first.poll() is None
    script.let_go()


def test_a_run_is_known_by_all_that_were_started_within_it(tmp_path: Path) -> None:
    """And no longer than it lasts."""
    ask = f"from skillcache.commands.nesting import Around; print(bool(Around({str(tmp_path)!r})))"
    line = ["env", "-i", "sh", "-c", f"'{sys.executable}' -c \"{ask}\"; true"]

    def asked() -> bytes:
        return subprocess.run(line, capture_output=True, check=True, cwd=Path.cwd()).stdout

    mark = Mark(str(tmp_path), fresh=False)
    try:
        assert asked() == b"True\n"
        assert not Around(str(tmp_path))  # the run itself
    finally:
        mark.end()
    assert asked() == b"False\n"
    (tmp_path / "runs" / str(os.getpid())).write_text("1")  # of a killed one that had the same number
    assert asked() == b"False\n"


class Elsewhere:
    """A holder on another machine."""

    def __init__(self, script: Script, server: RedisServer) -> None:
        script.script("work.sh", "echo ran")
        assert script.run("--", "./work.sh").returncode == 0
        (name,) = [
            key
            for key in server.command("KEYS", "skill_cache:run-work-sh:*").split(b"\r\n")
            if key.startswith(b"skill")
        ]
        server.command("DEL", name.decode())
        self.digest = name.decode().rpartition(":")[2]
        self.owner = "another-host:7:x 0123456789abcdef 7 7"
        self.store = script.store()

    def claim(self, lease: float) -> None:
        assert not self.store.claim(self.digest, self.owner, lease).holder


@pytest.fixture
def elsewhere(tmp_path: Path, redis_factory: Callable[..., RedisServer]) -> Iterator[tuple[Script, Elsewhere]]:
    server = redis_factory()
    script = Script(tmp_path, server.url)
    holder = Elsewhere(script, server)
    yield script, holder
    holder.store.close()


def test_a_run_on_another_machine_is_waited_for_until_it_ends(
    elsewhere: tuple[Script, Elsewhere], started: Callable[[Running], Running]
) -> None:
    script, holder = elsewhere
    holder.claim(600)
    terminal, error = pty.openpty()
    waiting = started(script.start("--", "./work.sh", error=error))
    os.close(error)
    assert b"waiting for another-host:7, where the same command runs" in read_until(terminal, b"\n")
    os.close(terminal)
    assert holder.store.release(holder.digest, holder.owner)
    assert waiting.communicate(timeout=SECONDS)[0] == b"ran\n"
    assert script.counted()[-2:] == ["waited_in_vain", "stored"]


def test_a_machine_that_is_gone_holds_nobody_beyond_its_lease(elsewhere: tuple[Script, Elsewhere]) -> None:
    script, holder = elsewhere
    holder.claim(1)
    assert script.run("--", "./work.sh").stdout == b"ran\n"
    assert script.counted()[-2:] in (["waited_in_vain", "stored"], ["no_entry", "stored"])
    assert script.runs() == 2


def test_a_claim_of_a_process_that_is_gone_from_this_machine_is_passed_over(
    elsewhere: tuple[Script, Elsewhere],
) -> None:
    script, holder = elsewhere
    code = "from skillcache.core import processes; print(processes.holder_of('a:1:x'))"
    holder.owner = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout[:-1]
    holder.claim(600)
    assert script.run("--", "./work.sh").stdout == b"ran\n"
    assert script.counted()[-2:] == ["no_entry", "stored"]
