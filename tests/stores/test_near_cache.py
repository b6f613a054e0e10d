"""What a machine has read from Redis: asked for by generations, and replayed for a while when Redis is away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from skillcache.core.paths import near_folder
from skillcache.stores import near_cache
from tests import ready
from tests.cli.test_run import SECONDS, Script
from tests.clusters import Cluster
from tests.conftest import RedisServer

OUTPUT = 100_000  # bytes that no packing makes less than half of


class Machine(Script):
    """One that shares `server`; what its script prints is new in each run."""

    def __init__(self, base: Path, server: RedisServer | Cluster) -> None:
        super().__init__(base, server.url)
        self.environ["SKILLCACHE_VERIFY"] = "0"
        self.script("work.sh", f"head -c {OUTPUT} /dev/urandom | base64")

    def printed(self, *options: str) -> bytes:
        done = self.run(*options, "--", "./work.sh")
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout

    def on_another(self, *words: str) -> bytes:
        """What another machine prints meanwhile, in the same checkout."""
        environ = {**self.environ, "SKILLCACHE_HOME": f"{self.base}/another"}
        status, out, err = ready.ran(*words, folder=self.root, environ=environ, given=0, seconds=SECONDS)
        assert (status, err) == (0, b"")
        return out

    def invalidate(self) -> None:
        words = ("invalidate", "--rule", "run-work-sh")
        status, _, err = ready.ran(*words, folder=self.root, environ=self.environ, given=0, seconds=SECONDS)
        assert (status, err) == (0, b"")

    def copies(self) -> list[Path]:
        folder = Path(near_folder(self.cache()))
        return [path for path in folder.iterdir() if path.name != "since"] if folder.is_dir() else []


@pytest.fixture
def server(redis_factory: Callable[..., RedisServer]) -> RedisServer:
    return redis_factory()


@pytest.fixture
def machine(tmp_path: Path, server: RedisServer) -> Machine:
    """It has read the result of a run once."""
    machine = Machine(tmp_path, server)
    first = machine.printed()
    assert machine.printed() == first
    assert machine.runs() == 1
    return machine


def test_a_value_is_read_once(machine: Machine, server: RedisServer) -> None:
    def sent() -> int:
        told = server.command("INFO", "stats").split(b"total_net_output_bytes:")[1]
        return int(told.split(b"\r\n")[0])

    before = sent()
    machine.printed()
    assert machine.runs() == 1
    assert sent() - before < OUTPUT / 10  # with the answer to INFO
    (copy,) = machine.copies()
    assert copy.stat().st_mode & 0o777 == 0o600


def test_what_others_change_counts_at_once(machine: Machine, server: RedisServer) -> None:
    newer = machine.on_another("run", "--fresh", "--", "./work.sh")
    assert machine.printed() == newer
    server.command("INCR", "skill_cache_gen:run-work-sh")
    machine.printed()
    assert machine.runs() == 3
    (entry,) = [word for word in server.command("KEYS", "skill_cache:*").split(b"\r\n") if word.startswith(b"skill")]
    server.command("DEL", entry.decode())
    machine.printed()
    assert machine.runs() == 4


def test_replays_go_on_while_the_server_is_away(machine: Machine, server: RedisServer) -> None:
    known = machine.printed()
    server.stop()
    for _ in range(2):
        assert machine.printed() == known
    assert machine.runs() == 1


def test_so_it_is_in_a_cluster(tmp_path: Path, redis_cluster: Cluster) -> None:
    machine = Machine(tmp_path, redis_cluster)
    assert len({machine.printed() for _ in range(3)}) == 1
    assert len(machine.copies()) == 1
    machine.on_another("invalidate", "--rule", "run-work-sh")
    machine.printed()
    assert machine.runs() == 2


def test_what_a_team_no_longer_believes_is_not_replayed(tmp_path: Path, server: RedisServer) -> None:
    machine = Machine(tmp_path, server)
    machine.environ["SKILLCACHE_TEAM_KEY"] = "00112233445566778899aabbccddeeff"
    assert len({machine.printed() for _ in range(3)}) == 1
    assert len(machine.copies()) == 1
    machine.environ |= {"SKILLCACHE_WRITERS": "ci@example", "USER": "another"}
    server.stop()
    machine.printed()
    assert machine.runs() == 2


def _too_long_ago(machine: Machine) -> None:
    (copy,) = machine.copies()
    os.utime(copy, (time.time() - 61, time.time() - 61))


def _damaged(machine: Machine) -> None:
    (copy,) = machine.copies()
    content = copy.read_bytes()
    copy.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def _of_a_time_to_come(machine: Machine) -> None:
    (copy,) = machine.copies()
    os.utime(copy, (time.time() + 3_600, time.time() + 3_600))


def _invalidated_here(machine: Machine) -> None:
    machine.invalidate()


def _switched_off(machine: Machine) -> None:
    machine.environ["SKILLCACHE_NEAR_CACHE"] = "0"


@pytest.mark.parametrize(
    "happens",
    [_too_long_ago, _of_a_time_to_come, _damaged, _invalidated_here, _switched_off],
    ids=lambda each: each.__name__[1:],
)
def test_what_may_be_out_of_date_runs_while_the_server_is_away(
    machine: Machine, server: RedisServer, happens: Callable[[Machine], None]
) -> None:
    happens(machine)
    server.stop()
    machine.printed()
    assert machine.runs() == 2


@pytest.mark.parametrize("words", ["invalidate --rule run-work-sh", "clear --yes", "entries remove 0123456789"])
def test_what_one_wants_gone_is_not_replayed_though_the_server_was_away(
    machine: Machine, server: RedisServer, words: str
) -> None:
    server.stop()
    status, _, err = ready.ran(*words.split(), folder=machine.root, environ=machine.environ, given=0, seconds=SECONDS)
    assert (status, err.count(b"\n")) == (1, 1)
    machine.printed()
    assert machine.runs() == 2


PROGRAMS = {
    "invalidate": "SkillCache().invalidate('run-work-*')",
    "invalidate_skill": "SkillCache().invalidate_skill('run-work-sh')",
    "of coroutines": "asyncio.run(AsyncSkillCache().invalidate('run-work-*'))",
}


@pytest.mark.parametrize("is_away", [False, True], ids=["before", "while it is away"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_so_it_is_with_what_a_program_invalidates(
    machine: Machine, server: RedisServer, name: str, is_away: bool
) -> None:
    if is_away:
        server.stop()
    code = f"import asyncio\nfrom skillcache import AsyncSkillCache, SkillCache\n{PROGRAMS[name]}"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=machine.root, env=machine.environ, capture_output=True, check=False
    )
    assert (ran.returncode, b"StoreError" in ran.stderr) == (int(is_away), is_away), ran.stderr
    server.stop()
    machine.printed()
    assert machine.runs() == 2


def test_without_it_nothing_is_kept(tmp_path: Path, server: RedisServer) -> None:
    machine = Machine(tmp_path, server)
    machine.environ["SKILLCACHE_NEAR_CACHE"] = "0"
    assert machine.printed() == machine.printed()
    assert machine.copies() == []


def test_the_files_used_last_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_cache, "_FULL", 250)
    near_cache.tidy(str(tmp_path))
    folder = Path(near_folder(str(tmp_path)))
    folder.mkdir()
    for name, used in (("a", 3), ("b", 1), ("c", 2), ("since", 0)):
        (folder / name).write_bytes(b"x" * 100)
        os.utime(folder / name, (used, used))
    near_cache.tidy(str(tmp_path))
    assert sorted(path.name for path in folder.iterdir()) == ["a", "c", "since"]
