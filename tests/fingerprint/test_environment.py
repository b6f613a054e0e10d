"""Variables, and the shell that Claude Code runs a command in."""

import time
from typing import TYPE_CHECKING

import pytest

from skillcache import outcome
from skillcache.errors import Bypass

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


class TestShell:
    def check(self, repo: "Project", word: str = "pytest", **environ: str) -> outcome.Outcome | None:
        """The bypass of a line that runs `word`, with a tool of that name on the path."""
        repo.beside("home").write(f"bin/{word}", "#!/bin/sh\n", mode=0o755)
        try:
            variables = {"PATH": f"{repo.environ['HOME']}/bin:{PATH}"} | environ
            repo.rows(environ=variables, executables=((word, str(repo.top)),))
        except Bypass as bypass:
            return bypass.outcome
        return None

    @pytest.mark.parametrize(
        "line",
        [
            "alias pytest='pytest -x'",
            "alias -- pytest='pytest -x'",
            "alias ll='ls -l' pytest=py.test",
            "pytest() { command pytest -x; }",
            "  pytest () {",
            "function pytest {",
            "function pytest() {",
            "[ -n x ] && alias pytest=x",
            "eval $'pytest () \\n{ \\n    echo\\n}' > /dev/null 2>&1",
        ],
    )
    @pytest.mark.parametrize("file", [".bashrc", ".zshrc", ".claude/shell-snapshots/snapshot-bash-1-abc.sh"])
    def test_an_alias_or_function_of_a_tool_is_a_bypass(self, repo: "Project", line: str, file: str) -> None:
        assert self.check(repo) is None
        repo.beside("home").write(file, f"export A=1\n{line}\n")
        assert self.check(repo) is outcome.UNCAPTURABLE
        assert self.check(repo, "ruff") is None

    @pytest.mark.parametrize(
        "line",
        ["export PYTEST=1", "# alias for my pytest", "  # alias pytest=x", "pytest --version", "alias pytestx=1"],
    )
    def test_other_mentions_are_none(self, repo: "Project", line: str) -> None:
        repo.beside("home").write(".bashrc", f"{line}\n")
        assert self.check(repo) is None

    def test_the_functions_that_the_client_itself_puts_there_are_none(self, repo: "Project") -> None:
        snapshot = repo.beside("home").write(
            ".claude/shell-snapshots/snapshot-bash-1-abc.sh",
            "# Aliases\nalias -- ll='ls -l'\n# Check for rg availability\nfunction grep {\n",
        )
        assert self.check(repo, "grep") is None
        snapshot.write_text(snapshot.read_text().replace("grep {", "pytest {"))
        assert self.check(repo) is None
        snapshot.write_text(snapshot.read_text().replace("ll=", "pytest="))
        assert self.check(repo) is outcome.UNCAPTURABLE

    def test_aliases_of_filters_count(self, repo: "Project") -> None:
        home = repo.beside("home")
        before = repo.rows()
        home.write(".bashrc", "alias ll='ls -l'\nexport A=1\n")
        assert {row for row in repo.rows() if row[1] == "aliases"} == set()
        home.write(".bashrc", "alias grep='grep -n'\n")
        one = repo.rows()
        assert self.check(repo, "grep") is None
        home.write(".bashrc", "alias grep='grep -c'\n")
        assert len({before, one, repo.rows()}) == 3
        home.write(".bashrc", "tail() {\n command tail -3\n}\n")
        with pytest.raises(Bypass) as caught:
            repo.rows()
        assert caught.value.outcome is outcome.UNCAPTURABLE

    def test_what_session_start_hooks_exported_counts(self, repo: "Project") -> None:
        home = repo.beside("home")
        session = {"CLAUDE_CODE_SESSION_ID": "abc"}
        before = repo.rows(environ=session)
        home.write(".claude/session-env/abc/sessionstart-hook-0.sh", "export NODE_ENV=test\n")
        one = repo.rows(environ=session)
        home.write(".claude/session-env/abc/sessionstart-hook-0.sh", "export NODE_ENV=other\n")
        assert len({before, one, repo.rows(environ=session)}) == 3
        assert repo.rows(environ={"CLAUDE_CODE_SESSION_ID": "other"}) == before

    def test_a_path_that_a_session_start_hook_set_is_the_one_searched(self, repo: "Project") -> None:
        home = repo.beside("home")
        home.write("tools/check", "#!/bin/sh\n", mode=0o755)
        home.write(".claude/session-env/abc/hook.sh", 'export PATH="$HOME/tools:$PATH"\n')
        environ = {"CLAUDE_CODE_SESSION_ID": "abc", "PATH": PATH}
        assert repo.rows(environ=environ, executables=(("check", str(repo.top)),))
        home.write(".claude/session-env/abc/hook.sh", "PATH=$(somewhere)\n")
        with pytest.raises(Bypass) as caught:
            repo.rows(environ=environ)
        assert caught.value.outcome is outcome.UNCAPTURABLE

    def test_start_up_files_count_where_the_shell_reads_them(self, repo: "Project") -> None:
        home = repo.beside("home")
        plain, remote = {"SHLVL": "1"}, {"SHLVL": "0"}
        before = repo.rows(environ=plain), repo.rows(environ=remote)
        home.write(".bashrc", "export A=1\n")
        assert repo.rows(environ=plain) == before[0]
        assert repo.rows(environ=remote) != before[1]
