"""Whatever a result depends on, changed between two calls, makes the second one run; put back, it is a hit again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.api import Request, Turn
from tests.e2e.project import PYTEST, Place, as_turn


def after(change: Callable[[], object], command: str = PYTEST) -> Turn:
    """The turn that runs `command` once the world has changed."""

    def turn(_request: Request) -> Turn:
        change()
        return as_turn(command)

    return turn


def test_a_changed_file_is_a_miss_and_the_old_content_a_hit(place: Place) -> None:
    session = place.play(
        "./check",
        after(lambda: place.write("answer", "all is different\n"), "./check"),
        after(lambda: place.write("answer", "all is well\n"), "./check"),
        after(lambda: place.write("answer", "all is different\n"), "./check"),
    )
    assert session.texts == ["all is well", "all is different", "all is well", "all is different"]
    assert place.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda place: place.write("untracked.py", "x = 1\n"),
        lambda place: (place.project / "test_sum.py").unlink(),
        lambda place: (place.project / "test_sum.py").rename(place.project / "test_other.py"),
        lambda place: (place.project / "test_sum.py").chmod(0o755),
        lambda place: (place.project / "link").symlink_to("pytest.ini"),
        lambda place: place.write(".env", "MODE=other\n"),
    ],
    ids=["untracked", "deleted", "renamed", "mode", "symlink", "dotenv"],
)
def test_a_change_of_the_worktree_is_a_miss(place: Place, change: Callable[[Place], object]) -> None:
    session = place.play("./check", after(lambda: change(place), "./check"))
    assert place.count() == 2
    assert session.replays == []


def test_an_ignored_dotenv_is_seen(place: Place) -> None:
    place.write(".gitignore", "__pycache__/\n.pytest_cache/\n.env\n")
    place.write(".env", "MODE=one\n")
    place.commit()
    place.play("./check", after(lambda: place.write(".env", "MODE=two\n"), "./check"))
    assert place.count() == 2


def test_a_changed_variable_of_the_list_is_a_miss(place: Place) -> None:
    place.play(PYTEST)
    place.play(PYTEST, env={"PYTHONHASHSEED": "7"})
    assert place.count() == 2
    place.play(PYTEST)
    assert place.count() == 2


def test_a_variable_that_a_rule_adds_is_seen(place: Place) -> None:
    place.configure('[[rules]]\nmatch = "Bash(./check:*)"\nenv = ["MODE"]\n')
    for mode in ("one", "two", "one"):
        place.play("./check", env={"MODE": mode})
    assert place.count() == 2


def test_another_directory_is_a_miss(place: Place) -> None:
    session = place.play(PYTEST, "cd sub", PYTEST)
    assert place.count() == 2
    assert session.replays == []


def test_other_words_are_a_miss(place: Place) -> None:
    place.play("./check one", "./check two", "./check  one")
    assert place.count() == 3


def test_a_commit_of_the_same_content_is_a_hit(place: Place) -> None:
    place.write("answer", "new\n")
    session = place.play("./check", after(place.commit, "./check"))
    assert place.count() == 1
    assert session.texts == ["new", "new"]


def test_the_person_s_repository_is_not_touched(place: Place) -> None:
    place.write("untracked.py", "x = 1\n")
    git = place.project / ".git"

    def state() -> dict[str, tuple[int, bytes]]:
        return {
            str(path.relative_to(git)): (path.stat().st_mtime_ns, path.read_bytes())
            for path in git.rglob("*")
            if path.is_file()
        }

    seen: list[dict[str, tuple[int, bytes]]] = []
    place.play(
        after(lambda: seen.append(state()), "./check"), after(lambda: seen.append(state()), "./check"), "./check"
    )
    seen.append(state())
    assert place.count() == 1
    assert seen[0] == seen[1] == seen[2]


def test_a_rule_that_narrows_lets_other_files_change(place: Place) -> None:
    place.configure('[[rules]]\nmatch = "Bash(./check:*)"\ndepends = ["answer", "status", "check"]\n')
    place.play(
        "./check",
        after(lambda: place.write("elsewhere.py", "x = 1\n"), "./check"),
        after(lambda: place.write("answer", "other\n"), "./check"),
    )
    assert place.count() == 2
