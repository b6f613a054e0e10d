"""A project whose files spell out its own place is known for it."""

import time
from pathlib import Path

import pytest

from skillcache.fingerprint.changes import mentions_root
from tests.fingerprint.test_disturbance import ENVIRON, git


@pytest.fixture
def root(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("build/\n.env\n")
    (tmp_path / "a.py").write_text("one\n")
    git(tmp_path, "add", "-A")
    return tmp_path


def mentions(root: Path, *ignored: str) -> bool:
    rows = tuple(("ignored", name, "0f") for name in ignored)
    return mentions_root(str(root), rows, ENVIRON, deadline=time.monotonic() + 10)


def test_most_projects_do_not(root: Path) -> None:
    (root / ".env").write_text("X=1\n")
    assert not mentions(root, ".env")


def test_what_python_compiled_is_not_asked(root: Path) -> None:
    for name in ("__pycache__/a.cpython-311.pyc", "sub/__pycache__/a.cpython-311.pyc"):
        path = root / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"\0" + bytes(root / "a.py"))
    assert not mentions(root)
    (root / "__pycache__.py").write_text(f"DATA = '{root}/data'\n")
    assert mentions(root)


@pytest.mark.parametrize("name", ["a.py", "untracked.py"])
def test_a_file_that_does(root: Path, name: str) -> None:
    (root / name).write_text(f"DATA = '{root}/data'\n")
    assert mentions(root)


@pytest.mark.parametrize("name", [".env", "build/deep/gen.py"])
def test_an_ignored_file_that_does(root: Path, name: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"DATA={root}/data\n")
    assert mentions(root, name.split("/", maxsplit=1)[0])


def test_in_doubt_it_does(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert mentions(root, "")
    assert mentions(tmp_path_factory.mktemp("plain"))
