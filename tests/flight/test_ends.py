"""However a run ends: who waited is given its result, or runs at once where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.fidelity.hooks import Ran, event_after
from tests.flight.conftest import LINE, Scene

AT_ONCE = 40.0  # seconds; whoever waited for the next run as well would take all of its minute
MANY = 2

End = Callable[[Scene, Mapping[str, Any]], None]


def tell(scene: Scene, event: Mapping[str, Any], **fields: object) -> None:
    """The end of a run with something changed about it."""
    script, after = event_after(event, scene.run(LINE), 30_000)
    assert scene.hook(script, {**after, **fields}).answer() == {}


def response(**fields: object) -> dict[str, object]:
    return {"stdout": "all is well", "stderr": "", "interrupted": False, "isImage": False, **fields}


def fails(scene: Scene, event: Mapping[str, Any]) -> None:
    scene.tell(event, Ran(1, "1 failed", str(scene.root)), duration=30_000)


def is_killed(scene: Scene, event: Mapping[str, Any]) -> None:
    scene.tell(event, Ran(137, "Killed", str(scene.root)), duration=30_000)


def hides_its_failure(scene: Scene, event: Mapping[str, Any]) -> None:
    scene.tell(event, Ran(0, "=== 1 failed, 3 passed in 2.10s ===", str(scene.root)), duration=30_000)


def is_interrupted(scene: Scene, event: Mapping[str, Any]) -> None:
    tell(scene, event, tool_response=response(interrupted=True))


def is_interrupted_with_an_error(scene: Scene, event: Mapping[str, Any]) -> None:
    after = {**event, "hook_event_name": "PostToolUseFailure", "error": "Interrupted", "is_interrupt": True}
    assert scene.hook("post_tool_use_failure.py", after).answer() == {}


def moves_to_the_background(scene: Scene, event: Mapping[str, Any]) -> None:
    tell(scene, event, tool_response=response(stdout="", backgroundTaskId="b1"))


def is_moved_at_its_limit(scene: Scene, event: Mapping[str, Any]) -> None:
    tell(scene, event, tool_response=response(timedOutAfterMs=120_000))


def gives_a_secret(scene: Scene, event: Mapping[str, Any]) -> None:
    tell(scene, event, tool_response=response(stdout="password = hunter2-is-long-9"))


def gives_no_text(scene: Scene, event: Mapping[str, Any]) -> None:
    tell(scene, event, tool_response=response(isImage=True))


def changes_its_inputs(scene: Scene, event: Mapping[str, Any]) -> None:
    (scene.root / "app.py").write_text("written by the run\n")
    scene.tell(event, scene.run(LINE), duration=30_000)


def touches_its_inputs(scene: Scene, event: Mapping[str, Any]) -> None:
    content = (scene.root / "app.py").read_text()
    (scene.root / "app.py").write_text("for a moment\n")
    (scene.root / "app.py").write_text(content)
    scene.tell(event, scene.run(LINE), duration=30_000)


WITHOUT: dict[End, str] = {
    fails: "failure", is_killed: "failure", hides_its_failure: "hidden_failure", is_interrupted: "interrupted",
    is_interrupted_with_an_error: "interrupted", moves_to_the_background: "moved_to_background",
    is_moved_at_its_limit: "moved_to_background", gives_a_secret: "secret", gives_no_text: "not_text",
    changes_its_inputs: "changed_inputs", touches_its_inputs: "changed_inputs",
}  # fmt: skip


@pytest.mark.parametrize("end", WITHOUT, ids=lambda end: end.__name__)
def test_after_a_run_without_a_result_all_who_waited_run_at_once(scene: Scene, end: End) -> None:
    first = scene.first()
    waiting = [scene.waiting(session=f"s{number}") for number in range(2, 2 + MANY)]
    begun = time.monotonic()
    end(scene, first)
    assert [hook.answer() for hook, _ in waiting] == [{}] * MANY
    assert time.monotonic() - begun < AT_ONCE
    counted = scene.counted()
    assert WITHOUT[end] in counted
    assert counted.count("waited_in_vain") == MANY
    holders = [scene.owner(event) for _, event in waiting]
    assert sum(bool(holder) for holder in holders) == 1  # whoever comes now waits for one of them
    for _, event in waiting:
        scene.tell(event, scene.run(LINE))
    assert "stored" in scene.counted()[-MANY:]


def test_after_a_quick_run_all_who_waited_run_at_once(scene: Scene) -> None:
    """And are not looked up any more, which is not worth its time."""
    first = scene.first()
    waiting = [scene.waiting(session=f"s{number}") for number in range(2, 2 + MANY)]
    begun = time.monotonic()
    tell(scene, first, duration_ms=20)
    assert [hook.answer() for hook, _ in waiting] == [{}] * MANY
    assert time.monotonic() - begun < AT_ONCE
    assert sorted(scene.counted()) == ["no_entry", "not_worth", *["too_fast"] * MANY]


def test_a_failure_that_may_be_served_is_given_to_all_who_waited(scene: Scene) -> None:
    scene.settings('[[rules]]\nmatch = "Bash(pytest:*)"\nfailures = true\n')
    first = scene.first()
    waiting = [scene.waiting(session=f"s{number}") for number in range(2, 2 + MANY)]
    scene.tell(first, Ran(1, "1 failed", str(scene.root)))
    for hook, _ in waiting:
        assert scene.serve(hook.answer())[:2] == (1, "1 failed")


def test_a_result_that_was_invalidated_in_mid_run_serves_nobody(scene: Scene) -> None:
    first = scene.first()
    hook, second = scene.waiting()
    store = scene.store()
    store.invalidate("pytest")
    store.close()
    scene.tell(first, scene.run(LINE))
    assert hook.answer() == {}
    assert scene.counted()[-2:] in (["superseded", "waited_in_vain"], ["waited_in_vain", "superseded"])
    scene.tell(second, scene.run(LINE))
    assert scene.counted()[-1] == "stored"
