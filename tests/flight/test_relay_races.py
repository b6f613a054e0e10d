"""Moments that chance rarely finds, made by a way to the server that can be held up."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RedisServer
from tests.fidelity.hooks import event_after
from tests.flight.conftest import LINE, PATIENCE, Scene
from tests.flight.relay import Relay


@pytest.fixture
def relayed(tmp_path: Path, redis_server: RedisServer) -> Iterator[tuple[Scene, Relay]]:
    """Calls of `scene.around` go straight to the server; those with the relay's address do not."""
    scene, relay = Scene(tmp_path, redis_server), Relay(redis_server)
    yield scene, relay
    scene.close()
    relay.close()


def test_whoever_looked_before_the_result_was_there_and_claims_after_it_is_served(
    relayed: tuple[Scene, Relay],
) -> None:
    scene, relay = relayed
    first, second = scene.first(), scene.before(LINE, session="s2")
    name = scene.name(first)
    hook = scene.asking(None, patient=True, SKILLCACHE_REDIS_URL=relay.url)
    # Asleep, it does not take the wait for a server that fails.
    relay.hold(b"skillcache:claim:", lambda: hook.process.send_signal(signal.SIGSTOP))
    hook.give(second)
    assert relay.held.wait(PATIENCE)  # it has seen that there is nothing
    ran = scene.run(LINE)
    scene.tell(first, ran)
    relay.let_go()
    assert relay.passed.wait(PATIENCE)
    hook.process.send_signal(signal.SIGCONT)
    assert scene.serve(hook.answer()) == ran
    assert scene.counted() == ["no_entry", "stored", "replayed"]
    assert scene.holder(name) == ""


def test_a_claim_whose_answer_was_lost_is_released_at_the_end_of_the_run(relayed: tuple[Scene, Relay]) -> None:
    scene, relay = relayed
    relay.lose_reply(b"skillcache:claim:")
    first = scene.before(LINE)
    assert scene.asking(first, SKILLCACHE_REDIS_URL=relay.url).answer() == {}
    assert scene.counted() == ["store_timeout", "no_entry"]
    name = scene.name(first)
    assert scene.holder(name).startswith("s1//")
    hook, _ = scene.waiting()
    ran = scene.run(LINE)
    scene.tell(first, ran)
    assert scene.serve(hook.answer()) == ran
    assert scene.holder(name) == ""


def test_those_who_wait_are_woken_before_the_housekeeping(relayed: tuple[Scene, Relay]) -> None:
    scene, relay = relayed
    first = scene.first()
    stale = scene.cache / "pending" / "toolu_of_long_ago"
    stale.touch()
    os.utime(stale, (1, 1))
    seen: list[bool] = []
    relay.hold(b"skillcache:claim:", lambda: seen.append(stale.exists()))
    relay.let_go()
    after = event_after(first, scene.run(LINE), 2_000)
    assert scene.hook(*after, SKILLCACHE_REDIS_URL=relay.url).answer() == {}
    assert seen == [True]
    assert not stale.exists()
