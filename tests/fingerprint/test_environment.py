"""The variables that a command sees."""

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fingerprint.conftest import Project

PATH = "/usr/bin:/bin"


@pytest.mark.parametrize("name", ["CI", "PYTEST_ADDOPTS", "PYTHONPATH", "LC_ALL", "npm_config_x", "APP_DATABASE_URL"])
def test_a_variable_counts_and_empty_is_not_unset(repo: "Project", name: str) -> None:
    unset = repo.rows()
    assert len({unset, repo.rows(environ={name: ""}), repo.rows(environ={name: "1"})}) == 3


@pytest.mark.parametrize("name", ["EDITOR", "SSH_AUTH_SOCK", "CLAUDE_PID", "PYENV_DIR", "SHLVL", "OLDPWD", "_"])
def test_other_variables_do_not_count(repo: "Project", name: str) -> None:
    assert repo.rows() == repo.rows(environ={name: "1"})


def test_the_date_of_a_commit_that_is_being_made_does_not_count(repo: "Project") -> None:
    now = int(time.time())
    rows = [repo.rows(environ={"GIT_AUTHOR_DATE": f"@{seconds} +0100"}) for seconds in (now, now - 1, now - 86_400)]
    assert rows[0] == rows[1] != rows[2]
    assert repo.rows(environ={"GIT_AUTHOR_DATE": "today"}) not in rows


def test_a_variable_that_the_rule_names_counts(repo: "Project") -> None:
    unset = repo.rows(variables=("MINE",))
    assert ("env", "MINE", "unset") in unset
    assert repo.rows(variables=("MINE",), environ={"MINE": "1"}) != unset


def test_values_are_never_shown(repo: "Project") -> None:
    found = repo.capture(environ={"DATABASE_URL": "postgres://user:hunter2@host/db"})
    assert "hunter2" not in repr((found.rows, found.details))


def test_a_path_into_the_project_is_the_same_in_two_worktrees(repo: "Project") -> None:
    repo.git("worktree", "add", "-q", "../tree")
    tree = repo.beside("tree")
    rows = [p.rows(environ={"PYTHONPATH": f"{p.top}/src:{p.top}", "MYPYPATH": str(p.top)}) for p in (repo, tree)]
    assert rows[0] == rows[1]


def test_a_variable_set_in_the_line_counts_for_what_is_captured(repo: "Project") -> None:
    module = repo.beside("modules").write("a.py", "1")
    assigned = (("PYTHONPATH", str(module.parent)),)
    before = repo.rows(assignments=assigned)
    module.write_text("2")
    assert repo.rows(assignments=assigned) != before
