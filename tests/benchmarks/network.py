"""Redis on other hosts, over wires that fail: `python -m tests.benchmarks.network [--agents N] [--seconds S] ...`.

Hosts of their own on this machine (`tests/wires.py`): one of the agents, one of a server that stands alone, six of a
cluster. In turn: nothing fails; a host is cut off without a word, so that packets to it and from it are lost and
connections to it stay half open; a link of 50 ms there and back; a server that takes connections and answers nothing;
of the cluster also a node that the agents do not reach and the other nodes do. First as many calls as agents make, see
`tests/benchmarks/work.py`; then whole processes, a command through its shim and hooks of a session, each beside one of
the same kind with nothing cut: what is added, and whether what they print is the same. Root, `ip` and /dev/net/tun.
Five minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from statistics import median
from typing import Any, NamedTuple

from skillcache.core.paths import hooks_folder
from tests.benchmarks.work import Row, World, bound, changing, crowd, forked, repeating, row, table, verdict
from tests.clusters import Cluster
from tests.conftest import RedisServer, start_redis
from tests.shims.shell import Shell
from tests.wires import Wires, address_of, wires

AGENTS, ALONE = 0, 7  # hosts; those between are the cluster's
SLOW = 0.025  # seconds that a packet takes
AWAY = 3.0  # seconds, of every five
EVERY = 5.0
BOUND = 150  # milliseconds


class Servers:
    """wires: between all of them; alone, cluster: on them."""

    def __init__(self, folder: Path, between: Wires) -> None:
        self.wires = between
        self.alone = start_redis(folder / "a", host=address_of(ALONE), within=between.within(ALONE))
        self.cluster = Cluster(folder / "c", replicas=True, wires=between)
        self.urls = {
            "one server": self.alone.url,
            "a cluster": self.cluster.url_of(*[server.port for server in self.cluster.servers]),
        }

    def stop(self) -> None:
        self.alone.stop()
        self.cluster.stop()

    def those(self, kind: str, turn: int) -> RedisServer:
        return self.alone if kind == "one server" else self.cluster.master_now(turn % 3)

    def host(self, server: RedisServer) -> int:
        return int(server.host.rpartition(".")[2]) - 1


def _again_and_again(seconds: float, begin: Callable[[int], None], end: Callable[[int], None]) -> Iterator[None]:
    """For AWAY of each EVERY seconds, sooner where there are fewer."""
    away = min(AWAY, seconds / 2)

    def turn(number: int) -> None:
        begin(number)
        time.sleep(away)
        end(number)

    with repeating(min(EVERY, seconds) - away, turn):
        yield


@contextmanager
def nothing(_servers: Servers, _kind: str, _seconds: float) -> Iterator[None]:
    yield


@contextmanager
def cut_off(servers: Servers, kind: str, seconds: float) -> Iterator[None]:
    yield from _again_and_again(
        seconds,
        lambda turn: servers.wires.cut(servers.host(servers.those(kind, turn))),
        lambda _turn: servers.wires.heal(),
    )


@contextmanager
def out_of_reach(servers: Servers, kind: str, seconds: float) -> Iterator[None]:
    yield from _again_and_again(
        seconds,
        lambda turn: servers.wires.cut(servers.host(servers.those(kind, turn)), AGENTS),
        lambda _turn: servers.wires.heal(),
    )


@contextmanager
def slow(servers: Servers, _kind: str, _seconds: float) -> Iterator[None]:
    servers.wires.delay(AGENTS, SLOW)
    try:
        yield
    finally:
        servers.wires.delay(AGENTS, 0)


@contextmanager
def hanging(servers: Servers, kind: str, seconds: float) -> Iterator[None]:
    stopped: list[RedisServer] = []

    def stop(turn: int) -> None:
        stopped.append(servers.those(kind, turn))
        stopped[-1].process.send_signal(SIGSTOP)

    yield from _again_and_again(seconds, stop, lambda _turn: stopped.pop().process.send_signal(SIGCONT))


CUT = "a host cut off, 3 s of 5"
FAULTS = {
    "nothing fails": nothing,
    CUT: cut_off,
    "a node out of reach, 3 s of 5": out_of_reach,
    "a link of 50 ms": slow,
    "a server hanging, 3 s of 5": hanging,
}


def calls(
    servers: Servers, agents: int, seconds: float, pace: float, faults: Sequence[str] = tuple(FAULTS)
) -> list[list[Row]]:
    """For each kind of server the rows, of which the first is of nothing that fails."""
    tables = []
    for kind, url in servers.urls.items():
        rows = []
        for what in faults:
            fault = FAULTS[what]
            if fault is out_of_reach and kind == "one server":
                continue  # the same as cut off
            world = World(agents)
            with fault(servers, kind, seconds):
                told = _within(servers.wires, url, world, seconds, pace)
            rows.append(row(f"{kind}: {what}", told, seconds, pace))
        tables.append(rows)
    return tables


def _within(between: Wires, url: str, world: World, seconds: float, pace: float) -> list[dict[str, object]]:
    """In a process of the agents' host, which the one that invalidates is on, too."""

    def work() -> list[dict[str, object]]:
        between.enter(AGENTS)
        with changing(url, world):
            return crowd(url, world, seconds, pace=pace)

    (found,) = forked([work], 10 * seconds + 300)
    assert found is not None
    return list(found)


