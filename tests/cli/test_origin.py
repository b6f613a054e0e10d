"""What is installed anew is what was installed; its name, which may be another's on an index, is the last resort."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skillcache

PACKAGE = Path(skillcache.__file__).parent
SAY = "from skillcache.cli.setup import package; print(package())"


@pytest.mark.table
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"url": "file:///a%20b/clone", "dir_info": {}}, "'/a b/clone'"),
        ({"url": "https://example.org/x.git", "vcs_info": {"vcs": "git"}}, "git+https://example.org/x.git"),
        ({"url": "https://example.org/x.whl", "archive_info": {}}, "https://example.org/x.whl"),
        ({"url": 5}, "skillcache"),
        ([], "skillcache"),
        (None, "skillcache"),
    ],
)
def test_an_installation_is_named_by_where_it_came_from(tmp_path: Path, said: object, expected: str) -> None:
    shutil.copytree(PACKAGE, tmp_path / "skillcache", ignore=shutil.ignore_patterns("__pycache__"))
    about = tmp_path / "skillcache-0.1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: skillcache\nVersion: 0.1.0\n")
    if said is not None:
        (about / "direct_url.json").write_text(json.dumps(said))
    assert _said(tmp_path) == expected


def test_a_checkout_is_named_by_its_path() -> None:
    assert _said(PACKAGE.parent) == str(PACKAGE.parent)


def _said(folder: Path) -> str:
    argv = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {SAY}"]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
