"""A project, a store of either kind, and hook processes that can be watched, held up and ended in the middle."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from skillcache.key import digest_of
from skillcache.settings import load
from skillcache.stores import Store, open_store
from tests.conftest import RedisServer
from tests.fidelity.hooks import Ran, run_hook
from tests.handlers.conftest import HOOKS, Place

LINE = "pytest -q"
PATIENCE = 60.0  # seconds for what takes one or two, on a busy machine
_PATIENTLY = Path(__file__).with_name("patiently.py")
_AT_ANOTHER_TIME = Path(__file__).parents[1] / "fidelity" / "at_another_time.py"
_AS_ANOTHER_PERSON = Path(__file__).parent / "as_another_person.py"
_SAMPLES = 4  # of a process, each of them asleep: what only waits for a lock of the file sleeps shortly


def until(condition: Callable[[], bool], what: str = "") -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


class Hook:
    """A hook process; it is given its event at once, or by `give`."""

    def __init__(
        self, script: str, environ: Mapping[str, str], event: Mapping[str, Any] | None, wrapped: Iterable[str] = ()
    ) -> None:
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            # A crowd of them is not to keep the processor from the server.
            ["nice", "-n", "5", sys.executable, "-I", "-S", *wrapped, str(HOOKS / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environ),
        )
        if event is not None:
            self.give(event)

    def give(self, event: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(event).encode())
        self.process.stdin.close()
        self.process.stdin = None

    @property
    def is_done(self) -> bool:
        return self.process.poll() is not None

    def answer(self) -> dict[str, Any]:
        """{} for none. A hook that ends in any other way than with 0 and a clean stderr fails the test."""
        out, err = self.process.communicate(timeout=PATIENCE)
        assert (self.process.returncode, err) == (0, b"")
        answer: dict[str, Any] = json.loads(out) if out else {}
        return answer

    def end(self, number: int) -> None:
        """By a signal; the process may have been quicker."""
        if not self.is_done:
            self.process.send_signal(number)
        self.process.communicate(timeout=PATIENCE)

    def sleeps(self) -> bool:
        """Whether it does nothing but wait for time to pass."""
        try:
            for _ in range(_SAMPLES):
                if Path(f"/proc/{self.process.pid}/wchan").read_text() != "hrtimer_nanosleep":
                    return False
                time.sleep(0.01)
        except OSError:  # it has ended
            return False
        return True


class Scene(Place):
    """One project and one store. `server`: of a Redis, None with the embedded store."""

    def __init__(self, base: Path, server: RedisServer | None) -> None:
        super().__init__(base)
        self.server = server
        self.runs = base / "runs"
        self.environ["SKILLCACHE_WAIT"] = "60"
        if server is not None:
            self.environ["SKILLCACHE_REDIS_URL"] = server.url
        self.hooks: list[Hook] = []

    @property
    def around(self) -> dict[str, str]:
        return {"CLAUDE_PROJECT_DIR": str(self.root), **self.environ}

    def asking(
        self,
        event: Mapping[str, Any] | None,
        *,
        shift: float = 0,
        person: int | None = None,
        patient: bool = False,
        **variables: str,
    ) -> Hook:
        """A PreToolUse hook at work.

        `shift`: seconds its clock is ahead; `person`: another user's number; `patient`: it waits long for its server.
        """
        wrapped = [] if person is None else [str(_AS_ANOTHER_PERSON), str(person)]
        wrapped += [str(_PATIENTLY)] if patient else []
        wrapped += [str(_AT_ANOTHER_TIME), str(shift)] if shift else []
        return self.hook("pre_tool_use.py", event, wrapped, **variables)

    def hook(self, script: str, event: Mapping[str, Any] | None, wrapped: Iterable[str] = (), **variables: str) -> Hook:
        hook = Hook(script, {**self.around, **variables}, event, wrapped)
        self.hooks.append(hook)
        return hook

    def say(self, name: str, *, session: str, agent: str = "", script: str = "record.py", **fields: object) -> None:
        """An event of a session, to its end."""
        event = {
            "hook_event_name": name, "session_id": session, "agent_id": agent, "cwd": str(self.root), **fields,
        }  # fmt: skip
        assert run_hook(script, event, self.around) == {}

    def first(
        self, command: str = LINE, *, session: str = "s1", root: Path | None = None, **fields: object
    ) -> dict[str, Any]:
        """The event of a call that was looked up and is now to run: it holds the claim."""
        event = self.before(command, session=session, root=root, **fields)
        assert self.ask(event) == {}
        assert self.owner(event).startswith(f"{session}/")
        return event

    def waiting(
        self, command: str = LINE, *, session: str = "s2", root: Path | None = None, **fields: object
    ) -> tuple[Hook, dict[str, Any]]:
        """A hook that has begun to wait for somebody's run, and its event."""
        event = self.before(command, session=session, root=root, **fields)
        return self.begin_to_wait(event), event

    def begin_to_wait(self, event: Mapping[str, Any], *, shift: float = 0, person: int | None = None) -> Hook:
        already = self.blocked()
        hook = self.asking(event, shift=shift, person=person)
        until(lambda: self.blocked() > already if self.server else hook.sleeps(), "it never waited")
        return hook

    def blocked(self) -> int:
        """How many wait in Redis."""
        if self.server is None:
            return 0
        text = self.server.command("INFO", "clients").decode()
        return int(text.partition("blocked_clients:")[2].split("\r", 1)[0])

    def serve(self, answer: Mapping[str, Any]) -> Ran:
        """What the model sees of an answer; it must be a replay."""
        return self.run(answer["hookSpecificOutput"]["updatedInput"]["command"])

    def kept(self, event: Mapping[str, Any]) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.cache / "pending" / event["tool_use_id"]).read_text())
        return record

    def owner(self, event: Mapping[str, Any]) -> str:
        return str(self.kept(event)["owner"])

    def store(self) -> Store:
        return open_store(load(self.environ, str(self.root)).store, now=time.time())

    def name(self, event: Mapping[str, Any]) -> str:
        """What the claim of a call is known by that was looked up and not served."""
        return digest_of(self.kept(event)["key"])

    def holder(self, name: str) -> str:
        """Who has a claim, "" for nobody."""
        store = self.store()
        try:
            holder = store.claim(name, "a test/that/looks x", 1).holder
            store.release(name, "a test/that/looks x")
        finally:
            store.close()
        return holder

    def close(self) -> None:
        for hook in self.hooks:
            if not hook.is_done:
                hook.process.kill()
            hook.process.communicate()


@pytest.fixture(params=["embedded", "redis"])
def scene(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scene]:
    server = request.getfixturevalue("redis_server") if request.param == "redis" else None
    scene = Scene(tmp_path, server)
    yield scene
    scene.close()


@pytest.fixture
def redis_scene(tmp_path: Path, redis_factory: Callable[..., RedisServer]) -> Iterator[Scene]:
    """With a Redis of its own, which may be stopped."""
    scene = Scene(tmp_path, redis_factory())
    yield scene
    scene.close()