class Process(NamedTuple):
    """words: what is started; given: its standard input."""

    words: tuple[str, ...]
    given: bytes


class Session:
    """A project with a tool that reports, whose commands shims answer; its hooks as the client starts them."""

    def __init__(self, folder: Path, url: str) -> None:
        self.shell = Shell(folder, "bash", plain=True)
        self.shell.environ |= {"SKILLCACHE_REDIS_URL": url, "SKILLCACHE_MESSAGES_DELIVER": "1", "USER": "somebody"}
        self.shell.environ |= {"CLAUDE_PID": str(os.getpid()), "SKILLCACHE_NEAR_CACHE": "0"}
        self.shell.tool("pytest")
        self.shell.start()
        self.id = str(uuid.uuid4())
        self._turn = 0

    def processes(self) -> dict[str, Process]:
        """Each of what nobody has asked before."""
        self._turn += 1
        session = str(uuid.uuid4())
        called: dict[str, Any] = {
            "tool_name": "Bash",
            "tool_input": {"command": "pytest -q"},
            "tool_response": {"stdout": "ok"},
        }
        started = Process(self._hook("session_start"), self._event("SessionStart", session=session, source="startup"))
        line = f"pytest -q case_{self._turn}.py"
        preamble = (self.shell.base / "client/sessionstart-hook-1.sh").read_text()
        return {
            "a command that misses": Process(("/bin/bash", "-c", f"{preamble}\n{line}"), b""),
            "a command again": Process(("/bin/bash", "-c", f"{preamble}\npytest -q same.py"), b""),
            "SessionStart": started,
            "UserPromptSubmit, messages": Process(self._hook("deliver"), self._event("UserPromptSubmit", prompt="go")),
            "PostToolUse, its record": Process(self._hook("record"), self._event("PostToolUse", **called)),
            "Stop, its record": Process(self._hook("record"), self._event("Stop", stop_hook_active=False)),
        }

    def run(self, between: Wires, process: Process) -> tuple[float, int, bytes, bytes]:
        """Milliseconds, its status and what it printed."""
        for mark in (*self.shell.cache.rglob("*.away"), *self.shell.cache.rglob(".away")):
            mark.unlink(missing_ok=True)  # by which the next hooks would not wait in vain
        begun = time.monotonic()
        done = subprocess.run(
            [*between.within(AGENTS), *process.words],
            input=process.given,
            cwd=self.shell.project,
            env=self.shell.environ,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return (time.monotonic() - begun) * 1000, done.returncode, done.stdout, done.stderr

    def _hook(self, name: str) -> tuple[str, ...]:
        return (sys.executable, "-I", "-S", f"{hooks_folder()}/{name}.py")

    def _event(self, name: str, session: str = "", **fields: object) -> bytes:
        told = {"session_id": session or self.id, "cwd": str(self.shell.project), "hook_event_name": name}
        return json.dumps({**told, "transcript_path": str(self.shell.base / "transcript.jsonl"), **fields}).encode()


def whole_processes(servers: Servers, folder: Path, rounds: int) -> bool:
    """Whether none printed anything else than where nothing is cut."""
    well = True
    print(f"\n| a process | server | {' | '.join(name for name in _STATES)} | printed |")
    print(f"|---|---|{'---|' * len(_STATES)}---|")
    for number, (kind, url) in enumerate(servers.urls.items()):
        session = Session(folder / str(number), url)
        times: dict[tuple[str, str], list[float]] = {}
        said: dict[str, set[tuple[int, bytes, bytes]]] = {}
        for _ in range(rounds):
            for state, (begin, end) in _STATES.items():
                for what, process in session.processes().items():
                    begin(servers)
                    took, status, out, error = session.run(servers.wires, process)
                    end(servers)
                    times.setdefault((what, state), []).append(took)
                    said.setdefault(what, set()).add(_plain(status, out, error))
        for what, answers in said.items():
            base = times[what, "nothing fails"]
            cells = [f"{median(base):.0f} ms"]
            for state in list(_STATES)[1:]:
                found = times[what, state]
                cells.append(f"{median(found) - median(base):+.0f} ms, at most {max(found) - median(base):+.0f}")
            same = len({status for status, _, _ in answers}) == 1 and not any(error for _, _, error in answers)
            well = well and same
            print(f"| {what} | {kind} | {' | '.join(cells)} | {'the same' if same else answers} |", flush=True)
    return well


def _plain(status: int, out: bytes, error: bytes) -> tuple[int, bytes, bytes]:
    """A brief knows more where the store is there; that it is one answer is what counts."""
    if out.startswith(b"{"):
        json.loads(out)
        out = b"an answer"
    return status, out, error


def _cut_all(servers: Servers) -> None:
    for host in range(1, ALONE + 1):
        servers.wires.cut(host, AGENTS)


def _stop_all(servers: Servers) -> None:
    for each in (servers.alone, *servers.cluster.servers):
        each.process.send_signal(SIGSTOP)


def _go_on(servers: Servers) -> None:
    for each in (servers.alone, *servers.cluster.servers):
        each.process.send_signal(SIGCONT)


_STATES: dict[str, tuple[Callable[[Servers], None], Callable[[Servers], None]]] = {
    "nothing fails": (lambda _servers: None, lambda _servers: None),
    "all cut off": (_cut_all, lambda servers: servers.wires.heal()),
    "all hang": (_stop_all, _go_on),
    "a link of 50 ms": (
        lambda servers: servers.wires.delay(AGENTS, SLOW),
        lambda servers: servers.wires.delay(AGENTS, 0),
    ),
}


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--pace", type=float, default=0.2, help="seconds between two calls of one")
    parser.add_argument("--seconds", type=float, default=12, help="of each row")
    parser.add_argument("--rounds", type=int, default=4, help="of whole processes")
    given = parser.parse_args(words)
    bound(900)
    if shutil.which("ip") is None:
        parser.error("there is no `ip`: apt-get install iproute2")
    with tempfile.TemporaryDirectory(prefix="n") as name, wires(ALONE + 1) as between:
        os.environ["SKILLCACHE_HOME"] = f"{name}/home"
        servers = Servers(Path(name), between)
        try:
            tables = calls(servers, given.agents, given.seconds, given.pace) if given.seconds else []
            print(f"{given.agents} agents, a call of each every {given.pace:g} s")
            for rows in tables:
                print(table(rows), flush=True)
            del os.environ["SKILLCACHE_HOME"]
            well = whole_processes(servers, Path(name), given.rounds)
        finally:
            _go_on(servers)
            servers.stop()
    return max(verdict(rows) for rows in [*tables, []]) or (0 if well else 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
