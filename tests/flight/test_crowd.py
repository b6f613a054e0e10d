"""Many hooks at once on one key: one of them runs, and all others are given its result."""

from __future__ import annotations

import time
from random import Random
from typing import Any

from tests.flight.conftest import LINE, PATIENCE, Hook, Scene

CROWD = 32
ROUNDS = 8
FEW = 5


def run_all(scene: Scene, hooks: list[tuple[Hook, dict[str, Any]]], pause: float = 0) -> tuple[list[str], list[str]]:
    """Plays the client for all of them: the texts that were served, and the sessions that ran.

    `pause`: seconds between the end of a run and the hook that is told of it.
    """
    served, ran = [], []
    deadline = time.monotonic() + PATIENCE
    left = list(hooks)
    while left:
        assert time.monotonic() < deadline, f"{len(left)} never answered"
        for hook, event in [pair for pair in left if pair[0].is_done]:
            left.remove((hook, event))
            answer = hook.answer()
            if answer:
                served.append(scene.serve(answer).text)
            else:
                ran.append(event["session_id"])
                result = scene.run(event["tool_input"]["command"])
                time.sleep(pause)
                scene.tell(event, result, duration=30_000)
        time.sleep(0.002)
    return served, ran


def test_of_32_at_once_one_runs_and_all_others_are_given_its_result(scene: Scene) -> None:
    hooks = [(scene.asking(None), scene.before(LINE, session=f"s{number}")) for number in range(CROWD)]
    for hook, event in hooks:
        hook.give(event)
    served, ran = run_all(scene, hooks)
    counted = scene.counted()
    assert len(ran) == 1, counted
    assert served == [scene.run(LINE).text] * (CROWD - 1)
    assert counted.count("waited") + counted.count("replayed") == CROWD - 1


def test_in_no_round_does_anybody_miss_the_end_of_the_run(scene: Scene) -> None:
    """Whoever did would run as well, or be held until the test gives up."""
    random = Random(1)
    for number in range(ROUNDS):
        (scene.root / "app.py").write_text(f"round {number}\n")
        first = scene.first(session="first")
        hooks = [(scene.asking(None), scene.before(session=f"s{other}", command=LINE)) for other in range(FEW)]
        for hook, event in hooks:
            time.sleep(random.uniform(0, 0.03))
            hook.give(event)
        time.sleep(random.uniform(0, 0.3))  # the end meets them before, in and after their step
        scene.tell(first, scene.run(LINE), duration=30_000)
        served, ran = run_all(scene, hooks)
        assert ran == []
        assert served == [scene.run(LINE).text] * FEW
