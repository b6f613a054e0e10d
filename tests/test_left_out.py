"""What a plain `pytest` leaves out, and what makes it run all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import LEFT_OUT

_HOOKS = "pytest_addoption, pytest_collection_modifyitems, pytest_configure_node, pytest_terminal_summary"
_TESTS = """
import pytest

@pytest.mark.long
def test_long(): pass

@pytest.mark.table
@pytest.mark.parametrize("row", range(5))
def test_rows(row): pass

@pytest.mark.parametrize("row", range(3))
def test_short(row): pass
"""
_LEFT = f"    4  {LEFT_OUT}"


@pytest.mark.parametrize(
    ("words", "environ", "passed"),
    [
        ("", {}, 5),
        ("-n2 .", {}, 5),
        ("-n2 --all", {}, 9),
        ("test_a.py", {}, 9),
        ("", {"CI": "true"}, 9),
    ],
)
def test_what_takes_long_is_for_who_asks_for_it(
    tmp_path: Path, words: str, environ: dict[str, str], passed: int
) -> None:
    (tmp_path / "conftest.py").write_text(f"from tests.conftest import {_HOOKS}\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    long\n    table\n")
    (tmp_path / "test_a.py").write_text(_TESTS)
    environ = {"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": "/usr/bin:/bin", **environ}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words.split()],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert f"{passed} passed" in done.stdout, done.stdout + done.stderr
    assert (_LEFT in done.stdout.splitlines()) == (passed == 5), done.stdout
