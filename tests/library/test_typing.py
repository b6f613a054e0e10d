"""Type checkers make of the library what a reader does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.readme_tables import PAGES

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = Path(__file__).with_name("typing_sample.py").read_text()
SNIPPETS = [code for page in PAGES for code in re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)]
WRONG = [
    "bare(1)",
    "bare.refresh()",
    'called("a", 1)',
    "named()",
    "in_cache('1', 2)",
    'Page("a").read("x")',
    'Page("a").read()',
    "Page.parse(1)",
    "Page.size(1)",
    "cached(ttl=1.5)",
    "SkillCache(on_event=1)",
    'cache.get_many("report", 1)',
]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "right.py").write_text(SAMPLE)
    (tmp_path / "wrong.py").write_text("\n".join([SAMPLE, *WRONG, ""]))
    for number, code in enumerate(SNIPPETS):
        (tmp_path / f"readme_{number}.py").write_text(code)
    return tmp_path


def _told(lines: list[int]) -> list[str]:
    text = "\n".join([SAMPLE, *WRONG]).splitlines()
    return [text[line - 1] for line in dict.fromkeys(lines)]


@pytest.mark.long
def test_mypy(files: Path) -> None:
    words = [sys.executable, "-m", "mypy", "--strict", "--explicit-package-bases", "--no-error-summary"]
    paths = [str(files / name) for name in ("right.py", "wrong.py")]
    done = subprocess.run([*words, *paths], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "right.py" not in done.stdout, done.stdout
    found = re.findall(r"^.*wrong\.py:(\d+): error", done.stdout, re.MULTILINE)
    assert _told([int(line) for line in found]) == WRONG, done.stdout


def test_pyright(files: Path) -> None:
    """No part of the test dependencies, for it brings a node of its own."""
    program = _program("basedpyright") or _program("pyright")
    if program is None:
        pytest.skip("pyright is not installed")
    settings = {"typeCheckingMode": "standard", "extraPaths": [str(ROOT)], "include": ["."]}
    (files / "pyrightconfig.json").write_text(json.dumps(settings))
    words = [program, "--outputjson", "--pythonpath", sys.executable, "-p", str(files)]
    done = subprocess.run(words, cwd=files, capture_output=True, text=True, check=False)
    diagnostics: list[dict[str, Any]] = json.loads(done.stdout)["generalDiagnostics"]
    found = [each for each in diagnostics if each["severity"] == "error"]
    assert not [each for each in found if not each["file"].endswith("wrong.py")], done.stdout
    assert _told([each["range"]["start"]["line"] + 1 for each in found]) == WRONG, done.stdout


def _program(name: str) -> str | None:
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
