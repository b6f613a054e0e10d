"""An install from where no Python stays says so."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

from skillcache.cli.setup import settings_file
from skillcache.cli.setup.settings_file import passing
from tests.cli.conftest import Person

CACHE = "a cache, as those of uvx and pipx run"
VENV = "a project's virtual environment"


@pytest.fixture(autouse=True)
def nothing_is_temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests have their files in such a folder."""
    monkeypatch.setattr(settings_file, "_TEMPORARY", ())


def lies_in(root: Path, folder: str, *marks: str) -> str:
    """What is said of a venv in `folder` of a home folder that has these files."""
    home = root / "home"
    for path in (f"{folder}/bin/python3", f"{folder}/pyvenv.cfg", *marks):
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).touch()
    return passing(str(home / folder / "bin/python3"), {"HOME": str(home), "TMPDIR": str(home / "temporary")})


@pytest.mark.parametrize(
    ("folder", "marks", "said"),
    [
        (".cache/uv/archive-v0/_V6qe", (".cache/uv/CACHEDIR.TAG",), CACHE),
        ("elsewhere/uv/archive-v0/_V6qe", ("elsewhere/uv/CACHEDIR.TAG",), CACHE),
        (".cache/pipx/a184b186975e79e", (), CACHE),
        (".local/pipx/.cache/a184b186975e79e", (), CACHE),
        ("temporary/venv", (), "a folder for temporary files"),
        ("project/.venv", ("project/.git/HEAD",), VENV),
        ("worktree/tools/venv", ("worktree/.git",), VENV),
        # uv tags every venv that it makes.
        (".local/share/uv/tools/skillcache", (".local/share/uv/tools/skillcache/CACHEDIR.TAG",), ""),
        (".local/share/pipx/venvs/skillcache", (".git/HEAD",), ""),
        (".venvs/skillcache", (), ""),
    ],
)
def test_where_a_python_lies_tells_whether_it_stays(
    tmp_path: Path, folder: str, marks: tuple[str, ...], said: str
) -> None:
    assert lies_in(tmp_path, folder, *marks) == said


def test_a_python_of_the_system_that_is_in_a_worktree_stays(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert passing(str(tmp_path / "usr/bin/python3"), {"HOME": "/nonexistent", "TMPDIR": "/nonexistent"}) == ""


def test_install_and_doctor_name_what_to_do(person: Person, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    venv.create(folder / ".venv", with_pip=False, symlinks=True)
    person.variables["PYTHONPATH"] = ":".join(sys.path)
    python = folder / ".venv/bin/python3"

    installed = person.skillcache("install", python=str(python))
    found = person.skillcache("doctor", python=str(python))

    where = f"{python} lies in a folder for temporary files; without it the hooks do nothing."
    assert f"{where} To keep them: {settings_file.to_last()}\n" in installed.out
    assert f"note  python: {where} Mend: {settings_file.to_last()}\n" in found.out
