"""What a brief says of commits and files since, and what a path from the store cannot do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sessions.conftest import PROJECT, ROOT, TTL, Project, edit, end, prompt, start, tool
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


def test_files_are_told_as_committed_since_or_not(clone: Path, project: Project) -> None:
    project.tell(start(), prompt("x"), edit("a.py"), edit("b.py"), edit("c.py"), edit("new.py"), end())
    (clone / "a.py").write_text("2\n")
    git(clone, "commit", "--quiet", "-a", "-m", "second <b>commit</b>\n\nbody")
    (clone / "b.py").write_text("2\n")
    (clone / "new.py").write_text("2\n")

    said = project.lines()

    assert "- a.py (1 edit, committed since)" in said
    assert "- b.py (1 edit, not committed)" in said
    assert "- c.py (1 edit)" in said
    assert [line[2:6] for line in said if line.startswith(("- a.py", "- b.py", "- c.py"))] == ["b.py", "c.py", "a.py"]
    assert "- new.py (1 edit, not committed)" in said
    assert said[-2] == "Commits since (1), newest first:"
    assert said[-1].endswith(" second \u2039b>commit\u2039/b>")


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

    assert said[1] == "Commits since (1), newest first:"
    assert said[2].endswith(" second")
    assert said[3:] == [
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
