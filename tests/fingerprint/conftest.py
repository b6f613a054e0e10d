"""Real git repositories for the fingerprint's tests."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skillcache.fingerprint.capture import Fingerprint, Request, capture
from tests.fidelity.hooks import path_of_machine


class Project:
    """A folder that tests write to and capture; `git` runs the real thing in it."""

    def __init__(self, top: Path, home: Path) -> None:
        self.top = top
        self.environ = {
            "HOME": str(home),
            "PATH": path_of_machine(),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        }

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        command = ["git", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", *arguments]
        done = subprocess.run(
            command, cwd=cwd or self.top, env=self.environ, capture_output=True, check=False, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def write(self, path: str, content: str | bytes = "", *, mode: int | None = None) -> Path:
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        if mode is not None:
            file.chmod(mode)
        return file

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")

    def capture(self, cwd: str = "", *, environ: dict[str, str] | None = None, **request: Any) -> Fingerprint:
        variables = {"HOME": self.environ["HOME"], "PATH": self.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
        folder = os.path.join(self.top, cwd) if cwd else str(self.top)
        return capture(Request(folder, variables | (environ or {}), time.monotonic() + 60, **request))

    def rows(self, cwd: str = "", **request: Any) -> tuple[tuple[str, str, str], ...]:
        return self.capture(cwd, **request).rows

    def beside(self, name: str) -> "Project":
        other = Project(self.top.parent / name, Path(self.environ["HOME"]))
        other.top.mkdir(exist_ok=True)
        return other


@pytest.fixture
def folder(tmp_path: Path) -> Project:
    """A project without git."""
    home = tmp_path / "home"
    home.mkdir()
    top = tmp_path / "project"
    top.mkdir()
    return Project(top, home)


@pytest.fixture
def repo(folder: Project) -> Project:
    """A repository with three committed files."""
    folder.git("init", "-q")
    folder.write("README.md", "hello\n")
    folder.write("src/main.py", "print(1)\n")
    folder.write("tests/test_main.py", "def test(): pass\n")
    folder.commit()
    return folder


@pytest.fixture
def clone(repo: Project) -> Callable[[str], Project]:
    def make(name: str) -> Project:
        other = repo.beside(name)
        repo.git("clone", "-q", str(repo.top), str(other.top))
        return other

    return make
