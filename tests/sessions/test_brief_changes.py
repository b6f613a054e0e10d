"""What a brief says of commits and files since, and what a path from the store cannot do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skillcache.sessions.journal import DAY
from tests.sessions.conftest import PROJECT, ROOT, TTL, Project, bash, edit, end, prompt, start, tool
from tests.sessions.test_repository import git


@pytest.fixture
def clone(tmp_path: Path, project: Project) -> Path:
    """The repository that the session worked in, with a commit."""
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for name in ("a.py", "b.py", "c.py"):
        (folder / name).write_text("1\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "first")
    project.root = str(folder)
    project.teller.commit = git(folder, "rev-parse", "HEAD")
    return folder


def test_files_that_are_gone_are_not_named(clone: Path, project: Project) -> None:
    away = [edit("gone.py"), edit("sub/gone.py"), edit("../up.py"), tool("Write", {"file_path": "/etc/hosts"})]
    project.tell(start(), prompt("x"), edit("a.py"), edit("a.py"), edit("sub/c.py"), edit("b.py"), *away, end())
    (clone / "sub").mkdir()
    (clone / "sub/c.py").write_text("1")
    assert project.lines()[-3:] == [
        "Files edited most here in the last seven days, by folder:",
        "- a.py, b.py",
        "- sub/: c.py",
    ]


def test_the_files_of_the_last_session_are_named_where_nobody_has_edited_for_a_week(
    clone: Path, project: Project
) -> None:
    project.later = 8 * DAY
    project.tell(start(), prompt("x"), edit("a.py"), edit("gone.py"), end())
    assert (clone / "a.py").exists()
    assert project.lines()[-2:] == ["Files it edited, by folder:", "- a.py"]


def test_commits_are_told_in_a_line_by_their_subjects(clone: Path, project: Project) -> None:
    """Those of the session where git has them: one that was amended or undone is none."""
    made = [
        "git add -A && git commit -q -m 'Scan with one table'",
        "git commit -m \"$(cat <<'EOF'\nMeasure first\n\nA body.\nEOF\n)\"",
        "git commit -am Gone",
    ]
    for subject in ("Scan with one table", "Measure first\n\nA body."):
        git(clone, "commit", "--quiet", "--allow-empty", "-m", subject)
    project.teller.commit = git(clone, "rev-parse", "HEAD")
    project.tell(start(), prompt("x"), *(bash(line) for line in made), end())
    for number in range(7):
        git(clone, "commit", "--quiet", "--allow-empty", "-m", f"later {number} <b>\n\nbody")

    said = project.lines()

    assert said[-2:] == [
        "Its commits, newest first: Measure first; Scan with one table",
        "Commits since, newest first: " + "; ".join(f"later {n} \u2039b>" for n in (6, 5, 4, 3, 2)) + "; and 2 more",
    ]


def test_a_commit_of_another_clone_is_said_to_be_missing(clone: Path, project: Project) -> None:
    project.teller.commit = "f" * 40
    project.tell(start(), prompt("x"), end())
    assert clone.exists()
    assert project.lines()[-1] == "Its commit fffffffff is not in this clone."


def test_nothing_is_said_of_commits_where_git_does_not_answer(tmp_path: Path, project: Project) -> None:
    (tmp_path / ".git").mkdir()
    project.root = str(tmp_path)
    project.tell(start(), prompt("x"), end())
    assert "commit" not in "".join(project.lines()[1:])


def test_a_resumed_session_is_told_of_commits_and_of_its_files_on_disk(clone: Path, project: Project) -> None:
    project.teller.at = int((clone / "c.py").stat().st_mtime * 1000) + 2_000
    project.tell(start(), prompt("x"), edit("a.py"), edit("b.py"), edit("c.py"), end())
    state = project.journal.past("one", 1)
    assert state is not None
    state.state["root"] = str(clone)
    project.journal.restore(state, project=PROJECT, at=project.teller.at, ttl=TTL)
    for number, name in enumerate(("a.py", "b.py")):
        later = project.teller.at / 1000 + 60 + number
        os.utime(clone / name, (later, later))
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "second")
    (clone / "b.py").unlink()
    os.utime(clone, (later, later))
    past = project.journal.past("one", 50)
    assert past is not None
    past.files = [("a.py", 1), ("b.py", 1), ("c.py", 1)]
    project.journal.restore(past, project=PROJECT, at=project.teller.at, ttl=TTL)

    said = project.lines("resume", "one")

    assert said[1:] == [
        "Commits since, newest first: second",
        "Files that this session had edited and that were written or removed since:",
        "- b.py",
        "- a.py",
    ]


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", ":(top)a.py", "--output=x", "a\nb.py"])
def test_a_path_from_the_store_does_nothing_to_git(clone: Path, project: Project, path: str) -> None:
    project.tell(start(), prompt("x"), tool("Write", {"file_path": f"{ROOT}/{path}"}), end())
    before = sorted(each.name for each in clone.iterdir())
    project.brief()
    assert sorted(each.name for each in clone.iterdir()) == before
