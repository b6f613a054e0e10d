"""What build files say a run depends on: the last run, git's own state, folders beside the project."""

from typing import TYPE_CHECKING

import pytest

from skillcache.core import outcomes
from skillcache.core.outcomes import Bypass

if TYPE_CHECKING:
    from tests.fingerprint.conftest import Project

PYTEST = (("pytest", ""),)
MAKE = (("make", ""),)


@pytest.fixture
def repo(repo: "Project") -> "Project":
    for name in ("pytest", "make"):
        repo.write(f"bin/{name}", "#!/bin/sh\n", mode=0o755)
    repo.environ["PATH"] = f"{repo.top}/bin:{repo.environ['PATH']}"
    repo.commit()
    return repo


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pytest.ini", "[pytest]\naddopts = -q --lf\n"),
        ("tox.ini", "[pytest]\naddopts =\n    -q\n    --cov-append\ntestpaths = x\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = [\n  "-q",\n  "--sw",\n]\n'),
    ],
)
def test_pytest_told_to_go_by_the_last_run_is_a_bypass(repo: "Project", file: str, text: str) -> None:
    repo.write(file, text)
    with pytest.raises(Bypass) as caught:
        repo.capture(executables=PYTEST)
    assert caught.value.outcome is outcomes.COMMAND_FRESH


def test_a_variable_that_tells_it_so_is_one_too(repo: "Project") -> None:
    assert repo.capture(environ={"PYTEST_ADDOPTS": "-q --lfs"})
    with pytest.raises(Bypass) as caught:
        repo.capture(environ={"PYTEST_ADDOPTS": "-q --lf"})
    assert caught.value.outcome is outcomes.COMMAND_FRESH


def test_such_an_option_elsewhere_in_the_file_is_none(repo: "Project") -> None:
    text = '[tool.pytest.ini_options]\naddopts = "-q"\ntestpaths = ["tests"]\n[tool.poe.tasks]\nagain = "pytest --lf"\n'
    repo.write("pyproject.toml", text)
    assert repo.capture(executables=PYTEST)


@pytest.mark.table
@pytest.mark.parametrize(
    "recipe",
    ["git diff --name-only HEAD | xargs pytest", "V=$$(git describe) pytest", "git -C . log -1", "jest --onlyChanged"],
)
def test_a_task_that_asks_git_depends_on_its_state(repo: "Project", recipe: str) -> None:
    repo.write("Makefile", f"test:\n\t{recipe}\n")
    before = repo.rows(executables=MAKE), repo.rows(executables=PYTEST)
    repo.commit()
    assert repo.rows(executables=MAKE) != before[0]
    assert repo.rows(executables=PYTEST) == before[1]
    tagged = repo.rows(executables=MAKE)
    repo.git("tag", "v1")
    assert repo.rows(executables=MAKE) != tagged


def test_a_task_that_asks_for_the_list_of_files_depends_on_the_index_alone(repo: "Project") -> None:
    repo.write("package.json", '{"scripts": {"lint": "eclint check $(git ls-files | xargs find)"}}')
    repo.git("add", "package.json")
    before = repo.rows(executables=MAKE)
    repo.git("commit", "-qm", "all")
    repo.git("tag", "v1")
    assert repo.rows(executables=MAKE) == before
    repo.write("more", "1")
    unknown = repo.rows(executables=MAKE)
    repo.git("add", "more")
    assert repo.rows(executables=MAKE) != unknown


def test_a_task_that_only_speaks_of_git_does_not(repo: "Project") -> None:
    repo.write("package.json", '{"repository": "git+https://x/y.git", "scripts": {"prepare": "git config a b"}}')
    before = repo.rows(executables=MAKE)
    repo.commit()
    assert repo.rows(executables=MAKE) == before


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["../beside"]\n'),
        ("Cargo.toml", '[dependencies]\nx = { path = "../beside" }\n'),
        ("go.mod", "replace x => ../beside\n"),
        ("tsconfig.json", '{"extends": "../beside/base"}'),
    ],
)
def test_what_a_manifest_names_beside_the_project_counts(repo: "Project", file: str, text: str) -> None:
    beside = repo.beside("beside").write("base.json", "1")
    repo.write(file, text)
    before = repo.rows(executables=PYTEST)
    beside.write_text("2")
    assert repo.rows(executables=PYTEST) != before


def test_a_path_that_stays_inside_or_leads_to_a_folder_above_adds_nothing(repo: "Project") -> None:
    repo.write("src/tsconfig.json", '{"extends": "../base.json", "x": "../..", "y": "../../gone"}')
    assert not [row for row in repo.rows("src") if row[0] == "outside"]
