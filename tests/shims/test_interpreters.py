"""An interpreter that a shim stands in for knows itself as it would without us."""

import os
import sys
import venv
from pathlib import Path

import pytest

from tests.fidelity.bash_tool import BashTool

LINES = (
    "python -c 'import sys, os; print(sys.executable, sys.prefix, sys.orig_argv[0], os.environ[\"PATH\"])'",
    "python3 nowhere.py",
    "python -m pytest --version",  # the shim looks at this one, and the environment has no such module
    "source .venv/bin/activate; python -c 'import sys; print(sys.executable, sys.prefix)'",
    "timeout 60 python -c 'import sys; print(sys.prefix)'",
)


@pytest.mark.parametrize("line", LINES)
def test_python_is_of_its_own_environment(tmp_path: Path, line: str) -> None:
    (project := tmp_path / "project").mkdir()
    (tmp_path / "calls").mkdir()
    venv.create(project / ".venv")
    first = os.path.dirname(os.path.realpath(sys.executable)) if "activate" in line else project / ".venv/bin"
    environ = {"PATH": f"{first}:/usr/bin:/bin", "HOME": str(tmp_path)}
    bash = BashTool(tmp_path / "calls")
    preamble = bash.begin("s", str(project), environ)
    assert "skillcache" in preamble
    served = bash.run(line, str(project), environ, session="s", preamble=preamble)
    assert served == bash.run(line, str(project), environ, preamble=":\n")
