"""What the README and the reference show runs as shown: Python, JavaScript and the shell lines marked to run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from skillcache.settings import USER
from skillcache.settings.configuration import parse
from tests.conftest import RedisServer, require_program
from tests.readme_tables import PAGES

# What stands before a block says how it runs: `run` in a project of its own, `redis` beside a server, `file` as a file.
BLOCK = re.compile(r"(?:<!-- (\w+) -->\n)?```(\w+)\n(.*?)```", flags=re.DOTALL)


def shown(language: str, mark: str = "") -> list[tuple[str, str]]:
    """The mark and the code of each block in that language, of those with that mark where it says one."""
    blocks = [block for page in PAGES for block in BLOCK.findall(page.read_text())]
    return [(marked, code) for marked, spoken, code in blocks if spoken == language and mark in ("", marked)]


PYTHON = shown("python")
SHELL = [code for _, code in shown("sh", "run")]
TOML = [code for _, code in shown("toml")]
JAVASCRIPT = [code for _, code in shown("js")]


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


@pytest.mark.table
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


@pytest.mark.long
def test_its_types_are_right(environ: dict[str, str]) -> None:
    """What is shown of the library passes `mypy --strict`."""
    folder = Path(environ["PWD"])
    for number, (_, code) in enumerate(PYTHON):
        (folder / f"example_{number}.py").write_text(code)
    run(environ, sys.executable, "-m", "mypy", "--strict", *[f"example_{number}.py" for number in range(len(PYTHON))])


@pytest.mark.table
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
    languages = {spoken for page in PAGES for _, spoken, _ in BLOCK.findall(page.read_text())}
    assert languages == {"python", "sh", "toml", "js"}  # each of which is tried above
    assert len(PYTHON) > 5
    assert len(SHELL) > 6
    assert len(TOML) > 3
