"""Worktrees and clones of one content share results, and each reads its own paths in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from skillcache.cli.checks.client import Session
from skillcache.cli.checks.messages_api import Turn
from tests.e2e.project import Place, after

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


def test_a_clone_reads_its_own_paths(elsewhere: Place) -> None:
    other = elsewhere.root / "a-second-place-with-a-longer-name"
    elsewhere.git("clone", "--quiet", str(elsewhere.project), str(other))
    require_its_own_paths(elsewhere, other)


def require_its_own_paths(elsewhere: Place, other: Path, *turns: Turn) -> Session:
    """In the other place, whose session goes on with these turns."""
    ran = elsewhere.play("./check")
    assert str(elsewhere.project) in ran.texts[0]
    session = elsewhere.play("./check", "./check # fresh", *turns, project=other)
    assert elsewhere.outcomes()[:5] == ["no_entry", "stored", "replayed", "fresh", "stored"]
    assert session.texts[0] == session.texts[1]
    assert f"{other}/answer:1:" in session.texts[0]
    return session


def test_a_worktree_reads_its_own_paths_and_a_change_in_it_is_none_in_the_other(elsewhere: Place) -> None:
    other: Path = elsewhere.root / "a-second-place-with-a-longer-name"
    elsewhere.git("worktree", "add", "--quiet", "--detach", str(other))
    change = lambda: elsewhere.write("answer", "changed there\n", project=other)  # noqa: E731
    require_its_own_paths(elsewhere, other, after(change, "./check"))
    assert elsewhere.count() == 3
    elsewhere.play("./check")
    assert elsewhere.count() == 3, elsewhere.outcomes()


def test_where_a_path_cannot_be_put_in_surely_the_command_runs(elsewhere: Place) -> None:
    other: Path = elsewhere.root / "a name that tools quote"
    elsewhere.git("worktree", "add", "--quiet", "--detach", str(other))
    elsewhere.play("./check")
    session = elsewhere.play("./check", "./check", project=other)
    assert f"{other}/answer:1:" in session.texts[0]
    assert session.texts[0] == session.texts[1]
    assert elsewhere.count() == 2, elsewhere.outcomes()
