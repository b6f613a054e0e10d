"""Whatever is killed in whatever moment, every message is heard, once, in order."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from random import Random

import pytest

from tests.conftest import empty_redis, until
from tests.messages.client import HOOK, Project, Session, quoted
from tests.messages.crowd import Crowd

_MESSAGES = 250
_KILLS = 6
_KILLED_HOOKS = 20  # at least


@pytest.fixture(params=["embedded", "redis", "cluster"])
def url(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "embedded" else empty_redis(request, request.param)


class Sender(threading.Thread):
    """Kills the sending program some messages after its start, and starts it again with the first one it has not told.

    The last one is left to come to its end.
    """

    def __init__(self, project: Project, to: str, random: Random) -> None:
        super().__init__()
        store = project.environ.get("SKILLCACHE_REDIS_URL") or f"embedded:{project.cache}/store.sqlite3"
        self._argv = [sys.executable, "-m", "tests.messages.sender", store, str(project.cache), to]
        self._random = random
        self.kills = 0
        self.next = 0

    def run(self) -> None:
        while self.next < _MESSAGES:
            program = subprocess.Popen([*self._argv, str(self.next), str(_MESSAGES)], stdout=subprocess.PIPE)
            assert program.stdout is not None
            if self.kills < _KILLS:
                for _ in range(self._random.randint(1, _MESSAGES // _KILLS - 5)):
                    self._note(program.stdout.readline())
                time.sleep(self._random.uniform(0, 0.005))
                program.kill()
                self.kills += 1
            for line in program.stdout:
                self._note(line)
            program.stdout.close()
            program.wait()

    def _note(self, line: bytes) -> None:
        if line.endswith(b"\n"):
            self.next = int(line) + 1


def run_and_kill(session: Session, random: Random) -> bool:
    """One hook, killed in mid-run: at any moment, or just when its answer is out. Whether it was."""
    hook = subprocess.Popen(HOOK, env=session.project.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert hook.stdin is not None
    assert hook.stdout is not None
    hook.stdin.write(session.event("PostToolBatch", tool_calls=[]))
    hook.stdin.close()
    if random.random() < 0.5:
        select.select([hook.stdout], [], [], 5)
    else:
        time.sleep(random.uniform(0.005, 0.06))
    hook.kill()
    answer = hook.stdout.read()
    hook.stdout.close()
    hook.wait()
    session.hear(answer)  # the client takes what was written, however the hook ended
    return hook.returncode == -signal.SIGKILL


def test_nothing_is_lost_and_nothing_is_doubled_by_a_kill(tmp_path: Path, url: str) -> None:
    random = Random(4)
    project = Project(tmp_path, url)
    session = Session(project)
    session.start()
    sender = Sender(project, session.id, random)
    sender.start()
    kills = 0
    while sender.is_alive() or kills <= _KILLED_HOOKS:
        kills += run_and_kill(session, random)
        if random.random() < 0.2:
            session.batch()
    sender.join()

    def heard() -> list[str]:
        return [line for text in session.heard[""] for line in quoted(text)]

    # A hook that waits for a busy machine in vain leaves them to the next.
    until(lambda: not session.batch() and len(heard()) >= _MESSAGES)
    assert heard() == [str(number) for number in range(_MESSAGES)]
    assert sender.kills == _KILLS


def test_many_agents_hear_all_that_they_are_sent_once_and_in_order(tmp_path: Path, url: str) -> None:
    crowd = Crowd(url or f"embedded:{tmp_path}/store.sqlite3", agents=32, messages=1_000)
    crowd.work()
    assert crowd.verdict()


def test_two_hooks_of_one_agent_never_show_the_same(tmp_path: Path, url: str) -> None:
    project = Project(tmp_path, url)
    session = Session(project)
    session.start()
    for number in range(6):
        project.run("send", "--to", "somebody-1", str(number))
        event = session.event("PostToolBatch", tool_calls=[])
        hooks = [
            subprocess.Popen(HOOK, env=project.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)
        ]
        for hook in hooks:
            assert hook.stdin is not None
            hook.stdin.write(event)
            hook.stdin.flush()
        for hook in hooks:
            session.hear(hook.communicate()[0])
    session.batch()
    assert [line for text in session.heard[""] for line in quoted(text)] == [str(number) for number in range(6)]
