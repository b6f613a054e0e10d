"""The stores behind a hit, their failure, and the ways to have none of it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from skillcache.cli.checks.messages_api import Request, Turn
from tests.e2e.project import PYTEST, Place, after, as_turn, pass_a_minute


@pytest.mark.parametrize("kind", ["server", "cluster"])
def test_redis_serves_another_home_of_the_same_person(
    place: Place, second_place: Place, request: pytest.FixtureRequest, kind: str
) -> None:
    redis = request.getfixturevalue(f"redis_{kind}")
    env = {"SKILLCACHE_REDIS_URL": redis.url if kind == "cluster" else redis.unix_url}
    # A home that is called otherwise than its user was chosen for the run, and counts; so would a counter of its own.
    env |= {"USER": place.home.name, "E2E_LOG": str(place.runs)}
    assert place.play("./check", env=env).texts == second_place.play("./check", env=env).texts == ["all is well"]
    assert (place.count(), second_place.count()) == (1, 0), second_place.outcomes()


def test_redis_stopped_in_the_middle_is_not_noticed(place: Place, redis_factory: Callable[[], Any]) -> None:
    """What was read is replayed from here for a minute, and then it runs."""
    server = redis_factory()

    def stop(_request: Request) -> Turn:
        server.stop()
        return as_turn("./check")

    place.client.env["SKILLCACHE_REDIS_URL"] = server.url
    session = place.play("./check", "./check", stop, after(partial(pass_a_minute, place.home), "./check"))
    assert place.count() == 2
    assert session.texts == ["all is well"] * 4
    assert place.outcomes() == ["no_entry", "stored", "replayed", "replayed", "store_unreachable"]
    assert {(run.stderr, run.exit_code, run.outcome) for run in session.hooks} == {("", 0, "success")}


def test_what_is_kept_is_for_its_owner_only_and_told_and_switched_off_all_runs(place: Place) -> None:
    place.play(
        "./check", "./check", "./check", "./check && touch new", after(partial(os.remove, place.project / "new"), "pwd")
    )
    kept = place.home / ".cache/skillcache"
    modes = {path: path.stat().st_mode & 0o777 for path in [kept, *kept.rglob("*")]}
    assert modes
    assert {path: oct(mode) for path, mode in modes.items() if mode not in {0o600, 0o700}} == {}

    stats = json.loads(place.skillcache("stats", "--json"))
    assert stats["hits"] == 3
    assert stats["misses"] == 1

    off = place.play("./check", env={"SKILLCACHE_DISABLE": "1"})
    assert off.texts == ["all is well"]
    assert place.outcomes().count("replayed") == 3
    assert place.count() == 2

    explain = f"{sys.executable} -m skillcache explain -- ./check"  # in the environment that commands have
    unchanged, changed = place.play(explain, after(partial(place.write, "answer", "other\n"), explain)).texts
    assert unchanged.startswith("hit  replayed: ")
    assert changed.startswith("miss  no_entry: ")
    assert "answer" in changed
    assert "test_sum.py" not in changed


def test_a_project_s_bad_configuration_is_in_nobody_s_way_and_switches_a_rule_off(place: Place) -> None:
    texts = ("[[rules]]\nmatch = 7\n", "not toml", 'redis_url = "redis://127.0.0.1:1/0"\n')
    off = '[[rules]]\nmatch = "Bash(pytest:*)"\nenabled = false\n'
    calls = [after(partial(place.write, ".claude/skillcache.toml", text), "./check") for text in texts]
    session = place.play(
        PYTEST, PYTEST, after(partial(place.write, ".claude/skillcache.toml", off), PYTEST), PYTEST, *calls
    )
    assert place.runs.read_text().splitlines().count("pytest") == 3
    assert place.outcomes()[:3] == ["no_entry", "stored", "replayed"]
    assert session.texts[4:] == ["all is well"] * len(texts)
    assert {(run.stderr, run.exit_code, run.outcome) for run in session.hooks} == {("", 0, "success")}


def test_nothing_is_served_in_shadow_mode_and_a_quick_command_is_neither_stored_nor_looked_up(place: Place) -> None:
    quick = "SKILLCACHE_MIN_DURATION=3600 ./check quick"  # so it is set as the rest of the session is not
    place.play(*["./check"] * 3, *[quick] * 3, env={"SKILLCACHE_VERIFY": "1"})
    assert place.count() == 6
    verified = ["no_entry", "stored", *["verify", "confirmed"] * 2]
    assert place.outcomes() == [*verified, "no_entry", "not_worth", "too_fast", "too_fast"]


def test_uninstall_leaves_the_client_as_if_it_had_never_been_there(bare_place: Place) -> None:
    settings = bare_place.home / ".claude/settings.json"
    settings.parent.mkdir()
    theirs = '{\n\t"permissions": {"allow": ["Bash(ls:*)"]},\n\t"hooks": {}\n}\n'
    settings.write_text(theirs)
    without = bare_place.play("./check", "./check")
    bare_place.skillcache("install", "--scope", "user")
    bare_place.play("./check", "./check")
    assert bare_place.replayed() == 1
    bare_place.skillcache("uninstall", "--scope", "user")
    assert settings.read_text() == theirs
    after = bare_place.play("./check", "./check")
    assert after.hooks == without.hooks == []
    assert after.texts == without.texts
    assert bare_place.count() == 5


def test_an_installation_in_the_project_works_too(bare_place: Place) -> None:
    bare_place.skillcache("install", "--scope", "local", "--project", str(bare_place.project))
    bare_place.play("./check", "./check")
    assert bare_place.replayed() == 1


def test_a_home_that_cannot_be_used_is_in_nobody_s_way(place: Place) -> None:
    shutil.rmtree(place.home / ".cache", ignore_errors=True)
    (place.home / ".cache").write_text("a file where a folder should be")
    session = place.play("./check", "./check")
    assert session.texts == ["all is well"] * 2
    assert place.count() == 2
    assert {(run.stderr, run.exit_code, run.outcome) for run in session.hooks} == {("", 0, "success")}
