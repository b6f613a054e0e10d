"""What the end-to-end tests stand on: the real client, and a project with skillcache installed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.e2e.client import VERSION, find_client
from tests.e2e.project import Place


@pytest.fixture(scope="session")
def claude() -> str:
    """The path of the real client: skipped by name where there is none, and required in CI."""
    found = find_client()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"Claude Code {VERSION} is required in CI")
        pytest.skip(f"Claude Code {VERSION} is not installed")
    return found


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, claude: str) -> Path:
    """Made once: `bare` and `installed` are the same project and home folder, without and with the hooks."""
    root = tmp_path_factory.mktemp("template")
    Place(root / "bare", claude).make()
    shutil.copytree(root / "bare", root / "installed", symlinks=True)
    Place(root / "installed", claude).skillcache("install", "--scope", "user")
    return root


@pytest.fixture
def place(tmp_path: Path, claude: str, template: Path) -> Place:
    """A project with skillcache installed for its person."""
    return _copy(template / "installed", tmp_path / "place", claude)


@pytest.fixture
def bare_place(tmp_path: Path, claude: str, template: Path) -> Place:
    """A project whose person has no skillcache."""
    return _copy(template / "bare", tmp_path / "place", claude)


@pytest.fixture
def second_place(tmp_path: Path, claude: str, template: Path) -> Place:
    """The same project with another home folder, skillcache installed there too."""
    return _copy(template / "installed", tmp_path / "second", claude)


def _copy(made: Path, root: Path, claude: str) -> Place:
    shutil.copytree(made, root, symlinks=True)
    return Place(root, claude)
