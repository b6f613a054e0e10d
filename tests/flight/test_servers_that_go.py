"""A Redis that is stopped, killed or frozen while a hook waits: the hook ends in time and the call runs."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.conftest import RedisServer
from tests.fidelity.hooks import Ran, event_after
from tests.flight.conftest import LINE, Scene, until

SOON = 40.0  # seconds; three until a silent server is noticed, and a busy machine. The wait would take a minute


def restart(server: RedisServer) -> None:
    """The same server at the same place, without its keys."""
    server.process.wait(20)
    server.process = subprocess.Popen(server.process.args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: answers(server), "it never started again")


def answers(server: RedisServer) -> bool:
    try:
        return server.command("PING") == b"+PONG\r\n"
    except OSError:
        return False


def terminate(server: RedisServer) -> None:
    server.process.terminate()


def kill(server: RedisServer) -> None:
    server.process.kill()


def freeze(server: RedisServer) -> None:
    server.process.send_signal(signal.SIGSTOP)


def drop_all(server: RedisServer) -> None:
    server.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def go_busy(server: RedisServer) -> None:
    server.command("CLIENT", "PAUSE", "60000")


WAYS = [terminate, kill, freeze, drop_all, go_busy]


@pytest.mark.parametrize("go", WAYS, ids=lambda go: go.__name__)
def test_hooks_that_wait_end_in_time_and_say_nothing(redis_scene: Scene, go: Callable[[RedisServer], None]) -> None:
    scene, server = redis_scene, redis_scene.server
    assert server is not None
    first = scene.first()
    waiting = [scene.waiting(session=f"s{number}") for number in range(2, 5)]
    begun = time.monotonic()
    go(server)
    try:
        assert [hook.answer() for hook, _ in waiting] == [{}] * 3
        assert time.monotonic() - begun < SOON
        counted = scene.counted()
        assert counted.count("waited_in_vain") == 3
        assert sum(name.startswith("store_") for name in counted) == 3
        # The runs end while it is away.
        begun = time.monotonic()
        for event in (first, *(event for _, event in waiting)):
            scene.tell(event, scene.run(LINE))
        assert time.monotonic() - begun < SOON
    finally:
        server.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("go", [terminate, kill])
def test_after_a_restart_all_is_as_ever(redis_scene: Scene, go: Callable[[RedisServer], None]) -> None:
    scene, server = redis_scene, redis_scene.server
    assert server is not None
    first = scene.first()
    hook, second = scene.waiting()
    go(server)
    restart(server)
    assert hook.answer() == {}
    third, fourth = scene.first(session="s3"), scene.before(LINE, session="s4")
    late = scene.begin_to_wait(fourth)
    ran = scene.run(LINE)
    # What these claimed is forgotten, and they do not end the run of another.
    scene.tell(first, Ran(1, "1 failed", str(scene.root)))
    scene.tell(second, Ran(1, "1 failed", str(scene.root)))
    assert not late.is_done
    scene.tell(third, ran)
    assert scene.serve(late.answer()) == ran
    assert scene.call(LINE, session="s5") == (ran, True)


def test_a_run_that_ends_while_the_server_is_frozen_takes_little_longer(redis_scene: Scene) -> None:
    scene, server = redis_scene, redis_scene.server
    assert server is not None
    first = scene.first()
    ran = scene.run(LINE)
    freeze(server)
    try:
        begun = time.monotonic()
        assert scene.hook(*event_after(first, ran, 2_000)).answer() == {}
        assert time.monotonic() - begun < SOON
    finally:
        server.process.send_signal(signal.SIGCONT)
    # What it could not release falls with its lease; whoever waits for it is not held beyond the bound.
    scene.environ["SKILLCACHE_WAIT"] = "1"
    begun = time.monotonic()
    answer = scene.ask(scene.before(LINE, session="s2"))
    assert time.monotonic() - begun < SOON
    assert not answer or scene.serve(answer) == ran
