"""Hooks and runs that are killed at any moment: nothing lost, nothing doubled, nobody held beyond the bound."""

from __future__ import annotations

import signal
import time
from random import Random
from typing import Any

import pytest

from tests.fidelity.hooks import event_after
from tests.flight.conftest import LINE, Hook, Scene

TRIALS = 3
BOUND = 1.0  # seconds, of the setting
SLACK = 30.0  # seconds, of a busy machine; a lease here lasts a minute
LONG = 30_000  # milliseconds that a run is said to have taken: its lease outlasts every test


def settle(scene: Scene, hook: Hook, event: dict[str, Any], begun: float) -> bool:
    """Plays the client for a call to its end; whether it was served. Held to the bound."""
    answer = hook.answer()
    assert time.monotonic() - begun < BOUND + SLACK
    ran = scene.run(LINE)
    if answer:
        assert scene.serve(answer) == ran
    else:
        scene.tell(event, ran, duration=LONG)
    return bool(answer)


def require_sound(scene: Scene, seed: int) -> None:
    """As ever: the next call on other content runs, is stored, and is served to the one after it."""
    (scene.root / "app.py").write_text(f"after {seed}\n")
    ran, served = scene.call(LINE, session="s8", duration=LONG)
    assert not served
    assert scene.call(LINE, session="s9") == (ran, True)


@pytest.mark.parametrize("seed", range(TRIALS))
def test_a_hook_killed_while_it_looks_and_claims(scene: Scene, seed: int) -> None:
    scene.environ["SKILLCACHE_WAIT"] = str(BOUND)
    random = Random(seed)
    killed, event = scene.asking(None), scene.before(LINE)
    time.sleep(0.05)
    killed.give(event)
    time.sleep(random.uniform(0, 0.15))
    killed.end(signal.SIGKILL)
    second = scene.before(LINE, session="s2")
    begun = time.monotonic()
    hook = scene.asking(second)
    time.sleep(random.uniform(0, 0.2))
    # The client has no answer to the first and lets it run.
    scene.tell(event, scene.run(LINE), duration=LONG)
    settle(scene, hook, second, begun)
    require_sound(scene, seed)


@pytest.mark.parametrize("seed", range(TRIALS))
def test_a_hook_killed_while_it_waits_or_takes_over(scene: Scene, seed: int) -> None:
    scene.environ["SKILLCACHE_WAIT"] = str(BOUND)
    random = Random(seed)
    first = scene.first()
    others = [(scene.asking(event), event) for event in (scene.before(LINE, session=f"s{n}") for n in range(2, 5))]
    begun = time.monotonic()
    time.sleep(random.uniform(0.05, 0.2))
    fails = seed % 2
    ending = scene.hook(*event_after(first, scene.run(LINE)._replace(status=fails), LONG))
    time.sleep(random.uniform(0, 0.15))  # the release comes before, in or after this
    others[0][0].end(signal.SIGKILL)
    assert ending.answer() == {}
    served = [settle(scene, hook, event, begun) for hook, event in others[1:]]
    assert fails or all(served)
    require_sound(scene, seed)


@pytest.mark.parametrize("seed", range(TRIALS))
def test_the_hook_of_a_runs_end_killed_while_it_stores(scene: Scene, seed: int) -> None:
    scene.environ["SKILLCACHE_WAIT"] = str(BOUND)
    random = Random(seed)
    first = scene.first()
    ran = scene.run(LINE)
    begun = time.monotonic()
    hook, second = scene.waiting()
    storing = scene.hook(*event_after(first, ran, LONG))
    time.sleep(random.uniform(0.02, 0.2))
    storing.end(signal.SIGKILL)
    settle(scene, hook, second, begun)
    third = scene.before(LINE, session="s3")
    begun = time.monotonic()
    assert settle(scene, scene.asking(third), third, begun)  # by the one or the other
    require_sound(scene, seed)


def test_runs_that_are_killed_one_after_the_other_hold_nobody_beyond_one_bound(scene: Scene) -> None:
    """Each leaves its claim; the bound is that of a call, not of a wait."""
    scene.environ["SKILLCACHE_WAIT"] = "2"
    first = scene.first()
    name = scene.name(first)
    begun = time.monotonic()
    hook, _ = scene.waiting()
    store = scene.store()
    for number in range(3):
        time.sleep(0.3)
        holder = store.claim(name, "x", 60).holder
        store.release(name, holder)
        store.claim(name, f"k{number}//toolu {holder.partition(' ')[2]}", 60)
    store.close()
    assert hook.answer() == {}
    assert time.monotonic() - begun < 2 + SLACK


def test_what_killed_hooks_leave_behind_is_swept(scene: Scene) -> None:
    first = scene.first()
    for number in range(3):
        hook, _ = scene.waiting(session=f"k{number}")
        hook.end(signal.SIGKILL)
    assert len(list((scene.cache / "pending").iterdir())) == 4
    scene.tell(first, scene.run(LINE), shift=3 * 86_400)
    assert list((scene.cache / "pending").iterdir()) == []
