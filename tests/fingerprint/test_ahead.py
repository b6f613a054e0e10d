"""Git asked ahead of a capture: the capture is the same, and nothing of it stays behind."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from skillcache.core.git import Git, ask_ahead
from skillcache.core.outcomes import Bypass

if TYPE_CHECKING:
    from tests.fingerprint.conftest import Project


def asked(project: "Project", cwd: str = "") -> Git | None:
    environ = {name: project.environ[name] for name in ("HOME", "PATH", "GIT_CONFIG_NOSYSTEM")}
    return ask_ahead(os.path.join(project.top, cwd), environ, time.monotonic() + 60)


def test_a_capture_is_the_same_with_git_asked_ahead(repo: "Project") -> None:
    repo.write("src/new.py", "x = 1\n")
    assert repo.rows("src", asked=asked(repo, "src")) == repo.rows("src")


def test_filters_are_known_before_anything_else_is_asked(repo: "Project") -> None:
    repo.git("config", "filter.loud.clean", "touch filtered; cat")
    repo.write(".gitattributes", "*.py filter=loud\n")
    repo.write("src/main.py", "print(2)\n")
    assert repo.rows(asked=asked(repo)) == repo.rows()
    assert not (repo.top / "filtered").exists()


def test_git_of_another_worktree_is_not_asked(repo: "Project") -> None:
    other = repo.beside("other")
    other.git("init", "-q")
    elsewhere = asked(other)
    assert elsewhere is not None
    assert repo.rows(asked=elsewhere) == repo.rows()
    elsewhere.abandon()


def test_an_answer_that_nobody_comes_for_leaves_no_process(repo: "Project") -> None:
    descriptors, children = len(os.listdir("/proc/self/fd")), _children()
    git = asked(repo)
    assert git is not None
    git.abandon()
    git.abandon()
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert _children() <= children


def _children() -> set[str]:
    """Of this process, those of other tests among them."""
    found: set[str] = set()
    for thread in Path("/proc/self/task").iterdir():
        found.update((thread / "children").read_text().split())
    return found


def test_outside_of_a_worktree_there_is_nobody_to_ask(repo: "Project", tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert ask_ahead(str(tmp_path / "plain"), repo.environ, time.monotonic() + 60) is None


def test_git_is_not_asked_where_it_would_wait(repo: "Project") -> None:
    (repo.top / ".git/config").unlink()
    os.mkfifo(repo.top / ".git/config")
    with pytest.raises(Bypass):
        asked(repo)
