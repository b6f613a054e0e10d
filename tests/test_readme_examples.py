"""What the README shows runs as it is shown: its Python, its JavaScript and the shell lines marked to run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from skillcache.settings.configuration import parse
from skillcache.settings.table import USER
from tests.conftest import RedisServer, require_program
from tests.readme_tables import README

TEXT = README.read_text()
# What stands before a block says how it runs: `run` in a project of its own, `redis` beside a server, `file` as a file.
BLOCKS = re.findall(r"(?:<!-- (\w+) -->\n)?```(python|sh|toml|js)\n(.*?)```", TEXT, flags=re.DOTALL)
PYTHON = [(mark, code) for mark, language, code in BLOCKS if language == "python"]
SHELL = [code for mark, language, code in BLOCKS if language == "sh" and mark == "run"]
TOML = [code for _, language, code in BLOCKS if language == "toml"]
JAVASCRIPT = [code for _, language, code in BLOCKS if language == "js"]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A person of their own in a small project; `skillcache` is this one."""
    (tmp_path / "home").mkdir()
    project = tmp_path / "project"
    project.mkdir()
    (project / "README.md").write_text("one\n")
    variables = {
        "HOME": str(tmp_path / "home"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "PWD": str(project),
    }
    subprocess.run(["git", "init", "-q", str(project)], check=True, env=variables)
    return variables


def run(environ: dict[str, str], *words: str, given: str = "") -> str:
    done = subprocess.run(
        words, input=given, env=environ, cwd=environ["PWD"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(("mark", "code"), PYTHON, ids=range(len(PYTHON)))
def test_python_runs(mark: str, code: str, environ: dict[str, str], request: pytest.FixtureRequest) -> None:
    if mark == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        environ["REDIS_URL"] = server.url
    if mark != "file":
        run(environ, sys.executable, "-W", "error", "-", given=code)
        return
    (Path(environ["PWD"]) / "example.py").write_text(code)
    said = run(environ, sys.executable, "-W", "error", "example.py")
    assert said.strip() in code  # what it prints stands beside the line


def test_its_types_are_right(environ: dict[str, str]) -> None:
    """What the README shows of the library passes `mypy --strict`."""
    folder = Path(environ["PWD"])
    for number, (_, code) in enumerate(PYTHON):
        (folder / f"example_{number}.py").write_text(code)
    run(environ, sys.executable, "-m", "mypy", "--strict", *[f"example_{number}.py" for number in range(len(PYTHON))])


@pytest.mark.parametrize("code", SHELL, ids=range(len(SHELL)))
def test_shell_lines_run(code: str, environ: dict[str, str]) -> None:
    assert run(environ, "bash", "-euc", code)


def test_a_repeat_that_is_shown_is_a_replay(environ: dict[str, str]) -> None:
    (shown,) = [code for code in SHELL if "at once" in code]
    assert "replayed" in run(environ, "bash", "-euc", shown)


@pytest.mark.parametrize("code", TOML, ids=range(len(TOML)))
def test_configuration_is_valid(code: str) -> None:
    values, rules, warnings = parse(code.encode(), "config.toml", USER)
    assert warnings == []
    assert len(rules) == code.count("[[rules]]")
    assert values or rules


def test_javascript_gives_what_it_says() -> None:
    (code,) = JAVASCRIPT
    node = require_program("node")
    done = subprocess.run([node, "--input-type=module"], input=code, capture_output=True, text=True, check=True)
    (said,) = re.findall(r"// (skill_cache:\S+)", code)
    assert done.stdout.strip() == said


def test_every_kind_of_example_is_there() -> None:
    assert PYTHON
    assert SHELL
    assert len(TOML) > 2
