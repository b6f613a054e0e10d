"""Waiting changes nothing about what the person allows, and those who may not be served do not wait."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.flight.conftest import LINE, Scene

OTHER_PERSON = 4711


@pytest.mark.parametrize("word", ["deny", "ask"])
def test_a_rule_that_stops_the_call_keeps_it_from_waiting_and_from_holding_others(scene: Scene, word: str) -> None:
    scene.claude_settings(permissions={word: ["Bash(pytest:*)"]})
    stopped = scene.before(LINE)
    assert scene.ask(stopped) == {}
    assert scene.owner(stopped) == ""
    scene.claude_settings(permissions={})
    scene.first(session="s2")
    scene.claude_settings(permissions={word: ["Bash(pytest:*)"]})
    late = scene.before(LINE, session="s3")
    assert scene.ask(late) == {}
    assert scene.counted() == ["no_entry", "no_entry", "no_entry"]
    assert scene.owner(late) == ""


def test_settings_that_cannot_be_read_keep_it_from_both(scene: Scene) -> None:
    scene.first()
    path = Path(scene.environ["HOME"], ".claude/settings.json")
    path.parent.mkdir()
    path.write_text("{")
    late = scene.before(LINE, session="s2")
    assert scene.ask(late) == {}
    assert scene.owner(late) == ""
    assert scene.counted() == ["no_entry", "no_entry"]


@pytest.mark.parametrize("word", ["deny", "ask"])
def test_a_rule_that_comes_during_the_wait_stops_the_replay(scene: Scene, word: str) -> None:
    first = scene.first()
    hook, _ = scene.waiting()
    scene.claude_settings(permissions={word: ["Bash(pytest:*)"]})
    scene.tell(first, scene.run(LINE))
    assert hook.answer() == {}
    assert scene.counted()[-1] == f"{word}_rule"


@pytest.mark.parametrize("allowed", [False, True])
def test_the_result_of_another_project_is_given_under_the_persons_own_allow_rule_only(
    scene: Scene, *, allowed: bool
) -> None:
    """Both projects have the same content."""
    elsewhere = scene.base / "elsewhere" / "copy"
    shutil.copytree(scene.root, elsewhere, symlinks=True)
    if allowed:
        scene.claude_settings(permissions={"allow": ["Bash(pytest:*)"]})
    first = scene.first()
    hook, second = scene.waiting(root=elsewhere)
    scene.tell(first, scene.run(LINE))
    answer = hook.answer()
    if allowed:
        assert "elsewhere/copy" in scene.run(answer["hookSpecificOutput"]["updatedInput"]["command"], elsewhere).text
        assert answer["hookSpecificOutput"]["permissionDecision"] == "allow"
    else:
        assert answer == {}
        assert scene.counted()[-1] == "undecided"
        assert scene.owner(second) == ""


def test_a_worktree_of_the_same_project_is_given_the_result(scene: Scene) -> None:
    first = scene.first()
    hook, _ = scene.waiting(root=scene.other_root)
    scene.tell(first, scene.run(LINE))
    command = hook.answer()["hookSpecificOutput"]["updatedInput"]["command"]
    assert scene.run(command, scene.other_root) == scene.run(LINE, scene.other_root)


def test_another_person_neither_waits_nor_takes_the_claim(redis_scene: Scene) -> None:
    first = redis_scene.first()
    theirs = redis_scene.before(LINE, session="s2")
    assert redis_scene.asking(theirs, person=OTHER_PERSON).answer() == {}
    assert redis_scene.owner(theirs) == ""
    assert redis_scene.counted() == ["no_entry", "no_entry"]
    redis_scene.tell(first, redis_scene.run(LINE))
    # What is stored by one is given to another under their own allow rule only.
    again = redis_scene.before(LINE, session="s3")
    assert redis_scene.asking(again, person=OTHER_PERSON).answer() == {}
    assert redis_scene.counted()[-1] == "undecided"


def test_two_of_another_person_wait_for_each_other(redis_scene: Scene) -> None:
    first = redis_scene.before(LINE)
    assert redis_scene.asking(first, person=OTHER_PERSON).answer() == {}
    ours = redis_scene.before(LINE, session="s2")
    assert redis_scene.ask(ours) == {}
    waiting = redis_scene.begin_to_wait(redis_scene.before(LINE, session="s3"), person=OTHER_PERSON)
    redis_scene.say("Stop", session="s1")
    assert waiting.answer() == {}
    assert redis_scene.counted() == ["no_entry", "no_entry", "waited_in_vain"]


def test_a_wish_for_a_fresh_run_never_waits(scene: Scene) -> None:
    scene.first()
    fresh = scene.before(f"{LINE} # fresh", session="s2")
    assert scene.ask(fresh) == {}
    assert scene.owner(fresh) == ""
    assert scene.counted() == ["no_entry", "fresh"]


def test_what_is_chosen_for_verification_never_waits_and_is_not_served(scene: Scene) -> None:
    scene.environ["SKILLCACHE_VERIFY"] = "1"
    first, second = scene.first(), scene.before(LINE, session="s2")
    assert scene.ask(second) == {}
    assert scene.counted() == ["no_entry", "no_entry"]
    scene.tell(first, scene.run(LINE))
    third = scene.before(LINE, session="s3")
    assert scene.ask(third) == {}
    assert scene.owner(third) == ""
    scene.tell(third, scene.run(LINE))
    assert scene.counted()[-2:] == ["verify", "confirmed"]
