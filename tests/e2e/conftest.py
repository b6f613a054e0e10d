"""What the end-to-end tests stand on: the real client, and a project with skillcache installed."""

from __future__ import annotations

import os
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


@pytest.fixture
def place(tmp_path: Path, claude: str) -> Place:
    """A project with skillcache installed for its person."""
    made = Place(tmp_path, claude)
    made.skillcache("install", "--scope", "user")
    return made
