"""The person's rules decide about every line as ever, whatever is recorded for the commands in it."""

from __future__ import annotations

import pytest

from tests.e2e import stubs
from tests.e2e.project import Place
from tests.e2e.stubs import RAN, SAID, UNSEEN, Step, play, said_by_hooks, settle

REFUSED = ("pytest -q", "pytest -q 2>&1 | tail -1", "cd sub && pytest -q", "./gradlew test", "python -m pytest -q")
RULES = {"deny": ["Bash(pytest:*)"], "ask": ["Bash(./gradlew:*)"], "allow": ["Bash(cat:*)"]}
GRADLE = "one test\ntwo\nall is well"


@pytest.mark.parametrize("stubbed", ["earlier plugin bash"], indirect=True)
def test_what_a_rule_refuses_or_nobody_allows_is_answered_to_nobody(stubbed: Place, bare_place: Place) -> None:
    place = stubbed
    bare_place.client.binary = place.client.binary
    stubs.furnish(bare_place)
    settle(bare_place, permissions=RULES)
    without = bare_place.play(*REFUSED, mode="default")
    assert [result.is_error for result in without.results] == [True] * len(REFUSED)

    recorded = play(
        place,
        Step("pytest -q", SAID, 1, RAN),
        Step("./gradlew test", GRADLE, 1, RAN),
        Step("python -m pytest -q", "one -m pytest -q\ntwo\nall is well", 1, RAN),
        Step("cd sub && pytest -q", SAID, 1, RAN),
    )
    settle(place, permissions=RULES)
    steps = [Step(line, text, 0, UNSEEN) for line, text in zip(REFUSED, without.texts, strict=True)]
    asked = play(place, *steps, mode="default")
    unasked = play(place, steps[0], Step("python -m pytest -q", "one -m pytest -q\ntwo\nall is well"))
    for session in (recorded, asked, unasked):
        said = said_by_hooks(session)
        assert not any(word in said for word in ("permissionDecision", "allow", "approve", "updatedInput")), said
