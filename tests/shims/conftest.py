"""Shells of both kinds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import require_program
from tests.shims.shell import Shell


@pytest.fixture(params=["bash", "zsh"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    require_program(request.param)
    return Shell(tmp_path, request.param)


@pytest.fixture
def bash(tmp_path: Path) -> Shell:
    return Shell(tmp_path, "bash")
