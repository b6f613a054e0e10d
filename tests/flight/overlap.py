"""Calls that overlap: several agents at once, each with the hooks of its own calls, in a project that is being edited.

Whatever a hook serves is held against a fresh run of the same command at the same moment. For that to be one moment,
an edit is made only while each hook that is at work does nothing but wait for another's run, so that what it looks at
afterwards is the edited content; runs go on meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from skillcache import tally
from tests.conftest import RedisServer
from tests.fidelity.hooks import event_after, event_before, run_command
from tests.fidelity.world import COMMANDS, Command, World
from tests.flight.conftest import Hook

AGENTS = 4
_TAKES = 20_000  # milliseconds that a run is said to take: it ends before anybody is tired of waiting
_WRITE = ("pytest -k writes", "pytest > out.txt", "rm -rf", "echo three", "ruff check --fix")
LINES = tuple(command for command in COMMANDS if not command.text.startswith(_WRITE))


class Overlap:
    """wrong: descriptions of wrong hits; calls, hits, edits: how many there were."""

    def __init__(self, base: Path, server: RedisServer | None, seed: int) -> None:
        self.world = World(base, server.url if server is not None else "", Random(seed))
        self.world.environ["SKILLCACHE_WAIT"] = "30"
        self.server = server
        self.random = Random(seed)
        self.wrong: list[str] = []
        self.calls = self.hits = self.edits = 0
        self._lock = threading.Lock()
        self._at_work: set[Hook] = set()
        self._delicate = 0  # ends of runs and comparisons under way
        self._asked: tuple[Command, Path] = LINES[0], self.world.roots[0]
        self._faults: list[BaseException] = []
        self._over = threading.Event()

    def go_on(self, is_enough: Callable[[], bool]) -> None:
        """Until it is enough, which is asked now and then. Raises what went wrong in the harness."""
        workers = [threading.Thread(target=self._work, args=(self._agent, number)) for number in range(AGENTS)]
        workers.append(threading.Thread(target=self._work, args=(self._editor, 0)))
        for worker in workers:
            worker.start()
        try:
            while not self._faults and not is_enough():
                time.sleep(0.1)
        finally:
            self._over.set()
        for worker in workers:
            worker.join()
        if self._faults:
            raise self._faults[0]

    def outcomes(self) -> Counter[str]:
        return Counter(count.outcome.name for count in tally.read(self.world.environ["SKILLCACHE_HOME"]))

    def _work(self, part: Callable[[int], None], number: int) -> None:
        try:
            while not self._over.is_set():
                part(number)
        except BaseException as fault:  # noqa: BLE001 - raised again by the thread that waits for all
            self._faults.append(fault)
            self._over.set()

    # The editor's part.

    def _editor(self, _: int) -> None:
        time.sleep(self.random.uniform(0.01, 0.2))
        with self._lock:
            if self._delicate or not self._all_wait():
                return
            self.edits += 1
            if self.random.random() < 0.7:  # mostly there and back again: what was once stored is asked for again
                path = self.random.choice(self.world.roots) / "app.py"
                path.write_text(self.random.choice(("one\n", "two\n")))
                return
            changes = [change for change in self.world.changes() if change.__name__ not in {"pass_time", "stash"}]
            self.random.choice(changes)()

    def _all_wait(self) -> bool:
        if self.server is None:
            return all(not hook.is_done and hook.sleeps() for hook in self._at_work)
        text = self.server.command("INFO", "clients").decode()
        return f"blocked_clients:{len(self._at_work)}\r" in text

    # An agent's part.

    def _agent(self, number: int) -> None:
        with self._lock:
            if self.random.random() < 0.3:
                self._asked = self.random.choice(LINES), self.random.choice(self.world.roots)
            command, root = self._asked
            self.calls += 1
            environ = {**self.world.environ, "CLAUDE_PROJECT_DIR": str(root)}
            event = event_before(command.text, str(root), f"toolu_{self.calls}", f"s{number}")
            hook = Hook("pre_tool_use.py", environ, event)
            self._at_work.add(hook)
            pauses = [self.random.uniform(0, 0.3) for _ in range(2)]
        while not hook.is_done:
            time.sleep(0.002)
        with self._lock:
            self._at_work.remove(hook)
            self._delicate += 1
        answer = hook.answer()
        if answer:
            self.hits += 1
            self._compare(command, str(root), environ, answer["hookSpecificOutput"]["updatedInput"]["command"])
            with self._lock:
                self._delicate -= 1
            return
        with self._lock:
            self._delicate -= 1
        # The run takes its time: others come, and edits are made before and after it reads.
        time.sleep(pauses[0])
        ran = run_command(command.text, str(root), environ)
        time.sleep(pauses[1])
        with self._lock:
            self._delicate += 1
        script, after = event_after(event, ran, _TAKES, outputs=self.world.base / "home")
        assert Hook(script, environ, after).answer() == {}
        with self._lock:
            self._delicate -= 1

    def _compare(self, command: Command, cwd: str, environ: dict[str, str], replay: str) -> None:
        served, fresh = run_command(replay, cwd, environ), run_command(command.text, cwd, environ)
        if served != fresh and not command.flaky:
            self.wrong.append(f"{command.text}:\n{served}\nfresh:\n{fresh}")
