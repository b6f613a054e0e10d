"""The variables that a command sees."""

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from skillcache.core.outcomes import Bypass
from skillcache.fingerprint.variables import BUT, IGNORED, IS_FOLDER, IS_SET, capture

if TYPE_CHECKING:
    from tests.fingerprint.conftest import Project

PATH = "/usr/bin:/bin"


@pytest.mark.parametrize("name", ["CI", "PYTEST_ADDOPTS", "PYTHONPATH", "LC_ALL", "npm_config_x", "APP_DATABASE_URL"])
def test_a_variable_counts_and_empty_is_not_unset(repo: "Project", name: str) -> None:
    unset = repo.rows()
    assert len({unset, repo.rows(environ={name: ""}), repo.rows(environ={name: "1"})}) == 3


@pytest.mark.parametrize("name", ["EDITOR", "SSH_AUTH_SOCK", "CLAUDE_PID", "PYENV_SHELL", "SHLVL", "OLDPWD", "_"])
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


@pytest.mark.parametrize("name", ["OLDPWD", "SHLVL"])
def test_what_the_shell_counts_for_itself_counts_where_a_text_reads_it(repo: "Project", name: str) -> None:
    two = {name: "/1"}, {name: "/2"}
    assert len({repo.rows(environ=each) for each in two}) == 1
    repo.write("a.py", f"os.environ['{name}']")
    assert len({repo.rows(environ=each) for each in two}) == 2


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


_WORDS = " ".join(IGNORED.values()).split()
_FAMILIES = tuple(word for word in _WORDS if word.endswith("_") and word != "_")
_BESIDE = {*_WORDS, *IS_SET, *IS_FOLDER, "HOME", "AI_AGENT", "GIT_AUTHOR_DATE"}
_NAMES = st.text(st.characters(exclude_characters="=\0", exclude_categories=["Cs"]), min_size=1, max_size=30)
_VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


@given(name=_NAMES, values=st.sets(_VALUES, min_size=2, max_size=2))
@example(name="DO_THING", values={"", "1"})
@example(name="NODE_TLS_REJECT_UNAUTHORIZED", values={"0", "1"})
def test_any_variable_that_is_not_in_the_table_counts_by_its_value(name: str, values: set[str]) -> None:
    if name in _BESIDE or (name.startswith(_FAMILIES) and name not in BUT):
        return
    found = [capture(environ, (), "/p") for environ in ({}, *({name: value} for value in values))]
    assert len({tuple(rows) for rows in found}) == 3


@pytest.mark.parametrize("name", _WORDS)
def test_each_of_the_table_does_not(name: str) -> None:
    name = f"{name}ANY" if name in _FAMILIES else name
    assert capture({name: "1"}, (), "/p") == capture({}, (), "/p") == []
    assert capture({name: "1"}, (name,), "/p") != capture({name: "2"}, (name,), "/p")  # but where a rule names it


@pytest.mark.parametrize("name", sorted(BUT))
def test_what_makes_a_line_run_otherwise_counts(name: str) -> None:
    assert capture({name: "1"}, (), "/p") != capture({name: "2"}, (), "/p")


@pytest.mark.parametrize("name", sorted(IS_SET))
def test_of_some_it_counts_that_they_are_set(name: str) -> None:
    rows = [capture({name: value}, (), "/p") for value in ("", "1", "2")]
    assert rows[0] != rows[1] == rows[2] != []


@pytest.mark.parametrize("name", sorted(IS_FOLDER))
def test_of_some_that_there_is_such_a_folder(name: str) -> None:
    rows = [capture({name: value}, (), "/p") for value in ("/nowhere", "/usr", "/tmp")]  # noqa: S108
    assert rows[0] != rows[1] == rows[2] != []


def test_two_people_with_two_homes_agree() -> None:
    def rows(user: str, root: str, **more: str) -> list[tuple[str, str]]:
        home = f"/home/{user}"
        environ = {"HOME": home, "USER": user, "LOGNAME": user, "NVM_DIR": f"{home}/.nvm", "OF": f"/Users/{user}/x"}
        return sorted(capture({**environ, "APP": f"{root}/app:{home}/bin", **more}, (), root))

    ada, ben = rows("ada", "/home/ada/p"), rows("ben", "/srv/p")
    assert ada == ben
    assert rows("ada", "/home/ada/p", HOME="/tmp/clean") != ada  # noqa: S108 - one that was chosen for the run
    assert rows("ben", "/srv/p", SPOOL="/spool/ben2/x") != ben


def test_a_client_of_another_version_asks_as_an_agent_too() -> None:
    agents = ("claude-code_2-1-332_agent", "claude-code_2-1-330_agent", "codex")
    one, same, other = (capture({"AI_AGENT": agent}, (), "/p") for agent in agents)
    assert one == same != other


def test_two_variables_of_one_value_do_not_show_it() -> None:
    assert len({value for _, value in capture({"ONE": "x", "OTHER": "x"}, (), "/p")}) == 2


def test_more_values_than_can_be_looked_at_are_too_much(repo: "Project") -> None:
    with pytest.raises(Bypass):
        repo.rows(environ={"APP": "a:" * 5000})


def test_a_large_file_that_a_variable_names_counts(repo: "Project") -> None:
    path = repo.beside("other").write("large.so", b"x" * (2 << 20))
    environ = {"APP_PRELOAD": str(path)}
    before = repo.rows(environ=environ)
    assert repo.rows(environ=environ) == before
    path.write_bytes(b"y" * (2 << 20))
    assert repo.rows(environ=environ) != before
