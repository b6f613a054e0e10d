"""Worktrees and clones of one content share results, and each reads its own paths in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.project import Place

SAYS_WHERE = """\
#!/bin/sh
echo "check" >> "$E2E_LOG"
echo "rootdir: $PWD"
echo "$PWD/answer:1:1: W100 Nothing wrong, see file://$PWD/answer"
"""


@pytest.fixture
def elsewhere(place: Place) -> Place:
    place.write("check", SAYS_WHERE)
    place.commit()
    return place


@pytest.mark.parametrize("kind", ["worktree", "clone"])
def test_the_other_place_reads_its_own_paths(elsewhere: Place, kind: str) -> None:
    other = elsewhere.root / "a-second-place-with-a-longer-name"
    if kind == "worktree":
        elsewhere.git("worktree", "add", "--quiet", "--detach", str(other))
    else:
        elsewhere.git("clone", "--quiet", str(elsewhere.project), str(other))
    ran = elsewhere.play("./check")
    replayed = elsewhere.play("./check", project=other)
    assert elsewhere.count() == 1, elsewhere.outcomes()
    assert str(elsewhere.project) in ran.texts[0]
    fresh = elsewhere.play("./check # fresh", project=other)
    assert elsewhere.count() == 2
    assert replayed.texts == fresh.texts
    assert f"{other}/answer:1:" in replayed.texts[0]


def test_a_change_in_one_worktree_is_none_in_the_other(elsewhere: Place) -> None:
    other: Path = elsewhere.root / "other"
    elsewhere.git("worktree", "add", "--quiet", "--detach", str(other))
    elsewhere.play("./check")
    elsewhere.write("answer", "changed there\n", project=other)
    elsewhere.play("./check", project=other)
    assert elsewhere.count() == 2
    elsewhere.play("./check")
    assert elsewhere.count() == 2


def test_where_a_path_cannot_be_put_in_surely_the_command_runs(elsewhere: Place) -> None:
    other: Path = elsewhere.root / "a name that tools quote"
    elsewhere.git("worktree", "add", "--quiet", "--detach", str(other))
    elsewhere.play("./check")
    session = elsewhere.play("./check", "./check", project=other)
    assert f"{other}/answer:1:" in session.texts[0]
    assert session.texts[0] == session.texts[1]
    assert elsewhere.count() == 2, elsewhere.outcomes()
