"""Hosts whose clocks are an hour apart: nothing wrong is served, and nobody waits longer than ever."""

from __future__ import annotations

import time

import pytest

from tests.flight.conftest import LINE, Scene

HOUR = 3600.0
BOUND = 2.0  # seconds, of the setting
SLACK = 60.0  # seconds, of a busy machine; a lease that another clock had made lasts an hour

SKEWS = [(HOUR, 0.0), (0.0, HOUR), (-HOUR, 0.0), (0.0, -HOUR)]


def begin(scene: Scene, shift: float) -> dict[str, object]:
    event = scene.before(LINE)
    assert scene.ask(event, shift=shift) == {}
    assert scene.owner(event)
    return event


@pytest.mark.parametrize(("first_shift", "second_shift"), SKEWS)
def test_a_result_is_given_or_the_call_runs(scene: Scene, first_shift: float, second_shift: float) -> None:
    """By Redis, whose times are its own, it is given; in the embedded store a lease may look over to another clock."""
    first = begin(scene, first_shift)
    second = scene.before(LINE, session="s2")
    is_over = scene.server is None and second_shift > first_shift
    hook = scene.asking(second, shift=second_shift) if is_over else scene.begin_to_wait(second, shift=second_shift)
    if is_over:
        assert hook.answer() == {}
    ran = scene.run(LINE)
    scene.tell(first, ran, shift=first_shift)
    if is_over:
        scene.tell(second, ran, shift=second_shift)
    else:
        assert scene.serve(hook.answer()) == ran
    # An edit is an edit, whatever the time.
    (scene.root / "app.py").write_text("edited\n")
    assert scene.ask(scene.before(LINE, session="s3"), shift=second_shift) == {}


@pytest.mark.parametrize(("first_shift", "second_shift"), SKEWS)
def test_nobody_waits_beyond_the_bound_for_a_run_that_never_ends(
    scene: Scene, first_shift: float, second_shift: float
) -> None:
    scene.environ["SKILLCACHE_WAIT"] = str(BOUND)
    begin(scene, first_shift)
    for number in range(2):
        begun = time.monotonic()
        assert scene.asking(scene.before(LINE, session=f"s{number}2"), shift=second_shift).answer() == {}
        assert time.monotonic() - begun < BOUND + SLACK


def test_what_an_earlier_clock_recorded_later_is_not_taken_for_older(scene: Scene) -> None:
    """After an invalidation the next result is that of a host whose clock is behind."""
    assert not scene.call(LINE, shift=HOUR)[1]
    store = scene.store()
    store.invalidate("pytest")
    store.close()
    first = begin(scene, 0)
    hook = scene.begin_to_wait(scene.before(LINE, session="s2"))
    scene.tell(first, scene.run(LINE))
    answer = hook.answer()
    assert answer == {} or scene.serve(answer) == scene.run(LINE)
