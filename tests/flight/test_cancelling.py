"""A person cancels: the client ends the hook that waits, or itself, and nobody else is the worse for it."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from tests.flight.conftest import LINE, Scene, until

SIGNALS = [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_waiting_hook_that_is_ended_leaves_nothing_that_hurts(scene: Scene, number: int) -> None:
    first = scene.first()
    name = scene.name(first)
    cancelled, event = scene.waiting(session="s2")
    other, _ = scene.waiting(session="s3")
    begun = time.monotonic()
    cancelled.end(number)
    assert time.monotonic() - begun < 30  # at once, and not at the end of its minute
    assert cancelled.process.returncode in {-number, 0}
    assert scene.holder(name).startswith("s1//")
    # The client goes on: the cancelled call may end as interrupted, the turn may end, the call may be made again.
    interrupted = {**event, "hook_event_name": "PostToolUseFailure", "error": "x", "is_interrupt": True}
    assert scene.hook("post_tool_use_failure.py", interrupted).answer() == {}
    scene.say("Stop", session="s2")
    assert scene.holder(name).startswith("s1//")
    again, _ = scene.waiting(session="s2")
    ran = scene.run(LINE)
    scene.tell(first, ran)
    assert [scene.serve(hook.answer()) for hook in (other, again)] == [ran, ran]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_client_that_is_ended_hands_its_run_on_to_one_of_those_who_wait(scene: Scene, number: int) -> None:
    with subprocess.Popen(["sleep", "600"]) as client:
        scene.environ["CLAUDE_PID"] = str(client.pid)
        scene.first()
        del scene.environ["CLAUDE_PID"]
        waiting = dict(scene.waiting(session=f"s{number}") for number in range(2, 6))
        client.send_signal(number)
        client.wait(10)
        until(lambda: any(hook.is_done for hook in waiting), "nobody took over")
    (heir,) = [hook for hook in waiting if hook.is_done]
    assert heir.answer() == {}
    ran = scene.run(LINE)
    scene.tell(waiting.pop(heir), ran)
    assert [scene.serve(hook.answer()) for hook in waiting] == [ran] * 3
    assert sorted(scene.counted()) == ["no_entry", "stored", "waited", "waited", "waited", "waited_in_vain"]


def test_a_claim_that_falls_without_a_word_frees_those_who_wait(scene: Scene) -> None:
    """Its lease was ended, or the server has forgotten it."""
    first = scene.first()
    hook, second = scene.waiting()
    store = scene.store()
    store.claim(scene.name(first), scene.owner(first), 0.05)
    store.close()
    assert hook.answer() == {}
    assert scene.owner(second).startswith("s2//")


def test_a_result_is_found_although_its_claim_was_forgotten(redis_scene: Scene) -> None:
    assert redis_scene.server is not None
    first = redis_scene.first()
    hook, _ = redis_scene.waiting()
    redis_scene.server.command("FLUSHALL")
    ran = redis_scene.run(LINE)
    redis_scene.tell(first, ran)
    assert redis_scene.serve(hook.answer()) == ran
