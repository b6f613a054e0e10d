"""What the project's text leads to, at home and on the machine: programs have settings, suites a past."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skillcache.core.outcomes import Bypass
from tests.commands.test_beyond_the_project import counts, led, real, write
from tests.shims.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = led(tmp_path, "pytest")
    made.start()
    return made


# git, curl, jq, npm and zsh were seen to read theirs; the others by their manuals; nobody has heard of `frob`: what
# is called after a program is its own.
SETTINGS = {
    'run(["git", "init"])': "~/.gitconfig ~/.config/git/config ~/.config/git/attributes",
    'run(["curl", "-s", url])': "~/.curlrc ~/.config/curlrc",
    'run("timeout 5 jq -n f", shell=True)': "~/.jq",
    'run(["npm", "config", "get", "x"])': "~/.npmrc",
    'run(["frob"])': "~/.frobrc ~/.config/frob/config.toml ~/.config/frob.yaml ~/.frob/settings.json"
    " ~/.config/frob/ignore ~/.config/frob/conf.d/x ~/.frob/init.d/x.frob",
    'run(["go", "build"])': "~/.config/go/env",
    'run(["mvn", "-q"])': "~/.m2/settings.xml",
    'run(["gradle", "x"])': "~/.gradle/init.d/x.gradle ~/.gradle/gradle.properties",
    'run(["zsh", "-c", "x"])': "~/.zshenv",
    'run(["sqlite3", "x.db"])': "~/.sqliterc",
    'run(["mysql", "-e", "x"])': "~/.my.cnf",
    "run(\"bash -lc 'echo x'\", shell=True)": "~/.bash_profile ~/.profile",
}


GIT_SAYS = "[x]\n\ty = {}"  # git ends where its settings are none


@pytest.mark.table
@pytest.mark.parametrize("text", SETTINGS)
def test_the_settings_of_a_program_that_a_test_starts_count(shell: Shell, text: str) -> None:
    for name in ("curl", "jq", "npm", "frob", "sqlite3", "mysql", "go", "mvn", "gradle"):
        if name in text:
            shell.tool(name)
    (shell.project / "test_a.py").write_text(text)
    counts(shell, "pytest -q", *SETTINGS[text].split(), says=GIT_SAYS)


def test_those_of_others_do_not(shell: Shell) -> None:
    shell.tool("frob")
    first = shell.key("pytest -q")
    for path in ("~/.frobrc", "~/.config/frob/config.toml", "~/.curlrc", "~/.jq", "~/.bash_profile"):
        write(real(shell, path), "one\n")
        assert shell.key("pytest -q") == first, path


def test_they_lie_where_a_variable_says(shell: Shell) -> None:
    (shell.project / "test_a.py").write_text('run(["git", "init"])')
    elsewhere = str(shell.base / "settings")
    counts(shell, "pytest -q", "../settings/git/config", says=GIT_SAYS, XDG_CONFIG_HOME=elsewhere)


GIT = "[user]\n\tname = {}\n[alias]\n\tst = {}\n[core]\n\teditor = {}\n[init]\n\tdefaultBranch = main\n"


def test_people_with_the_same_settings_share_but_where_a_text_asks_who_they_are(shell: Shell) -> None:
    def key(*settings: str, branch: str = "main") -> str:
        (shell.home / ".gitconfig").write_text(GIT.format(*settings).replace("main", branch))
        return shell.key("pytest -q")

    (shell.project / "test_a.py").write_text('run(["git", "init"])')
    one, other = ("one", "status", "vi"), ("two", "stash", "ed")
    assert key(*one) == key(*other) != key(*other, branch="trunk")
    for text, another in (
        ('run(["git", "config", "user.name"])', ("three", "stash", "ed")),
        ('run(["git", "st"])', ("two", "stage", "ed")),
    ):
        (shell.project / "test_a.py").write_text(text)
        assert key(*other) != key(*another), text


def test_what_git_s_settings_name_counts_where_a_text_runs_git(shell: Shell) -> None:
    write(
        shell.home / ".gitconfig",
        "[init]\n\ttemplateDir = ~/.tmpl\n[core]\n\thooksPath = hooks\n[include]\n\tpath = work.inc\n",
    )
    paths = ("~/.tmpl/hooks/pre-commit", "~/hooks/pre-push", "~/work.inc", "~/more.inc")
    write(shell.home / "work.inc", "[include]\n\tpath = more.inc\n")
    for path in (paths[0], paths[1], paths[3]):
        write(real(shell, path), "one = 1\n")
    (shell.project / "test_a.py").write_text('run(["git", "init"])')
    counts(shell, "pytest -q", *paths, says=GIT_SAYS)


def test_what_a_suite_keeps_in_the_cache_of_pytest_is_an_input(shell: Shell) -> None:
    kept = shell.project / ".pytest_cache/v/my/n"
    kept.parent.mkdir(parents=True)
    kept.write_text("0")
    (shell.project / ".gitignore").write_text(".pytest_cache/\n")
    (shell.project / "conftest.py").write_text("def pytest_configure(config):\n    config.cache.get('my/n', 0)\n")
    (shell.base / "do.sh").write_text(
        "n=$(cat .pytest_cache/v/my/n); echo run $n; echo $((n + 1)) >.pytest_cache/v/my/n\n"
    )
    assert [shell.call("pytest -q").stdout for _ in range(3)] == ["run 0\n", "run 1\n", "run 2\n"]
    counts(shell, "pytest -q", ".pytest_cache/v/my/n")


def test_a_task_that_acts_elsewhere_runs(shell: Shell) -> None:
    shell.tool("make", '#!/bin/sh\necho make >>"$COUNTER"; echo made\n')
    names = ("apptainer", "nix-shell", "limactl", "ddev", "adb", "chroot", "podman-compose")
    for name in names:
        shell.tool(name)
        (shell.project / "Makefile").write_text(f"test:\n\t@{name} run app pytest\nlint:\n\t@ruff check\n")
        with pytest.raises(Bypass):
            shell.key("make test")
        assert shell.key("make lint"), name
    shell.start()
    shell.same("make test", runs=2)
    shell.same("make lint", runs=1)


ENVIRONMENTS = {
    "Makefile": ("make test", "test:\n\t@../env/bin/python -m pytest -q\n", "../env"),
    "t.sh": ("pytest -q", ". $HOME/.virtualenvs/env/bin/activate && pytest", "~/.virtualenvs/env"),
    "test_a.py": ("pytest -q", "run([Path.home() / '.virtualenvs' / 'env/bin/python', 'x'])", "~/.virtualenvs/env"),
}


@pytest.mark.parametrize("path", ENVIRONMENTS)
def test_the_packages_of_an_environment_elsewhere_count_where_a_text_names_its_programs(
    shell: Shell, path: str
) -> None:
    line, text, place = ENVIRONMENTS[path]
    shell.tool("make", (shell.bin / "pytest").read_text())
    (shell.project / path).write_text(text)
    top = real(shell, place)
    for name in ("pyvenv.cfg", "bin/activate"):
        write(top / name, "version = 3.11\n")
    (top / "bin/python").symlink_to("/usr/bin/python3")
    counts(shell, line, f"{top}/lib/python3.11/site-packages/six.py")


def test_a_time_zone_counts_where_a_text_asks_for_it(shell: Shell) -> None:
    (shell.project / "test_a.py").write_text("time.localtime()")
    first, tokyo, again = (shell.key("pytest -q", TZ=zone) for zone in ("UTC", "Asia/Tokyo", "UTC"))
    assert first == again != tokyo


def test_files_that_texts_find_behind_a_variable_and_in_their_turn_count(shell: Shell) -> None:
    (shell.project / "test_a.py").write_text("open(os.path.join(os.environ['DATA_DIR'], 'x.txt'))\nimport helper")
    write(shell.base / "lib/helper.py", "open(os.path.dirname(__file__) + '/../kept/y.txt')")
    write(shell.base / "data/x.txt", "one\n")
    write(shell.base / "kept/y.txt", "one\n")
    given = {"DATA_DIR": str(shell.base / "data"), "PYTHONPATH": str(shell.base / "lib")}
    counts(shell, "pytest -q", "../data/x.txt", "../kept/y.txt", **given)
    assert os.listdir(shell.base / "data") == ["x.txt"]
